//! A fleet whose hosts fetch releases by themselves from a bucket of S3, and the bucket's bad days in the middle of a deploy.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Child,
};

use edeliver::store::{Existing, Store};
use edeliver_core::{config::StoreSettings, name::Version};
use edeliver_lab::Link;
use libtest_mimic::Failed;
use tokio::net::TcpListener;

use crate::{
    Test,
    fleet_days::{DEPLOY, HOSTS, assert_one, assert_row},
    scene::{Ran, Scene, eventually},
    server::{KEY, SECRET, serve},
    world::App,
};

pub(crate) const TESTS: &[Test] = &[
    ("fleet_a_bucket_that_is_gone_while_hosts_fetch_has_them_sent_the_release_and_the_way_back_needs_none", gone),
    ("fleet_a_bucket_and_an_operator_that_are_gone_at_once_lose_nothing_and_resume_ends_it", gone_with_its_operator),
    ("fleet_a_bucket_that_hardly_answers_while_hosts_fetch_has_them_sent_the_release", slow),
    ("fleet_a_bucket_that_gives_wrong_bytes_is_told_and_no_host_takes_them", wrong),
];

/// The host that the server runs on.
const S3: &str = "s3";
const PORT: u16 = 9000;
/// Instead of tests this program serves the buckets of the folder that it stands in.
const SERVE: &str = "__serve-buckets";

/// Whether this process was the server.
pub(crate) fn serves() -> bool {
    let serves = env::args().nth(1).is_some_and(|word| word == SERVE);
    if serves {
        let runtime = tokio::runtime::Runtime::new().expect("there are threads");
        let folder = env::current_dir().expect("there is a folder");
        runtime.block_on(async { serve(TcpListener::bind(("0.0.0.0", PORT)).await.expect("the port is free"), folder).await });
    }
    serves
}

/// Three hosts that serve 0.1.0. 0.2.0, which is published too, has a file that is worth to be fetched.
fn serving() -> Result<Scene, Failed> {
    let scene = Scene::fleet_and(App::Hotapp, 3, S3);
    start_server(&scene)?;
    configure(&scene)?;
    enlarge(&scene)?;
    eventually("the bucket is there", || scene.run("show releases").code == Some(0));
    scene.ok("upload release 0.1.0");
    scene.ok("upload release 0.2.0 --force");
    scene.ok("deploy release to production --version=0.1.0 --start-deploy").assert(0, &["by itself"]);
    Ok(scene)
}

/// This program is the server, on a host of its own.
fn start_server(scene: &Scene) -> Result<Child, Failed> {
    let program = fs::File::open(env::current_exe()?)?;
    let sent = scene.lab.ssh(S3).arg("mkdir -p buckets/releases && cat >server && chmod +x server").stdin(program).status()?;
    assert!(sent.success(), "the server is brought to its host");
    Ok(scene.lab.ssh(S3).arg(format!("cd buckets && exec ../server {SERVE}")).spawn()?)
}

fn configure(scene: &Scene) -> Result<(), Failed> {
    let endpoint = format!("http://{}:{PORT}", scene.address(S3));
    let store = format!("[store.s3]\nbucket = \"releases\"\nendpoint = {endpoint:?}\ncredentials = \"keys\"\n");
    scene.configure("apps", &store);
    Ok(fs::write(
        scene.project().join("keys"),
        format!("[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"),
    )?)
}

/// Gives 0.2.0 more than a megabyte that nothing can compress or copy.
fn enlarge(scene: &Scene) -> Result<(), Failed> {
    let settings = StoreSettings { path: scene.project().join(".deliver"), archive: false };
    let store = Store::open(&settings, &"hotapp".parse()?)?;
    let (version, folder): (Version, _) = ("0.2.0".parse()?, scene.file("larger"));
    store.unpack(&store.manifest(&version)?, &[], &folder)?;
    let file = table_of(&folder);
    let status = std::process::Command::new("dd")
        .args(["if=/dev/urandom", "bs=64k", "count=24", "status=none"])
        .arg(format!("of={}", file.display()))
        .status()?;
    assert!(status.success());
    store.pack(&version, &folder, &[], Existing::Replace)?;
    Ok(())
}

