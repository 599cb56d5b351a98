//! Hosts that do not run the same, and releases that the store does not have.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::scene::Scene;

/// Where the store has the content of a file.
fn blob(scene: &Scene, file: &Path) -> PathBuf {
    let said = Command::new("sha256sum").arg(file).output().unwrap().stdout;
    let digest = String::from_utf8(said).unwrap()[..64].to_owned();
    scene.program.project().join(".deliver/store/blobs").join(&digest[..2]).join(digest)
}

#[test]
fn nodes_of_several_versions_are_upgraded_in_one_run_and_a_version_that_the_store_lacks_is_taken_from_its_host() {
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

    // Whoever comes with a fresh clone has not got what nodes run. It is on their hosts, unless somebody has changed it there.
    let manifest = scene.program.project().join(".deliver/store/manifests/hotapp/0.1.1.json");
    fs::remove_file(&manifest).unwrap();
    let beam = scene.root_on("two").join("lib/hotapp-0.1.1/ebin/Elixir.Hotapp.Version.beam");
    let built = fs::read(&beam).unwrap();
    fs::remove_file(blob(&scene, &beam)).unwrap();
    fs::write(&beam, [&built[..], b"changed"].concat()).unwrap();
    let refused = scene.run("deploy upgrade to staging --version=0.2.0");
    assert_eq!(refused.code, 4, "{}{}", refused.out, refused.err);
    assert!(refused.err.contains("release 0.1.1 can't be taken from two: lib/hotapp-0.1.1/ebin"), "{}", refused.err);
    assert!(refused.err.contains("the store has no release 0.1.1 to upgrade it from"), "{}", refused.err);
    assert_eq!(["one", "two"].map(state), before, "nothing was touched on the other one either");
    fs::write(&beam, built).unwrap();
    let planned = scene.ok("deploy upgrade to staging --version=0.2.0 --plan");
    let told = "the store has no release 0.1.1: it was taken from two (";
    assert!(planned.err.contains(told) && planned.err.contains(" in 1 file)"), "{}", planned.err);
    assert!(manifest.exists());

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
