//! Who is told of a run: programs of the project, and a webhook.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{fleet::Fleet, store::App};

/// A path that whoever has it may write to.
const SECRET: &str = "/services/T0/hunter2hunter2";
const HOOKS: [&str; 7] =
    ["before_deploy", "after_deploy", "before_rollback", "after_rollback", "before_upgrade", "after_upgrade", "on_failure"];

/// An HTTP server that keeps what it is sent, and answers with these statuses, the last one again and again.
struct Server {
    port: u16,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let bodies = Arc::<Mutex<Vec<String>>>::default();
        let kept = bodies.clone();
        thread::spawn(move || {
            for (at, stream) in listener.incoming().enumerate() {
                let status = statuses[at.min(statuses.len() - 1)];
                let body = answer(stream.unwrap(), status);
                kept.lock().unwrap().push(body);
            }
        });
        Self { port, bodies }
    }
    fn address(&self) -> String {
        format!("http://127.0.0.1:{}{SECRET}", self.port)
    }
    fn bodies(&self) -> Vec<Value> {
        self.bodies.lock().unwrap().iter().map(|body| serde_json::from_str(body).unwrap()).collect()
    }
    fn texts(&self) -> Vec<String> {
        self.bodies().iter().map(|body| body["text"].as_str().unwrap().to_owned()).collect()
    }
}

/// Reads one request, answers, and gives its body.
fn answer(stream: TcpStream, status: u16) -> String {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_ascii_lowercase()),
        }
    }
    let to = lines[0].strip_prefix("post ").and_then(|rest| rest.strip_suffix(" http/1.1")).unwrap_or_default();
    assert!(
        to == SECRET.to_ascii_lowercase() || to == "/v1/traces" && lines.contains(&"api-key: hunter2 3".to_owned()),
        "{lines:?}"
    );
    assert!(lines.contains(&"content-type: application/json".to_owned()), "{lines:?}");
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nlocation: {SECRET}\r\nconnection: close\r\n\r\n");
    (&stream).write_all(answer.as_bytes()).unwrap();
    String::from_utf8(body).unwrap()
}

/// A fleet whose every hook writes its moment, and keeps what it is told.
fn fleet(hosts: usize, more: &str) -> Fleet {
    let fleet = Fleet::new(App::Relx, hosts);
    let keep = r#"echo "$EDELIVER_RUN_MOMENT $EDELIVER_RUN_TARGET $EDELIVER_RUN_VERSION $EDELIVER_RUN_HOSTS $EDELIVER_RUN_RESULT" >>told
cat >"$EDELIVER_RUN_MOMENT.json""#;
    fleet.script("deploy/keep", keep);
    let hooks: String =
        HOOKS.iter().filter(|hook| !more.contains(*hook)).map(|hook| format!("{hook} = \"deploy/keep\"\n")).collect();
    fleet.last_table("run_hooks", &format!("{hooks}{more}"));
    fleet
}
fn told(fleet: &Fleet) -> Vec<String> {
    let text = fs::read_to_string(fleet.project().join("told")).unwrap_or_default();
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}
fn json(fleet: &Fleet, moment: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(fleet.project().join(format!("{moment}.json"))).unwrap()).unwrap()
}
fn journals(fleet: &Fleet) -> String {
    let runs = fs::read_dir(fleet.project().join(".deliver/runs")).unwrap();
    runs.map(|run| fs::read_to_string(run.unwrap().path()).unwrap()).collect()
}
/// But for the lease.
fn nothing_was_changed(fleet: &Fleet) -> bool {
    let root = fs::read_dir(fleet.root("one")).into_iter().flatten();
    root.map(|entry| entry.unwrap().file_name()).all(|name| name == ".edeliver")
}
fn is_deployed(fleet: &Fleet, version: &str) -> bool {
    fleet.root("one").join("releases").join(version).exists()
}

#[test]
fn hooks_of_a_run_are_told_what_is_done_before_and_after_it() {
    let fleet = fleet(2, "");
    fleet.edeliver("deploy release --version=0.1.0").ok();
    assert_eq!(told(&fleet), ["before-deploy staging 0.1.0 one two", "after-deploy staging 0.1.0 one two done"]);
    let before = json(&fleet, "before-deploy");
    assert_eq!((&before["v"], &before["action"], &before["app"]), (&1.into(), &"deploy".into(), &"relapp".into()));
    assert_eq!((&before["hosts"], before.get("ended")), (&serde_json::json!(["one", "two"]), None));
    let after = json(&fleet, "after-deploy");
    assert_eq!(
        (&after["run"], &after["ended"]["result"], &after["ended"]["exit_code"]),
        (&before["run"], &"done".into(), &0.into())
    );
    assert_eq!(after["ended"]["hosts"][1]["host"], "two");

    fleet.edeliver("deploy release --version=0.1.0").ok();
    fleet.edeliver("deploy release --version=0.2.0 --plan").ok();
    assert_eq!(told(&fleet).len(), 2, "nothing to do and a plan are told nobody");
    fleet.edeliver("deploy release --version=0.2.0").ok();
    fleet.edeliver("rollback staging").ok();
    assert_eq!(told(&fleet)[4..], ["before-rollback staging  one two", "after-rollback staging  one two done"]);
}