fn table_of(release: &Path) -> PathBuf {
    release.join("lib/hotapp-0.2.0/ebin/table.bin")
}

/// Begins a deploy, and waits until hosts fetch, which takes them a minute: they do so before the first of them is changed.
fn until_they_fetch(scene: &Scene) -> Result<Child, Failed> {
    scene.lab.shape(S3, Link { rate_mbit: 0.5, ..Link::default() })?;
    let deploy = scene.spawn(DEPLOY);
    let fetches = |host| scene.on(host, "pgrep -c curl || true") != "0";
    eventually("hosts fetch", || HOSTS.into_iter().any(fetches));
    Ok(deploy)
}

fn gone() -> Result<(), Failed> {
    let scene = serving()?;
    let deploy = until_they_fetch(&scene)?;
    scene.lab.cut(S3)?;
    let ran = Ran::from(deploy.wait_with_output()?);
    ran.assert(0, &["the host can't fetch the release by itself"]);
    // What needs the bucket says so before any host is touched; the way back needs none. Now its host is there, and nobody listens.
    scene.lab.heal(S3)?;
    scene.on(S3, "pkill server");
    assert_all_done(&scene, &ran);
    scene.run("deploy release to production --version=0.1.0").assert(6, &["s3://releases", "can't be reached"]);
    assert_one(&scene, "0.2.0");
    scene.ok("rollback production");
    assert_one(&scene, "0.1.0");
    Ok(())
}

fn gone_with_its_operator() -> Result<(), Failed> {
    let scene = serving()?;
    let mut deploy = until_they_fetch(&scene)?;
    scene.lab.cut(S3)?;
    deploy.kill()?;
    deploy.wait()?;
    let fleet = scene.run("fleet production");
    for host in HOSTS {
        scene.assert_serves(host, "0.1.0");
        assert_eq!(scene.permanent(host, "apps"), "0.1.0", "{host}");
        assert_row(&fleet, host, &["0.1.0"]);
    }
    scene.lab.heal(S3)?;
    scene.lab.shape(S3, Link::default())?;
    scene.ok("resume --yes").assert(0, &["by itself"]);
    assert_one(&scene, "0.2.0");
    Ok(())
}

fn slow() -> Result<(), Failed> {
    let scene = serving()?;
    let deploy = until_they_fetch(&scene)?;
    // Half a kilobyte in a second: an hour for what there is to fetch.
    scene.lab.shape(S3, Link { rate_mbit: 0.004, ..Link::default() })?;
    let ran = Ran::from(deploy.wait_with_output()?);
    ran.assert(0, &["the host can't fetch the release by itself"]);
    scene.lab.shape(S3, Link::default())?;
    assert_all_done(&scene, &ran);
    Ok(())
}

fn assert_all_done(scene: &Scene, ran: &Ran) {
    for host in HOSTS {
        assert_row(ran, host, &["done", "0.2.0"]);
    }
    assert_one(scene, "0.2.0");
}

fn wrong() -> Result<(), Failed> {
    let scene = serving()?;
    let large = "find buckets/releases/store/blobs -type f -size +1400k -size -1600k";
    assert_ne!(scene.on(S3, large), "");
    scene.on(S3, &format!("{large} -exec sh -c 'printf wrong | dd of=$1 conv=notrunc status=none' - {{}} ';'"));
    let ran = scene.run(DEPLOY);
    ran.assert(0, &["what the host fetched by itself is not what was published", "upload release 0.2.0 --force"]);
    assert_all_done(&scene, &ran);
    let table = |host| scene.on(host, "sha256sum <apps/hotapp/lib/hotapp-0.2.0/ebin/table.bin");
    let built = std::process::Command::new("sha256sum").stdin(fs::File::open(table_of(&scene.file("larger")))?).output()?.stdout;
    assert_eq!(HOSTS.map(table), [(); 3].map(|()| String::from_utf8_lossy(&built).trim().to_owned()));
    scene.ok("upload release 0.2.0 --force");
    let begins = format!("{large} -exec head -c 5 {{}} ';'");
    assert!(!scene.on(S3, &begins).contains("wrong"), "it is mended");
    Ok(())
}
