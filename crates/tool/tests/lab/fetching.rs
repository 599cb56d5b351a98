//! Hosts that fetch releases by themselves from a store on another host, with a key of their own.

use std::time::{Duration, Instant};

use edeliver_lab::Link;
use libtest_mimic::Failed;

use crate::{
    Test,
    scene::{Ran, Scene, eventually},
    world::App,
};

pub(crate) const TESTS: &[Test] = &[
    ("hosts_fetch_from_a_store_on_a_host_with_a_login_that_can_do_nothing_else", restricted),
    ("a_host_that_can_not_fetch_from_a_store_on_a_host_is_sent_the_release_and_nothing_is_accepted", strangers),
    ("a_store_on_a_host_that_gives_wrong_bytes_or_lacks_some_is_told_and_no_host_takes_them", wrong),
    ("a_store_on_a_host_that_hardly_answers_or_is_gone_while_hosts_fetch_has_them_sent_the_release", slow),
];

/// The host that has the store, in a folder that means something to sftp and to shells.
const STORE: &str = "shelf";
const FOLDER: &str = "all [of] it's*";
const DEPLOY: &str = "deploy release to production --version=0.1.0";
/// Content that is worth it.
const LARGE: &str = "find 'all [of] it'\\''s*/store/blobs' -type f -size +64k";

/// So many hosts, and a store that has 0.1.0.
fn published(count: usize) -> Scene {
    let scene = Scene::fleet_and(App::Relapp, count, STORE);
    configure(&scene, "");
    scene.ok("upload release 0.1.0");
    scene
}

fn configure(scene: &Scene, more: &str) {
    scene.configure("apps", &format!("[store]\nremote = \"{STORE}:{FOLDER}\"\nhosts_fetch = true\n{more}"));
}

/// As docs/stores.md says it: a key of the host's own, which can do nothing there but read files.
fn let_in(scene: &Scene, host: &str) {
    let key = scene.on(host, "ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519 && cat ~/.ssh/id_ed25519.pub");
    scene.on(STORE, &format!("echo 'restrict,command=\"internal-sftp -R\" {key}' >>~/.ssh/authorized_keys"));
}

fn trust(scene: &Scene, host: &str) {
    let key = scene.on(STORE, "cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub");
    scene.on(host, &format!("echo '{STORE} {key}' >>~/.ssh/known_hosts"));
}

fn assert_all_have_it(scene: &Scene, hosts: &[&str]) {
    for host in hosts {
        assert_eq!(scene.permanent(host, "apps"), "0.1.0", "{host}");
        assert_eq!(scene.on(host, "ls apps/relapp/.edeliver/staging; pgrep sftp || true"), "", "{host}");
    }
}

fn restricted() -> Result<(), Failed> {
    let (scene, hosts) = (published(2), ["prod1", "prod2"]);
    for host in hosts {
        let_in(&scene, host);
        trust(&scene, host);
    }
    let before = scene.lab.netstat()?;
    let ran = scene.ok(&format!("{DEPLOY} --start-deploy"));
    let after = scene.lab.netstat()?;
    for host in hosts {
        assert!(ran.said().contains(&format!("{host} | put 0.1.0 beside what is there")), "{}", ran.said());
        scene.assert_serves(host, "0.1.0");
    }
    assert_eq!(ran.said().matches("the host fetched ").count(), 2, "{}", ran.said());
    assert_all_have_it(&scene, &hosts);
    assert_eq!(after[STORE].logins - before[STORE].logins, 3, "one for each host, and ours");
    let fetched = after[STORE].tx - before[STORE].tx;
    let came: u64 = hosts.iter().map(|host| after[*host].rx - before[*host].rx).sum();
    assert!(fetched > came / 2, "{fetched} bytes of {came} are from the store");
    let examined = scene.run("doctor production --verbose").said();
    assert!(examined.contains(&format!("releases can be fetched from {STORE}:{FOLDER}")), "{examined}");
    // What the key is good for.
    assert!(!scene.on("prod1", &format!("timeout 5 ssh -n -oBatchMode=yes {STORE} id || true")).contains("uid="));
    let put = format!("echo 'put /etc/hostname' | sftp -b - {STORE} 2>&1 || true");
    assert!(scene.on("prod1", &put).contains("ermission denied"));
    scene.ok("stop production");
    Ok(())
}

