//! Hosts that come from a command, a folder or a server of names, as a user meets them.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod program;

use std::{
    fs,
    net::UdpSocket,
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Stdio},
    time::Duration,
};

use program::{Done, Program, lines};

fn project(hosts: &str) -> Program {
    let program = Program::new();
    let text = format!(
        "app = \"shop\"\n[deploy]\npath = \"/srv\"\n[targets.production]\nuser = \"deploy\"\nhosts = {hosts}\n[targets.staging]\nhosts = {{ command = \"touch asked-staging\" }}\n"
    );
    program.write("edeliver.toml", &text);
    program
}
fn script(program: &Program, path: &str, text: &str) {
    program.write(path, &format!("#!/bin/sh\n{text}"));
    fs::set_permissions(program.project().join(path), fs::Permissions::from_mode(0o755)).unwrap();
}
/// The first words of the lines: the hosts.
fn names(done: &Done) -> Vec<&str> {
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    lines(&done.out).into_iter().skip(1).filter_map(|line| line.split_whitespace().next()).collect()
}
#[track_caller]
fn fails(done: &Done, code: i32, parts: &[&str]) {
    assert_eq!(done.code, code, "{}{}", done.out, done.err);
    for part in parts {
        assert!(done.err.contains(part), "{part:?} is not in\n{}", done.err);
    }
}

const PRINTS: &str =
    r#"echo "$EDELIVER_TARGET" >>asked; echo 'looking' >&2; echo '["web2", {"name": "web1", "tags": ["canary"]}, "db"]'"#;

#[test]
fn a_command_is_asked_once_in_the_projects_folder_for_the_target_that_is_meant() {
    let program = project("{ command = \"bin/hosts\" }");
    script(&program, "bin/hosts", PRINTS);
    assert_eq!(names(&program.run(&["config", "hosts", "production"])), ["web2", "web1", "db"]);
    assert_eq!(fs::read_to_string(program.project().join("asked")).unwrap(), "production\n");
    assert!(!program.files().contains(&"asked-staging".to_owned()));
    assert_eq!(names(&program.run(&["config", "hosts", "production", "--on", "@canary,d*"])), ["web1", "db"]);
    assert_eq!(names(&program.run(&["config", "hosts", "production", "--host", "root@db"])), ["db"]);
    fails(&program.run(&["config", "hosts", "production", "--host", "web3"]), 2, &["has no host `web3`", "did you mean `web2`?"]);
    fails(&program.run(&["config", "hosts", "production", "--on", "@db"]), 2, &["its hosts have the tags @canary"]);
}

#[test]
fn where_hosts_come_from_is_shown_without_asking_there() {
    let program = project("{ command = \"bin/hosts\", group = \"web\" }");
    script(&program, "bin/hosts", PRINTS);
    let shown = program.run(&["config", "show", "targets.production.hosts"]).out;
    assert!(shown.contains("the command `bin/hosts`, group web") && shown.contains("edeliver.toml:6"), "{shown}");
    let checked = program.run(&["config", "check"]).out;
    assert!(checked.contains("production (hosts from the command `bin/hosts`, group web)"), "{checked}");
    assert!(!program.files().contains(&"asked".to_owned()));
}

