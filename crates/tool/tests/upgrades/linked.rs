//! `LINK_VM_ARGS` and `LINK_SYS_CONFIG` of a classic config: files of the host that stand for those of every release.

use std::fs;

use crate::{program, scene::Scene};

#[test]
fn files_of_the_host_stand_for_those_of_every_release_in_starts_and_in_upgrades() {
    let scene = Scene::stored("linked", "");
    let dir = scene.program.project().parent().unwrap().to_owned();
    let file = |name: &str, text: &str| {
        fs::write(dir.join(name), text).unwrap();
        dir.join(name).display().to_string()
    };
    let config = file("own.config", "[{hotapp, [{greeting, <<\"of the host\">>}]}].");
    let flags = file("own.args", "-flagged here\n");
    let profile = file("profile", &format!("export RELEASE_NODE={}\n", scene.node));
    let places = format!("APP=hotapp\nSTAGING_HOSTS=localhost\nDELIVER_TO={:?}\n", scene.root().parent().unwrap());
    fs::remove_file(scene.program.project().join("edeliver.toml")).unwrap();
    let linked = format!("PROFILE={profile:?}\nLINK_SYS_CONFIG={config:?}\nLINK_VM_ARGS={flags:?}\n");
    scene.program.write(".deliver/config", &(places + &linked));
    let counts = || {
        assert_eq!(scene.eval("Application.get_env(:hotapp, :greeting)"), "\"of the host\"");
        assert_eq!(scene.eval(":init.get_argument(:flagged)"), "{:ok, [['here']]}");
    };
    scene.ok("deploy release to staging --version=0.1.0 --start-deploy");
    counts();
    let life = scene.life();
    let upgrade = scene.command("deploy upgrade to staging --version=0.2.0").env("EDELIVER_UPGRADE_SOAK", "1s").output();
    let done = program::done(upgrade.unwrap());
    assert_eq!((done.code, scene.life()), (0, life), "{}{}", done.err, done.out);
    counts();
    scene.ok("restart staging");
    counts();
}
