//! Plans as users read them: per host its verdict, the reasons, the steps and the way back, in the words of [`Step::describe`].

use super::model::*;
use crate::{
    facts::{HostFacts, Seen, Unfinished, Unseen},
    hint::Hint,
    plan::{self, DeployRequest, Keep, NodeAction, Plan, RollbackRequest, Verdict, Wanted},
    release::{Libc, Manifest},
    step::{Stage, Step},
};

pub(super) fn shown(plan: &Plan) -> String {
    let mut text = format!("{}\n", plan.title);
    let mut line = |indent: usize, line: &str| text.push_str(&format!("{:indent$}{line}\n", ""));
    plan.before.iter().for_each(|step| line(2, &format!("first: {}", step.describe())));
    for host in &plan.hosts {
        let (verdict, hints): (_, &[Hint]) = match &host.verdict {
            Verdict::Change => ("change", &[]),
            Verdict::Nothing => ("nothing to do", &[]),
            Verdict::Blocked { hints } => ("blocked", hints),
            Verdict::Unreachable { hints } => ("unreachable", hints),
        };
        line(2, &format!("{}: {verdict}", host.host));
        host.reasons.iter().for_each(|reason| line(4, &format!("- {reason}")));
        hints.iter().for_each(|hint| line(4, &format!("> {}", hint.text)));
        host.steps.iter().for_each(|step| line(4, &step.describe()));
        host.undo.iter().for_each(|step| line(4, &format!("undo: {}", step.describe())));
    }
    plan.after.iter().for_each(|step| line(2, &format!("then: {}", step.describe())));
    text
}

pub(super) fn fleet(hosts: &[(&str, &Seen)]) -> Vec<HostFacts> {
    hosts.iter().map(|(name, seen)| HostFacts { host: name.parse().unwrap(), seen: Ok((*seen).clone()) }).collect()
}

pub(super) fn deploy(request: &DeployRequest, manifest: &Manifest, facts: &[HostFacts]) -> Plan {
    let rewrite = |facts: &HostFacts| Some((facts.host.clone(), rewritten(manifest, facts.seen.as_ref().ok()?)));
    let rewritten = facts.iter().filter_map(rewrite).collect();
    let rel = rel(manifest.version.as_str());
    let plan = plan::deploy(request, &settings(), &Wanted::new(manifest, &rel, rewritten), facts);
    plan::lint(&plan, facts).unwrap();
    plan
}

/// A host to which these were deployed one after the other, the last of them running.
pub(super) fn host_with(releases: &[&Manifest]) -> Seen {
    let mut seen = empty_host();
    let request = DeployRequest { start: true, keep: Keep::Newest(9), ..request() };
    for manifest in releases {
        apply(&deploy(&request, manifest, &fleet(&[("web1", &seen)])).hosts[0], manifest, &mut seen);
    }
    seen
}

#[test]
fn a_first_deploy_and_one_over_an_older_release() {
    let new = release("0.2.0", "a");
    let (empty, old) = (empty_host(), host_with(&[&release("0.1.0", "a")]));
    let request = DeployRequest { start: true, ..request() };
    let plan = deploy(&request, &new, &fleet(&[("web1", &empty), ("web2", &old)]));
    let wanted = "\
deploy app 0.2.0 to production
  web1: change
    - 8 of 8 files travel, 13 KB
    - no node runs: it is started
    put 0.2.0 beside what is there (8 new files, 13 KB)
    make 0.2.0 the release that boots
    start 0.2.0
    undo: stop 0.2.0
  web2: change
    - 4 of 8 files travel, 11 KB
    - the node runs 0.1.0: it is restarted
    put 0.2.0 beside what is there (4 new files, 11 KB)
    make 0.2.0 the release that boots
    stop the node; unless that is confirmed within 2m, the host goes back to 0.1.0 by itself
    start 0.2.0
    confirm 0.2.0
    undo: stop 0.2.0
    undo: make 0.1.0 the release that boots
    undo: start 0.1.0
";
    assert_eq!(shown(&plan), wanted);
}

#[test]
fn how_a_release_is_packed_stands_in_the_plan() {
    let old = host_with(&[&release("0.1.0", "a")]);
    let packing = |zstd, seen: &Seen| {
        let seen = Seen { zstd, ..seen.clone() };
        let plan = deploy(&request(), &release("0.2.0", "a"), &fleet(&[("web1", &seen)]));
        serde_json::to_value(&plan.hosts[0].steps[0]).unwrap()["packing"].clone()
    };
    assert_eq!(packing(false, &old), "gzip");
    assert_eq!(packing(true, &empty_host()), serde_json::json!({ "zstd": [] }));
    let like = packing(true, &old);
    let bases = like["zstd"].as_array().unwrap();
    assert!(bases.iter().any(|base| base["path"] == "lib/app-0.1.0/ebin/app.beam"), "{like}");
}

