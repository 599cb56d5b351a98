//! `upgrade` and `update`: from a commit to the nodes in one run.

use std::os::unix::fs::PermissionsExt as _;

use crate::scene::{Scene, migrating};

/// The hooks of runs that ran so far.
fn moments(scene: &Scene) -> Vec<String> {
    let text = std::fs::read_to_string(scene.program.project().join("moments")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Each notes what it and those before it have set: they run in one shell, the build's among them.
const HOOKS: &str = r#"
note() { SEEN="${SEEN:+$SEEN }$1"; echo "$SEEN" >>notes; }
pre_erlang_update() { note before; __remote true; }
post_erlang_clean_compile() { note compiled; }
post_start_deployed_release() { note started; }
post_erlang_deployed_update() { note deployed; }
post_erlang_update() { [ "$SEEN" = "before compiled started deployed" ] || error "out of order: $SEEN"; }
"#;

#[test]
fn one_command_builds_and_upgrades_what_runs_and_says_when_it_takes_a_restart() {
    let (scene, sample) = Scene::project("commands", "soak = \"1s\"");
    sample.write("priv/native.so", "one").unwrap();
    sample.write("hooks.sh", HOOKS).unwrap();
    let config = std::fs::read_to_string(scene.program.project().join("edeliver.toml")).unwrap();
    sample.write("moment", "#!/bin/sh\necho \"$EDELIVER_RUN_MOMENT\" >>moments\n").unwrap();
    std::fs::set_permissions(sample.dir.join("moment"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let hooks = ["before_build", "after_build", "before_deploy", "after_deploy", "before_upgrade", "after_upgrade", "on_failure"];
    let hooks: String = hooks.iter().map(|hook| format!("{hook} = \"moment\"\n")).collect();
    let config = format!("{config}\n[run_hooks]\n{hooks}");
    sample.write("edeliver.toml", &format!("hooks = \"hooks.sh\"\n{config}")).unwrap();
    sample.commit("with a library").unwrap();
    let update = scene.ok("update staging --start-deploy");
    assert!(update.out.contains("0.1.0 running"), "{}{}", update.out, update.err);
    let notes = std::fs::read_to_string(scene.program.project().join("notes")).unwrap();
    assert_eq!(
        notes.lines().collect::<Vec<_>>(),
        ["before", "before compiled", "before compiled started", "before compiled started deployed"]
    );
    assert_eq!(moments(&scene), ["before-build", "after-build", "before-deploy", "after-deploy"]);
    scene.count(2);
    let life = scene.life();

    sample.set_version("0.2.0").unwrap();
    migrating(&sample);
    sample.write("edeliver.toml", &config).unwrap();
    sample.commit("the next one").unwrap();
    let upgraded = scene.ok("upgrade staging");
    assert!(upgraded.out.contains("0.2.0 running, upgraded without a restart"), "{}{}", upgraded.out, upgraded.err);
    assert_eq!(moments(&scene)[4..], ["before-build", "after-build", "before-upgrade", "after-upgrade"]);
    scene.counted(2);
    assert_eq!(scene.eval("Hotapp.Version.marker()"), "\"0.2.0\"");
    assert_eq!((scene.life(), scene.boots().as_str()), (life.clone(), "0.2.0"));

    // What only a restart can do: a native library can't be replaced while it is in use.
    sample.set_version("0.3.0").unwrap();
    migrating(&sample);
    sample.write("priv/native.so", "two").unwrap();
    sample.write("edeliver.toml", &config).unwrap();
    sample.commit("with another library").unwrap();
    let refused = scene.run("upgrade staging");
    assert_eq!(refused.code, 4, "{}{}", refused.out, refused.err);
    assert!(refused.err.contains("native.so") && refused.err.contains("--restart-if-needed"), "{}{}", refused.out, refused.err);
    assert_eq!((scene.life(), scene.boots().as_str()), (life.clone(), "0.2.0"), "nothing was touched");
    assert_eq!(moments(&scene)[8..], ["before-build", "after-build", "on-failure"]);

    let restarted = scene.ok("upgrade staging --restart-if-needed");
    assert!(restarted.err.contains("the state of its processes is lost"), "{}{}", restarted.out, restarted.err);
    assert_eq!((scene.eval("Hotapp.Version.marker()").as_str(), scene.boots().as_str()), ("\"0.3.0\"", "0.3.0"));
    assert_ne!(scene.life(), life);
    scene.counted(0);
}

#[test]
fn a_deploy_without_a_start_says_what_an_upgraded_node_runs_until_then() {
    let scene = Scene::new("placed", "soak = \"1s\"");
    scene.ok("deploy upgrade to staging --version=0.2.0");
    let placed = scene.ok("deploy release to staging --version=0.1.0");
    assert!(placed.out.contains("0.1.0 boots next, 0.2.0 runs until then"), "{}{}", placed.out, placed.err);
    let version = scene.ok("version staging").out;
    assert!(version.contains("0.2.0  0.1.0") && version.contains("as built"), "{version}");
    scene.ok("deploy release to staging --version=0.1.0 --start-deploy");
    assert_eq!((scene.eval("Hotapp.Version.marker()").as_str(), scene.boots().as_str()), ("\"0.1.0\"", "0.1.0"));
}
