//! Hosts that do not run the same, and releases that the store does not have.

use std::fs;

use crate::scene::Scene;

#[test]
fn nodes_of_several_versions_are_upgraded_in_one_run_and_a_version_that_the_store_lacks_is_told() {
    let scene = Scene::fleet("mixed", "soak = \"1s\"", &["one", "two"]);
    for (host, version) in [("one", "0.1.0"), ("two", "0.1.1")] {
        scene.ok(&format!("deploy release to staging --version={version} --host={host} --start-deploy"));
        scene.eval_on(host, "Hotapp.Counter.count()");
    }
    let state = |host| scene.eval_on(host, "{Hotapp.Counter.read(), System.pid(), Hotapp.Version.marker()}");
    let before = ["one", "two"].map(state);

    let absent = scene.run("deploy upgrade to staging --version=9.9.9");
    assert_eq!(absent.code, 2, "{}", absent.err);
    assert!(absent.err.contains("has no release hotapp 9.9.9") && absent.err.contains("edeliver show releases"), "{}", absent.err);

    // What a node runs can't be compared with anything.
    let manifest = scene.program.project().join(".deliver/store/manifests/hotapp/0.1.1.json");
    let away = scene.program.project().join("away.json");
    fs::rename(&manifest, &away).unwrap();
    let refused = scene.run("deploy upgrade to staging --version=0.2.0");
    assert_eq!(refused.code, 4, "{}{}", refused.out, refused.err);
    assert!(refused.err.contains("the store has no release 0.1.1"), "{}", refused.err);
    assert_eq!(["one", "two"].map(state), before, "nothing was touched on the other one either");
    fs::rename(&away, &manifest).unwrap();

    // A plan makes the relup that it needs, and keeps nothing.
    let stored = scene.program.project().join(".deliver/store/upgrades/hotapp/0.2.0.json");
    let kept = fs::read(&stored).unwrap();
    let planned = scene.ok("deploy upgrade to staging --version=0.2.0 --plan").out;
    assert_eq!(planned.matches("upgrade the running node from").count(), 2, "{planned}");
    assert!(fs::read(&stored).unwrap() == kept, "the store is as it was");

    let upgraded = scene.ok("deploy upgrade to staging --version=0.2.0");
    assert_eq!(upgraded.out.matches("0.2.0 running, upgraded without a restart").count(), 2, "{}{}", upgraded.out, upgraded.err);
    let marker = |state: &String| state.replace("0.1.0", "0.2.0").replace("0.1.1", "0.2.0");
    assert_eq!(["one", "two"].map(state), before.each_ref().map(marker));
    // Each goes back to what it came from.
    scene.ok("rollback staging");
    assert_eq!(["one", "two"].map(state), before);
}
