//! A release of relx without sasl: no node of it has a `release_handler`.

use edeliver_lab::samples::Sample;

use crate::scene::Scene;

fn release(scene: &Scene, sample: &Sample, version: &str, settings: &str) {
    sample.set_version(version).unwrap();
    sample.edit("rebar.config", "[relapp, sasl]", "[relapp]").unwrap();
    sample.edit("src/relapp.app.src", "[kernel, stdlib, sasl]", "[kernel, stdlib]").unwrap();
    scene.configure(settings);
    sample.commit("without sasl").unwrap();
    scene.ok("build release");
}

#[test]
fn a_node_without_sasl_is_upgraded_by_the_agent_and_is_no_case_for_release_handler() {
    let settings = "soak = \"1s\"";
    let (scene, sample) = Scene::erlang("bare", settings);
    for version in ["0.1.0", "0.2.0"] {
        release(&scene, &sample, version, settings);
    }
    let life = || scene.eval("{os:getpid(),relapp_counter:read(),whereis(release_handler)}.");
    scene.ok("deploy release to staging --version=0.1.0 --start-deploy");
    scene.eval("relapp_counter:count().");
    let before = life();
    assert!(before.contains("1,undefined"), "{before}");

    scene.configure("engine = \"release_handler\"");
    let refused = scene.run("deploy upgrade to staging --version=0.2.0");
    assert_eq!(refused.code, 4, "{}{}", refused.out, refused.err);
    assert!(refused.err.contains("0.1.0 has no sasl, so there is no release_handler on the node"), "{}", refused.err);
    assert!(!scene.root().join("releases/0.2.0").exists(), "nothing was begun");

    scene.configure(settings);
    for (command, version) in [("deploy upgrade to staging --version=0.2.0", "0.2.0"), ("rollback staging", "0.1.0")] {
        let done = scene.ok(command);
        assert!(
            done.out.contains(&format!("{version} running, ")) && done.out.contains("without a restart"),
            "{}{}",
            done.out,
            done.err
        );
        assert_eq!((life(), scene.boots()), (before.clone(), version.to_owned()));
        assert_eq!(scene.eval("relapp_version:marker()."), format!("{version:?}"));
        let said = scene.ok("version staging").out;
        assert!(said.contains(version), "what it runs is told truly: {said}");
    }
}
