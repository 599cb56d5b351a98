//! Hosts that are not like the operator's machine.

use edeliver_lab::{Base, HostSpec};
use libtest_mimic::Failed;

use crate::{Test, scene::Scene, world::App};

pub(crate) const TESTS: &[Test] = &[
    ("a_host_with_zsh_works", zsh),
    ("a_host_with_fish_works", fish),
    ("a_host_with_dash_works", dash),
    ("a_host_with_nothing_but_busybox_takes_a_release", busybox),
    ("start_up_files_that_print_do_no_harm", printing),
    ("a_login_shell_that_runs_nothing_is_told", nologin),
];

fn with_shell(shell: &str) -> Result<(), Failed> {
    let scene = Scene::host(App::Hotapp, HostSpec { shell: Some(shell.to_owned()), ..HostSpec::default() });
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    scene.assert_serves("prod1", "0.1.0");
    scene.ok("ping production");
    scene.ok("stop production");
    Ok(())
}

fn zsh() -> Result<(), Failed> {
    with_shell("/usr/bin/zsh")
}

fn fish() -> Result<(), Failed> {
    with_shell("/usr/bin/fish")
}

fn dash() -> Result<(), Failed> {
    with_shell("/bin/dash")
}

fn busybox() -> Result<(), Failed> {
    let scene = Scene::host(App::Hotapp, HostSpec { base: Base::Busybox, ..HostSpec::default() });
    scene.ok("deploy release to production --version=0.1.0");
    scene.ok("deploy release to production --version=0.2.0");
    assert_eq!(scene.permanent("prod1", "apps"), "0.2.0");
    scene.ok("rollback production");
    assert_eq!(scene.permanent("prod1", "apps"), "0.1.0");
    Ok(())
}

fn printing() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    let noisy = "for f in .bashrc .profile .bash_profile; do printf 'echo hello from %s; echo and to stderr >&2\\n' $f > $f; done";
    scene.on("prod1", noisy);
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    scene.assert_serves("prod1", "0.1.0");
    scene.ok("version production").assert(0, &["0.1.0"]);
    scene.ok("stop production");
    Ok(())
}

fn nologin() -> Result<(), Failed> {
    let scene = Scene::host(App::Hotapp, HostSpec { shell: Some("/usr/sbin/nologin".to_owned()), ..HostSpec::default() });
    scene.run("deploy release to production --version=0.1.0").assert(6, &["prod1", "login shell"]);
    Ok(())
}
