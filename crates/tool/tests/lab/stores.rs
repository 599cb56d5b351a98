//! A release store on a host, and its bad days.

use std::fs;

use edeliver_lab::{Base, Fault, HostSpec, Link};
use libtest_mimic::Failed;

use crate::{
    Test,
    scene::{Ran, Scene, eventually},
    world::App,
};

pub(crate) const TESTS: &[Test] = &[
    ("a_checkout_that_has_built_nothing_deploys_from_a_store_on_a_host", fresh_checkout),
    ("a_store_on_a_host_with_nothing_but_busybox_works", busybox),
    ("a_link_cut_while_a_release_is_published_leaves_none_and_the_same_command_completes", cut_link),
    ("a_store_on_a_full_disk_or_without_permission_says_so", no_room),
];

/// A project whose releases are kept in the folder `shelf` of this host.
fn kept_on(scene: &Scene, host: &str) {
    scene.configure("apps", &format!("[store]\nremote = \"{host}:shelf\"\n"));
}

/// As another checkout would be: with nothing that was built.
fn forget(scene: &Scene) -> Result<(), Failed> {
    Ok(fs::remove_dir_all(scene.project().join(".deliver"))?)
}

fn fresh_checkout() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Relapp, 1);
    kept_on(&scene, "build");
    scene.ok("upload release 0.1.0");
    forget(&scene)?;
    scene.ok("show releases").assert(0, &["0.1.0", "relapp_0.1.0.release.tar.gz"]);
    scene.ok("deploy release to production --version=0.1.0 --start-deploy").assert(0, &["fetching relapp 0.1.0 from build:shelf"]);
    scene.assert_serves("prod1", "0.1.0");
    scene.ok("stop production");
    Ok(())
}

fn busybox() -> Result<(), Failed> {
    let scene = Scene::host(App::Relapp, HostSpec { base: Base::Busybox, ..HostSpec::default() });
    kept_on(&scene, "prod1");
    scene.ok("upload release 0.1.0");
    scene.ok("upload release 0.1.0 --force");
    forget(&scene)?;
    scene.ok("show releases").assert(0, &["0.1.0"]);
    scene.ok("download release 0.1.0");
    scene.ok("deploy release to production --version=0.1.0");
    assert_eq!(scene.permanent("prod1", "apps"), "0.1.0");
    Ok(())
}

fn cut_link() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Relapp, 1);
    kept_on(&scene, "build");
    // Some MB at 4 Mbit/s: long enough to cut it in the middle.
    scene.lab.shape("build", Link { rate_mbit: 4.0, ..Link::default() })?;
    let upload = scene.spawn("upload release 0.1.0");
    eventually("content arrives", || scene.on("build", "ls shelf/store/tmp 2>/dev/null | wc -l") != "0");
    scene.lab.cut("build")?;
    let ran = Ran::from(upload.wait_with_output()?);
    ran.assert(8, &["build:shelf", "the link was lost"]);
    scene.lab.heal("build")?;
    scene.lab.shape("build", Link::default())?;
    assert_eq!(scene.on("build", "ls shelf/store/manifests shelf/*.tar.gz 2>/dev/null | wc -l"), "0");
    scene.ok("upload release 0.1.0");
    forget(&scene)?;
    scene.ok("download release 0.1.0");
    Ok(())
}

fn no_room() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Relapp, 1);
    kept_on(&scene, "build");
    scene.on("build", "mkdir -p shelf && chmod 500 shelf");
    scene.run("upload release 0.1.0").assert(1, &["build:shelf", "ermission denied", "who may write there"]);
    scene.on("build", "chmod 000 shelf");
    scene.run("show releases").assert(1, &["build:shelf", "ermission denied"]);
    scene.on("build", "chmod 700 shelf");
    scene.lab.fault("build", Fault::Disk { path: "/home/deploy/shelf".into(), size: "2m".into() })?;
    scene.run("upload release 0.1.0").assert(1, &["build:shelf", "No space left"]);
    assert_eq!(scene.on("build", "ls shelf/store/manifests 2>/dev/null | wc -l"), "0");
    Ok(())
}
