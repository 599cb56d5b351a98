//! Nodes that systemd runs.

use super::model::{empty_host, settings};
use crate::{
    config::{Service, TargetSettings},
    facts::{HostFacts, NodeState, Seen},
    plan::{
        self, NodeAction, SetupFacts, SetupRequest, Verdict,
        setup::{EnvironmentFile, Rights},
    },
    release::ReleaseKind,
    step::{Setup, Step},
    unit::{Scope, Unit, UnitFacts},
};

fn with_systemd(service: Service) -> TargetSettings {
    TargetSettings { service, ..settings() }
}

fn loaded(active: &str) -> UnitFacts {
    let load = "loaded".to_owned();
    UnitFacts { manager: true, load, active: active.to_owned(), enabled: true, ..UnitFacts::default() }
}

fn host(state: NodeState, unit: UnitFacts) -> Seen {
    let mut seen = empty_host();
    let version = Some("0.2.0".parse().unwrap());
    seen.permanent.clone_from(&version);
    seen.node.state = state;
    if state != NodeState::Down {
        (seen.node.booted, seen.node.version) = (version.clone(), version);
    }
    seen.unit = Some(unit);
    seen
}

fn node(action: NodeAction, seen: &Seen) -> (Verdict, String) {
    let facts = [HostFacts { host: "web1".parse().unwrap(), seen: Ok(seen.clone()) }];
    let plan = plan::node(action, &"app".parse().unwrap(), &with_systemd(Service::Systemd), &facts);
    plan::lint(&plan, &facts).unwrap();
    let host = &plan.hosts[0];
    let steps: Vec<String> = host.steps.iter().map(Step::describe).collect();
    (host.verdict.clone(), format!("{}: {}", host.reasons.join("; "), steps.join(", ")))
}

#[test]
fn a_unit_starts_and_stops_the_node() {
    let (down, up) =
        (host(NodeState::Down, loaded("inactive")), host(NodeState::Running, UnitFacts { main_pid: Some(7), ..loaded("active") }));
    assert_eq!(node(NodeAction::Start, &down).1, "no node runs, 0.2.0 boots: start 0.2.0 (unit app.service)");
    assert_eq!(node(NodeAction::Stop, &up).1, "the node runs 0.2.0: stop the node (unit app.service)");
    assert_eq!(node(NodeAction::Stop, &down), (Verdict::Nothing, "no node runs: ".to_owned()));
}

#[test]
fn a_unit_between_two_attempts_is_stopped_although_no_node_runs() {
    let looping =
        UnitFacts { sub: "auto-restart".into(), restarts: 3, result: "exit-code".into(), status: 1, ..loaded("activating") };
    let (verdict, told) = node(NodeAction::Stop, &host(NodeState::Down, looping));
    assert_eq!(verdict, Verdict::Change);
    assert!(told.contains("restarted unit app.service 3 times by itself, and it is down now (it ended with status 1)"), "{told}");
    assert!(told.ends_with(": stop the node (unit app.service)"), "{told}");
}

#[test]
fn without_a_unit_nothing_is_started_and_setup_is_named() {
    let missing = UnitFacts { manager: true, load: "not-found".into(), active: "inactive".into(), ..UnitFacts::default() };
    for action in [NodeAction::Start, NodeAction::Restart] {
        let (verdict, told) = node(action, &host(NodeState::Down, missing.clone()));
        assert!(told.starts_with("there is no unit app.service"), "{told}");
        let Verdict::Blocked { hints } = verdict else { panic!("{told}") };
        assert_eq!(hints[0].command.as_deref(), Some("edeliver setup production"));
    }
    let (_, told) = node(NodeAction::Start, &host(NodeState::Down, UnitFacts::default()));
    assert!(told.starts_with("systemd does not run this host"), "{told}");
    // What runs can be stopped all the same.
    assert_eq!(node(NodeAction::Stop, &host(NodeState::Running, missing)).0, Verdict::Change);
}

#[test]
fn a_node_that_systemd_has_not_started_is_told_of_and_handed_over_by_a_restart() {
    let outside = host(NodeState::Running, loaded("inactive"));
    assert!(node(NodeAction::Start, &outside).1.contains("the node runs outside of unit app.service"));
    let guarded = "stop the node (unit app.service); unless that is confirmed within 2m, the host starts 0.2.0 by itself";
    let steps = format!("{guarded}, start 0.2.0 (unit app.service), confirm 0.2.0");
    assert!(node(NodeAction::Restart, &outside).1.ends_with(&steps));
}

