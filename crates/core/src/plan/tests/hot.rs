//! Upgrades of running nodes as users read them, and what the lint refuses.

use edeliver_erl::rel::releases::{Releases, Status};

use super::{
    golden::{deploy, fleet, host_with, shown},
    model::*,
};
use crate::{
    config::{Engine, OnRestart, TargetSettings, UpgradeSettings},
    facts::{HostFacts, NodeState, Ongoing, Seen},
    plan::{self, DeployRequest, Plan, ReleaseRef, RollbackRequest, UpgradeRequest, Verdict, Wanted, Way},
    release::{Digest, Manifest},
    step::{Direction, Step},
    upgrade,
};

pub(super) fn way(from: &Manifest, to: &Manifest, direction: Direction) -> Way {
    let of = |manifest: &Manifest| ReleaseRef { version: manifest.version.clone(), manifest: manifest.id() };
    Way {
        from: of(from),
        to: of(to),
        direction,
        relup: Digest::of(b"relup"),
        verdict: upgrade::Verdict::Hot,
        restart: Vec::new(),
        warnings: Vec::new(),
        discover: Vec::new(),
    }
}

fn up(from: &Manifest, to: &Manifest) -> Way {
    way(from, to, Direction::Up)
}

pub(super) fn upgrade_request(on_restart: OnRestart) -> UpgradeRequest {
    UpgradeRequest { deploy: request(), on_restart }
}

fn plan_with(request: &UpgradeRequest, settings: &TargetSettings, to: &Manifest, ways: &[Way], facts: &[HostFacts]) -> Plan {
    let rewrite = |facts: &HostFacts| Some((facts.host.clone(), rewritten(to, facts.seen.as_ref().ok()?)));
    let rel = rel(to.version.as_str());
    let wanted = Wanted::new(to, &rel, facts.iter().filter_map(rewrite).collect());
    let plan = plan::upgrade(request, settings, &wanted, ways, facts);
    plan::lint(&plan, facts).unwrap();
    plan
}

fn upgrade(to: &Manifest, ways: &[Way], facts: &[HostFacts]) -> Plan {
    plan_with(&upgrade_request(OnRestart::Refuse), &settings(), to, ways, facts)
}

#[test]
fn each_node_goes_its_own_way() {
    let [old, older, new] = ["0.2.0", "0.1.0", "0.3.0"].map(|vsn| release(vsn, "a"));
    let (at_old, at_older, at_new) = (host_with(&[&old]), host_with(&[&older]), host_with(&[&old, &new]));
    let down = Seen { node: crate::facts::NodeFacts::down(), ..at_old.clone() };
    let mut ways = [up(&old, &new), up(&older, &new)];
    ways[1].warnings = ["a: b", "c: d", "e: f", "g: h"].map(str::to_owned).to_vec();
    let facts = fleet(&[("web1", &at_old), ("web2", &at_older), ("web3", &at_new), ("web4", &down)]);
    let wanted = "\
upgrade production to app 0.3.0
  web1: change
    - 4 of 8 files travel, 11 KB
    - the node runs 0.2.0: it is upgraded without a restart
    put 0.3.0 beside what is there (4 new files, 11 KB)
    put the relup of 0.3.0 beside it
    ask the node whether 0.2.0 can become 0.3.0
    upgrade the running node from 0.2.0 to 0.3.0
    verify 0.3.0, watch restarts for 30s
    make 0.3.0 the release that boots
    make the upgrade to 0.3.0 permanent on the node
    undo: take the upgrade from 0.2.0 to 0.3.0 back
    undo: make 0.2.0 the release that boots
    undo: start 0.2.0
  web2: change
    - 4 of 8 files travel, 11 KB
    - the node runs 0.1.0: it is upgraded without a restart
    - careful: a: b
    - careful: c: d
    - careful: e: f
    - careful: 1 more, see `edeliver diff 0.1.0 0.3.0`
    put 0.3.0 beside what is there (4 new files, 11 KB)
    put the relup of 0.3.0 beside it
    ask the node whether 0.1.0 can become 0.3.0
    upgrade the running node from 0.1.0 to 0.3.0
    verify 0.3.0, watch restarts for 30s
    make 0.3.0 the release that boots
    make the upgrade to 0.3.0 permanent on the node
    undo: take the upgrade from 0.1.0 to 0.3.0 back
    undo: make 0.1.0 the release that boots
    undo: start 0.1.0
  web3: nothing to do
    - 0.3.0 is there and boots next
    - the node runs it
  web4: change
    - 4 of 8 files travel, 11 KB
    - no node runs
    put 0.3.0 beside what is there (4 new files, 11 KB)
    make 0.3.0 the release that boots
    undo: stop 0.3.0
    undo: make 0.2.0 the release that boots
";
    assert_eq!(shown(&upgrade(&new, &ways, &facts)), wanted);
}

