//! Hooks in the real bash, calling the real program back, on "hosts" that are this machine.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use edeliver::{
    config::{self, Flags, Loaded},
    error::chain,
    hook::{HookError, HookRemote, Hosts, Options, Session, vars},
    report::{Draft, Reporter},
    transport::{Local, Transport},
};
use edeliver_core::{config::HostSpec, event::EventKind};
use tokio::sync::mpsc::UnboundedReceiver;

/// A project with a classic config, its hooks running, and hosts whose homes are folders.
struct Lab {
    dir: tempfile::TempDir,
    loaded: Loaded,
    session: Session,
    told: std::sync::Mutex<UnboundedReceiver<Draft>>,
    hosts: Arc<dyn HookRemote>,
}

const HEAD: &str =
    "APP=hotapp\nBUILD_HOST=b BUILD_AT=/b\nSTAGING_HOSTS='a b'\nSTAGING_USER=web\nDELIVER_TO=/srv\nDB_PASSWORD=hunter2-hunter2\n";

impl Lab {
    async fn new(hooks: &str) -> Self {
        Self::with(hooks, Duration::from_secs(30)).await
    }
    async fn with(hooks: &str, timeout: Duration) -> Self {
        Self::of(&[(config::CLASSIC, &format!("{HEAD}{hooks}"))], timeout, &["a", "b"]).await
    }
    async fn of(files: &[(&str, &str)], timeout: Duration, hosts: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join("project").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let project = dir.path().join("project").canonicalize().unwrap();
        let loaded = config::load(&project, &Flags::default(), |_| None).unwrap_or_else(|error| panic!("{error}"));
        let (reporter, told) = Reporter::new();
        let options = Options { program: PathBuf::from(env!("CARGO_BIN_EXE_edeliver")), timeout, yes: false };
        let session = Session::start(&loaded, &options, &reporter).await.unwrap();
        let hosts = Arc::new(Hosts::new(hosts.iter().map(|name| host(dir.path(), name)).collect(), timeout));
        Self { dir, loaded, session, told: std::sync::Mutex::new(told), hosts }
    }
    async fn run(&self, hook: &str) -> Result<(), HookError> {
        self.run_with(hook, &[]).await
    }
    async fn run_with(&self, hook: &str, vars: &[(&str, &str)]) -> Result<(), HookError> {
        let vars: Vec<(String, String)> = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.session.run(hook, &vars, self.hosts.clone()).await
    }
    /// What was told since the last call, with the kind in front where it is not plain output.
    fn told(&self) -> Vec<String> {
        let mut told = self.told.lock().unwrap();
        std::iter::from_fn(|| told.try_recv().ok()).filter_map(|draft| line(draft.kind)).collect()
    }
    /// Runs a hook that must succeed, and gives what it told.
    async fn lines(&self, hook: &str) -> Vec<String> {
        self.run(hook).await.unwrap_or_else(|error| panic!("{}: {:?}", chain(&error).join(": "), self.told()));
        self.told()
    }
    fn home(&self, host: &str) -> PathBuf {
        self.dir.path().join(host)
    }
}

fn line(kind: EventKind) -> Option<String> {
    match kind {
        EventKind::StepOutput { line } => Some(line),
        EventKind::Info { text } => Some(format!("info: {text}")),
        EventKind::Warning { text, .. } => Some(format!("warning: {text}")),
        _ => None,
    }
}

fn host(dir: &Path, name: &str) -> (HostSpec, Arc<dyn Transport>) {
    let home = dir.join(name);
    fs::create_dir_all(&home).unwrap();
    let spec = HostSpec {
        name: name.parse().unwrap(),
        address: None,
        transport: edeliver_core::config::TransportKind::Local,
        user: None,
        port: None,
        path: "/srv".parse().unwrap(),
        node: None,
        tags: Vec::new(),
    };
    (spec, Arc::new(Local::new().env("HOME", home.to_str().unwrap()).env("WHERE", name)))
}

#[tokio::test]
async fn hooks_share_one_shell_with_the_config_that_was_read_once() {
    let lab = Lab::new(
        "echo read >>count\none() { local x=1; STATE=\"$APP:$x:$1\"; cd /; IFS=:; }\ntwo() { echo \"$STATE $PWD\"; cat count; }\n",
    )
    .await;
    assert!(lab.session.defines("one") && !lab.session.defines("three") && !lab.session.defines("status"));
    lab.lines("one").await;
    let project = lab.dir.path().join("project").canonicalize().unwrap();
    assert_eq!(lab.lines("two").await, [format!("hotapp:1: {}", project.display()), "read".to_owned()]);
    lab.lines("three").await;
}

