//! Nodes among others, and asked in unusual ways: through a real ssh.

use std::{
    fs,
    io::{Read, Write},
    process::{Command, Stdio},
};

use libtest_mimic::Failed;

use crate::{
    Test,
    scene::{Ran, Scene},
    world::{App, edeliver, world},
};

pub(crate) const TESTS: &[Test] = &[
    ("nodes_of_two_releases_share_a_host_without_epmd_and_answer_other_logins", two_on_a_host),
    ("a_node_that_speaks_tls_is_started_asked_and_stopped_over_ssh", tls),
    ("a_console_over_ssh_is_a_shell_of_the_node_at_a_real_terminal", console),
];

/// A project of the other sample beside that of the scene, for the same hosts; edeliver with these words in it.
fn beside(scene: &Scene, app: App, toml: &str) -> impl Fn(&str) -> Ran {
    let project = scene.file("beside");
    world().copy(app, &project);
    fs::write(project.join("edeliver.toml"), toml).expect("the project can be written");
    move |words| Ran::from(scene.command(words).current_dir(&project).output().expect("edeliver can be started"))
}

fn toml(app: App, env: &str) -> String {
    format!(
        "app = {:?}\n[targets.production]\npath = \"/srv/apps\"\nconfirm = false\nhosts = [\"prod1\"]\nenv = {{ {env} }}\n",
        app.name()
    )
}

/// One with a long name, one with a short one.
fn two_on_a_host() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    scene.as_root("mkdir /srv/apps && chown deploy: /srv/apps");
    let long = r#"HOTAPP_PORT = "4000", RELEASE_DISTRIBUTION = "name", RELEASE_NODE = "hot@127.0.0.1""#;
    fs::write(scene.project().join("edeliver.toml"), toml(App::Hotapp, long))?;
    let short = toml(App::Relapp, r#"RELAPP_PORT = "4001""#);
    let relapp = beside(&scene, App::Relapp, &short);
    let hotapp = |words: &str| scene.run(words);
    for run in [&hotapp as &dyn Fn(&str) -> Ran, &relapp] {
        run("deploy release to production --version=0.1.0 --start-deploy").assert(0, &[]);
    }
    let each_answers = |host: &str| {
        hotapp(&format!("rpc Node.self() production {host}")).assert(0, &[":\"hot@127.0.0.1\""]);
        relapp(&format!("rpc erlang:node() production {host}")).assert(0, &["relapp@prod1"]);
        hotapp(&format!("status production {host}")).assert(0, &["hot@127.0.0.1", "running"]);
        relapp(&format!("status production {host}")).assert(0, &["relapp@prod1", "running"]);
    };
    each_answers("");
    each_answers("--host=admin@prod1");
    scene.as_root("pkill -x epmd");
    each_answers("");
    // Nobody else can see where it listens.
    hotapp("rpc Node.self() production --host=admin@prod1").assert(8, &["epmd does not know the node"]);
    hotapp("ping production --host=admin@prod1").assert(8, &["not in epmd"]);
    hotapp("stop production").assert(0, &[]);
    relapp("status production").assert(0, &["running"]);
    hotapp("status production").assert(8, &["down"]);
    Ok(())
}

fn git(scene: &Scene, words: &[&str]) -> Result<(), Failed> {
    let git = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
    assert!(Command::new("git").args(git).args(words).current_dir(scene.project()).status()?.success(), "git {words:?}");
    Ok(())
}

fn tls() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    let mix = scene.project().join("mix.exs");
    fs::write(&mix, fs::read_to_string(&mix)?.replace("[:logger]", "[:logger, :ssl]"))?;
    git(&scene, &["commit", "-qam", "with ssl"])?;
    scene.ok("build release --force");
    let server = r#"[{certfile, "/home/deploy/cert.pem"}, {keyfile, "/home/deploy/key.pem"}]"#;
    let options = format!("[{{server, {server}}}, {{client, [{{verify, verify_none}}]}}].");
    scene.on(
        "prod1",
        &format!(
            "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=lab -keyout key.pem -out cert.pem 2>/dev/null && echo '{options}' >dist.conf"
        ),
    );
    let toml = scene.project().join("edeliver.toml");
    let flags = "ERL_FLAGS = \"-proto_dist inet_tls -ssl_dist_optfile /home/deploy/dist.conf\", HOTAPP_PORT";
    fs::write(&toml, fs::read_to_string(&toml)?.replace("HOTAPP_PORT", flags))?;
    scene.ok("deploy release to production --version=0.2.0 --start-deploy");
    scene.ok("ping production").assert(0, &["running"]);
    scene.ok("status production").assert(0, &["running", "it speaks TLS with nodes"]);
    let called = scene.ok("rpc Node.self() production --verbose");
    called.assert(0, &["hotapp@prod1", "it speaks TLS with nodes: the release's own programs ask it"]);
    scene.run("rpc :erlang.error(:as_asked) production").assert(8, &["as_asked"]);
    scene.ok("stop production");
    scene.run("ping production").assert(8, &["down"]);
    Ok(())
}

/// A shell of each language: its prompt, a question about itself and the answer, and the keys that leave it.
fn console() -> Result<(), Failed> {
    shell_over_ssh(
        App::Hotapp,
        ["iex(", "{Node.self(), :io.columns(), :io.rows()}", "{:hotapp@prod2, {:ok, 117}, {:ok, 31}}"],
        [("\x03", "BREAK"), ("a\n", "")],
    )?;
    shell_over_ssh(
        App::Relapp,
        ["1> ", "{node(), io:columns(), io:rows()}.", "{relapp@prod2,{ok,117},{ok,31}}"],
        [("\x07", "--> "), ("q\n", "")],
    )
}

fn shell_over_ssh(app: App, [prompt, question, answer]: [&str; 3], leave: [(&str, &str); 2]) -> Result<(), Failed> {
    let scene = Scene::fleet(app, 2);
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    // A shell that never says what is waited for ends all the same.
    let line = format!("stty rows 31 cols 117; exec timeout --foreground 120 {} console production --host=prod2", edeliver());
    let mut command = scene.lab.command("script");
    command.args(["-qec", &line, "/dev/null"]).current_dir(scene.project()).env("TERM", "xterm");
    command.env("EDELIVER_SSH_CONFIG", scene.lab.ssh_config()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut shell = command.spawn()?;
    let (mut keys, mut terminal) = (shell.stdin.take().expect("piped"), shell.stdout.take().expect("piped"));
    until(&mut terminal, prompt);
    writeln!(keys, "{question}")?;
    until(&mut terminal, answer);
    for (key, shown) in leave {
        keys.write_all(key.as_bytes())?;
        until(&mut terminal, shown);
    }
    let mut rest = String::new();
    terminal.read_to_string(&mut rest)?;
    assert!(shell.wait()?.success(), "{rest}");
    scene.ok("ping production");
    assert_eq!(
        scene.on("prod2", "ls -d /tmp/edeliver.* /dev/shm/edeliver.* 2>/dev/null | wc -l"),
        "0",
        "the cookie is gone with it"
    );
    Ok(())
}

/// What the terminal shows up to these words, colours left out.
fn until(terminal: &mut impl Read, words: &str) {
    let (mut seen, mut byte) = (Vec::new(), [0]);
    let plain = |seen: &[u8]| anstream::adapter::strip_str(&String::from_utf8_lossy(seen)).to_string();
    while !plain(&seen).contains(words) {
        let read = terminal.read(&mut byte).expect("the terminal can be read");
        assert_eq!(read, 1, "no {words:?}, but {}", plain(&seen));
        seen.push(byte[0]);
    }
}