#[test]
fn a_restart_is_refused_with_its_reasons_unless_it_is_allowed() {
    let [old, new] = ["0.1.0", "0.2.0"].map(|vsn| release(vsn, "a"));
    let why = vec!["erts 13.1.5 becomes 13.2: the emulator can't be replaced".to_owned()];
    let ways = [Way { verdict: upgrade::Verdict::Restart, restart: why, ..up(&old, &new) }];
    let facts = fleet(&[("web1", &host_with(&[&old]))]);
    let wanted = "\
upgrade production to app 0.2.0
  web1: blocked
    - erts 13.1.5 becomes 13.2: the emulator can't be replaced
    > `--restart-if-needed` restarts nodes that can't be upgraded like that
    > or restart all of them into the release
";
    assert_eq!(shown(&upgrade(&new, &ways, &facts)), wanted);
    let allowed = plan_with(&upgrade_request(OnRestart::Restart), &settings(), &new, &ways, &facts);
    let wanted = "\
upgrade production to app 0.2.0
  web1: change
    - 4 of 8 files travel, 11 KB
    - the node runs 0.1.0: it is restarted
    - erts 13.1.5 becomes 13.2: the emulator can't be replaced
    - so the state of its processes is lost
    put 0.2.0 beside what is there (4 new files, 11 KB)
    make 0.2.0 the release that boots
    stop the node; unless that is confirmed within 2m, the host goes back to 0.1.0 by itself
    start 0.2.0
    confirm 0.2.0
    undo: stop 0.2.0
    undo: make 0.1.0 the release that boots
    undo: start 0.1.0
";
    assert_eq!(shown(&allowed), wanted);
}

#[test]
fn there_is_no_hot_way_without_a_relup_between_exactly_these_builds() {
    let [old, new] = ["0.1.0", "0.2.0"].map(|vsn| release(vsn, "a"));
    let seen = host_with(&[&old]);
    let why = |change: &dyn Fn(&mut Seen), ways: &[Way]| {
        let mut seen = seen.clone();
        change(&mut seen);
        upgrade(&new, ways, &fleet(&[("web1", &seen)])).hosts[0].reasons[0].clone()
    };
    let ways = [up(&old, &new)];
    assert_eq!(why(&|_| {}, &[]), "there is no relup from 0.1.0 to 0.2.0");
    assert_eq!(
        why(&|_| {}, &[up(&release("0.1.0", "b"), &new)]),
        "the 0.1.0 that runs is another build than the one that the relup leads from"
    );
    assert_eq!(why(&|seen| seen.node.state = NodeState::Hung, &ways), "the node is hung: it can't be upgraded like that");
    assert_eq!(why(&|seen| seen.node.version = None, &ways), "it is not known which release the node runs");
    assert_eq!(why(&|seen| seen.installed[0].rel = None, &ways), "0.1.0 has no readable .rel file");
    assert_eq!(why(&|seen| seen.installed.clear(), &ways), "0.1.0, which the node runs, is gone from the disk");
    let pending = |seen: &mut Seen| seen.permanent = Some(version("0.0.9"));
    assert_eq!(why(&pending, &ways), "the node runs 0.1.0, and 0.0.9 is to boot next");
}

#[test]
fn release_handler_is_used_only_where_there_is_one() {
    let [old, new] = ["0.1.0", "0.2.0"].map(|vsn| release(vsn, "a"));
    let mut settings = settings();
    settings.upgrade = UpgradeSettings { engine: Engine::ReleaseHandler, ..settings.upgrade };
    let mut seen = host_with(&[&old]);
    let plan = |seen: &Seen| {
        plan_with(&upgrade_request(OnRestart::Refuse), &settings, &new, &[up(&old, &new)], &fleet(&[("web1", seen)])).hosts[0]
            .clone()
    };
    assert_eq!(plan(&seen).reasons, ["0.1.0 has no sasl, so there is no release_handler on the node"]);
    let rel = seen.installed[0].rel.as_ref().unwrap().replace("{dep,", "{sasl,\"4.2\"},{dep,");
    seen.installed[0].rel = Some(rel);
    let Some(Step::Install(hot)) = plan(&seen).steps.into_iter().find(|step| matches!(step, Step::Install(_))) else { panic!() };
    assert_eq!(Step::Install(hot).describe(), "upgrade the running node from 0.1.0 to 0.2.0 (by release_handler)");
}