#[tokio::test]
async fn variables_of_the_step_are_seen_with_any_value() {
    let lab = Lab::new("show() { printf '<%s>\\n' \"$VERSION\" \"$BUILD_AT\" \"$HOSTS_APP_USER\" \"$DELIVER_TO\"; }\n").await;
    let build = lab.loaded.build().unwrap();
    let mut vars = vars::building(build, "/home/x/my builds/1");
    vars.push(("VERSION".to_owned(), "a\"b'c $(id) `id`\nü\\".to_owned()));
    lab.session.run("show", &vars, lab.hosts.clone()).await.unwrap();
    assert_eq!(lab.told(), ["<a\"b'c $(id) `id`", "ü\\>", "</home/x/my builds/1>", "<b>", "</home/x/my builds/1>"]);
    let vars = vars::deploying(&lab.loaded.settings.targets[0]);
    lab.session.run("show", &vars, lab.hosts.clone()).await.unwrap();
    assert_eq!(lab.told()[3..], ["<web@a web@b>", "</srv>"]);
}

#[tokio::test]
async fn messages_are_told_as_what_they_are() {
    let lab = Lab::new(
        "VERBOSE=true\nhook() { status \"Building $APP\"; info quiet; hint_message \"look\\nhere\"; success_message fine; error_message wrong; echo plain; echo err >&2; }\n",
    )
    .await;
    let lines = lab.lines("hook").await;
    assert_eq!(
        lines,
        ["info: -----> Building hotapp", "quiet", "warning: look", "warning: here", "info: fine", "wrong", "plain", "err"]
    );
}

#[tokio::test]
async fn remote_jobs_run_on_every_host_and_sync_jobs_on_one() {
    let lab = Lab::new(
        "all() { __remote 'echo $WHERE >here; echo hi $WHERE'; }\none() { __sync_remote \"echo $APP >app; pwd\" b; }\nbad() { __sync_remote id; }\nnobody() { __remote id 'web@elsewhere'; }\n",
    )
    .await;
    let mut told = lab.lines("all").await;
    told.sort();
    assert_eq!(told, ["hi a", "hi b"]);
    assert_eq!(fs::read_to_string(lab.home("b").join("here")).unwrap(), "b\n");
    assert_eq!(lab.lines("one").await, [lab.home("b").to_str().unwrap()]);
    assert_eq!(fs::read_to_string(lab.home("b").join("app")).unwrap(), "hotapp\n");
    let failed = lab.run("bad").await.unwrap_err();
    assert_eq!(
        chain(&failed).join(": "),
        "the hook bad failed with status 1: __sync_remote runs on one host, and there are several: a, b"
    );
}

#[tokio::test]
async fn a_host_that_is_not_of_this_step_is_refused() {
    let lab = Lab::new("nobody() { __remote id 'web@elsewhere'; }\n").await;
    let failed = lab.run("nobody").await.unwrap_err();
    assert!(chain(&failed)[1].contains("\"web@elsewhere\" is none of the hosts of this step: a, b"), "{failed:?}");
}

#[tokio::test]
async fn remote_jobs_work_in_captures_pipes_and_the_background() {
    let lab = Lab::new(
        r#"
capture() {
  local out=$(__sync_remote 'echo "  exact  "; echo; echo noise >&2; printf "end\n\n"' a)
  printf '<%s>\n' "$out" "${#out}"
}
pipe() {
  printf 'in\0put' | __remote 'cat >file' a
  __sync_remote 'cat file' a | tr '\0' '-'; echo
  __remote 'printf "x\ny\n"' a | while read -r line; do echo "got $line"; done
}
background() {
  local i
  for i in 1 2 3 4 5 6; do __sync_remote "sleep 0.2; echo $i >job$i" a & done
  wait
}
status_of() {
  if (__sync_remote 'exit 3' a) 2>/dev/null; then echo no; else echo "failed with $?"; fi
  local x
  x=$(__sync_remote 'echo out; exit 4' a 2>/dev/null) || echo "captured $x, status $?"
  __sync_remote true a && echo "success is 0"
}
"#,
    )
    .await;
    let mut told = lab.lines("capture").await;
    told.sort();
    assert_eq!(told, ["<  exact", "<14>", "end>", "noise"]);
    assert_eq!(lab.lines("pipe").await, ["in-put", "got x", "got y"]);
    assert_eq!(fs::read(lab.home("a").join("file")).unwrap(), b"in\0put");
    let began = Instant::now();
    lab.lines("background").await;
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!((1..=6).filter(|i| lab.home("a").join(format!("job{i}")).exists()).count(), 6);
    assert_eq!(lab.lines("status_of").await, ["failed with 1", "captured out, status 1", "success is 0"]);
}