#[test]
fn nothing_to_do_and_not_reachable_are_said() {
    let release = release("0.1.0", "a");
    let mut facts = fleet(&[("web1", &host_with(&[&release]))]);
    let hints = vec![Hint::text("check the network")];
    facts.push(HostFacts { host: "web2".parse().unwrap(), seen: Err(Unseen { why: "no route to host".into(), hints }) });
    let wanted = "\
deploy app 0.1.0 to production
  web1: nothing to do
    - 0.1.0 is there and boots next
    - the node runs it
  web2: unreachable
    - no route to host
    > check the network
";
    assert_eq!(shown(&deploy(&request(), &release, &facts)), wanted);
}

#[test]
fn everything_in_the_way_is_told_at_once() {
    let mut seen = empty_host();
    seen.platform.libc = Libc::Glibc("2.31".into());
    (seen.free_kib, seen.writable, seen.missing_tools) = (3 * 1024, false, vec!["gzip".into()]);
    let wanted = "\
deploy app 0.1.0 to production
  web1: blocked
    - the release needs glibc 2.34, the host has 2.31
    - the host has no gzip
    - deploy may not write in /srv/app
    - it takes 8.4 MB, and 3.1 MB are free at /srv/app
    > build the release on a host like this one
    > install gzip there
    > give /srv/app to deploy, with everything in it, or use another login
    > make room there; `--clean-deploy` on a deploy that fits removes old releases
";
    assert_eq!(shown(&deploy(&request(), &release("0.1.0", "a"), &fleet(&[("web1", &seen)]))), wanted);
}

#[test]
fn what_takes_long_and_what_others_wait_for_is_not_done_in_one_call() {
    let old = host_with(&[&release("0.1.0", "a")]);
    let mut plan = deploy(&request(), &release("0.2.0", "a"), &fleet(&[("web1", &old)]));
    assert!(plan.may_join_steps());
    let joint = |plan: &Plan| plan.hosts[0].joint(0).map(|activate| activate.version.to_string());
    assert_eq!((joint(&plan).as_deref(), plan.hosts[0].joint(1)), (Some("0.2.0"), None));
    let long: [fn(&mut Stage); 2] = [|stage| stage.send[0].size = (1 << 20) + 1, |stage| stage.copy[0].to.size = (128 << 20) + 1];
    for longer in long {
        let mut plan = plan.clone();
        let Step::Stage(stage) = &mut plan.hosts[0].steps[0] else { panic!("{plan:?}") };
        longer(stage);
        assert_eq!(joint(&plan), None);
    }
    plan.hosts.push(plan.hosts[0].clone());
    assert!(!plan.may_join_steps());
}

#[test]
fn what_a_difference_starts_from_takes_room_where_the_host_has_zstd() {
    let old = host_with(&[&release("0.1.0", "a")]);
    let fits = |zstd, free_kib| {
        let seen = Seen { zstd, free_kib, ..old.clone() };
        let plan = deploy(&request(), &release("0.2.0", "a"), &fleet(&[("web1", &seen)]));
        !plan.hosts[0].reasons.iter().any(|reason| reason.starts_with("it takes "))
    };
    let least = |zstd| (8 << 10..1 << 14).find(|free_kib| fits(zstd, *free_kib)).unwrap();
    assert!(least(true) > least(false), "{} and {}", least(true), least(false));
}

#[test]
fn another_machine_is_no_place_for_a_release() {
    let reason = |change: fn(&mut Seen)| {
        let mut seen = empty_host();
        change(&mut seen);
        deploy(&request(), &release("0.1.0", "a"), &fleet(&[("web1", &seen)])).hosts[0].reasons.join("; ")
    };
    assert_eq!(reason(|seen| seen.platform.os = "freebsd".into()), "the release is for linux, the host runs freebsd");
    assert_eq!(reason(|seen| seen.platform.arch = "aarch64".into()), "the release is for x86_64, the host is aarch64");
    assert_eq!(reason(|seen| seen.platform.libc = Libc::Musl), "the release needs glibc, the host has musl");
    assert!(reason(|seen| seen.platform.libc = Libc::Glibc("2.100".into())).contains("files travel"), "2.100 is newer than 2.34");
}

