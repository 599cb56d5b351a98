//! Random histories of a fleet: every plan is clean, keeps what is needed, can be undone, and leaves nothing to do.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    hot::{upgrade_request, way},
    model::*,
};
use crate::{
    config::{OnRestart, TargetSettings},
    facts::{HostFacts, NodeFacts, NodeState, Seen, Unfinished, Unseen},
    name::Version,
    plan::{self, DeployRequest, Keep, NodeAction, Plan, RollbackRequest, Verdict, Wanted, Way},
    release::Manifest,
    step::{Direction, Step},
};

#[derive(Debug, Clone)]
enum Event {
    Deploy {
        vsn: &'static str,
        dep: &'static str,
        start: bool,
        keep: Keep,
        force: bool,
        fails_at: Option<usize>,
    },
    Rollback {
        to: Option<&'static str>,
        restart: bool,
        /// With relups back from every release that the host has.
        hot: bool,
        fails_at: Option<usize>,
    },
    Upgrade {
        vsn: &'static str,
        dep: &'static str,
        on_restart: OnRestart,
        fails_at: Option<usize>,
    },
    /// The operator is lost while the node is watched; it takes the upgrade back by itself.
    Alone,
    Node(NodeAction),
    /// The node ends up in this state by itself.
    Becomes(NodeState),
    /// Someone removes the manifest: the release counts as put there otherwise.
    Forget(&'static str),
    /// A removal or deploy was interrupted.
    Interrupt(&'static str),
    LoseReleasesFile,
}

const VERSIONS: &[&str] = &["0.1.0", "0.2.0", "0.3.0", "0.4.0", "0.5.0"];

fn event() -> impl Strategy<Value = Event> {
    let version = || select(VERSIONS);
    let keep = prop_oneof![4 => (2..4_u32).prop_map(Keep::Newest), 1 => Just(Keep::Needed)];
    let fails = || proptest::option::weighted(0.3, 0..5_usize);
    let states = &[NodeState::Down, NodeState::Hung, NodeState::WrongCookie, NodeState::Starting, NodeState::NoDistribution][..];
    prop_oneof![
        6 => (version(), select(&["a", "a", "b"][..]), any::<bool>(), keep, any::<bool>(), fails())
            .prop_map(|(vsn, dep, start, keep, force, fails_at)| Event::Deploy { vsn, dep, start, keep, force, fails_at }),
        2 => (proptest::option::of(version()), any::<bool>(), any::<bool>(), fails())
            .prop_map(|(to, restart, hot, fails_at)| Event::Rollback { to, restart, hot, fails_at }),
        4 => (version(), select(&["a", "a", "b"][..]), select(&[OnRestart::Refuse, OnRestart::Restart][..]), proptest::option::weighted(0.4, 0..9_usize))
            .prop_map(|(vsn, dep, on_restart, fails_at)| Event::Upgrade { vsn, dep, on_restart, fails_at }),
        1 => Just(Event::Alone),
        2 => select(&[NodeAction::Start, NodeAction::Stop, NodeAction::Restart][..]).prop_map(Event::Node),
        1 => select(states).prop_map(Event::Becomes),
        1 => version().prop_map(Event::Forget),
        1 => version().prop_map(Event::Interrupt),
        1 => Just(Event::LoseReleasesFile),
    ]
}

/// Hosts are drained, so that what a failure leaves of that is met too.
fn settings() -> TargetSettings {
    drained(super::model::settings())
}

fn host(seen: &Seen) -> Vec<HostFacts> {
    vec![HostFacts { host: "web1".parse().unwrap(), seen: Ok(seen.clone()) }]
}

fn plan_deploy(request: &DeployRequest, manifest: &Manifest, seen: &Seen) -> Plan {
    let rel = rel(manifest.version.as_str());
    let rewritten = [("web1".parse().unwrap(), rewritten(manifest, seen))].into();
    plan::deploy(request, &settings(), &Wanted::new(manifest, &rel, rewritten), &host(seen))
}

/// Whatever a plan did, these hold.
fn check_kept(before: &Seen, after: &Seen) {
    let there = |version: &Version| after.installed.iter().any(|installed| installed.version == *version);
    let had = |version: &&Version| before.installed.iter().any(|installed| installed.version == **version);
    let runs_on = before.node.booted.as_ref().filter(|booted| after.node.booted.as_ref() == Some(booted));
    for needed in runs_on.into_iter().chain(&after.permanent).filter(had) {
        assert!(there(needed), "{needed} was needed");
    }
    for installed in &after.installed {
        for dir in &installed.dirs {
            assert!(after.dirs.contains(dir), "{} uses {dir}", installed.version);
        }
    }
    if let Some(previous) = after.previous.as_ref().filter(had) {
        assert!(there(previous), "a rollback would go back to {previous}");
        assert_ne!(after.previous, after.permanent);
    }
}

/// Carries out a plan whose step `fails_at` fails, with the undo that follows.
fn carry_out(plan: &Plan, manifest: &Manifest, seen: &mut Seen, fails_at: Option<usize>) {
    let facts = host(seen);
    plan::lint(plan, &facts).unwrap();
    let before = seen.clone();
    let work = &plan.hosts[0];
    let Some(at) = fails_at.filter(|at| *at < work.steps.len()) else {
        super::model::apply(work, manifest, seen);
        let forgotten =
            matches!(work.verdict, Verdict::Change | Verdict::Nothing) && plan::switch::is_up(seen) && seen.drained.is_some();
        assert!(!forgotten, "a node serves, and its host is still drained: {work:#?}");
        return check_kept(&before, seen);
    };
    work.steps[..at].iter().for_each(|step| apply_step(step, manifest, seen));
    let failed = &work.steps[at];
    if let Step::Start { version, .. } = failed {
        seen.installed.iter_mut().filter(|installed| installed.version == *version).for_each(|installed| installed.failed = true);
    }
    let lost = matches!(failed, Step::Soak(_)) && at % 2 == 0;
    let upgrade = matches!(failed, Step::Install(_) | Step::Soak(_) | Step::Commit(_));
    if (upgrade && !lost) || matches!(failed, Step::Stop { .. } | Step::Start { .. }) {
        work.undo.iter().for_each(|step| apply_step(step, manifest, seen));
        let activated = |step: &Step| if let Step::Activate(activate) = step { Some(activate.version.clone()) } else { None };
        check_back(&before, seen, work.steps.iter().find_map(activated).as_ref());
    }
    check_kept(&before, seen);
}

/// After a failed start and its undo the host boots and runs what served before.
fn check_back(before: &Seen, after: &Seen, activated: Option<&Version>) {
    let served = plan::switch::served(before);
    if activated.is_some() && served.is_some() && served != activated {
        assert_eq!(after.permanent.as_ref(), served);
        assert!(after.previous == before.previous || before.previous.as_ref() == served);
        assert!(plan::switch::is_up(before) == plan::switch::is_up(after) || after.node.booted.as_ref() == served);
    }
}

fn deploy(seen: &mut Seen, manifest: &Manifest, request: &DeployRequest, fails_at: Option<usize>) {
    let plan = plan_deploy(request, manifest, seen);
    assert_eq!(plan, plan_deploy(request, manifest, seen), "the same facts give the same plan");
    carry_out(&plan, manifest, seen, fails_at);
    let blocked = matches!(plan.hosts[0].verdict, Verdict::Blocked { .. });
    if blocked || fails_at.is_some_and(|at| at < plan.hosts[0].steps.len()) {
        return;
    }
    assert_eq!(seen.permanent.as_ref(), Some(&manifest.version));
    assert!(!request.start || seen.node.version.as_ref() == Some(&manifest.version));
    let again = plan_deploy(request, manifest, seen);
    assert!(again.is_empty(), "planning the result of a plan: {:#?}", again.hosts[0]);
}

fn rollback(seen: &mut Seen, to: Option<&str>, restart: bool, hot: bool, fails_at: Option<usize>) {
    let ways = if hot { ways(seen, None) } else { Vec::new() };
    let request = RollbackRequest { app: "app".parse().unwrap(), to: to.map(version), restart, ways };
    let plan = plan::rollback(&request, &settings(), &host(seen));
    carry_out(&plan, &release("0.1.0", "a"), seen, fails_at);
    if let (Some(to), None, true) = (to, fails_at, matches!(plan.hosts[0].verdict, Verdict::Change | Verdict::Nothing)) {
        assert_eq!(seen.permanent, Some(version(to)));
        let again = plan::rollback(&request, &settings(), &host(seen));
        assert!(again.is_empty(), "{again:#?}");
    }
}

/// Ways between every release on the host and another, in both directions.
fn ways(seen: &Seen, other: Option<&Manifest>) -> Vec<Way> {
    let installed = || seen.installed.iter().filter_map(|installed| installed.files.as_ref());
    let up = |from| other.into_iter().map(move |to| way(from, to, Direction::Up));
    let down = |from| installed().map(move |to| way(from, to, Direction::Down));
    installed().flat_map(|from| up(from).chain(down(from).filter(|_| other.is_none()))).collect()
}

fn upgrade(seen: &mut Seen, manifest: &Manifest, on_restart: OnRestart, fails_at: Option<usize>) {
    let (rel, request) = (rel(manifest.version.as_str()), upgrade_request(on_restart));
    let plan = |seen: &Seen| {
        let wanted = Wanted::new(manifest, &rel, [("web1".parse().unwrap(), rewritten(manifest, seen))].into());
        plan::upgrade(&request, &settings(), &wanted, &ways(seen, Some(manifest)), &host(seen))
    };
    let (planned, before) = (plan(seen), seen.clone());
    carry_out(&planned, manifest, seen, fails_at);
    let work = &planned.hosts[0];
    if work.steps.iter().any(|step| matches!(step, Step::Install(_))) {
        assert_eq!(seen.node.booted, before.node.booted, "no restart");
    }
    if on_restart == OnRestart::Refuse {
        assert!(!work.steps.iter().any(|step| matches!(step, Step::Stop { .. })), "nobody allowed a restart");
    }
    if fails_at.is_none() && work.verdict == Verdict::Change {
        assert_eq!(seen.permanent.as_ref(), Some(&manifest.version));
        let again = plan(seen);
        assert!(again.is_empty(), "not idempotent, the result of a plan: {:#?}", again.hosts[0]);
    }
}

fn nodes(seen: &mut Seen, action: NodeAction, settings: &TargetSettings) {
    let plan = plan::node(action, &"app".parse().unwrap(), settings, &host(seen));
    carry_out(&plan, &release("0.1.0", "a"), seen, None);
    let up = seen.node.state != NodeState::Down;
    match plan.hosts[0].verdict {
        Verdict::Blocked { .. } => {}
        _ => assert_eq!(up, action != NodeAction::Stop),
    }
}

fn forget(seen: &mut Seen, vsn: &str) {
    let Some(installed) = seen.installed.iter_mut().find(|installed| installed.version == version(vsn)) else { return };
    let Some(manifest) = installed.files.take() else { return };
    (installed.manifest, installed.dirs) = (None, Vec::new());
    seen.dirs.remove(&path(&crate::delta::top_dir(&version(vsn))));
    let covered = |path: &crate::release::RelPath, seen: &Seen| {
        seen.installed.iter().any(|other| other.dirs.iter().any(|dir| path.as_str().starts_with(dir.as_str())))
    };
    for entry in &manifest.files {
        if let crate::release::EntryKind::File { sha256, .. } = &entry.kind
            && entry.path.as_str().matches('/').count() > 1
            && !covered(&entry.path, seen)
        {
            seen.strays.insert(entry.path.clone(), *sha256);
        }
    }
}

fn interrupt(seen: &mut Seen, vsn: &str) {
    let vsn = version(vsn);
    let needed =
        [&seen.permanent, &seen.previous, &seen.node.booted, &seen.node.version].into_iter().flatten().any(|it| *it == vsn);
    let at = seen.installed.iter().position(|installed| installed.version == vsn && installed.manifest.is_some());
    if let (Some(at), false) = (at, needed) {
        let dirs = seen.installed.remove(at).dirs;
        seen.dirs.remove(&path(&format!("releases/{vsn}")));
        seen.unfinished.push(Unfinished { version: vsn, dirs });
    }
}

fn happen(seen: &mut Seen, event: &Event) {
    match event {
        Event::Deploy { vsn, dep, start, keep, force, fails_at } => {
            let request = DeployRequest { start: *start, keep: *keep, force: *force, ..request() };
            deploy(seen, &release(vsn, dep), &request, *fails_at);
        }
        Event::Rollback { to, restart, hot, fails_at } => rollback(seen, *to, *restart, *hot, *fails_at),
        Event::Upgrade { vsn, dep, on_restart, fails_at } => upgrade(seen, &release(vsn, dep), *on_restart, *fails_at),
        Event::Alone => {
            if let Some(ongoing) = seen.node.ongoing.take() {
                seen.node.version = Some(ongoing.from);
            }
        }
        Event::Node(action) => nodes(seen, *action, &settings()),
        Event::Becomes(NodeState::Down) => seen.node = NodeFacts::down(),
        Event::Becomes(state) if seen.node.pid.is_some() => seen.node.state = *state,
        Event::Becomes(_) => {}
        Event::Forget(vsn) => forget(seen, vsn),
        Event::Interrupt(vsn) => interrupt(seen, vsn),
        Event::LoseReleasesFile => seen.releases_file = None,
    }
}

proptest! {
    // A failing case is turned into a test with a name, so no file of seeds is kept.
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn plans_keep_their_promises_on_any_host(events in vec(event(), 1..10)) {
        let mut seen = empty_host();
        for event in &events {
            happen(&mut seen, event);
        }
    }

    #[test]
    fn every_host_of_a_fleet_is_in_the_plan_once_and_in_order(up in vec(any::<bool>(), 1..20)) {
        let unseen = || Unseen { why: "no route to host".into(), hints: vec![] };
        let facts: Vec<HostFacts> = up.iter().enumerate().map(|(at, up)| HostFacts {
            host: format!("web{at}").parse().unwrap(),
            seen: if *up { Ok(empty_host()) } else { Err(unseen()) },
        }).collect();
        let (manifest, rel) = (release("0.1.0", "a"), rel("0.1.0"));
        let wanted = Wanted::new(&manifest, &rel, Default::default());
        let plan = plan::deploy(&request(), &settings(), &wanted, &facts);
        plan::lint(&plan, &facts).unwrap();
        let order: Vec<_> = plan.hosts.iter().map(|host| &host.host).collect();
        assert_eq!(order, facts.iter().map(|facts| &facts.host).collect::<Vec<_>>());
        assert_eq!(plan.obstacles().count(), up.iter().filter(|up| !**up).count());
    }
}
