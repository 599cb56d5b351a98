use std::{fs, process::Command};

use edeliver_core::{
    release::ReleaseKind,
    unit::{
        Scope,
        text::{UnitSpec, unit},
    },
};

use super::*;
use crate::transport::Local;

/// systemd's own check of the units, where it is installed: names of settings, paths, quoting.
#[test]
fn systemd_finds_no_fault_with_the_units() {
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        return; // not a machine with systemd
    };
    assert!(version.status.success());
    let dir = tempfile::tempdir().unwrap();
    // What has a meaning in a unit.
    let root = dir.path().join("my apps/100% $HOME");
    fs::create_dir_all(root.join("bin")).unwrap();
    for (app, kind, scope) in [("hotapp", ReleaseKind::Mix, Scope::System), ("relapp", ReleaseKind::Relx, Scope::User)] {
        fs::copy("/bin/true", root.join("bin").join(app)).unwrap();
        let (root, environment) = (root.to_str().unwrap(), "/etc/edeliver/x.env");
        let text = unit(&UnitSpec { scope, app, kind, root, user: "root", environment, stop_seconds: 60, systemd: 252 });
        let file = dir.path().join(format!("{app}.service"));
        fs::write(&file, text).unwrap();
        // A user's systemd needs a session to check anything; the settings are the same.
        let said = Command::new("systemd-analyze").arg("verify").arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(!said.contains(app), "{said}");
    }
}

fn unit_of(scope: Scope) -> Unit {
    Unit { scope, name: "edeliver-test".parse().unwrap() }
}

#[tokio::test]
async fn a_host_without_systemd_is_told_and_what_is_missing_is_seen() {
    let empty = tempfile::tempdir().unwrap();
    let host = Local::new().env("HOME", empty.path().to_str().unwrap()).env("XDG_RUNTIME_DIR", empty.path().to_str().unwrap());
    let facts = state(&host, &unit_of(Scope::User)).await.unwrap();
    assert!(!facts.manager && facts.load.is_empty() && facts.linger.is_some(), "{facts:?}");
    let root = empty.path().join("my app").to_str().unwrap().parse().unwrap();
    let place = Place { root, app: "app".parse().unwrap(), node: None };
    let profile = empty.path().join("profile");
    fs::write(&profile, "export DATABASE_URL='ecto://u:p@h/db'\nPATH=$PATH:/x\nLOCAL=1\necho noise\n").unwrap();
    let found = look(&host, &place, &unit_of(Scope::User), profile.to_str().unwrap(), "A=\"1\"\n").await.unwrap();
    assert_eq!(found.profile, ["DATABASE_URL", "PATH"]);
    assert_eq!((found.installed, found.owner, found.home), (None, None, empty.path().to_str().unwrap().to_owned()));
}

#[tokio::test]
async fn what_is_there_is_compared() {
    use edeliver_core::plan::setup::EnvironmentFile;
    let home = tempfile::tempdir().unwrap();
    let host = Local::new().env("HOME", home.path().to_str().unwrap());
    let (units, environment) = (home.path().join(".config/systemd/user"), home.path().join(".config/edeliver"));
    fs::create_dir_all(units.join("edeliver-test.service.d")).unwrap();
    fs::create_dir_all(&environment).unwrap();
    fs::write(units.join("edeliver-test.service"), "[Service]\n# no end of line").unwrap();
    fs::write(units.join("edeliver-test.service.d/own.conf"), "").unwrap();
    fs::write(environment.join("edeliver-test.env"), "A=\"1\"\n").unwrap();
    let root = home.path().to_str().unwrap().parse().unwrap();
    let place = Place { root, app: "app".parse().unwrap(), node: None };
    let unit = unit_of(Scope::User);
    let found = look(&host, &place, &unit, "", "A=\"1\"\n").await.unwrap();
    assert_eq!(found.installed.as_deref(), Some("[Service]\n# no end of line\n"));
    assert_eq!((found.environment, found.drop_ins), (EnvironmentFile::Same, vec!["own.conf".to_owned()]));
    assert!(found.owner.is_some());
    let found = look(&host, &place, &unit, "", "A=\"2\"\n").await.unwrap();
    assert_eq!(found.environment, EnvironmentFile::Differs);
}

#[test]
fn a_hosts_own_node_name_is_in_its_environment() {
    let all = [("PORT".to_owned(), "4000".to_owned()), ("RELEASE_NODE".to_owned(), "all".to_owned())];
    let shown = |node: &str| environment_file(&variables(&all, Some(&node.parse().unwrap())));
    assert!(shown("app@web1").ends_with("PORT=\"4000\"\nRELEASE_NODE=\"app@web1\"\n"));
    assert!(shown("app@web1.example.com").ends_with("RELEASE_NODE=\"app@web1.example.com\"\nRELEASE_DISTRIBUTION=\"name\"\n"));
}