#[test]
fn a_hook_that_stands_before_and_fails_stops_the_run_before_anything_is_changed() {
    let server = Server::start(&[200]);
    let fleet = fleet(1, &format!("before_deploy = \"deploy/no\"\n[notify]\nwebhook = {:?}", server.address()));
    fleet.script("deploy/no", "echo 'it is Friday' >&2; exit 3");
    let told_user = fleet.edeliver("deploy release --version=0.1.0").ends_with(4);
    for part in ["the hook before-deploy failed with exit status: 3", "it is Friday", "nothing was changed"] {
        assert!(told_user.contains(part), "{part}: {told_user}");
    }
    assert!(nothing_was_changed(&fleet));
    assert!(told(&fleet).is_empty() && server.bodies().is_empty(), "what has not begun has not failed");
}

#[test]
fn a_hook_that_stands_after_and_fails_is_told_and_undoes_nothing() {
    let fleet = fleet(1, "after_deploy = \"deploy/no\"");
    fleet.script("deploy/no", "echo 'no tag' >&2; exit 3");
    let told_user = fleet.edeliver("deploy release --version=0.1.0").ok();
    assert!(told_user.contains("warning: the hook after-deploy failed with exit status: 3: no tag"), "{told_user}");
    assert!(told_user.contains("what was done stays done"), "{told_user}");
    assert!(is_deployed(&fleet, "0.1.0"));
    assert_eq!(told(&fleet), ["before-deploy staging 0.1.0 one"]);
}

#[test]
fn a_run_that_fails_is_told_with_what_came_of_each_host() {
    let server = Server::start(&[200]);
    let fleet = fleet(2, &format!("[notify]\nwebhook = {:?}\n", server.address()));
    fleet.edeliver("deploy release --version=0.1.0").ok();
    fs::write(fleet.root("two").join("lib/relapp-0.2.0"), "in the way").unwrap();
    fleet.edeliver("deploy release --version=0.2.0").ends_with(9);
    assert_eq!(told(&fleet)[2..], ["before-deploy staging 0.2.0 one two", "on-failure staging 0.2.0 one two failed"]);
    let hosts = &json(&fleet, "on-failure")["ended"]["hosts"];
    assert_eq!((&hosts[0]["result"], &hosts[1]["result"]), (&"skipped".into(), &"failed".into()));
    let texts = server.texts();
    assert_eq!(texts.len(), 4, "{texts:?}");
    assert!(texts[0].starts_with("deploy relapp 0.1.0 to staging: begins on 2 hosts"), "{texts:?}");
    assert!(texts[1].starts_with("deploy relapp 0.1.0 to staging: done after"), "{texts:?}");
    assert!(
        texts[3].starts_with("deploy relapp 0.2.0 to staging: FAILED after") && texts[3].contains("\ntwo: failed – "),
        "{texts:?}"
    );
}

const WAVES: &str =
    "before_wave = \"deploy/wave\"\nafter_wave = \"deploy/wave\"\n[targets.staging.rollout]\nwaves = [1, \"rest\"]\n";

#[test]
fn hooks_stand_around_each_wave_and_the_one_before_may_stop_the_rollout() {
    let fleet = fleet(3, WAVES);
    let wave = r#"echo "$EDELIVER_RUN_MOMENT $EDELIVER_RUN_WAVE $EDELIVER_RUN_HOSTS" >>told
cat >"wave.json"
[ "$EDELIVER_RUN_VERSION $EDELIVER_RUN_MOMENT $EDELIVER_RUN_WAVE" != "0.2.0 before-wave 2/2" ] || { echo 'the graph looks odd'; exit 1; }"#;
    fleet.script("deploy/wave", wave);
    fleet.edeliver("deploy release --version=0.1.0").ok();
    let waves = ["before-wave 1/2 one", "after-wave 1/2 one", "before-wave 2/2 two three", "after-wave 2/2 two three"];
    assert_eq!(told(&fleet)[1..5], waves);
    let json = json(&fleet, "wave");
    assert_eq!((&json["wave"]["number"], json["wave"]["done"].as_array().unwrap().len()), (&2.into(), 3));

    let stopped = fleet.edeliver("deploy release --version=0.2.0").ends_with(8);
    assert!(stopped.contains("the hook before-wave failed with exit status: 1: the graph looks odd"), "{stopped}");
    let boots = |host: &str| fleet.read(host, "releases/start_erl.data").split_whitespace().last().unwrap().to_owned();
    assert_eq!(["one", "two", "three"].map(boots), ["0.2.0", "0.1.0", "0.1.0"]);

    let config = fs::read_to_string(fleet.project().join("edeliver.toml")).unwrap();
    fs::write(fleet.project().join("edeliver.toml"), config + "on_failure = \"rollback\"\n").unwrap();
    fleet.edeliver("rollback --host=one").ok();
    fleet.edeliver("deploy release --version=0.2.0").ends_with(9);
    assert_eq!(["one", "two", "three"].map(boots), ["0.1.0"; 3]);
}