#[test]
fn a_library_of_a_directory_of_its_own_is_found_there_by_the_node() {
    let (old, new) = (release("0.1.0", "a"), release("0.2.0", "b"));
    let plan = upgrade(&new, &[up(&old, &new)], &fleet(&[("web1", &host_with(&[&old]))]));
    let Some(Step::Install(hot)) = plan.hosts[0].steps.get(3) else { panic!("{plan:#?}") };
    let dir = |libs: &[crate::step::Lib]| libs.iter().find(|lib| lib.app == "dep").unwrap().dir.to_string();
    assert_eq!(dir(&hot.old_libs), "lib/dep-1.0");
    assert!(dir(&hot.libs).starts_with("lib/dep-1.0~"), "{hot:#?}");
    let Some(Step::PlaceUpgrade(place)) = plan.hosts[0].steps.get(1) else { panic!("{plan:#?}") };
    let releases = Releases::parse(place.releases_file.as_bytes()).unwrap();
    let status = |vsn: &str| releases.get(&edeliver_erl::Vsn::new(vsn).unwrap()).unwrap().status;
    assert_eq!((status("0.1.0"), status("0.2.0")), (Status::Permanent, Status::Unpacked), "the node sees what is true");
}

#[test]
fn what_was_deployed_and_waits_for_a_restart_can_be_reached_without_one() {
    let [old, new] = ["0.1.0", "0.2.0"].map(|vsn| release(vsn, "a"));
    let mut seen = host_with(&[&old, &new]);
    (seen.node.version, seen.node.booted) = (Some(version("0.1.0")), Some(version("0.1.0")));
    let plan = upgrade(&new, &[up(&old, &new)], &fleet(&[("web1", &seen)]));
    assert!(!plan.hosts[0].steps.iter().any(|step| matches!(step, Step::Stage(_))), "nothing travels");
    apply(&plan.hosts[0], &new, &mut seen);
    assert_eq!(
        (seen.node.version.clone(), seen.permanent.clone(), seen.previous.clone()),
        (Some(version("0.2.0")), Some(version("0.2.0")), Some(version("0.1.0")))
    );
    assert!(upgrade(&new, &[up(&old, &new)], &fleet(&[("web1", &seen)])).is_empty());
}

#[test]
fn hooks_of_upgrades_and_of_deploys_stand_around_what_they_are_for() {
    let [old, new] = ["0.1.0", "0.2.0"].map(|vsn| release(vsn, "a"));
    let all = plan::deploy::hooks::ALL.into_iter().chain(plan::upgrade::HOOKS).map(str::to_owned).collect();
    let request = UpgradeRequest { deploy: DeployRequest { hooks: all, ..request() }, on_restart: OnRestart::Refuse };
    let running = host_with(&[&old]);
    let hooks = |seen: &Seen| {
        let plan = plan_with(&request, &settings(), &new, &[up(&old, &new)], &fleet(&[("web1", seen)]));
        plan.before.iter().chain(&plan.after).map(Step::describe).collect::<Vec<_>>()
    };
    assert_eq!(hooks(&running), ["hook pre_upgrade_release", "hook post_upgrade_release"]);
    let down = Seen { node: crate::facts::NodeFacts::down(), ..running };
    assert_eq!(hooks(&down), ["hook pre_extract_release_archive", "hook post_extract_release_archive"]);
}

fn rollback(seen: &Seen, ways: &[Way]) -> String {
    rollback_to(None, seen, ways)
}

fn rollback_to(to: Option<&str>, seen: &Seen, ways: &[Way]) -> String {
    let to = to.map(version);
    let request = RollbackRequest { app: "app".parse().unwrap(), to, restart: true, ways: ways.to_vec() };
    let facts = fleet(&[("web1", seen)]);
    let plan = plan::rollback(&request, &settings(), &facts);
    plan::lint(&plan, &facts).unwrap();
    shown(&plan)
}