fn setup(service: Service, seen: &Seen, found: SetupFacts, force: bool) -> plan::HostPlan {
    let facts = [HostFacts { host: "web1".parse().unwrap(), seen: Ok(seen.clone()) }];
    let settings = with_systemd(service);
    let app = "app".parse().unwrap();
    let unit = Unit::of(&settings, &app).unwrap();
    let request = SetupRequest { app, unit, force, kind: Some(ReleaseKind::Mix) };
    let plan = plan::setup(&request, &settings, &facts, &|_| Some(found.clone()));
    plan::lint(&plan, &facts).unwrap();
    plan.hosts[0].clone()
}

fn root() -> SetupFacts {
    SetupFacts {
        home: "/home/deploy".into(),
        rights: Rights::Root,
        systemd: 252,
        variables: vec!["PORT".into()],
        ..SetupFacts::default()
    }
}

fn step(host: &plan::HostPlan) -> &Setup {
    match &host.steps[..] {
        [Step::Setup(setup)] => setup,
        other => panic!("{other:?}, {:?}", host.reasons),
    }
}

#[test]
fn a_unit_is_written_once_and_a_changed_one_again() {
    let seen = host(NodeState::Down, UnitFacts { manager: true, load: "not-found".into(), ..UnitFacts::default() });
    let first = setup(Service::Systemd, &seen, root(), false);
    let written = step(&first);
    assert_eq!((written.unit.scope, written.user.as_str(), written.sudo), (Scope::System, "deploy", false));
    let there = SetupFacts { installed: Some(written.text.clone()), environment: EnvironmentFile::Same, ..root() };
    let seen = host(NodeState::Down, loaded("inactive"));
    assert_eq!(setup(Service::Systemd, &seen, there.clone(), false).verdict, Verdict::Nothing);
    let of_another = SetupFacts { owner: Some("app".into()), ..there.clone() };
    let again = setup(Service::Systemd, &seen, of_another, false);
    assert!(step(&again).text.contains("User=app\n") && again.reasons[0].ends_with("is there and differs"), "{:?}", again.reasons);
    let other_environment = SetupFacts { environment: EnvironmentFile::Differs, ..there };
    assert_eq!(setup(Service::Systemd, &seen, other_environment, false).verdict, Verdict::Change);
}

#[test]
fn a_foreign_unit_is_not_replaced_unasked() {
    let seen = host(NodeState::Down, loaded("inactive"));
    let foreign = SetupFacts { installed: Some("[Service]\nExecStart=/x\n".into()), ..root() };
    let refused = setup(Service::Systemd, &seen, foreign.clone(), false);
    assert_eq!(refused.reasons, ["unit app.service was not written by edeliver"]);
    assert_eq!(setup(Service::Systemd, &seen, foreign, true).verdict, Verdict::Change);
}

#[test]
fn what_systemd_cannot_run_is_not_set_up() {
    let mut seen = host(NodeState::Down, loaded("inactive"));
    seen.root = "/srv/the \"app\"".into();
    assert!(setup(Service::Systemd, &seen, root(), false).reasons[0].contains("a quote or a backslash"));
    let without = setup(Service::Systemd, &host(NodeState::Down, UnitFacts::default()), SetupFacts { systemd: 0, ..root() }, false);
    assert_eq!(without.reasons, ["systemd does not run this host"]);
}

#[test]
fn without_rights_the_commands_to_type_are_told() {
    let seen = host(NodeState::Down, loaded("inactive"));
    let poor = SetupFacts { rights: Rights::None, ..root() };
    let Verdict::Blocked { hints } = setup(Service::Systemd, &seen, poor.clone(), false).verdict else { panic!() };
    let commands: Vec<&str> = hints.iter().filter_map(|hint| hint.command.as_deref()).collect();
    assert_eq!(
        commands,
        ["edeliver setup production --host=root@web1", "(umask 077; edeliver setup production --host=web1 --script >setup.sh)"]
    );
    let by_sudo = setup(Service::Systemd, &seen, SetupFacts { rights: Rights::Sudo, ..root() }, false);
    assert!(step(&by_sudo).sudo && by_sudo.steps[0].describe().contains("by sudo"));
    // A user's own unit takes no rights, and a start-up file that it does not read is told of.
    let own = setup(Service::SystemdUser, &seen, SetupFacts { profile: vec!["DATABASE_URL".into()], ..poor }, false);
    assert_eq!(step(&own).path, "/home/deploy/.config/systemd/user/app.service");
    assert!(own.reasons.iter().any(|reason| reason.contains("DATABASE_URL")), "{:?}", own.reasons);
}
