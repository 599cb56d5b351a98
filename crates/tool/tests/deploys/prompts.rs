//! Ctrl-C where a question stands on the terminal: nothing was done, and that is what the exit code says.

use crate::{fleet::Fleet, store::App, terminal::interrupted_at};

#[test]
fn ctrl_c_at_a_question_ends_it_and_nothing_is_done() {
    let fleet = Fleet::new(App::Mix, 2);
    fleet.configure("prompts", "confirm = true");
    let questions = [
        ("[1-", "deploy release to staging"),
        ("[y/N]", "deploy release to staging --version=0.1.0"),
        ("[1-", "unpack release"),
        ("[1-", "console staging"),
    ];
    for (question, line) in questions {
        let words: Vec<&str> = line.split(' ').collect();
        let (said, code) = interrupted_at(question, fleet.at_a_terminal(&words));
        assert_eq!(code, Some(130), "{words:?}: {said}");
        assert!(!fleet.root("one").join("releases").exists(), "{words:?}: {said}");
    }
}

#[test]
fn ctrl_c_at_the_question_whether_a_lease_is_broken_leaves_it_where_it_is() {
    let fleet = Fleet::new(App::Mix, 1);
    fleet.edeliver("deploy release to staging --version=0.1.0 --yes").ok();
    fleet.words(&["lock", "hold", "-m", "moving", "staging"]).ok();
    let (said, code) = interrupted_at("[y/N]", fleet.at_a_terminal(&["lock", "break", "staging"]));
    assert_eq!(code, Some(130), "{said}");
    assert!(fleet.edeliver("lock show staging").told.contains("moving"));
}

#[test]
fn ctrl_c_at_a_question_of_pack_leaves_the_store_as_it_is() {
    let fleet = Fleet::new(App::Mix, 1);
    fleet.configure("packing", "");
    for version in ["0.1.0", "0.2.0"] {
        fleet.edeliver(&format!("unpack release --version={version}")).ok();
    }
    let releases = || fleet.edeliver("show releases").ok();
    let before = releases();
    for (question, line) in [("[1-", "pack release"), ("Replace it?", "pack release --version=0.1.0")] {
        let words: Vec<&str> = line.split(' ').collect();
        let (said, code) = interrupted_at(question, fleet.at_a_terminal(&words));
        assert_eq!(code, Some(130), "{line}: {said}");
        assert_eq!(releases(), before, "{line}: {said}");
    }
}
