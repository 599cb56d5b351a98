//! Nodes that systemd runs, on hosts where it is PID 1.

use std::{
    fs,
    io::{BufRead, BufReader},
    time::{Duration, Instant},
};

use edeliver_lab::{Base, HostSpec};
use libtest_mimic::Failed;
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    Test,
    scene::{Ran, Scene, eventually},
    world::App,
};

pub(crate) const TESTS: &[Test] = &[
    ("systemd_runs_a_node_from_setup_to_restart_after_a_crash", system_unit),
    ("a_node_that_has_just_begun_to_start_is_stopped_by_systemd_in_an_orderly_way", stopped_early),
    ("systemd_tells_of_a_unit_that_restarts_in_a_loop_and_stops_it", crash_loop),
    ("a_users_own_systemd_runs_a_node_over_a_reboot", user_unit),
    ("a_node_of_systemd_is_upgraded_and_falls_back_when_it_dies_before_that_is_permanent", upgraded),
    ("a_host_whose_operator_is_killed_in_a_restart_goes_back_by_systemd_itself", left_alone),
    ("systemd_is_set_up_by_an_account_with_sudo_and_one_without_is_told_what_to_type", sudo),
];

fn scene(app: App) -> Scene {
    let scene = Scene::host(app, HostSpec { base: Base::Systemd, ..HostSpec::default() });
    eventually("systemd is up", || scene.as_root("systemctl is-system-running || true") == "running");
    scene.as_root("mkdir /srv/apps && chown deploy: /srv/apps");
    scene
}

/// The target's settings beside its hosts.
fn configure(scene: &Scene, service: &str, port: &str) {
    let (name, variable) = (scene.app.name(), scene.app.port_variable());
    let text = format!(
        "app = {name:?}\n\n[targets.production]\npath = \"/srv/apps\"\nhosts = [\"prod1\"]\nservice = {service:?}\nstart_timeout = \"30s\"\n\
         [targets.production.env]\n{variable} = {port:?}\nSECRET_KEY_BASE = \"top secret\"\n"
    );
    fs::write(scene.project().join("edeliver.toml"), text).expect("the project can be written");
}

/// Nodes then wait three seconds for one that never comes, when they have distribution and have begun to start their applications.
fn slow(scene: &Scene) {
    let toml = scene.project().join("edeliver.toml");
    let text = fs::read_to_string(&toml).expect("the project can be read");
    let flags = "ERL_FLAGS = \"-kernel sync_nodes_optional [nobody@prod1] -kernel sync_nodes_timeout 3000\"";
    fs::write(toml, format!("{text}{flags}\n")).expect("the project can be written");
}

/// As the configured login, deploy, may do it from then on.
fn allow(scene: &Scene) {
    let rule = "deploy ALL=(root) NOPASSWD: /usr/bin/systemctl start hotapp.service, /usr/bin/systemctl stop hotapp.service";
    scene.as_root(&format!("echo '{rule}' >/etc/sudoers.d/hotapp && chmod 440 /etc/sudoers.d/hotapp"));
}

/// docs/services.md shows what this command says: its lines, but for those that it leaves out, times and ids.
fn as_in_the_book(command: &str, ran: &Ran) {
    let page = include_str!("../../../../docs/services.md");
    let (_, block) = page.split_once(&format!("$ edeliver {command}\n")).expect("the page shows it");
    let lasting = |line: &str| line.split("  run ").next().and_then(|line| line.split(" (2.0 s)").next()).map(str::to_owned);
    for line in block.lines().take_while(|line| *line != "```").filter(|line| line.trim() != "…").filter_map(lasting) {
        assert!(
            ran.said().lines().any(|said| said.starts_with(&line)),
            "docs/services.md shows {line:?}, and now it is\n{}",
            ran.said()
        );
    }
}

