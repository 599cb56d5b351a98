//! `resume` and `retry --failed`.

use std::fs;

use crate::{fleet::Fleet, store::App};

#[test]
fn what_failed_is_finished_by_resume_and_only_for_the_hosts_that_are_left() {
    let fleet = Fleet::new(App::Relx, 2);
    fleet.edeliver("resume").ends_with(2);
    fleet.edeliver("deploy release --version=0.1.0").ok();
    let told = fleet.edeliver("resume").ends_with(2);
    assert!(told.contains("no run is left to be resumed") && told.contains("edeliver run list"), "{told}");
    // A file where the next release needs a directory that nothing accounts for.
    let in_the_way = fleet.root("two").join("lib/relapp-0.2.0");
    fs::write(&in_the_way, "in the way").unwrap();
    fleet.edeliver("deploy release --version=0.2.0 --on-failure=continue").ends_with(8);
    fs::remove_file(&in_the_way).unwrap();
    let told = fleet.edeliver("retry --failed").ok();
    let line = told.lines().find(|line| line.contains("is resumed")).unwrap_or_else(|| panic!("{told}"));
    assert!(line.ends_with("edeliver deploy release --version=0.2.0 --on-failure=continue --host=two"), "{line}");
    assert!(!told.contains("\none "), "{told}");
    for host in ["one", "two"] {
        assert_eq!(fleet.read(host, "releases/start_erl.data").split_whitespace().last(), Some("0.2.0"));
    }
    fleet.edeliver("resume").ends_with(2);
}

#[test]
fn a_run_that_was_killed_is_told_from_one_that_goes_on_and_a_target_that_is_gone_is_refused() {
    let fleet = Fleet::new(App::Relx, 1);
    fleet.edeliver("deploy release --version=0.1.0").ok();
    let runs = fleet.project().join(".deliver/runs");
    let started = |id: &str, target: &str, command: &str| {
        let words: Vec<String> = command.split(' ').map(|word| format!("{word:?}")).collect();
        let line = format!(
            r#"{{"v":1,"seq":0,"elapsed_ms":0,"event":"run-started","run":"{id}","title":"a run","unix":1,"command":[{}],"recorded":true,"target":"{target}"}}"#,
            words.join(",")
        );
        fs::write(runs.join(format!("{id}.jsonl")), line + "\n").unwrap();
    };
    started("20990101-000000-aaaa", "staging", "edeliver deploy release --version=0.2.0 --yes");
    let journal = fs::File::open(runs.join("20990101-000000-aaaa.jsonl")).unwrap();
    rustix::fs::flock(&journal, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let told = fleet.edeliver("resume").ends_with(5);
    assert!(told.contains("goes on right now, in another process") && told.contains("edeliver watch staging"), "{told}");
    drop(journal);
    let told = fleet.edeliver("resume").ok();
    assert!(told.contains("run 20990101-000000-aaaa is resumed: edeliver deploy release --version=0.2.0"), "{told}");
    assert_eq!(fleet.read("one", "releases/start_erl.data").split_whitespace().last(), Some("0.2.0"));
    started("20990102-000000-bbbb", "gone", "edeliver deploy release gone --version=0.2.0");
    assert!(fleet.edeliver("resume bbbb").ends_with(2).contains("gone"));
    started("20990103-000000-cccc", "staging", "edeliver deploy release --api-token=***");
    assert!(fleet.edeliver("resume cccc").ends_with(2).contains("a secret stood on its command line"));
    started("20990104-000000-dddd", "staging", "edeliver task App.charge staging");
    assert!(fleet.edeliver("resume dddd").ends_with(2).contains("is not repeated by itself"));
}
