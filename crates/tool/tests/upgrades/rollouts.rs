//! Changes that go over several hosts: in waves, and back everywhere when they fail somewhere.

use std::fs;

use crate::scene::Scene;

const HOSTS: &[&str] = &["one", "two", "three"];
const HEALTH: &str = "soak = \"1s\"\nhealth = { command = \"test ! -e sick || { echo I am sick; false; }\" }";

/// Nodes of the first release on all hosts, each with something to lose.
fn serving(node: &str, settings: &str) -> Scene {
    let scene = Scene::fleet(node, settings, HOSTS);
    scene.ok("deploy release to staging --version=0.1.0 --start-deploy");
    HOSTS.iter().for_each(|host| drop(scene.eval_on(host, "Hotapp.Counter.count()")));
    scene
}

/// State, life and version of the node of every host.
fn nodes(scene: &Scene) -> Vec<String> {
    let all = "{Hotapp.Counter.read(), System.pid(), :erlang.system_info(:creation), Hotapp.Version.marker()}";
    HOSTS.iter().map(|host| scene.eval_on(host, all)).collect()
}

fn boots(scene: &Scene, version: &str) {
    for host in HOSTS {
        let text = fs::read_to_string(scene.root_on(host).join("releases/start_erl.data")).unwrap();
        assert!(text.ends_with(&format!(" {version}\n")) || text.ends_with(&format!(" {version}")), "{host}: {text}");
    }
}

#[test]
fn an_upgrade_that_fails_on_one_host_is_taken_back_on_all_without_a_restart() {
    let scene = serving("wavesup", HEALTH);
    let before = nodes(&scene);
    fs::write(scene.root_on("two").join("sick"), "").unwrap();
    let line = "deploy upgrade to staging --version=0.2.0 --waves=1,rest --on-failure=rollback";
    let planned = scene.ok(&format!("{line} --plan")).out;
    assert!(planned.contains("wave 1: one\n  wave 2: two, three\n  when a host fails, all that were changed go back"), "{planned}");

    let failed = scene.run(line);
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    assert!(failed.err.contains("wave 2 of 2: two, three") && failed.err.contains("I am sick"), "{}", failed.err);
    assert_eq!(failed.out.matches("taken back").count(), 2, "{}{}", failed.out, failed.err);
    assert_eq!(nodes(&scene), before, "the same processes with the same state and code");
    boots(&scene, "0.1.0");

    fs::remove_file(scene.root_on("two").join("sick")).unwrap();
    let again = scene.run(line);
    assert_eq!(again.code, 4, "{}{}", again.out, again.err);
    assert_eq!(again.err.matches("0.2.0 was taken back in run").count(), 4, "told of every host that tried it: {}", again.err);
    assert!(again.err.contains("`--force` tries it once more"), "{}", again.err);
    scene.ok(&format!("{line} --force"));
    let upgraded: Vec<String> = before.iter().map(|node| node.replace("0.1.0", "0.2.0")).collect();
    assert_eq!(nodes(&scene), upgraded);
    boots(&scene, "0.2.0");
}

#[test]
fn a_deploy_that_fails_in_its_second_wave_restarts_the_first_into_what_it_had() {
    let scene = serving("wavesre", &format!("{HEALTH}\n[deploy]\nstart_timeout = \"20s\""));
    fs::write(scene.root_on("two").join("sick"), "").unwrap();
    let failed = scene.run("deploy release to staging --version=0.2.0 --start-deploy --batch=1 --on-failure=rollback");
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    let rows = [("one", "taken back"), ("two", "failed"), ("three", "skipped")];
    for (host, result) in rows {
        let row = failed.out.lines().find(|line| line.starts_with(host)).unwrap_or_default();
        assert!(row.contains(result) && row.contains("0.1.0"), "{host}: {}{}", failed.out, failed.err);
    }
    let versions: Vec<String> = HOSTS.iter().map(|host| scene.eval_on(host, "Hotapp.Version.marker()")).collect();
    assert_eq!(versions, ["\"0.1.0\""; 3]);
    boots(&scene, "0.1.0");
}