#[test]
fn a_rollback_keeps_the_state_where_a_relup_leads_back() {
    let [old, new] = ["0.1.0", "0.2.0"].map(|vsn| release(vsn, "a"));
    let seen = host_with(&[&old, &new]);
    let wanted = "\
roll production back to the release before
  web1: change
    - 0.2.0 boots now, 0.1.0 is to
    - the node runs 0.2.0: it goes back without a restart, with its state
    put the relup of 0.2.0 beside it
    ask the node whether 0.2.0 can become 0.1.0
    downgrade the running node from 0.2.0 to 0.1.0
    verify 0.1.0, watch restarts for 30s
    make 0.1.0 the release that boots
    make the upgrade to 0.1.0 permanent on the node
    undo: take the upgrade from 0.2.0 to 0.1.0 back
    undo: make 0.2.0 the release that boots
    undo: start 0.2.0
";
    assert_eq!(rollback(&seen, &[way(&new, &old, Direction::Down)]), wanted);
    let told = rollback(&seen, &[]);
    assert!(told.contains("- its state is lost: there is no relup from 0.2.0 to 0.1.0\n"), "{told}");
}

#[test]
fn an_upgrade_whose_operator_was_lost_is_taken_back_by_the_node_and_holds_others_up() {
    let [old, new, next] = ["0.1.0", "0.2.0", "0.3.0"].map(|vsn| release(vsn, "a"));
    let mut seen = host_with(&[&old, &new]);
    (seen.node.booted, seen.permanent, seen.previous) = (Some(version("0.1.0")), Some(version("0.1.0")), None);
    let ongoing = Ongoing { run: "R1".into(), from: version("0.1.0"), to: version("0.2.0"), left_ms: Some(90_000) };
    seen.node.ongoing = Some(ongoing.clone());
    let wanted = "\
roll production back to the release before
  web1: change
    - the upgrade from 0.1.0 to 0.2.0 is being watched (run R1): the node takes it back in 1m30s if that run does not go on
    - the node goes back to 0.1.0 without a restart, with its state
    take the upgrade from 0.1.0 to 0.2.0 back
";
    assert_eq!(rollback(&seen, &[]), wanted);
    let told = shown(&upgrade(&next, &[up(&new, &next)], &fleet(&[("web1", &seen)])));
    assert!(told.contains("web1: blocked\n    - the upgrade from 0.1.0 to 0.2.0 is being watched (run R1): the node"), "{told}");
    let start = DeployRequest { start: true, ..request() };
    let deployed = |release: &Manifest, seen: &Seen| shown(&deploy(&start, release, &fleet(&[("web1", seen)])));
    let told = deployed(&new, &seen);
    assert!(told.contains("web1: blocked\n    - the upgrade from 0.1.0 to 0.2.0 is being watched (run R1): the node"), "{told}");
    assert!(deployed(&old, &seen).contains("web1: change"), "a restart ends it");
    seen.permanent = Some(version("0.2.0"));
    assert!(rollback(&seen, &[]).contains("back\n    make 0.1.0 the release that boots\n"), "lost before the commit");
    seen.node.ongoing = Some(Ongoing { left_ms: None, ..ongoing });
    assert!(rollback(&seen, &[]).contains("web1: blocked\n    - the upgrade from 0.1.0 to 0.2.0 is being carried out"));
}

#[test]
fn a_release_that_was_deployed_while_an_upgrade_was_watched_boots_next_unless_another_one_is_named() {
    let [old, new, next] = ["0.1.0", "0.2.0", "0.3.0"].map(|vsn| release(vsn, "a"));
    let mut seen = host_with(&[&old, &new, &next]);
    (seen.node.booted, seen.node.version) = (Some(version("0.1.0")), Some(version("0.2.0")));
    let (run, from, to) = ("R1".into(), version("0.1.0"), version("0.2.0"));
    seen.node.ongoing = Some(Ongoing { run, from, to, left_ms: Some(90_000) });
    assert_eq!(seen.permanent, Some(version("0.3.0")));
    assert!(!rollback(&seen, &[]).contains("that boots"));
    let told = rollback_to(Some("0.1.0"), &seen, &[]);
    let there_and_back = "back\n    make 0.1.0 the release that boots\n    undo: make 0.3.0 the release that boots\n";
    assert!(told.ends_with(there_and_back), "{told}");
}

#[test]
fn an_upgrade_that_was_never_made_permanent_is_left_for_what_boots() {
    let [old, new] = ["0.1.0", "0.2.0"].map(|vsn| release(vsn, "a"));
    let mut seen = host_with(&[&old, &new]);
    (seen.node.booted, seen.permanent, seen.previous) = (Some(version("0.1.0")), Some(version("0.1.0")), None);
    let told = rollback(&seen, &[way(&new, &old, Direction::Down)]);
    assert!(told.contains("- 0.1.0 boots already\n") && told.contains("downgrade the running node from 0.2.0 to 0.1.0"), "{told}");
}

