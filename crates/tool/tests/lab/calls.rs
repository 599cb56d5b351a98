//! Calls to nodes through a real ssh: cut, and where sshd forwards no ports.

use std::{
    fs,
    time::{Duration, Instant},
};

use edeliver_lab::Link;
use libtest_mimic::Failed;

use crate::{
    Test,
    scene::{Ran, Scene, eventually},
    world::App,
};

pub(crate) const TESTS: &[Test] = &[
    ("nodes_of_both_languages_answer_every_question", every_question),
    ("a_link_cut_during_a_call_leaves_its_outcome_unknown", cut),
    ("a_link_cut_during_a_migration_leaves_it_unknown", cut_migration),
    ("where_sshd_forwards_no_ports_the_releases_own_programs_make_the_call", no_forwarding),
    ("a_call_is_made_over_a_slow_link_in_a_few_round_trips", slow),
];

fn serving(app: App) -> Scene {
    let scene = Scene::fleet(app, 1);
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    scene
}

/// What `cargo xtask matrix` asks of other OTP releases.
fn every_question() -> Result<(), Failed> {
    for (app, rpc, eval, value) in [
        (App::Hotapp, "rpc Enum.sum([40,2]) production", "eval hd([41+1]) production", "42"),
        (App::Relapp, "rpc lists:sum([40,2]) production", "eval hd([X+41||X<-[1]]). production", "42"),
    ] {
        let scene = Scene::fleet(app, 2);
        scene.ok("deploy release to production --version=0.1.0 --start-deploy");
        for words in ["ping production", "status production"] {
            assert_eq!(scene.ok(words).out.matches("running").count(), 2, "{words}");
        }
        scene.ok("version production").assert(0, &["prod1", "prod2", "0.1.0"]);
        for words in [rpc, eval] {
            scene.ok(words).assert(0, &[value, "2 hosts"]);
        }
        scene.run("rpc erlang:error(oops) production").assert(8, &["oops"]);
        scene.ok("restart production");
        scene.ok("stop production");
        assert!(!scene.run("status production").out.contains("running"));
    }
    Ok(())
}

fn cut() -> Result<(), Failed> {
    let scene = serving(App::Hotapp);
    let ran = cut_during(&scene, "rpc :timer.sleep(120000) production --timeout=100s")?;
    assert_eq!(ran.out, "", "there is no value");
    scene.ok("rpc Node.self() production");
    Ok(())
}

/// What came of a command whose link was cut while it called the node of the only host.
fn cut_during(scene: &Scene, words: &str) -> Result<Ran, Failed> {
    let calling = scene.spawn(words);
    // A connection alone says little: before a migration it is only asked for what there is, and a lock is taken.
    let asleep = "eval Enum.any?(Process.list(),fn(p)->Process.info(p,:current_function)=={:current_function,{:timer,:sleep,1}}end) production";
    eventually("the call is being made", || scene.ok(asleep).out.contains("true"));
    let began = Instant::now();
    scene.lab.cut("prod1")?;
    let ran = Ran::from(calling.wait_with_output()?);
    scene.lab.heal("prod1")?;
    assert!(began.elapsed() < Duration::from_secs(60), "noticed by ssh, not by the call's own time: {:?}", began.elapsed());
    ran.assert(11, &["not known"]);
    Ok(ran)
}

fn cut_migration() -> Result<(), Failed> {
    let scene = serving(App::Hotapp);
    let toml = scene.project().join("edeliver.toml");
    let target = "[targets.production]\n";
    fs::write(&toml, fs::read_to_string(&toml)?.replace(target, &format!("{target}migrate = \"Slow.migrate\"\n")))?;
    scene.ok("eval defmodule(Slow,[{:do,def(migrate(),[{:do,:timer.sleep(120_000)}])}]) production");
    let ran = cut_during(&scene, "migrate production --yes")?;
    assert!(!ran.said().contains("done"), "{}", ran.said());
    Ok(())
}

fn no_forwarding() -> Result<(), Failed> {
    for app in [App::Hotapp, App::Relapp] {
        let scene = serving(app);
        scene.on("prod1", "sed -i 's/^ssh-/no-port-forwarding ssh-/' ~/.ssh/authorized_keys");
        assert_ne!(scene.on("prod1", "grep -c ^no-port-forwarding ~/.ssh/authorized_keys"), "0");
        let ran = scene.run("rpc erlang:system_info(process_count) production");
        assert_eq!(ran.code, Some(0), "{app:?}: {}", ran.said());
        let failed = scene.run("rpc erlang:error(as_asked) production");
        assert_eq!(failed.code, Some(8), "{app:?}: {}", failed.said());
        assert!(failed.said().contains("as_asked"), "{app:?}: {}", failed.said());
        scene.ok("status production").assert(0, &["running", "no connection to it can be made"]);
    }
    Ok(())
}

fn slow() -> Result<(), Failed> {
    let scene = serving(App::Hotapp);
    let time = |words: &str| {
        let began = Instant::now();
        scene.ok(words);
        began.elapsed()
    };
    let (mut near, mut far) = (Duration::MAX, Duration::MAX);
    // In turn: what else this machine does may become more meanwhile, or less.
    for _ in 0..4 {
        for (latency_ms, best) in [(0.0, &mut near), (100.0, &mut far)] {
            scene.lab.shape("prod1", Link { latency_ms, ..Link::default() })?;
            *best = time("rpc Node.self() production").min(*best);
        }
    }
    let trips = (far.saturating_sub(near)).as_millis() / 100;
    // A login takes 12; then the script that finds the node, the port, three messages of the handshake, two calls.
    assert!(trips <= 24, "{trips} round trips: {near:?} without, {far:?} with 100 ms");
    Ok(())
}