#[test]
fn a_hook_that_hangs_is_ended_when_its_time_is_over() {
    let fleet = fleet(1, "before_deploy = \"deploy/hang\"\ntimeout = \"1s\"");
    fleet.script("deploy/hang", "echo $$ >pid; echo waiting; sleep 300");
    let told_user = fleet.edeliver("deploy release --version=0.1.0").ends_with(4);
    assert!(told_user.contains("did not end within 1 s") && told_user.contains("run_hooks.timeout"), "{told_user}");
    assert_gone(&fs::read_to_string(fleet.project().join("pid")).unwrap());
    assert!(nothing_was_changed(&fleet));
}

#[test]
fn an_interruption_ends_a_hook_and_the_run_and_one_after_the_work_only_the_hook() {
    let fleet = fleet(1, "before_deploy = \"deploy/hang\"\nafter_rollback = \"deploy/hang\"");
    fleet.script("deploy/hang", "echo $$ >pid.new; mv pid.new pid; sleep 300");
    let (code, said) = interrupted(&fleet, &["deploy", "release", "--version=0.1.0"]);
    assert_eq!(code, 130, "{said}");
    assert!(nothing_was_changed(&fleet) && told(&fleet).is_empty());

    fleet.last_table("run_hooks", "after_rollback = \"deploy/hang\"");
    fleet.edeliver("deploy release --version=0.1.0").ok();
    fleet.edeliver("deploy release --version=0.2.0").ok();
    let (code, said) = interrupted(&fleet, &["rollback"]);
    assert_eq!(code, 0, "the rollback was done: {said}");
    assert!(said.contains("the hook after-rollback was ended, because you interrupted it"), "{said}");
}