#[tokio::test]
async fn a_failing_job_stops_the_run_and_says_where_and_how() {
    let lab = Lab::new("hook() { echo begin; __remote 'echo why on $WHERE; [ $WHERE = a ]'; echo not reached; }\n").await;
    let failed = lab.run("hook").await.unwrap_err();
    assert_eq!(failed.to_string(), "the hook hook failed with status 1");
    let said = failed.said().join("\n");
    assert!(said.contains("why on b") && said.contains("a command of a hook failed on b with status 1:"), "{said}");
    assert!(!said.contains("failed on a") && !said.contains("not reached"), "{said}");
    assert!(matches!(lab.run("hook").await, Err(HookError::Gone { .. })));
}

#[tokio::test]
async fn what_bash_jobs_expect_works_whatever_the_login_shell_is() {
    let lab = Lab::new(
        "hook() { __sync_remote '[[ \"$WHERE\" =~ ^a ]] && echo \"bash on $WHERE\" &> out; cat out; source /dev/null' a; }\n",
    )
    .await;
    assert_eq!(lab.lines("hook").await, ["bash on a"]);
}

#[tokio::test]
async fn files_are_put_on_every_host() {
    let lab = Lab::new("hook() { printf 'con\\ntent' >\"secret file\"; __parallel_scp 'secret file' 'my file'; __remote 'mkdir -p d'; __parallel_scp 'secret file' d; }\n").await;
    lab.lines("hook").await;
    for host in ["a", "b"] {
        assert_eq!(fs::read_to_string(lab.home(host).join("my file")).unwrap(), "con\ntent");
        assert_eq!(fs::read_to_string(lab.home(host).join("d/secret file")).unwrap(), "con\ntent");
    }
}

#[tokio::test]
async fn local_helpers_mean_what_they_meant() {
    let lab = Lab::new(
        r#"
hook() {
  __exec "echo exec"; __exec false; echo "status $?"
  __exec_if_defined other 'a  b' '$(id)'; __exec_if_defined nowhere; echo "undefined $?"
  __sync_local 'echo local'
  upcase "$APP"; echo "<$(trim_string "  x y  ")>"
  confirm "really?" || echo "not confirmed"
  __log nothing
  printf '[%s]' "$txtred" "$SILENCE" "$MIX_CMD" "$MODE"; echo
}
other() { printf '<%s>' "$@"; echo; }
bad() { __sync_local 'echo out; exit 5'; echo not reached; }
"#,
    )
    .await;
    assert_eq!(
        lab.lines("hook").await,
        [
            "exec",
            "status 1",
            "<a  b><$(id)>",
            "undefined 1",
            "local",
            "HOTAPP",
            "<x y>",
            "warning: really? no: hooks can't ask, but --yes answers yes",
            "not confirmed",
            "[][][mix][compact]",
        ]
    );
    let failed = lab.run("bad").await.unwrap_err();
    assert_eq!(failed.said(), ["out", "the command on this machine failed with status 5:", "echo out; exit 5"]);
}

#[tokio::test]
async fn an_error_of_a_hook_is_its_last_word_and_its_status_does_not_count() {
    let lab = Lab::new("ignored() { return 7; }\nlast_test_is_false() { [ \"$APP\" = other ] && echo x; }\nfails() { echo one; error \"no\\nluck\"; echo two; }\n").await;
    lab.lines("ignored").await;
    lab.lines("last_test_is_false").await;
    let failed = lab.run("fails").await.unwrap_err();
    assert_eq!(chain(&failed), ["the hook fails failed with status 1", "no\nluck"]);
    assert_eq!(failed.said(), ["one", "no", "luck"]);
    let lab = Lab::new("quits() { exit 0; }\n").await;
    assert_eq!(lab.run("quits").await.unwrap_err().to_string(), "the hook quits ended the run by `exit 0`");
    let lab = Lab::new("strict() { set -eu; echo a; false; echo b; }\n").await;
    let failed = lab.run("strict").await.unwrap_err();
    assert_eq!(failed.said(), ["a"]);
}

