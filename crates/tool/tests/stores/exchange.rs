//! `upload` and `download`.

use std::fs;

use edeliver_core::release::{Author, Origin, UPGRADE_FORMAT, Upgrade};

use crate::scene::{Checkout, folder};

#[test]
fn what_is_downloaded_is_what_was_uploaded_under_the_names_of_the_original() {
    let shelf = tempfile::tempdir().unwrap();
    let (here, there) = (Checkout::new(&folder(shelf.path())), Checkout::new(&folder(shelf.path())));
    here.has("1.0.0", "first");
    here.ok("upload release 1.0.0");
    let archive = fs::read(shelf.path().join("demo_1.0.0.release.tar.gz")).unwrap();
    there.ok("download release 1.0.0");
    assert_eq!(fs::read(there.path("demo_1.0.0.release.tar.gz")).unwrap(), archive);
    fs::create_dir(there.path("out")).unwrap();
    there.ok("download release --version=1.0.0 out");
    assert_eq!(fs::read(there.path("out/demo_1.0.0.release.tar.gz")).unwrap(), archive);

    // What lies in the folder is what is uploaded.
    let other = Checkout::new(&folder(shelf.path()));
    fs::copy(there.path("demo_1.0.0.release.tar.gz"), other.path("demo_2.0.0.release.tar.gz")).unwrap();
    let refused = other.ends_with(1, "upload release 2.0.0");
    assert!(refused.contains("is that of demo 1.0.0"), "{refused}");
    fs::rename(other.path("demo_2.0.0.release.tar.gz"), other.path("demo_1.0.0.release.tar.gz")).unwrap();
    other.ok("upload demo_1.0.0.release.tar.gz --force");
}

#[test]
fn an_upgrade_takes_its_relup_and_its_release_along() {
    let shelf = tempfile::tempdir().unwrap();
    let (here, there) = (Checkout::new(&folder(shelf.path())), Checkout::new(&folder(shelf.path())));
    let (old, new) = (here.has("1.0.0", "first"), here.has("1.1.0", "second"));
    let upgrade = Upgrade {
        format: UPGRADE_FORMAT,
        app: new.app.clone(),
        to: new.version.clone(),
        manifest: new.id(),
        from: vec![Origin { version: old.version.clone(), manifest: old.id() }],
        relup: "%% by hand\n{\"1.1.0\",[{\"1.0.0\",[],[point_of_no_return]}],[{\"1.0.0\",[],[point_of_no_return]}]}.\n".to_owned(),
        author: Author::Edited,
    };
    here.store().put_upgrade(&upgrade).unwrap();
    here.ok("upload upgrade 1.1.0");
    assert!(there.ok("show relup --version=1.1.0").contains("%% by hand"));
    there.ok("deploy release --version=1.1.0");
    there.ok("download upgrade 1.1.0");
    let archive = "demo_1.1.0.upgrade.tar.gz";
    assert_eq!(fs::read(there.path(archive)).unwrap(), fs::read(shelf.path().join(archive)).unwrap());
}

#[test]
fn any_file_goes_up_and_down_and_nothing_is_replaced_without_a_yes() {
    let shelf = tempfile::tempdir().unwrap();
    let here = Checkout::new(&folder(shelf.path()));
    here.program.write("notes of today.txt", "one");
    here.program.write("notes", "one");
    here.ok("upload notes");
    here.ok("upload notes later.txt");
    assert_eq!(fs::read_to_string(shelf.path().join("later.txt")).unwrap(), "one");
    here.program.write("notes", "two");
    let refused = here.ends_with(4, "upload notes");
    assert!(refused.contains("notes is in shelf:") && refused.contains("`--force` replaces it"), "{refused}");
    let refused = here.ends_with(4, "download notes");
    assert!(refused.contains("notes is in this folder already"), "{refused}");
    here.ok("download notes -F");
    assert_eq!(fs::read_to_string(here.path("notes")).unwrap(), "one");
    let absent = here.ends_with(2, "download nothing.txt");
    assert!(absent.contains("there is no such file in shelf:"), "{absent}");
    assert!(!here.path("nothing.txt").exists());
}

#[test]
fn a_store_on_this_machine_has_nothing_to_exchange() {
    let here = Checkout::new("");
    let refused = here.ends_with(2, "upload release 1.0.0");
    assert!(refused.contains("nothing has to travel") && refused.contains("store.remote"), "{refused}");
}