/// Runs it, presses Ctrl-C while the hook hangs, and sees that the hook has gone.
fn interrupted(fleet: &Fleet, words: &[&str]) -> (i32, String) {
    let file = fleet.project().join("pid");
    let _ = fs::remove_file(&file);
    let child = fleet.start(words);
    while !file.exists() {
        thread::sleep(Duration::from_millis(100));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_gone(&fs::read_to_string(file).unwrap());
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn assert_gone(pid: &str) {
    let left = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(left.is_empty() || left.contains(") Z "), "{left}");
}

#[test]
fn what_a_hook_prints_is_shown_without_secrets_and_it_may_call_edeliver_without_an_end() {
    let server = Server::start(&[200]);
    let more = format!("before_deploy = \"deploy/call\"\n[notify]\nwebhook = {:?}\non = [\"failure\"]\n", server.address());
    let other = "[targets.other]\nhosts = [{ name = \"four\", path = \"elsewhere\" }]";
    let fleet = fleet(1, &(more + other));
    // Another target's: this one's hosts are ours as long as this run changes them.
    let call = format!("cat edeliver.toml\n{} deploy release to other --version=0.1.0 2>&1", env!("CARGO_BIN_EXE_edeliver"));
    fleet.script("deploy/call", &call);
    let told_user = fleet.edeliver("deploy release --version=0.1.0 --verbose").ok();
    assert!(told_user.contains("the hook before-deploy is not run, because a hook runs this command"), "{told_user}");
    assert!(told_user.contains("webhook = \"********\""), "{told_user}");
    assert!(!(told_user + &journals(&fleet)).contains("hunter2"));
    assert!(is_deployed(&fleet, "0.1.0"));
    assert!(server.bodies().is_empty(), "only failures are told");
}

#[test]
fn a_webhook_never_fails_a_run_and_its_address_is_never_shown() {
    let server = Server::start(&[500, 503, 200, 404]);
    let fleet = Fleet::new(App::Relx, 1);
    fleet.last_table("run_hooks", "[notify]\nformat = \"json\"\n");
    let deploy = |address: &str, line: &str| {
        let output = fleet.edeliver_with(&[("EDELIVER_NOTIFY_WEBHOOK", address)], line);
        assert!(!output.told.contains("hunter2"), "{}", output.told);
        output.ok()
    };
    let told_user = deploy(&server.address(), "deploy release --version=0.1.0 --debug");
    assert!(told_user.contains("the webhook was not told of this run: its server says 404"), "{told_user}");
    assert!(told_user.contains("EDELIVER_NOTIFY_WEBHOOK"), "{told_user}");
    let bodies = server.bodies();
    let moments: Vec<&Value> = bodies.iter().map(|body| &body["moment"]).collect();
    assert_eq!(moments, ["start", "start", "start", "success"]);
    assert_eq!(bodies[3]["ended"]["hosts"][0]["host"], "one");

    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(); // closed again
    let told_user = deploy(&format!("http://127.0.0.1:{free}{SECRET}"), "deploy release --version=0.2.0 --json");
    assert!(told_user.contains("its server can't be reached"), "{told_user}");
    for wrong in ["ftp://x/hunter2", "hunter2", "http://", "https://x/hunter2 y"] {
        let output = fleet.edeliver_with(&[("EDELIVER_NOTIFY_WEBHOOK", wrong)], "config check").ends_with(3);
        assert!(output.contains("is not the address of a webhook") && !output.contains("hunter2"), "{output}");
    }
    let shown = deploy(&server.address(), "config show notify");
    assert!(shown.contains("********") && shown.contains("$EDELIVER_NOTIFY_WEBHOOK"), "{shown}");
    assert!(!journals(&fleet).contains("hunter2"));
}

#[test]
fn a_hook_that_cannot_be_run_is_told_before_anything_is_done() {
    let fleet = Fleet::new(App::Relx, 1);
    fleet.last_table("run_hooks", "after_deploy = \"deploy/missing\"");
    let told_user = fleet.edeliver("deploy release --version=0.1.0").ends_with(3);
    assert!(told_user.contains("`run_hooks.after_deploy`: deploy/missing does not exist"), "{told_user}");
    assert!(told_user.contains("after_deploy = \"deploy/missing\""), "its place: {told_user}");
    fleet.script("deploy/missing", "");
    fs::set_permissions(fleet.project().join("deploy/missing"), fs::Permissions::from_mode(0o644)).unwrap();
    let told_user = fleet.edeliver("config check").ends_with(3);
    assert!(told_user.contains("is not executable") && told_user.contains("chmod +x"), "{told_user}");
    fleet.last_table("run_hooks", "after_deplyo = \"deploy/missing\"");
    assert!(fleet.edeliver("config check").ends_with(3).contains("did you mean `after_deploy`?"));
    assert!(!fleet.root("one").exists());
}

#[test]
fn a_run_is_exported_as_spans_where_opentelemetry_is_wanted() {
    let server = Server::start(&[200]);
    let fleet = Fleet::new(App::Relx, 2);
    let endpoint = format!("http://127.0.0.1:{}", server.port);
    let edeliver = |line: &str| {
        let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2%203")];
        let done = fleet.edeliver_with(&variables, line);
        assert!(!done.told.contains("hunter2"), "{}", done.told);
        done.ok();
    };
    edeliver("deploy release --version=0.1.0");
    edeliver("releases");
    let bodies = server.bodies();
    assert_eq!(bodies.len(), 1, "questions are not exported");
    let spans = bodies[0]["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let find = |name: &str| {
        spans.iter().find(|span| span["name"].as_str().unwrap().starts_with(name)).unwrap_or_else(|| panic!("{name}: {spans:#?}"))
    };
    let (run, host, step) = (find("deploy relapp 0.1.0 to staging"), find("two"), find("put 0.1.0 beside"));
    assert_eq!((&run["parentSpanId"], &host["parentSpanId"]), (&"".into(), &run["spanId"]));
    assert!([find("one"), host].iter().any(|host| host["spanId"] == step["parentSpanId"]));
    let nanos = |span: &Value, key: &str| span[key].as_str().unwrap().parse::<u128>().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    assert!(now - nanos(run, "endTimeUnixNano") < 300_000_000_000);
    for span in spans {
        assert!(nanos(span, "startTimeUnixNano") <= nanos(span, "endTimeUnixNano"), "{span}");
        assert!(nanos(run, "startTimeUnixNano") <= nanos(span, "startTimeUnixNano"), "{span}");
    }
}

#[test]
fn a_trace_that_nobody_takes_is_a_warning() {
    let fleet = Fleet::new(App::Relx, 1);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(); // closed again
    let endpoint = format!("http://127.0.0.1:{free}");
    let told_user = fleet.edeliver_with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)], "deploy release --version=0.1.0").ok();
    assert!(told_user.contains("the trace of this run was not taken: its server can't be reached"), "{told_user}");
    assert!(is_deployed(&fleet, "0.1.0"));
}