#[test]
fn a_release_that_falls_some_seconds_after_its_start_gives_way_while_it_is_watched() {
    let scene = serving("wavesfall", "soak = \"1s\"\n[rollout.limits]\nrestarts = \"off\"");
    let failed = scene.run("deploy release to staging --version=0.2.2 --start-deploy --batch=1 --soak=20s");
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    assert!(failed.err.contains("the node has ended"), "{}", failed.err);
    assert_eq!(failed.out.matches("0.1.0 serving").count(), 3, "{}", failed.out);
    assert_eq!(scene.eval_on("one", "Hotapp.Version.marker()"), "\"0.1.0\"");
    boots(&scene, "0.1.0");
}

#[test]
fn a_release_whose_children_are_restarted_again_and_again_is_taken_back_although_its_node_runs() {
    let scene = serving("wavesloop", "soak = \"1s\"");
    let failed = scene.run("deploy release to staging --version=0.2.2 --start-deploy --batch=1 --soak=20s --on-failure=rollback");
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    assert!(failed.err.contains("restarts by Hotapp.Supervisor: ") && failed.err.contains("at most 1"), "{}", failed.err);
    assert_eq!(failed.out.matches("0.1.0 serving").count(), 3, "{}", failed.out);
    boots(&scene, "0.1.0");
}

#[test]
fn a_restarted_node_is_held_to_what_the_node_before_had() {
    let limits = "[rollout.limits]\nmemory = \"20MB\"\n[deploy]\nstart_timeout = \"10s\"";
    let scene = Scene::new("wavesfat", &format!("soak = \"1s\"\n{limits}"));
    let failed = scene.run("deploy release to staging --version=0.2.0 --start-deploy --soak=2s");
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    assert!(failed.err.contains("memory: ") && failed.err.contains(" MB before, at most 20.0 MB"), "{}", failed.err);
    assert!(failed.out.contains("0.1.0 serving again"), "{}", failed.out);
    // In bytes it is held to the same, in parts of what was there before to more.
    scene.configure("soak = \"1s\"\n[rollout.limits]\nmemory = \"200%\"\nerrors = 100");
    scene.ok("deploy release to staging --version=0.2.0 --start-deploy --soak=2s --force");
    assert_eq!(scene.eval(":logger.get_handler_config(:edeliver_errors) |> elem(0)"), ":error", "nothing is left in the node");
}

#[test]
fn a_restarted_node_may_have_its_children_restarted_as_often_as_the_one_before() {
    let scene = Scene::fleet("wavesbefore", "soak = \"1s\"\n[rollout.limits]\nrestarts = 2", &["one", "two"]);
    scene.ok("deploy release to staging --version=0.1.0 --start-deploy");
    // Somebody from outside, whom no restart ends, ends a child every two seconds.
    let one = scene.eval_on("one", "node()");
    let ends = format!(
        "fn times -> with pid when is_pid(pid) <- :rpc.call({one}, Process, :whereis, [Hotapp.Counter]), do: Process.exit(pid, :kill); \
         Application.put_env(:hotapp, :times, times); Process.sleep(2_000) end"
    );
    scene.eval_on("two", &format!("spawn(fn -> Enum.each(1..300, {ends}) end)"));
    scene.until("it was ended some times", || scene.eval_on("two", "Application.get_env(:hotapp, :times, 0) > 3") == "true");
    scene.ok("deploy release to staging --version=0.2.0 --start-deploy --host=one --soak=7s");
    assert_eq!(scene.eval_on("one", "Hotapp.Version.marker()"), "\"0.2.0\"");
}