#[test]
fn an_upgrade_that_release_handler_was_left_with_is_proved_and_made_permanent_by_the_next_run() {
    let [old, new] = ["0.1.0", "0.2.0"].map(|vsn| release(vsn, "a"));
    let mut seen = host_with(&[&old, &new]);
    (seen.node.upgraded_from, seen.permanent, seen.previous) = (Some(version("0.1.0")), Some(version("0.1.0")), None);
    seen.installed
        .iter_mut()
        .flat_map(|installed| &mut installed.rel)
        .for_each(|rel| *rel = rel.replace("{dep,", "{sasl,\"4.2\"},{dep,"));
    let with = |engine| TargetSettings { upgrade: UpgradeSettings { engine, ..settings().upgrade }, ..settings() };
    let plan =
        |engine| plan_with(&upgrade_request(OnRestart::Refuse), &with(engine), &new, &[up(&old, &new)], &fleet(&[("web1", &seen)]));
    let wanted = "\
upgrade production to app 0.2.0
  web1: change
    - 0.2.0 is there already
    - the node was upgraded from 0.1.0 before, which nobody made permanent: that is ended now
    put the relup of 0.2.0 beside it
    ask the node whether 0.1.0 can become 0.2.0
    upgrade the running node from 0.1.0 to 0.2.0 (by release_handler)
    verify 0.2.0, watch restarts for 30s
    make 0.2.0 the release that boots
    make the upgrade to 0.2.0 permanent on the node
    undo: take the upgrade from 0.1.0 to 0.2.0 back
    undo: make 0.1.0 the release that boots
    undo: start 0.1.0
";
    assert_eq!(shown(&plan(Engine::ReleaseHandler)), wanted);
    assert!(!shown(&plan(Engine::Transactional)).contains("permanent on the node"), "its agent knows what it left");
}

#[test]
fn the_lint_refuses_an_upgrade_that_is_not_whole() {
    let [old, new] = ["0.1.0", "0.2.0"].map(|vsn| release(vsn, "a"));
    let facts = fleet(&[("web1", &host_with(&[&old]))]);
    let good = upgrade(&new, &[up(&old, &new)], &facts);
    let breach = |change: &dyn Fn(&mut Vec<Step>, &mut Vec<Step>)| {
        let mut plan = good.clone();
        let host = &mut plan.hosts[0];
        change(&mut host.steps, &mut host.undo);
        plan::lint(&plan, &facts).unwrap_err().what
    };
    let without = |is: fn(&Step) -> bool| breach(&|steps, _| steps.retain(|step| !is(step)));
    assert_eq!(without(|step| matches!(step, Step::Preflight(_))), "it upgrades without the same preflight");
    assert_eq!(without(|step| matches!(step, Step::PlaceUpgrade(_))), "it upgrades without its relup");
    assert_eq!(without(|step| matches!(step, Step::Soak(_))), "it upgrades without watching it");
    assert_eq!(without(|step| matches!(step, Step::Activate(_))), "it upgrades without making it what boots");
    assert_eq!(without(|step| matches!(step, Step::Commit(_))), "it upgrades without committing it");
    assert_eq!(without(|step| matches!(step, Step::Install(_))), "it has a step of an upgrade, and upgrades nothing");
    assert_eq!(breach(&|_, undo| undo.clear()), "it can't take its upgrade back");
    assert_eq!(breach(&|_, undo| undo.swap(0, 1)), "it can't take its upgrade back", "what runs comes first");
    let activate = |step: &Step| matches!(step, Step::Activate(_));
    let early = |steps: &mut Vec<Step>, _: &mut Vec<Step>| {
        let at = steps.iter().position(activate).unwrap();
        let step = steps.remove(at);
        steps.insert(1, step);
    };
    assert_eq!(breach(&early), "its steps are out of order", "what boots changes only after the node has proved well");
    assert_eq!(breach(&|steps, _| steps[2..4].swap(0, 1)), "its steps are out of order", "the node is asked first");
    let mut other = facts.clone();
    other[0].seen.as_mut().unwrap().node.version = Some(version("0.0.9"));
    assert_eq!(plan::lint(&good, &other).unwrap_err().what, "it upgrades from 0.1.0, which does not run");
    assert!(matches!(good.hosts[0].verdict, Verdict::Change));
}