fn system_unit() -> Result<(), Failed> {
    let scene = scene(App::Hotapp);
    configure(&scene, "systemd", "4000");
    scene.ok("deploy release to production --version=0.1.0 --yes");
    let ran = scene.run("start production");
    ran.assert(4, &["there is no unit hotapp.service", "edeliver setup production"]);
    let ran = scene.run("setup production --host=root@prod1 --plan");
    ran.assert(0, &["User=deploy", "ExecStart=\"/srv/apps/hotapp/bin/hotapp\" start", "SECRET_KEY_BASE"]);
    assert!(!ran.said().contains("top secret"), "{}", ran.said());
    as_in_the_book("setup production --host=root@prod1 --plan", &ran);
    slow(&scene);
    scene.ok("setup production --host=root@prod1 --yes").assert(0, &["unit hotapp.service is new", "systemd runs the node"]);
    scene.ok("setup production --host=root@prod1").assert(0, &["is as it should be"]);
    assert_eq!(scene.as_root("stat -c '%U %a' /etc/edeliver/hotapp.env /etc/systemd/system/hotapp.service"), "root 600\nroot 644");
    scene.run("start production").assert(9, &["may not start and stop unit hotapp.service", "sudoers"]);
    allow(&scene);
    let ran = scene.ok("start production --verbose");
    ran.assert(0, &["start 0.1.0 (unit hotapp.service)", "applications are up, starting kernel"]);
    as_in_the_book("start production", &ran);
    scene.assert_serves("prod1", "0.1.0");
    assert_eq!(scene.as_root("systemctl is-active hotapp.service"), "active");
    scene.ok("status production").assert(0, &["active (running)"]);
    scene.ok("deploy release to production --version=0.2.0 --start-deploy --yes");
    scene.assert_serves("prod1", "0.2.0");
    scene.as_root("systemctl kill -s KILL --kill-who=main hotapp.service");
    eventually("systemd starts it again", || scene.served("prod1").is_some());
    scene.run("start production").assert(0, &["systemd has restarted unit hotapp.service once by itself"]);
    scene.ok("eval IO.puts(:user,\"told-to-the-journal\") on production");
    let logs = || scene.run("logs production --host=root@prod1 -n 50").out.contains("prod1 | told-to-the-journal");
    eventually("the journal has it", logs);
    // Newer ones keep what an account's own processes say where that account can read it.
    match scene.run("logs production") {
        own if own.code == Some(0) => own.assert(0, &["prod1 | told-to-the-journal"]),
        refused => refused.assert(8, &["may not read the journal", "usermod -aG systemd-journal"]),
    }
    followed(&scene);
    scene.ok("stop production --yes");
    assert_ne!(scene.as_root("systemctl is-active hotapp.service || true"), "active");
    assert_eq!(scene.served("prod1"), None);
    assert!(logs(), "also of a node that is down");
    Ok(())
}

/// What comes into the journal after the command has begun is told too, until Ctrl-C.
fn followed(scene: &Scene) {
    let mut following = scene.spawn("logs production --host=root@prod1 -n 1 -f");
    let mut lines = BufReader::new(following.stdout.take().expect("piped")).lines().map_while(Result::ok);
    assert!(lines.next().is_some(), "what is there already comes first");
    scene.ok("eval IO.puts(:user,\"told-while-followed\") on production");
    assert!(lines.any(|line| line == "prod1 | told-while-followed"), "the journal ended");
    kill_process(Pid::from_child(&following), Signal::INT).expect("it runs");
    assert_eq!(following.wait().expect("it ends").code(), Some(130));
}

/// A VM loses the signals that come before it is ready for them.
fn stopped_early() -> Result<(), Failed> {
    let scene = scene(App::Hotapp);
    configure(&scene, "systemd", "4000");
    scene.ok("deploy release to production --version=0.1.0 --yes");
    scene.ok("setup production --host=root@prod1 --yes");
    for moment in ["0.1", "0.3", "0.6", "1", "2"] {
        let began = Instant::now();
        scene.as_root(&format!("systemctl start hotapp.service && sleep {moment} && systemctl stop hotapp.service"));
        assert_eq!(scene.as_root("systemctl show -P Result hotapp.service"), "success", "after {moment} s");
        assert!(began.elapsed() < Duration::from_secs(40), "after {moment} s: {:?}", began.elapsed());
    }
    Ok(())
}

