//! The main road: up with all state, watched, permanent, down again.

use crate::scene::Scene;

#[test]
fn a_running_node_goes_up_with_its_state_and_back_with_it_and_boots_what_it_runs() {
    let scene = Scene::new("up", "soak = \"2s\"");
    scene.count(3);
    let life = scene.life();

    let plan = scene.ok("deploy upgrade to staging --version=0.2.0 --plan").out;
    assert!(plan.contains("upgrade the running node from 0.1.0 to 0.2.0"), "{plan}");
    assert_eq!(scene.boots(), "0.1.0", "a plan changes nothing");
    let done = scene.ok("deploy upgrade to staging --version=0.2.0");
    assert!(done.out.contains("0.2.0 running, upgraded without a restart"), "{}{}", done.out, done.err);
    scene.counted(3);
    assert_eq!(scene.eval("Hotapp.Version.marker()"), "\"0.2.0\"");
    assert_eq!(scene.eval(":sys.get_state(Hotapp.Counter)"), "%{count: 3}");
    assert_eq!((scene.life(), scene.boots().as_str()), (life.clone(), "0.2.0"));
    let version = scene.ok("version staging");
    assert!(version.out.contains("0.2.0") && version.out.contains("as built"), "{}{}", version.out, version.err);
    assert_eq!(scene.eval("Code.ensure_loaded?(:edeliver_agent)"), "false", "nothing of edeliver's stays");
    assert!(scene.ok("deploy upgrade to staging --version=0.2.0 --plan").out.contains("nothing to do"), "it is done");

    scene.count(1);
    let back = scene.ok("rollback staging");
    assert!(back.out.contains("0.1.0 running, downgraded without a restart"), "{}{}", back.out, back.err);
    scene.counted(4);
    assert_eq!((scene.life(), scene.boots().as_str()), (life.clone(), "0.1.0"));

    scene.ok("deploy upgrade to staging --version=0.2.0");
    scene.counted(4);
    assert_eq!(scene.life(), life);
    scene.ok("restart staging");
    assert_eq!(scene.eval("Hotapp.Version.marker()"), "\"0.2.0\"", "a cold start boots what ran");
    assert_ne!(scene.life(), life);
}