#[tokio::test]
async fn the_version_of_an_assembled_release_is_found_on_the_build_host() {
    let lab = Lab::of(
        &[(config::CLASSIC, &format!("{HEAD}hook() {{ __detect_remote_release_version; echo \"<$RELEASE_VERSION>\"; }}\n"))],
        Duration::from_secs(30),
        &["b"],
    )
    .await;
    let release = lab.home("b").join("my app");
    fs::create_dir_all(release.join("releases")).unwrap();
    fs::write(release.join("releases/start_erl.data"), "13.1.5 0.2.0+7\n").unwrap();
    lab.run_with("hook", &[("RELEASE_DIR", release.to_str().unwrap())]).await.unwrap();
    assert_eq!(lab.told(), ["<0.2.0+7>"]);
    let lab = Lab::new("early() { unset RELEASE_DIR; __detect_remote_release_version; }\n").await;
    assert!(chain(&lab.run("early").await.unwrap_err())[1].contains("RELEASE_DIR is known after that"));
}

#[tokio::test]
async fn options_of_one_hook_hold_for_the_next_one_as_before() {
    let lab = Lab::new("one() { set -e; }\ntwo() { false; echo not reached; }\n").await;
    lab.lines("one").await;
    assert!(matches!(lab.run("two").await, Err(HookError::Failed { status: 1, .. })));
}

#[tokio::test]
async fn a_hook_that_hangs_is_ended_with_everything_it_started() {
    let lab = Lab::with("hook() { echo begin; (sleep 31.4159 & sleep 31.4159); }\n", Duration::from_millis(800)).await;
    let began = Instant::now();
    let late = lab.run("hook").await.unwrap_err();
    assert!(matches!(late, HookError::Timeout { .. }), "{late:?}");
    assert_eq!(late.said(), ["begin"]);
    assert!(began.elapsed() < Duration::from_secs(10));
    ends("31.4159").await;
}

#[tokio::test]
async fn a_hook_that_is_given_up_is_ended_on_the_host_too() {
    let lab = Lab::new("hook() { __sync_remote 'sleep 27.1828' a; }\n").await;
    let given_up = tokio::time::timeout(Duration::from_millis(800), lab.run("hook")).await;
    assert!(given_up.is_err());
    ends("27.1828").await;
}

/// The hook that the README of edeliver 1.x tells everybody to write.
#[tokio::test]
async fn the_hook_of_the_readme_links_the_secrets_into_the_sources_of_this_build() {
    let hook = r#"
pre_erlang_get_and_update_deps() {
  local _prod_secret_path="/home/builder/prod.secret.exs"
  if [ "$TARGET_MIX_ENV" = "prod" ]; then
    __sync_remote "
      ln -sfn '$_prod_secret_path' '$BUILD_AT/config/prod.secret.exs'
    "
  fi
}
"#;
    let lab = Lab::of(&[(config::CLASSIC, &format!("{HEAD}{hook}"))], Duration::from_secs(30), &["b"]).await;
    let sources = lab.home("b").join("slots/1");
    fs::create_dir_all(sources.join("config")).unwrap();
    let vars = vars::building(lab.loaded.build().unwrap(), sources.to_str().unwrap());
    lab.session.run("pre_erlang_get_and_update_deps", &vars, lab.hosts.clone()).await.unwrap();
    let link = fs::read_link(sources.join("config/prod.secret.exs")).unwrap();
    assert_eq!(link, Path::new("/home/builder/prod.secret.exs"));
}

