use super::{
    text::{UnitSpec, environment, unit},
    *,
};
use crate::release::ReleaseKind;

fn spec<'a>() -> UnitSpec<'a> {
    UnitSpec {
        scope: Scope::System,
        app: "hotapp",
        kind: ReleaseKind::Mix,
        root: "/srv/hotapp",
        user: "deploy",
        environment: "/etc/edeliver/hotapp.env",
        stop_seconds: 60,
        systemd: 252,
    }
}

#[test]
fn the_unit_of_a_mix_release() {
    assert_eq!(unit(&spec()), include_str!("tests/mix.service"));
}

#[test]
fn the_user_unit_of_a_relx_release_in_a_home_with_odd_names_under_an_old_systemd() {
    let odd = UnitSpec {
        scope: Scope::User,
        app: "relapp",
        kind: ReleaseKind::Relx,
        root: "/home/deploy/my apps/100% $HOME/relapp",
        environment: "/home/deploy/.config/edeliver/relapp.env",
        systemd: 237,
        ..spec()
    };
    assert_eq!(unit(&odd), include_str!("tests/relx-user.service"));
}

#[test]
fn a_node_that_lives_in_a_home_may_write_there() {
    let at = |root| unit(&UnitSpec { root, ..spec() }).contains("ProtectHome=");
    assert!(at("/srv/hotapp") && at("/homes/hotapp"));
    assert!(!at("/home/deploy/hotapp") && !at("/root/hotapp"));
    assert!(unit(&UnitSpec { root: "/usr/local/hotapp", ..spec() }).contains("ReadWritePaths=\"/usr/local/hotapp\"\n"));
}

#[test]
fn every_value_of_an_environment_is_one_value_of_the_file() {
    let text = environment([("PORT", "4000"), ("ODD", "a \"b\" $c `d` \\e\nf=g # h"), ("EMPTY", "")]);
    let expected = "# Written by `edeliver setup`, which replaces it.\nPORT=\"4000\"\nODD=\"a \\\"b\\\" \\$c \\`d\\` \\\\e\nf=g # h\"\nEMPTY=\"\"\n";
    assert_eq!(text, expected);
}

fn hotapp(scope: Scope) -> Unit {
    Unit { scope, name: "hotapp".parse().unwrap() }
}

#[test]
fn files_of_the_system_are_not_in_a_users_hands() {
    assert_eq!(hotapp(Scope::System).path("/home/u"), "/etc/systemd/system/hotapp.service");
    assert_eq!(hotapp(Scope::System).environment_path("/home/u"), "/etc/edeliver/hotapp.env");
    assert_eq!(hotapp(Scope::User).path("/home/u"), "/home/u/.config/systemd/user/hotapp.service");
    assert_eq!(hotapp(Scope::User).environment_path("/home/u"), "/home/u/.config/edeliver/hotapp.env");
    let named = Unit { scope: Scope::System, name: "web.service".parse().unwrap() };
    assert_eq!((named.file_name(), named.short()), ("web.service".to_owned(), "web"));
}

#[test]
fn what_is_wrong_with_a_unit_is_told() {
    let told = |facts: UnitFacts| facts.troubles(&hotapp(Scope::System)).join("; ");
    let fine = UnitFacts { manager: true, load: "loaded".into(), active: "active".into(), enabled: true, ..UnitFacts::default() };
    assert_eq!(told(fine.clone()), "");
    let looping = UnitFacts { sub: "auto-restart".into(), restarts: 7, result: "exit-code".into(), status: 1, ..fine.clone() };
    let expected = "systemd has restarted unit hotapp.service 7 times by itself, and it is down now (it ended with status 1)";
    assert_eq!(told(looping), expected);
    assert!(told(UnitFacts { active: "failed".into(), result: "signal".into(), status: 9, ..fine.clone() }).contains("signal 9"));
    assert!(told(UnitFacts { enabled: false, ..fine.clone() }).contains("not started at boot"));
    assert!(told(UnitFacts { linger: Some(false), ..fine.clone() }).contains("lingering is off"));
    let notes = |facts: UnitFacts| facts.notes(&hotapp(Scope::User), true).join("; ");
    assert_eq!(notes(UnitFacts { main_pid: Some(1), ..fine.clone() }), "");
    assert_eq!(notes(fine), "the node runs outside of user unit hotapp.service");
    assert_eq!(notes(UnitFacts { manager: true, ..UnitFacts::default() }), "there is no user unit hotapp.service");
}