#[test]
fn a_node_that_does_not_find_its_peers_again_is_taken_back_and_one_that_does_is_done() {
    let scene = serving("wavespeer", "soak = \"1s\"\n[rollout]\nsettle_within = \"6s\"");
    let [one, two] = ["one", "two"].map(|host| scene.eval_on(host, "node()"));
    assert_eq!(scene.eval_on("one", &format!("Node.connect({two})")), "true");
    let line = "deploy release to staging --version=0.2.0 --start-deploy --batch=1 --on-failure=rollback --host=one,two";
    let planned = scene.ok(&format!("{line} --plan")).out;
    assert!(planned.contains("watch 0.2.0, until its peer is connected again") && planned.contains("wave 1: one\n"), "{planned}");
    let failed = scene.run(line);
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    let says =
        format!("peers: 0 now, 1 before; {}: up, and not connected again; all are wanted within 6s", two.trim_start_matches(':'));
    assert!(failed.err.contains(&says) && failed.out.contains("0.1.0 serving again"), "{says}\n{}{}", failed.err, failed.out);

    // Somebody who looks for lost nodes, from outside of what is changed: all of them find each other by that.
    let looks = format!(
        "spawn(fn -> Stream.run(Stream.repeatedly(fn -> Enum.each([{one}, {two}], &Node.connect/1); Process.sleep(300) end)) end)"
    );
    scene.eval_on("three", &looks);
    scene.until("all are connected", || scene.eval_on("one", "length(Node.list())") == "2");
    scene.ok(&format!("{line} --force"));
    assert_eq!(["one", "two"].map(|host| scene.eval_on(host, "Hotapp.Version.marker()")), ["\"0.2.0\"", "\"0.2.0\""]);
}

#[test]
fn an_upgraded_node_that_loses_its_peer_is_taken_back_with_its_state_and_one_that_keeps_it_is_done() {
    let scene = Scene::fleet("peersup", "soak = \"3s\"\n[rollout]\nsettle_within = \"3s\"", &["one", "two"]);
    scene.ok("deploy release to staging --version=0.1.0 --start-deploy");
    let state = |host| scene.eval_on(host, "{Hotapp.Counter.read(), System.pid(), Hotapp.Version.marker()}");
    scene.eval_on("one", "Hotapp.Counter.count()");
    let before = ["one", "two"].map(state);
    let two = scene.eval_on("two", "node()");
    let connect = format!("Node.connect({two})");
    assert_eq!(scene.eval_on("one", &connect), "true");
    // It hangs up as soon as the new code is there.
    let hangs_up = format!("fn -> if Hotapp.Version.marker() == \"0.2.0\", do: Node.disconnect({two}); Process.sleep(50) end");
    scene.eval_on(
        "one",
        &format!("spawn(fn -> Process.register(self(), :hangs_up); Stream.run(Stream.repeatedly({hangs_up})) end)"),
    );
    let line = "deploy upgrade to staging --version=0.2.0 --batch=1 --on-failure=rollback";
    let planned = scene.ok(&format!("{line} --plan")).out;
    assert!(planned.contains("until its peer is connected again"), "{planned}");
    let failed = scene.run(line);
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    let says =
        format!("peers: 0 now, 1 before; {}: up, and not connected again; all are wanted within 3s", two.trim_start_matches(':'));
    assert!(failed.err.contains(&says) && failed.out.contains("0.1.0 serving again"), "{says}\n{}{}", failed.err, failed.out);
    assert_eq!(["one", "two"].map(state), before, "the same processes with the same state and code");

    scene.eval_on("one", &format!("Process.exit(Process.whereis(:hangs_up), :kill) && {connect}"));
    scene.ok(&format!("{line} --force"));
    assert_eq!(["one", "two"].map(state), before.map(|node| node.replace("0.1.0", "0.2.0")));
    assert_eq!(scene.eval_on("one", "Node.list()"), format!("[{two}]"));
}

#[test]
fn a_wave_is_not_begun_while_too_few_hosts_serve() {
    let scene = serving("waveshalf", "soak = \"1s\"\n[rollout]\nmin_healthy = \"100%\"");
    scene.ok("stop staging --host=three --yes");
    let line = "deploy release to staging --version=0.2.0 --start-deploy --batch=1 --on-failure=rollback";
    let planned = scene.ok(&format!("{line} --plan")).out;
    assert!(planned.contains("before each further wave, 3 of 3 hosts must run and be well"), "{planned}");
    let failed = scene.run(line);
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    let says = "no further wave is begun: 2 of 3 hosts run and are well, at least 3 are wanted (three: the node is down)";
    assert!(failed.err.contains(says), "{}{}", failed.out, failed.err);
    let one = failed.out.lines().find(|line| line.starts_with("one")).unwrap_or_default();
    assert!(one.contains("taken back") && failed.out.matches("skipped").count() == 2, "{}", failed.out);
    assert_eq!(["one", "two"].map(|host| scene.eval_on(host, "Hotapp.Version.marker()")), ["\"0.1.0\"", "\"0.1.0\""]);
}