fn crash_loop() -> Result<(), Failed> {
    let scene = scene(App::Hotapp);
    configure(&scene, "systemd", "no number");
    allow(&scene);
    scene.ok("deploy release to production --version=0.1.0 --yes");
    scene.ok("setup production --host=root@prod1 --yes");
    let ran = scene.run("start production");
    // It ended, or was not up in time: a machine with much to do may be that slow.
    ran.assert(9, &["0.1.0 did not start: the node "]);
    scene.run("status production").assert(8, &["hotapp.service"]);
    eventually("systemd tries again", || scene.as_root("systemctl show -P NRestarts hotapp.service") != "0");
    scene.run("ping production").assert(8, &["systemd has restarted unit hotapp.service"]);
    scene.run("start production --plan").assert(0, &["systemd has restarted unit hotapp.service"]);
    scene.ok("stop production --yes").assert(0, &["stop the node (unit hotapp.service)"]);
    assert_eq!(scene.as_root("systemctl show -P ActiveState hotapp.service | grep -c -e inactive -e failed"), "1");
    // The environment is compared, and written anew.
    configure(&scene, "systemd", "4000");
    scene.ok("setup production --host=root@prod1 --yes").assert(0, &["/etc/edeliver/hotapp.env, differs"]);
    scene.ok("start production");
    scene.assert_serves("prod1", "0.1.0");
    Ok(())
}

fn user_unit() -> Result<(), Failed> {
    let scene = scene(App::Relapp);
    configure(&scene, "systemd-user", "4000");
    slow(&scene);
    scene.ok("deploy release to production --version=0.1.0 --yes");
    scene.as_root("systemctl mask --now polkit.service");
    let ran = scene.run("setup production --yes");
    ran.assert(9, &["lingering could not be switched on for deploy", "sudo loginctl enable-linger deploy"]);
    scene.as_root("loginctl enable-linger deploy");
    scene.ok("setup production --yes");
    scene.ok("setup production").assert(0, &["user unit relapp.service is as it should be"]);
    assert_eq!(scene.on("prod1", "stat -c %a .config/edeliver/relapp.env"), "600");
    scene
        .ok("start production --verbose")
        .assert(0, &["start 0.1.0 (user unit relapp.service)", "applications are up, starting kernel"]);
    scene.assert_serves("prod1", "0.1.0");
    scene.lab.reboot("prod1")?;
    eventually("it is started at boot", || scene.served("prod1").is_some());
    scene.ok("restart production --yes");
    scene.ok("stop production --yes");
    assert_eq!(scene.served("prod1"), None);
    Ok(())
}

/// To systemd an upgrade is nothing: the process stays. A node that dies meanwhile is started by systemd, into what boots.
fn upgraded() -> Result<(), Failed> {
    let scene = scene(App::Hotapp);
    let soak = |time: &str| {
        configure(&scene, "systemd", "4000");
        let toml = scene.project().join("edeliver.toml");
        let text = fs::read_to_string(&toml).expect("it was written");
        fs::write(&toml, format!("{text}[upgrade]\nsoak = \"{time}\"\n")).expect("the project can be written");
    };
    soak("20s");
    allow(&scene);
    scene.ok("deploy release to production --version=0.1.0 --yes");
    scene.ok("setup production --host=root@prod1 --yes");
    scene.ok("start production");
    let process = || scene.as_root("systemctl show -P MainPID hotapp.service");
    let count = || scene.ok("eval Hotapp.Counter.count() on production").out.trim().to_owned();
    count();
    let before = process();

    let upgrade = scene.spawn("deploy upgrade to production --version=0.2.0 --yes");
    eventually("it is upgraded", || scene.served("prod1").is_some_and(|served| served.contains("0.2.0")));
    assert_eq!((process(), count()), (before.clone(), "2".to_owned()), "without a restart");
    scene.as_root("systemctl kill -s KILL --kill-who=main hotapp.service");
    let ended = Ran::from(upgrade.wait_with_output()?);
    ended.assert(9, &["0.1.0 serving again after a restart, the state of its processes is lost"]);
    scene.assert_serves("prod1", "0.1.0");
    let restarted = process();
    assert_ne!(restarted, before);

    soak("1s");
    count();
    scene.ok("deploy upgrade to production --version=0.2.0 --yes");
    assert_eq!((process(), count()), (restarted, "2".to_owned()), "without a restart");
    scene.as_root("systemctl kill -s KILL --kill-who=main hotapp.service");
    eventually("systemd starts it again", || scene.served("prod1").is_some());
    scene.assert_serves("prod1", "0.2.0");
    scene.ok("rollback production --yes").assert(0, &["0.1.0 running, downgraded without a restart"]);
    scene.assert_serves("prod1", "0.1.0");
    scene.ok("stop production --yes");
    Ok(())
}