/// Waits until no `sleep` with this word runs any more: a killed process is listed until somebody has waited for it.
async fn ends(word: &str) {
    for _ in 0..100 {
        if !is_running(word).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("sleep {word} still runs");
}

/// Whether some process has this word in its command line.
async fn is_running(word: &str) -> bool {
    let listed = tokio::process::Command::new("ps").args(["-eo", "args"]).output().await.unwrap();
    String::from_utf8_lossy(&listed.stdout).lines().any(|line| line.starts_with("sleep") && line.contains(word))
}

#[tokio::test]
async fn a_background_process_left_behind_does_not_hold_us() {
    let lab = Lab::new("hook() { sleep 20 & echo done; }\nbad() { sleep 20 & exit 3; }\n").await;
    let began = Instant::now();
    assert_eq!(lab.lines("hook").await, ["done"]);
    assert!(matches!(lab.run("bad").await, Err(HookError::Failed { status: 3, .. })));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_hook_has_no_input_to_wait_for_and_may_use_any_descriptor() {
    let lab = Lab::new("hook() { read -r x || echo no input; exec 3>&1 4<&0 9>/dev/null; echo three >&3; exec >/dev/null 2>&1; }\nnext() { echo heard; }\n").await;
    assert_eq!(lab.lines("hook").await, ["no input", "three"]);
    assert_eq!(lab.lines("next").await, ["heard"]);
}

#[tokio::test]
async fn secrets_of_the_config_are_not_told() {
    let lab = Lab::new("hook() { echo \"password $DB_PASSWORD\"; __sync_remote \"echo $DB_PASSWORD; exit 2\" a; }\n").await;
    let failed = lab.run("hook").await.unwrap_err();
    let told = format!("{:?} {:?} {failed:?}", lab.told(), chain(&failed));
    assert!(told.contains("password ********") && !told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn a_function_can_be_asked_for_a_text() {
    let lab = Lab::new("get_start_node_command() { STATE=changed; echo \"run $1 in $2\"; echo note >&2; return 3; }\nstate() { echo \"<$STATE>\"; }\nexits() { echo x; exit 5; }\n").await;
    let args = ["start".to_owned(), "/srv/my app".to_owned()];
    let captured = lab.session.capture("get_start_node_command", &args, &[], lab.hosts.clone()).await.unwrap().unwrap();
    assert_eq!((captured.status, captured.output.as_str()), (3, "run start in /srv/my app"));
    assert_eq!(lab.told(), ["note"]);
    assert_eq!(lab.session.capture("exits", &[], &[], lab.hosts.clone()).await.unwrap().unwrap().status, 5);
    assert_eq!(lab.lines("state").await, ["<>"]);
    assert!(lab.session.capture("nowhere", &[], &[], lab.hosts.clone()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_toml_project_has_the_same_hooks_and_variables() {
    let toml = "app = \"hotapp\"\nhooks = \".deliver/hooks.sh\"\n[build]\nhost = \"a\"\nuser = \"builder\"\npath = \"/b\"\nmix_env = \"staging\"\n[targets.production]\nhosts = [\"p1\", \"p2\"]\nuser = \"deploy\"\npath = \"/srv\"\n";
    let hooks = "echo reading\nSHELL_ONLY=1\nhook() { printf '%s ' $APP $BUILD_HOST $BUILD_USER $TARGET_MIX_ENV $PRODUCTION_HOSTS $PRODUCTION_USER $DELIVER_TO $SHELL_ONLY; __sync_remote 'echo remote'; }\n";
    let lab = Lab::of(&[(config::TOML, toml), (".deliver/hooks.sh", hooks)], Duration::from_secs(30), &["a"]).await;
    assert_eq!(lab.lines("hook").await, ["reading", "hotapp a builder staging p1 p2 deploy /srv 1 remote"]);
}

#[tokio::test]
async fn without_hooks_nothing_happens() {
    let lab = Lab::of(&[(config::TOML, "app = \"hotapp\"\n")], Duration::from_secs(30), &[]).await;
    assert!(!lab.session.defines("hook"));
    assert!(lab.lines("hook").await.is_empty());
}

#[tokio::test]
async fn many_lines_keep_their_order_and_none_is_lost() {
    let lab = Lab::new("hook() { local i; for ((i = 0; i < 3000; i++)); do echo \"line $i\"; done; printf 'no end'; }\n").await;
    let lines = lab.lines("hook").await;
    assert_eq!(lines.len(), 3001);
    assert!(lines.iter().take(3000).enumerate().all(|(index, line)| *line == format!("line {index}")));
    assert_eq!(lines[3000], "no end");
}

#[tokio::test]
async fn a_megabyte_in_one_line_and_a_megabyte_of_lines_are_told_and_the_last_word_is_kept() {
    let lab =
        Lab::new("hook() { head -c 1048576 /dev/zero | tr '\\0' x; echo; yes 'a line' | head -n 150000; error 'the end'; }\n")
            .await;
    let failed = lab.run("hook").await.unwrap_err();
    assert_eq!(chain(&failed), ["the hook hook failed with status 1", "the end"]);
    assert!(failed.said().len() < 100, "no more is kept than somebody reads");
    let told = lab.told();
    assert_eq!(told.iter().filter(|line| *line == "a line").count(), 150_000);
    assert_eq!(told.iter().map(|line| line.matches('x').count()).sum::<usize>(), 1_048_576);
}
