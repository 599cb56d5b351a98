use super::*;

fn origin() -> Origin {
    Origin {
        revision: "82a5834".to_owned(),
        commits: 3027,
        commits_of_branch: 512,
        branch: Some("feature/x_1-b".to_owned()),
        date: "20160414".to_owned(),
        time: "171013".to_owned(),
        mix_env: "prod".to_owned(),
    }
}

/// The table of edeliver 1.9 (`lib/mix/tasks/release_version.ex`).
#[test]
fn every_token_gives_the_string_of_the_original() {
    let version = |rule: &str| {
        let rule = VersionRule { base: Base::Project, metadata: Metadata::parse_all(rule).unwrap() };
        rule.recipe(&origin()).apply("1.2.3").unwrap()
    };
    for (rule, expected) in [
        ("git-revision", "1.2.3+82a5834"),
        ("append-git-revision", "1.2.3+82a5834"),
        ("commit-count", "1.2.3+3027"),
        ("git-commit-count-all-branches", "1.2.3+3027"),
        ("commit-count-branch", "1.2.3+512"),
        ("branch", "1.2.3+featurex1-b"),
        ("build-date", "1.2.3+20160414"),
        ("time", "1.2.3+171013"),
        ("mix-env", "1.2.3+prod"),
        ("commit-count+git-revision", "1.2.3+3027-82a5834"),
        ("git-revision + branch-unless-master", "1.2.3+82a5834-featurex1-b"),
    ] {
        assert_eq!(version(rule), expected, "{rule}");
    }
}

#[test]
fn master_and_an_unknown_branch_are_not_appended() {
    for branch in [Some("master".to_owned()), None] {
        let origin = Origin { branch, ..origin() };
        let rule = VersionRule { base: Base::Project, metadata: vec![Metadata::BranchUnlessMaster] };
        assert_eq!(rule.recipe(&origin).apply("1.2.3").unwrap(), "1.2.3");
    }
}

#[test]
fn versions_are_counted_up_as_the_original_did() {
    let counted = |version: &str, part| increment(version, part).unwrap();
    for (version, patch, minor, major) in [
        ("", "0.0.1", "0.1.0", "1.0.0"),
        ("1", "1.0.1", "1.1.0", "2.0.0"),
        ("1.2", "1.2.1", "1.3.0", "2.0.0"),
        ("1.2.3", "1.2.4", "1.3.0", "2.0.0"),
        ("1.2.3-rc1", "1.2.4", "1.3.0", "2.0.0"),
        ("1.2.3+5", "1.2.4", "1.3.0", "2.0.0"),
    ] {
        let all = [counted(version, Part::Patch), counted(version, Part::Minor), counted(version, Part::Major)];
        assert_eq!(all, [patch, minor, major], "{version}");
    }
    assert_eq!(increment("1.2.3.4", Part::Patch), Err(RuleError::NotCountable("1.2.3.4".to_owned())));
    assert_eq!(increment("one", Part::Patch), Err(RuleError::NotCountable("one".to_owned())));
}

#[test]
fn a_set_version_gets_metadata_too() {
    let rule = VersionRule { base: Base::Set("1.3.0-beta.1".to_owned()), metadata: vec![Metadata::Revision] };
    assert_eq!(rule.recipe(&origin()).apply("0.1.0").unwrap(), "1.3.0-beta.1+82a5834");
}

#[test]
fn an_unknown_token_is_refused_by_its_name() {
    assert_eq!(Metadata::parse_all("git-revision+weather"), Err(RuleError::Unknown("weather".to_owned())));
    assert_eq!("tiny".parse::<Part>(), Err(RuleError::NoPart("tiny".to_owned())));
}