/// Between the end of the old node and the start of the new one, or a moment later: the watch has the same words for systemd as edeliver.
fn left_alone() -> Result<(), Failed> {
    let scene = scene(App::Hotapp);
    configure(&scene, "systemd", "4000");
    slow(&scene);
    allow(&scene);
    scene.ok("deploy release to production --version=0.1.0 --yes");
    scene.ok("setup production --host=root@prod1 --yes");
    scene.ok("start production");
    scene.assert_serves("prod1", "0.1.0");
    let mut deploy = scene.spawn("deploy release to production --version=0.2.0 --start-deploy --confirm-within=20s --yes");
    let own = |file: &str| scene.on("prod1", &format!("cat /srv/apps/hotapp/.edeliver/{file} 2>/dev/null || true"));
    eventually("the host watches, and the node is stopped", || !own("guard").is_empty() && scene.served("prod1").is_none());
    deploy.kill()?;
    deploy.wait()?;
    // It waits for longer than we wait for anything else.
    std::thread::sleep(Duration::from_secs(20));
    eventually("the host has gone back", || own("went-back").ends_with(" done"));
    scene.assert_serves("prod1", "0.1.0");
    assert_eq!(scene.as_root("systemctl is-active hotapp.service"), "active");
    scene.ok("status production").assert(0, &["went back to 0.1.0 by itself", "active (running)"]);
    eventually("nothing is left", || own("guard").is_empty() && scene.on("prod1", "pgrep -f edeliver-[g]uard || true").is_empty());
    scene.ok("stop production --yes");
    Ok(())
}

fn sudo() -> Result<(), Failed> {
    let scene = scene(App::Hotapp);
    // A node that was started without systemd is handed over.
    configure(&scene, "script", "4000");
    scene.ok("deploy release to production --version=0.1.0 --yes --start-deploy");
    configure(&scene, "systemd", "4000");
    let ran = scene.run("setup production --yes");
    ran.assert(4, &["deploy may not become root without a password", "--host=root@prod1", "--script"]);
    let script = scene.ok("setup production --script").out;
    assert!(script.contains("top secret"), "root has to write it: {script}");
    scene.ok("setup production --host=admin@prod1 --yes").assert(0, &["by sudo"]);
    scene.ok("setup production --host=admin@prod1").assert(0, &["is as it should be"]);
    scene.as_root("rm -r /etc/edeliver /etc/systemd/system/hotapp.service");
    fs::write(scene.lab.host_root("prod1")?.join("root/setup.sh"), script)?;
    scene.as_root("sh /root/setup.sh");
    scene.ok("setup production --host=admin@prod1").assert(0, &["is as it should be", "outside of unit hotapp.service"]);
    scene.ok("restart production --host=admin@prod1 --yes");
    assert_eq!(scene.as_root("systemctl is-active hotapp.service"), "active");
    scene.assert_serves("prod1", "0.1.0");
    Ok(())
}
