//! What goes wrong with a store elsewhere, and what is said then.

use std::{fs, time::Instant};

use crate::{
    scene::{Checkout, folder, over_ssh},
    sshd::{Sshd, keygen},
    terminal::{at_a_terminal, interrupted_at},
};

#[test]
fn a_host_that_is_gone_or_not_trusted_is_said_and_nothing_is_changed() {
    let mut sshd = Sshd::start("");
    let shelf = tempfile::tempdir().unwrap();
    let here = Checkout::new(&over_ssh(&sshd, shelf.path()));
    here.has("1.0.0", "first");
    sshd.change_key();
    let told = here.ends_with(6, "upload release 1.0.0");
    assert!(told.contains("the release store box:") && told.contains("key has changed"), "{told}");
    sshd.trust();
    sshd.kill();
    let told = here.ends_with(6, "show releases");
    assert!(told.contains("the release store box:") && told.contains("can't be reached"), "{told}");
    assert_eq!(fs::read_dir(shelf.path()).unwrap().count(), 0);
}

#[test]
fn ctrl_c_at_the_question_for_a_passphrase_or_whether_a_file_is_replaced_ends_it() {
    let sshd = Sshd::start("");
    let shelf = tempfile::tempdir().unwrap();
    let here = Checkout::new(&over_ssh(&sshd, shelf.path()));
    here.program.write("notes", "one");
    here.ok("upload notes");
    here.program.write("notes", "two");
    let at = |words: &[&str]| at_a_terminal(here.program.command("script"), words);
    let (said, code) = interrupted_at("Replace it?", at(&["upload", "notes"]));
    assert_eq!((code, fs::read_to_string(shelf.path().join("notes")).unwrap().as_str()), (Some(130), "one"), "{said}");
    keygen(&sshd.path("id"), "open sesame");
    fs::copy(sshd.path("id.pub"), sshd.path("authorized_keys")).unwrap();
    let (said, code) = interrupted_at("Enter passphrase for key", at(&["upload", "notes", "--force"]));
    assert_eq!((code, fs::read_to_string(shelf.path().join("notes")).unwrap().as_str()), (Some(130), "one"), "{said}");
}

#[test]
fn a_folder_that_can_not_be_one_is_said_with_its_name() {
    let shelf = tempfile::tempdir().unwrap();
    fs::write(shelf.path().join("file"), "").unwrap();
    let here = Checkout::new(&folder(&shelf.path().join("file")));
    here.has("1.0.0", "first");
    for line in ["show releases", "upload release 1.0.0"] {
        let told = here.ends_with(1, line);
        assert!(told.contains("/file is not a directory"), "{told}");
    }
}

#[test]
fn damaged_and_lost_content_is_noticed_and_mended_by_whoever_has_the_release() {
    let shelf = tempfile::tempdir().unwrap();
    let (here, there) = (Checkout::new(&folder(shelf.path())), Checkout::new(&folder(shelf.path())));
    let manifest = here.has("1.0.0", "first");
    here.ok("upload release 1.0.0");
    let digest = manifest.contents().find(|file| file.path.as_str().ends_with("demo.beam")).unwrap().sha256.to_string();
    let blob = shelf.path().join("store/blobs").join(&digest[..2]).join(&digest);
    fs::write(&blob, "worse").unwrap();
    let told = there.ends_with(1, "deploy release --version=1.0.0");
    assert!(told.contains("can't be used") && told.contains("upload release VERSION --force"), "{told}");
    assert!(!there.path("hosts/demo").exists());
    fs::remove_file(&blob).unwrap();
    let told = there.ends_with(1, "deploy release --version=1.0.0");
    assert!(told.contains(&format!("it lacks the content {digest}")), "{told}");
    fs::write(&blob, "worse").unwrap();
    here.ok("upload release 1.0.0 --force");
    there.ok("deploy release --version=1.0.0");
    assert_eq!(there.deployed("lib/demo-1.0.0/ebin/demo.beam"), "first");
}

#[test]
fn what_was_being_written_when_its_writer_died_is_no_release() {
    let shelf = tempfile::tempdir().unwrap();
    let (here, there) = (Checkout::new(&folder(shelf.path())), Checkout::new(&folder(shelf.path())));
    here.has("1.0.0", "first");
    here.ok("upload release 1.0.0");
    // Content without its manifest, and a manifest cut off.
    let manifests = shelf.path().join("store/manifests/demo");
    let whole = fs::read(manifests.join("1.0.0.json")).unwrap();
    fs::rename(manifests.join("1.0.0.json"), shelf.path().join("store/tmp/half")).unwrap();
    let told = there.ends_with(0, "show releases");
    assert!(told.contains("1.0.0"), "its archive is there: {told}");
    fs::remove_file(shelf.path().join("demo_1.0.0.release.tar.gz")).unwrap();
    there.ends_with(2, "deploy release --version=1.0.0");
    fs::write(manifests.join("1.0.0.json"), &whole[..whole.len() / 2]).unwrap();
    let told = there.ends_with(1, "deploy release --version=1.0.0");
    assert!(told.contains("1.0.0.json was changed or damaged"), "{told}");
    assert!(!there.path("hosts/demo").exists());
}

#[test]
fn five_thousand_releases_are_listed_and_one_of_them_found() {
    let shelf = tempfile::tempdir().unwrap();
    let (here, there) = (Checkout::new(&folder(shelf.path())), Checkout::new(&folder(shelf.path())));
    here.has("1.0.2500", "first");
    here.ok("upload release 1.0.2500");
    for number in 0..5000 {
        let name = if number % 2 == 0 { format!("store/manifests/demo/1.0.{number}.json") } else { archive(number) };
        let path = shelf.path().join(name);
        if !path.exists() {
            fs::write(path, "whatever it is").unwrap();
        }
    }
    let begun = Instant::now();
    let listed = there.program.run(&["show", "releases"]);
    assert_eq!(listed.out.lines().filter(|line| line.contains("1.0.")).count(), 5000, "{}", listed.err);
    there.ok("deploy release --version=1.0.2500");
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

fn archive(number: u32) -> String {
    format!("demo_1.0.{number}.release.tar.gz")
}
