//! A store in a folder on a host.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use crate::{
    scene::{Checkout, folder, over_ssh},
    sshd::Sshd,
};

#[test]
fn what_one_checkout_publishes_over_ssh_another_deploys() {
    let sshd = Sshd::start("");
    let shelf = tempfile::tempdir().unwrap();
    let config = over_ssh(&sshd, &shelf.path().join("releases of all"));
    let (here, there) = (Checkout::new(&config), Checkout::new(&config));
    here.has("1.0.0", "first");
    here.ok("upload release 1.0.0");
    assert_eq!(sshd.logins(), 1, "one login for all of it");
    let listed = there.ok("show releases");
    assert!(listed.contains("1.0.0"), "{listed}");
    let told = there.ok("deploy release to staging");
    assert!(told.contains("fetching demo 1.0.0 from box:"), "{told}");
    assert_eq!(there.deployed("lib/demo-1.0.0/ebin/demo.beam"), "first");
    assert_eq!(sshd.logins(), 3, "one for each command");
}

#[test]
fn only_what_the_other_side_lacks_travels() {
    let shelf = tempfile::tempdir().unwrap();
    let (here, there) = (Checkout::new(&folder(shelf.path())), Checkout::new(&folder(shelf.path())));
    for (version, first) in [("1.0.0", "27 files"), ("1.1.0", "3 files")] {
        here.has(version, &format!("code of {version}"));
        let told = here.ok(&format!("upload release {version}"));
        assert!(told.contains(first), "{told}");
        let told = there.ok(&format!("deploy release --version={version}"));
        assert!(told.contains(first), "{told}");
    }
    assert!(!here.ok("upload release 1.1.0").contains("publishing"), "nothing is sent twice");
    assert!(!there.ok("deploy release --version=1.1.0").contains("fetching"), "nor fetched");
}

#[test]
fn another_build_of_a_version_is_replaced_only_when_told_to_and_counts_everywhere_then() {
    let shelf = tempfile::tempdir().unwrap();
    let (here, there) = (Checkout::new(&folder(shelf.path())), Checkout::new(&folder(shelf.path())));
    here.has("1.0.0", "first");
    here.ok("upload release 1.0.0");
    there.ok("deploy release --version=1.0.0 --plan");
    here.has("1.0.0", "second");
    let refused = here.ends_with(4, "upload release 1.0.0");
    assert!(refused.contains("demo 1.0.0 is in shelf:") && refused.contains("--force"), "{refused}");
    here.ok("upload release 1.0.0 --force");
    let fresh = Checkout::new(&folder(shelf.path()));
    for checkout in [&fresh, &there] {
        let told = checkout.ok("deploy release --version=1.0.0 --plan");
        assert!(told.contains("fetching demo 1.0.0"), "{told}");
    }
}

#[test]
fn of_several_who_publish_one_version_at_once_one_succeeds_and_the_others_are_told() {
    let shelf = tempfile::tempdir().unwrap();
    let publish = |number: u32| {
        let checkout = Checkout::new(&folder(shelf.path()));
        let manifest = checkout.has("1.0.0", &format!("build {number}"));
        (checkout.program.run(&["upload", "release", "1.0.0"]), manifest)
    };
    let all = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|number| scope.spawn(move || publish(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let (done, refused): (Vec<_>, Vec<_>) = all.into_iter().partition(|(done, _)| done.code == 0);
    assert_eq!(done.len(), 1, "{done:?} {refused:?}");
    assert!(refused.iter().all(|(done, _)| done.code == 4), "{refused:?}");
    let there = Checkout::new(&folder(shelf.path()));
    there.ok("deploy release --version=1.0.0 --plan");
    assert_eq!(there.store().manifest(&"1.0.0".parse().unwrap()).unwrap(), done[0].1);
}

#[test]
fn a_release_that_is_only_here_is_deployed_too() {
    let shelf = tempfile::tempdir().unwrap();
    let here = Checkout::new(&folder(&shelf.path().join("not made yet")));
    here.has("1.0.0", "first");
    here.ok("deploy release --version=1.0.0");
    assert!(!shelf.path().join("not made yet").exists(), "asking makes nothing");
}

#[test]
fn archives_of_edeliver_1_x_are_read_where_it_left_them_and_foreign_files_passed_over() {
    let shelf = tempfile::tempdir().unwrap();
    let origin = Checkout::new("");
    fs::create_dir(shelf.path().join("releases")).unwrap();
    for (version, place) in [("1.0.0", ""), ("1.1.0", "releases/")] {
        let manifest = origin.has(version, version);
        let archive = origin.store().export_archive(&manifest).unwrap();
        fs::copy(archive, shelf.path().join(format!("{place}demo_{version}.release.tar.gz"))).unwrap();
    }
    for foreign in ["demo_2.0.0.release.tar.gz.part", "demo_extra_3.0.0.release.tar.gz", "README", "two\nlines", ".new-x"] {
        fs::write(shelf.path().join(foreign), "not a release").unwrap();
    }
    fs::create_dir(shelf.path().join("demo_4.0.0.release.tar.gz")).unwrap();
    let there = Checkout::new(&folder(shelf.path()));
    let listed = there.program.run(&["show", "releases"]).out;
    assert_eq!(listed.lines().filter(|line| line.contains("demo ")).count(), 2, "{listed}");
    for version in ["1.0.0", "1.1.0"] {
        there.ok(&format!("deploy release --version={version}"));
        assert_eq!(there.deployed(&format!("lib/demo-{version}/ebin/demo.beam")), version);
    }
}

#[test]
fn going_back_needs_no_store_elsewhere() {
    let mut sshd = Sshd::start("");
    let shelf = tempfile::tempdir().unwrap();
    let here = Checkout::new(&over_ssh(&sshd, shelf.path()));
    for version in ["1.0.0", "1.1.0"] {
        here.has(version, version);
        here.ok(&format!("upload release {version}"));
        here.ok(&format!("deploy release --version={version}"));
    }
    sshd.kill();
    let told = here.ok("rollback --no-restart");
    assert!(told.contains("can't be used"), "{told}");
    assert!(here.deployed("releases/start_erl.data").ends_with("1.0.0"), "{told}");
}

#[test]
fn a_store_is_its_owners_alone_unless_it_was_given_to_a_group() {
    let shelf = tempfile::tempdir().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for (name, group) in [("private", false), ("shared", true)] {
        let store = shelf.path().join(name).join("store");
        if group {
            fs::create_dir_all(&store).unwrap();
            fs::set_permissions(&store, fs::Permissions::from_mode(0o2770)).unwrap();
        }
        let here = Checkout::new(&folder(&shelf.path().join(name)));
        here.has("1.0.0", "first");
        here.ok("upload release 1.0.0");
        assert_eq!(mode(&store), if group { 0o770 } else { 0o700 });
        let below = ["tmp", "blobs", "manifests/demo"].map(|path| store.join(path));
        let shards = fs::read_dir(store.join("blobs")).unwrap().map(|shard| shard.unwrap().path());
        for dir in below.into_iter().chain(shards).filter(|_| group) {
            assert_eq!(mode(&dir), 0o770, "another login of the group writes to {}", dir.display());
        }
    }
}