fn strangers() -> Result<(), Failed> {
    let (scene, hosts) = (published(4), ["prod1", "prod2", "prod3", "prod4"]);
    trust(&scene, "prod1"); // and has no key
    let_in(&scene, "prod2"); // and does not know the host
    scene.on("root@prod3", "rm /usr/bin/sftp");
    let_in(&scene, "prod4");
    trust(&scene, "prod4");
    let ran = scene.ok(DEPLOY);
    for why in ["Permission denied", "Host key verification failed", "it has no sftp"] {
        let told = ran
            .said()
            .lines()
            .filter(|line| line.contains("the host can't fetch the release by itself") && line.contains(why))
            .count();
        assert_eq!(told, 1, "{why}\n{}", ran.said());
    }
    assert_eq!(ran.said().matches("the host fetched ").count(), 1, "{}", ran.said());
    let examined = scene.run("doctor production").said();
    assert_eq!(examined.matches("and are sent: ").count(), 3, "{examined}");
    assert_eq!(scene.on("prod2", "cat ~/.ssh/known_hosts 2>/dev/null || true"), "", "nothing is accepted");
    assert_all_have_it(&scene, &hosts);
    Ok(())
}

fn wrong() -> Result<(), Failed> {
    let scene = published(1);
    let_in(&scene, "prod1");
    trust(&scene, "prod1");
    scene.on(
        STORE,
        &format!("{LARGE} | head -n 1 | while read -r file; do printf wrong | dd of=\"$file\" conv=notrunc status=none; done"),
    );
    scene.ok(DEPLOY).assert(0, &["what the host fetched by itself is not what was published", "upload release 0.1.0 --force"]);
    assert_all_have_it(&scene, &["prod1"]);
    scene.ok("upload release 0.1.0 --force");
    scene.on("prod1", "rm -rf apps");
    scene.on(STORE, &format!("{LARGE} | tail -n 1 | while read -r file; do rm \"$file\"; done"));
    scene.ok(DEPLOY).assert(0, &["the host can't fetch the release by itself", "not found): it is sent"]);
    assert_all_have_it(&scene, &["prod1"]);
    Ok(())
}

/// Deploys to a host that has nothing; it must be sent the release, for this reason and in this time.
fn sent_instead(scene: &Scene, trouble: impl FnOnce(&Scene), why: &str, most: Duration) -> Result<(), Failed> {
    scene.on("prod1", "rm -rf apps");
    // 20 KB in a second: minutes for what there is to fetch.
    scene.lab.shape(STORE, Link { rate_mbit: 0.16, ..Link::default() })?;
    let (began, deploy) = (Instant::now(), scene.spawn(DEPLOY));
    eventually("the host fetches", || scene.on("prod1", "pgrep -c sftp || true") != "0");
    trouble(scene);
    let ran = Ran::from(deploy.wait_with_output()?);
    ran.assert(0, &["the host can't fetch the release by itself", why]);
    assert!(began.elapsed() < most, "{:?} {}", began.elapsed(), ran.said());
    scene.lab.heal(STORE)?;
    scene.lab.shape(STORE, Link::default())?;
    assert_all_have_it(scene, &["prod1"]);
    Ok(())
}

fn slow() -> Result<(), Failed> {
    let scene = published(1);
    let_in(&scene, "prod1");
    trust(&scene, "prod1");
    let cut = |scene: &Scene| scene.lab.cut(STORE).expect("the host is there");
    sent_instead(&scene, cut, "it is sent", Duration::from_secs(60))?;
    configure(&scene, "[deploy]\nstep_timeout = \"40s\"\n");
    sent_instead(&scene, |_| {}, "was not done in 20 s", Duration::from_secs(60))
}