#[test]
fn old_releases_go_and_failed_ones_do_not_evict_good_ones() {
    let releases = ["0.1.0", "0.2.0", "0.3.0", "0.4.0"].map(|vsn| release(vsn, "a"));
    let mut seen = host_with(&releases.each_ref());
    seen.installed.iter_mut().filter(|installed| installed.version == version("0.3.0")).for_each(|failed| failed.failed = true);
    seen.previous = Some(version("0.2.0"));
    let request = DeployRequest { keep: Keep::Newest(3), ..request() };
    let plan = deploy(&request, &release("0.5.0", "a"), &fleet(&[("web1", &seen)]));
    let wanted = "\
deploy app 0.5.0 to production
  web1: change
    - 4 of 8 files travel, 11 KB
    - the node runs 0.4.0 until it is restarted
    - 0.3.0, 0.1.0 go: 3 releases are kept
    put 0.5.0 beside what is there (4 new files, 11 KB)
    make 0.5.0 the release that boots
    remove 0.3.0, 0.1.0
    undo: stop 0.5.0
    undo: make 0.4.0 the release that boots
    undo: start 0.4.0
";
    assert_eq!(shown(&plan), wanted);
}

#[test]
fn what_was_interrupted_goes_with_the_next_deploy() {
    let mut seen = host_with(&[&release("0.1.0", "a")]);
    seen.dirs.insert(path("lib/app-0.0.9"));
    seen.unfinished = vec![Unfinished { version: version("0.0.9"), dirs: vec![path("lib/app-0.0.9"), path("lib/dep-1.0")] }];
    let plan = deploy(&request(), &release("0.2.0", "a"), &fleet(&[("web1", &seen)]));
    let told = &plan.hosts[0].reasons;
    assert_eq!(told.last().unwrap(), "what an interrupted deploy or removal left of 0.0.9 goes");
    let Some(Step::Prune(prune)) = plan.hosts[0].steps.last() else { panic!("{plan:#?}") };
    assert_eq!(prune.dirs, [path("lib/app-0.0.9")], "what others use stays");
}

#[test]
fn a_clean_deploy_leaves_what_runs_and_what_served_before() {
    let releases = ["0.1.0", "0.2.0", "0.3.0"].map(|vsn| release(vsn, "a"));
    let seen = host_with(&releases.each_ref());
    let request = DeployRequest { keep: Keep::Needed, ..request() };
    let plan = deploy(&request, &release("0.4.0", "a"), &fleet(&[("web1", &seen)]));
    let Some(Step::Prune(prune)) = plan.hosts[0].steps.last() else { panic!("{plan:#?}") };
    assert_eq!(prune.versions, [version("0.2.0"), version("0.1.0")]);
    assert_eq!(prune.dirs, [path("lib/app-0.1.0"), path("lib/app-0.2.0")], "what 0.3.0 uses stays");
}

#[test]
fn another_build_of_a_version_is_replaced_only_by_force_and_never_in_use() {
    let (old, other, next) = (release("0.1.0", "a"), release("0.1.0", "b"), release("0.2.0", "a"));
    let (seen, force) = (host_with(&[&old, &next]), DeployRequest { force: true, ..request() });
    let verdict = |request: &DeployRequest, seen: &Seen| deploy(request, &other, &fleet(&[("web1", seen)])).hosts[0].clone();
    assert_eq!(verdict(&request(), &seen).reasons, ["another build of 0.1.0 is there, and a rollback would go back to it"]);
    assert!(matches!(verdict(&force, &seen).verdict, Verdict::Blocked { .. }));
    let unneeded = Seen { previous: None, ..seen };
    assert_eq!(verdict(&request(), &unneeded).reasons, ["another build of 0.1.0 is there"]);
    assert_eq!(verdict(&force, &unneeded).verdict, Verdict::Change);
}

#[test]
fn a_library_that_changed_under_its_version_is_told() {
    let seen = host_with(&[&release("0.1.0", "a")]);
    let plan = deploy(&request(), &release("0.2.0", "b"), &fleet(&[("web1", &seen)]));
    let told = plan.hosts[0].reasons.iter().find(|reason| reason.contains("dep-1.0")).unwrap();
    assert!(told.starts_with("lib/dep-1.0 is another build than the one there: it goes to lib/dep-1.0~"), "{told}");
    let Some(Step::Activate(activate)) = plan.hosts[0].steps.get(1) else { panic!("{plan:#?}") };
    let moved = activate.releases_file.matches("lib/dep-1.0~").count();
    assert_eq!(moved, 1, "RELEASES names the library's own directory: {}", activate.releases_file);
}

