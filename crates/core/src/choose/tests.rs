use super::*;

fn app(name: &str) -> AppName {
    name.parse().unwrap()
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn stored(text: &str, kind: StoredKind) -> Stored {
    Stored { version: version(text), kind, id: None, archive: None, size: Some(1), commit: None }
}

fn releases(versions: &[&str]) -> Vec<Stored> {
    versions.iter().map(|version| stored(version, StoredKind::Release)).collect()
}

#[test]
fn the_names_of_archives_are_those_of_the_original() {
    let name = archive_name(&app("hotapp"), &version("1.2.3-rc.1+82a5834"), StoredKind::Upgrade);
    assert_eq!(name, "hotapp_1.2.3-rc.1+82a5834.upgrade.tar.gz");
    assert_eq!(parse_archive_name(&app("hotapp"), &name), Some((version("1.2.3-rc.1+82a5834"), StoredKind::Upgrade)));
}

#[test]
fn an_archive_of_another_application_is_none_of_ours() {
    let is_ours = |name| parse_archive_name(&app("foo"), name).is_some();
    for ours in ["foo_1.0.release.tar.gz", "foo_82a5834.release.tar.gz", "foo_v2.release.tar.gz", "foo_1.2.3_rc1.release.tar.gz"] {
        assert!(is_ours(ours), "{ours}");
    }
    let others = [
        "foo_bar_1.0.release.tar.gz",
        "foo_2_1.0.0.release.tar.gz",
        "food_1.0.release.tar.gz",
        "foo.release.tar.gz",
        "foo_.release.tar.gz",
        "foo_1.0.tar.gz",
        "foo_1.0.backup.tar.gz",
        "foo_1.0.release.tar.gz.part",
        "foo_../x.release.tar.gz",
        "foo_-rf.release.tar.gz",
    ];
    for other in others {
        assert!(!is_ours(other), "{other}");
    }
    assert!(parse_archive_name(&app("foo_2"), "foo_2_1.0.0.release.tar.gz").is_some());
}

#[test]
fn versions_are_sorted_as_versions() {
    let mut all = releases(&["10.0.0", "9.0.0", "0.1.0+2-b", "1.0.0-rc.1", "1.0.0", "0.1.0+10-a", "0.10.0"]);
    all.push(stored("1.0.0", StoredKind::Upgrade));
    all.reverse();
    sort(&mut all);
    let order: Vec<_> = all.iter().map(|stored| format!("{} {}", stored.version, stored.kind.word())).collect();
    let sorted = ["0.1.0+2-b", "0.1.0+10-a", "0.10.0", "1.0.0-rc.1", "1.0.0", "1.0.0", "9.0.0", "10.0.0"];
    assert_eq!(order.iter().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>(), sorted);
    assert_eq!(order[4..6], ["1.0.0 release", "1.0.0 upgrade"]);
}

#[test]
fn the_only_release_is_taken_and_of_several_the_user_is_asked() {
    let none = choose(&[], &app("foo"), StoredKind::Release, None).unwrap_err();
    assert_eq!(none.to_string(), "the store has no release of foo");

    let one = releases(&["0.1.0"]);
    assert_eq!(choose(&one, &app("foo"), StoredKind::Release, None), Ok(Choice::Taken(&one[0])));

    let several = releases(&["9.0.0", "10.0.0"]);
    let choice = choose(&several, &app("foo"), StoredKind::Release, None).unwrap();
    assert_eq!(choice, Choice::Ask(vec![&several[1], &several[0]]), "newest first");
    let refused = choice.without_asking(&app("foo")).unwrap_err();
    assert_eq!(refused, ChooseError::Several { app: app("foo"), has: vec![version("10.0.0"), version("9.0.0")] });
}

#[test]
fn a_version_is_meant_exactly() {
    let all = releases(&["1.2.3", "1.20"]);
    let chosen = |text: &str| choose(&all, &app("foo"), StoredKind::Release, Some(&version(text)));
    assert_eq!(chosen("1.2.3"), Ok(Choice::Taken(&all[0])));
    let refused = chosen("1.2").unwrap_err();
    assert_eq!(refused.to_string(), "the store has no release foo 1.2");
    assert!(matches!(refused, ChooseError::Absent { has, .. } if has == [version("1.20"), version("1.2.3")]));
}

#[test]
fn a_release_is_preferred_to_an_upgrade_of_the_same_version() {
    let all = vec![stored("2.0", StoredKind::Upgrade), stored("1.0", StoredKind::Upgrade), stored("1.0", StoredKind::Release)];
    let choice = choose(&all, &app("foo"), StoredKind::Release, None).unwrap();
    assert_eq!(choice, Choice::Ask(vec![&all[0], &all[2]]));
    let upgrade = choose(&all, &app("foo"), StoredKind::Upgrade, Some(&version("1.0"))).unwrap();
    assert_eq!(upgrade, Choice::Taken(&all[1]));
}

#[test]
fn the_revision_comes_from_the_version_or_the_commit() {
    let mut release = stored("1.2.3+3027-82a5834", StoredKind::Release);
    assert_eq!(release.revision(), Some("3027-82a5834"));
    release.version = version("1.2.3-rc.1");
    assert_eq!(release.revision(), None);
    release.commit = Some("0123456789012345678901234567890123456789".parse().unwrap());
    assert_eq!(release.revision(), Some("0123456"));
}