#[test]
fn the_hosts_are_those_that_are_connected() {
    let program = project("{ command = \"bin/hosts\" }");
    let at = program.project().join("somewhere");
    script(
        &program,
        "bin/hosts",
        &format!("echo '[{{\"name\": \"here\", \"transport\": \"local\", \"path\": {:?}}}]'", at.to_str().unwrap()),
    );
    let done = program.run(&["exec", "production", "--yes", "--", "echo", "it is $HOME"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("it is "), "{}", done.out);
}

#[test]
fn a_command_of_the_project_itself_has_the_hosts_too() {
    let program = project("{ command = \"bin/hosts\" }");
    script(&program, "bin/hosts", PRINTS);
    program.write(".deliver/strategies/erlang-mine", "run() { status \"hosts $HOSTS\"; }\n");
    let done = program.run(&["mine", "production"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.err.contains("hosts web2 web1 db"), "{}{}", done.out, done.err);
}

#[test]
fn a_command_that_fails_is_told_with_what_it_said_and_its_place() {
    let program = project("{ command = \"bin/hosts\" }");
    script(&program, "bin/hosts", "echo '[\"web1\"]'; echo 'the cloud is away' >&2; exit 3");
    fails(
        &program.run(&["config", "hosts", "production"]),
        3,
        &[
            "the hosts of `production` are not known",
            "the command `bin/hosts` (at edeliver.toml:6)",
            "exit status: 3",
            "the cloud is away",
            "hint: run it by itself",
        ],
    );
    let missing = project("{ command = \"hosts.sh\" }");
    fails(&missing.run(&["config", "hosts", "production"]), 3, &["exit status: 127", "a program that lies there needs its path"]);
}

#[test]
fn a_command_that_hangs_is_ended() {
    let program = project("{ command = \"echo wait >&2; echo $$ >pid; sleep 300\", timeout = \"1s\" }");
    fails(&program.run(&["config", "hosts", "production"]), 3, &["it gave no answer within 1 s", "wait", "timeout ="]);
    let pid = fs::read_to_string(program.project().join("pid")).unwrap();
    let left = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(left.is_empty() || left.contains(") Z "), "{left}");
}

#[test]
fn output_that_is_no_inventory_is_told_by_its_place_and_secrets_in_it_are_not_shown() {
    let program = project("{ command = \"cat inventory.json\" }");
    program.write(
        "inventory.json",
        "{\"web\": {\"hosts\": [\"w 1\"]},\n \"_meta\": {\"hostvars\": {\"w 1\": {\"password\": \"hunter2\"}}}}",
    );
    let done = program.run(&["config", "hosts", "production"]);
    fails(&done, 3, &["\"w 1\" is not a host name", "the output of the command `cat inventory.json`, line 1, column 20"]);
    program.write("inventory.json", "[\"w1\",\n\"hunter2\" oh]");
    let broken = program.run(&["config", "hosts", "production"]);
    fails(&broken, 3, &["what it printed is not JSON", "line 2, column 11"]);
    program.write("inventory.json", "[\"w1\", \"w1\"]");
    fails(&program.run(&["config", "hosts", "production"]), 3, &["w1 is listed twice"]);
    program.write("inventory.json", "[]");
    fails(&program.run(&["config", "hosts", "production"]), 3, &["has no hosts", "edeliver.toml:6: a target without hosts"]);
    assert!(!(done.err + &broken.err).contains("hunter2"));
}

#[test]
fn a_folder_has_a_file_for_each_host() {
    let program = project("[\"first\", { dir = \"deploy/hosts\" }]");
    fails(&program.run(&["config", "hosts", "production"]), 3, &["deploy/hosts can't be read", "web1.toml"]);
    program.write("deploy/hosts/web1.toml", "tags = [\"web\"]\n");
    program.write("deploy/hosts/db.toml", "name = \"root@db9\"\nport = 2222\n");
    program.write("deploy/hosts/.web1.toml.swp", "junk");
    program.write("deploy/hosts/README", "junk");
    let done = program.run(&["config", "hosts", "production"]);
    assert_eq!(names(&done), ["first", "db9", "web1"]);
    program.write("deploy/hosts/web1.toml", "tagz = [\"web\"]\n");
    fails(
        &program.run(&["config", "hosts", "production"]),
        3,
        &["unknown key `tagz`", "deploy/hosts/web1.toml:1", "did you mean `tags`?"],
    );
}

/// A dnsmasq on loopback. It is another program than ours, so the two understand DNS and not each other.
struct NameServer {
    child: Child,
    port: u16,
}

impl NameServer {
    fn start(records: &[&str]) -> Self {
        let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("dnsmasq");
        command.args([
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--no-resolv",
            "--no-hosts",
            "--bind-interfaces",
            "--pid-file=",
        ]);
        command.args(["--listen-address=127.0.0.1", "--user=", "--group=", "--local=/example.test/", &format!("--port={port}")]);
        command.args(records.iter().map(|record| format!("--srv-host={record}")));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { child, port }
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn of_srv(name: &str, port: u16) -> Program {
    project(&format!("{{ srv = \"{name}\", server = \"127.0.0.1:{port}\", timeout = \"10s\" }}"))
}

#[test]
fn hosts_come_from_srv_records_of_a_real_server() {
    let many: Vec<String> =
        (0..60).map(|n| format!("_many._tcp.example.test,host-with-a-long-name-{n:02}.example.test,22,10,1")).collect();
    let few = ["_edeliver._tcp.example.test,web2.example.test,2222,20,1", "_edeliver._tcp.example.test,web1.example.test,22,10,1"];
    let server = NameServer::start(&few.into_iter().chain(many.iter().map(String::as_str)).collect::<Vec<_>>());
    let program = of_srv("_edeliver._tcp.example.test", server.port);
    // It is there when it answers.
    let done = loop {
        let done = program.run(&["config", "hosts", "production"]);
        if done.code == 0 {
            break done;
        }
        fails(&done, 6, &["the SRV records of _edeliver._tcp.example.test at 127.0.0.1:"]);
        std::thread::sleep(Duration::from_secs(1));
    };
    assert_eq!(names(&done), ["web1.example.test", "web2.example.test"]);
    assert!(lines(&done.out)[2].contains("2222"), "{}", done.out);
    let all = of_srv("_many._tcp.example.test", server.port).run(&["config", "hosts", "production"]);
    assert_eq!(names(&all).len(), 60, "an answer that is too long for a datagram");
    let none = of_srv("_nothing._tcp.example.test", server.port).run(&["config", "hosts", "production"]);
    fails(&none, 3, &["there is no such name, or it has no SRV records", "dig +short SRV _nothing._tcp.example.test"]);
}

#[test]
fn a_name_server_that_gives_no_answer_is_told_in_time() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let program = project(&format!(
        "{{ srv = \"_x._tcp.example.test\", server = \"127.0.0.1:{}\", timeout = \"1s\" }}",
        silent.local_addr().unwrap().port()
    ));
    fails(&program.run(&["config", "hosts", "production"]), 6, &["gave no answer within 1 s", "timeout ="]);
}