#[test]
fn hooks_stand_where_the_original_had_them() {
    let hooks = [
        "pre_extract_release_archive",
        "post_extract_release_archive",
        "pre_start_deployed_release",
        "post_start_deployed_release",
    ];
    let request = DeployRequest { start: true, hooks: hooks.map(str::to_owned).to_vec(), ..request() };
    let wanted = "\
deploy app 0.1.0 to production
  first: hook pre_extract_release_archive
  web1: change
    - 8 of 8 files travel, 13 KB
    - no node runs: it is started
    put 0.1.0 beside what is there (8 new files, 13 KB)
    make 0.1.0 the release that boots
    hook post_extract_release_archive
    hook pre_start_deployed_release
    start 0.1.0
    undo: stop 0.1.0
  then: hook post_start_deployed_release
";
    assert_eq!(shown(&deploy(&request, &release("0.1.0", "a"), &fleet(&[("web1", &empty_host())]))), wanted);
}

fn rollback(to: Option<&str>, seen: &Seen) -> String {
    let request =
        RollbackRequest { app: "app".parse().unwrap(), to: to.map(|to| to.parse().unwrap()), restart: true, ways: Vec::new() };
    let facts = fleet(&[("web1", seen)]);
    let plan = plan::rollback(&request, &settings(), &facts);
    plan::lint(&plan, &facts).unwrap();
    shown(&plan)
}

#[test]
fn a_rollback_goes_to_what_served_before_and_then_further_back() {
    let releases = ["0.1.0", "0.2.0", "0.3.0"].map(|vsn| release(vsn, "a"));
    let mut seen = host_with(&releases.each_ref());
    let wanted = "\
roll production back to the release before
  web1: change
    - 0.3.0 boots now, 0.2.0 is to
    - the node runs 0.3.0: it is restarted
    - its state is lost: there is no relup from 0.3.0 to 0.2.0
    make 0.2.0 the release that boots
    stop the node; unless that is confirmed within 2m, the host goes back to 0.3.0 by itself
    start 0.2.0
    confirm 0.2.0
    undo: stop 0.2.0
    undo: make 0.3.0 the release that boots
    undo: start 0.3.0
";
    assert_eq!(rollback(None, &seen), wanted);
    (seen.permanent, seen.previous) = (Some(version("0.2.0")), Some(version("0.1.0")));
    assert!(rollback(None, &seen).contains("0.2.0 boots now, 0.1.0 is to"));
}

#[test]
fn a_rollback_to_nowhere_names_what_there_is() {
    let seen = host_with(&[&release("0.1.0", "a")]);
    let wanted = "\
roll production back to app 0.0.9
  web1: blocked
    - 0.0.9 is not installed
    > the host has 0.1.0: name one with `--version=`, or deploy another
";
    assert_eq!(rollback(Some("0.0.9"), &seen), wanted);
    assert!(rollback(None, &seen).contains("there is no release to go back to"));
    assert!(rollback(None, &empty_host()).contains("> deploy a release"));
}

fn node(action: NodeAction, seen: &Seen) -> (Verdict, String) {
    let facts = fleet(&[("web1", seen)]);
    let plan = plan::node(action, &"app".parse().unwrap(), &settings(), &facts);
    plan::lint(&plan, &facts).unwrap();
    let host = &plan.hosts[0];
    let steps: Vec<String> = host.steps.iter().chain(&host.undo).map(Step::describe).collect();
    (host.verdict.clone(), format!("{}: {}", host.reasons.join("; "), steps.join(", ")))
}

#[test]
fn nodes_are_started_stopped_and_restarted_as_they_are_found() {
    use crate::facts::NodeState::{Down, Hung};
    let up = host_with(&[&release("0.1.0", "a"), &release("0.2.0", "a")]);
    let down = Seen { node: crate::facts::NodeFacts::down(), ..up.clone() };
    assert_eq!(down.node.state, Down);
    assert_eq!(node(NodeAction::Start, &down), (Verdict::Change, "no node runs, 0.2.0 boots: start 0.2.0".into()));
    assert_eq!(node(NodeAction::Start, &up), (Verdict::Nothing, "the node runs 0.2.0 already: ".into()));
    assert_eq!(node(NodeAction::Stop, &down), (Verdict::Nothing, "no node runs: ".into()));
    assert_eq!(node(NodeAction::Stop, &up), (Verdict::Change, "the node runs 0.2.0: stop the node".into()));
    let restarted =
        "stop the node; unless that is confirmed within 2m, the host starts 0.2.0 by itself, start 0.2.0, confirm 0.2.0";
    assert_eq!(node(NodeAction::Restart, &up).1, format!("the node runs 0.2.0, 0.2.0 boots: {restarted}"));
    let mut old = up.clone();
    (old.node.booted, old.node.version) = (Some(version("0.1.0")), Some(version("0.1.0")));
    assert_eq!(node(NodeAction::Start, &old).1, "the node runs 0.1.0 already; 0.2.0 boots when it is restarted: ");
    let guarded = "stop the node; unless that is confirmed within 2m, the host goes back to 0.1.0 by itself";
    let undone = format!("{guarded}, start 0.2.0, confirm 0.2.0, stop 0.2.0, make 0.1.0 the release that boots, start 0.1.0");
    assert_eq!(node(NodeAction::Restart, &old).1, format!("the node runs 0.1.0, 0.2.0 boots: {undone}"));
    let mut two = up.clone();
    two.node.others = vec![12];
    assert!(node(NodeAction::Stop, &two).1.contains("process 12 serves the same root and is left alone"));
    let mut hung = up.clone();
    hung.node.state = Hung;
    assert!(matches!(node(NodeAction::Start, &hung).0, Verdict::Blocked { .. }));
    assert!(matches!(node(NodeAction::Start, &empty_host()).0, Verdict::Blocked { .. }));
}

#[test]
fn a_release_that_a_lost_run_has_started_is_watched_and_confirmed_and_nothing_else() {
    let mut seen = host_with(&[&release("0.1.0", "a"), &release("0.2.0", "a")]);
    seen.alone.waits = "0.2.0 0.1.0 120".parse().ok();
    let wanted = "\
deploy app 0.2.0 to production
  web1: change
    - 0.2.0 is there and boots next
    - the node runs it
    - 0.2.0 is not confirmed yet: the host goes back to 0.1.0 by itself when it hears nothing for 120 s
    confirm 0.2.0
    undo: stop 0.2.0
";
    assert_eq!(shown(&deploy(&request(), &release("0.2.0", "a"), &fleet(&[("web1", &seen)]))), wanted);
}

#[test]
fn a_host_watches_over_a_restart_only_where_a_node_served_and_files_can_be_changed() {
    let guards = |seen: &Seen, action| {
        let facts = fleet(&[("web1", seen)]);
        let plan = plan::node(action, &"app".parse().unwrap(), &settings(), &facts);
        plan::lint(&plan, &facts).unwrap();
        plan.hosts[0].steps.iter().any(|step| matches!(step, Step::Confirm { .. }))
    };
    let up = host_with(&[&release("0.1.0", "a")]);
    assert!(guards(&up, NodeAction::Restart));
    assert!(!guards(&up, NodeAction::Stop), "who stops a node wants it stopped");
    assert!(!guards(&Seen { writable: false, ..up.clone() }, NodeAction::Restart));
    assert!(!guards(&Seen { node: crate::facts::NodeFacts::down(), ..up }, NodeAction::Restart));
}

#[test]
fn the_way_back_of_a_fleet_leads_forwards_and_a_deploy_is_remembered() {
    let (old, new) = (release("0.1.0", "a"), release("0.2.0", "a"));
    let guard = |plan: &Plan| {
        plan.hosts[0].steps.iter().find_map(|step| if let Step::Stop { guard, .. } = step { guard.clone() } else { None }).unwrap()
    };
    let facts = fleet(&[("web1", &host_with(&[&old]))]);
    let forth = deploy(&DeployRequest { start: true, ..request() }, &new, &facts);
    assert_eq!(guard(&forth).remember, Some(new.id()));
    assert_eq!(forth.hosts[0].alone(&guard(&forth)).len(), forth.hosts[0].undo.len());
    let facts = fleet(&[("web1", &host_with(&[&old, &new]))]);
    let request = RollbackRequest { app: "app".parse().unwrap(), to: None, restart: true, ways: Vec::new() };
    let back = plan::take_back(&forth, &request, &settings(), &facts, &[], None);
    plan::lint(&back, &facts).unwrap();
    let guard = guard(&back);
    assert_eq!((guard.new.as_str(), guard.back.as_str(), guard.remember), ("0.1.0", "0.1.0", None));
    assert!(matches!(back.hosts[0].alone(&guard)[..], [Step::Start { .. }]));
}
