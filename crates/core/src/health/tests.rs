//! What counts as well.

use std::{collections::BTreeMap, time::Duration};

use super::*;
use crate::{
    facts::{Incarnation, NodeFacts, NodeState},
    name::Version,
};

const SECOND: Duration = Duration::from_secs(1);

fn load(memory: u64, run_queue: u64) -> Load {
    Load { memory, run_queue, peers: Vec::new() }
}

fn vitals(memory: u64, run_queue: u64) -> Vitals {
    Vitals { memory, run_queue, schedulers: 2, ..Vitals::default() }
}

fn passing(before: Option<Load>, limits: VitalLimits, now: &Vitals) -> Vec<String> {
    Comparison::new(limits, before).look(SECOND, now).passing
}

#[test]
fn memory_and_run_queue_are_compared_with_what_the_node_before_had() {
    const MB: u64 = 1_000_000;
    for (before, now, says) in [
        (Some(load(240 * MB, 0)), vitals(720 * MB, 20), ""),
        (
            Some(load(240 * MB, 0)),
            vitals(721 * MB, 0),
            "memory: 721.0 MB now, 240.0 MB before, at most 720.0 MB (rollout.limits.memory)",
        ),
        (Some(load(20 * MB, 0)), vitals(276 * MB, 0), ""), // a small node may have three times as much, and more
        (
            Some(load(20 * MB, 0)),
            vitals(277 * MB, 0),
            "memory: 277.0 MB now, 20.0 MB before, at most 276.0 MB (rollout.limits.memory)",
        ),
        (Some(load(MB, 3)), vitals(MB, 21), "run queue: 21 now, 3 before, at most 20 (rollout.limits.run_queue)"),
        (Some(load(MB, 30)), vitals(MB, 60), ""), // one that always had as many
        (Some(load(MB, 30)), vitals(MB, 61), "run queue: 61 now, 30 before, at most 60 (rollout.limits.run_queue)"),
        // Where nothing ran before, only absolute limits count.
        (None, vitals(9_000 * MB, 20), ""),
        (None, vitals(MB, 21), "run queue: 21 now, at most 20 (rollout.limits.run_queue)"),
    ] {
        assert_eq!(passing(before, VitalLimits::usual(), &now).join("; "), says);
    }
    let bytes = VitalLimits { memory: Some(MemoryLimit::Bytes(MB)), ..VitalLimits::default() };
    assert_eq!(passing(None, bytes, &vitals(2 * MB, 999)), ["memory: 2.0 MB now, at most 1.0 MB (rollout.limits.memory)"]);
    assert!(passing(Some(load(1, 1)), VitalLimits::default(), &vitals(999 * MB, 999)).is_empty(), "nothing is judged that is off");
}

#[test]
fn a_mailbox_that_was_long_before_may_be_twice_as_long() {
    let with = |messages| Vitals { waiting: BTreeMap::from([("sink".to_owned(), messages)]), ..vitals(1, 0) };
    let after = |before, now| Comparison::with(VitalLimits::usual(), &with(before), SECOND).look(SECOND, &with(now)).passing;
    assert!(after(5_000, 10_000).is_empty() && after(30_000, 60_000).is_empty());
    assert_eq!(
        after(5_000, 10_001),
        ["messages that wait for sink: 10001 now, 5000 before, at most 10000 (rollout.limits.mailbox)"]
    );
    assert_eq!(
        after(30_000, 60_001),
        ["messages that wait for sink: 60001 now, 30000 before, at most 60000 (rollout.limits.mailbox)"]
    );
    assert_eq!(
        passing(None, VitalLimits::usual(), &with(10_001)),
        ["messages that wait for sink: 10001 now, at most 10000 (rollout.limits.mailbox)"]
    );
}

#[test]
fn a_supervisor_that_restarts_again_and_again_is_found_and_one_that_did_before_the_watch_is_not() {
    let with = |times: &[i64]| Vitals { restarts: BTreeMap::from([("sup".to_owned(), times.to_vec())]), ..vitals(1, 0) };
    let mut compared = Comparison::new(VitalLimits::usual(), None);
    for (times, wrong) in [
        (&[-9, -9, -8][..], false), // as it was started
        (&[-7, -9, -9, -8], false), // one is no loop
        (&[-7], false),             // it has forgotten the others
        (&[-6, -7], true),
        (&[], true),
    ] {
        let found = compared.look(8 * SECOND, &with(times));
        assert_eq!(!found.lasting.is_empty(), wrong, "{times:?}");
        assert!(!wrong || found.lasting == ["restarts by sup: 2 in 8s now, at most 1 (rollout.limits.restarts)"], "{found:?}");
    }
    // The same second may see several.
    let mut compared = Comparison::new(VitalLimits::usual(), None);
    assert!(compared.look(SECOND, &with(&[5])).lasting.is_empty());
    assert_eq!(compared.look(SECOND, &with(&[5, 5, 5])).lasting.len(), 1);
}

#[test]
fn errors_are_a_rate_that_a_burst_does_not_make_and_that_was_there_before() {
    let with = |errors| Vitals { errors: Some(errors), ..vitals(1, 0) };
    let limits = VitalLimits { errors: Some(10), ..VitalLimits::default() };
    let mut compared = Comparison::new(limits.clone(), None);
    assert!(compared.look(SECOND, &with(90)).lasting.is_empty(), "it was counted before");
    assert!(compared.look(5 * SECOND, &with(100)).lasting.is_empty());
    assert_eq!(
        compared.look(6 * SECOND, &with(101)).lasting,
        ["errors logged: 11 in 6s now, at most 10 a minute (rollout.limits.errors)"]
    );
    assert!(compared.look(120 * SECOND, &with(110)).lasting.is_empty(), "in two minutes twice as many");
    // Before the upgrade there were 30 a minute.
    let compared = |now| Comparison::with(limits.clone(), &with(60), 120 * SECOND).look(SECOND, &with(now)).lasting;
    assert!(compared(120).is_empty());
    assert_eq!(compared(121), ["errors logged: 61 in 1s now, 30 a minute before, at most 60 a minute (rollout.limits.errors)"]);
}

#[test]
fn what_is_too_much_must_be_so_three_times_in_a_row() {
    let bad = || Found { passing: vec!["bad".to_owned()], ..Found::default() };
    let mut watching = Watching::new(10 * SECOND, Duration::ZERO, SECOND);
    let told = || Next::Look(Duration::MAX, vec!["bad".to_owned()]);
    assert_eq!(watching.after(Duration::ZERO, Found::default()), Next::Look(10 * SECOND, Vec::new()));
    assert_eq!([watching.after(SECOND, bad()), watching.after(2 * SECOND, bad())], [told(), told()]);
    assert_eq!(watching.after(3 * SECOND, Found::default()), Next::Look(7 * SECOND, Vec::new()));
    assert_eq!(
        [watching.after(9 * SECOND, bad()), watching.after(10 * SECOND, bad())],
        [told(), told()],
        "not over while it is bad"
    );
    assert_eq!(watching.after(11 * SECOND, bad()), Next::Unwell(vec!["bad".to_owned()]));
    let lasting = Found { lasting: vec!["gone".to_owned()], ..bad() };
    assert_eq!(Watching::new(SECOND, 60 * SECOND, SECOND).after(SECOND, lasting), Next::Unwell(vec!["gone".to_owned()]));
}

#[test]
fn an_application_may_warm_up_until_it_is_well_for_the_first_time() {
    let bad = || Found { passing: vec!["cold".to_owned()], ..Found::default() };
    let mut watching = Watching::new(2 * SECOND, 60 * SECOND, SECOND);
    assert!((0..30).all(|at| matches!(watching.after(2 * at * SECOND, bad()), Next::Look(..))));
    assert!(matches!(watching.after(60 * SECOND, bad()), Next::Unwell(_)));
    let mut watching = Watching::new(2 * SECOND, 60 * SECOND, SECOND);
    assert!((0..20).all(|at| matches!(watching.after(2 * at * SECOND, bad()), Next::Look(..))));
    assert_eq!(watching.after(50 * SECOND, Found::default()), Next::Look(2 * SECOND, Vec::new()), "counted from when it is well");
    assert_eq!(watching.after(52 * SECOND, Found::default()), Next::Well);
    assert_eq!(Watching::new(Duration::ZERO, SECOND, SECOND).after(Duration::ZERO, Found::default()), Next::Well, "asked once");
}

#[test]
fn a_node_must_stay_the_one_that_was_started() {
    let version: Version = "0.2.0".parse().unwrap();
    let answer = |state: NodeState, runs: &str, pid: Option<u32>, creation: u32| {
        let node = NodeFacts { state, version: runs.parse().ok(), pid, ..NodeFacts::down() };
        (node, pid.map(|pid| Incarnation { pid, began: 7, creation }))
    };
    let well = answer(NodeState::Running, "0.2.0", Some(9), 1);
    for ((node, incarnation), says) in [
        (answer(NodeState::Down, "", None, 0), "the node has ended"),
        (answer(NodeState::Running, "0.2.0", Some(10), 1), "the node ended and was started again"),
        (answer(NodeState::Running, "0.2.0", Some(9), 2), "the node was restarted"),
        (answer(NodeState::Running, "0.1.0", Some(9), 1), "the node runs 0.1.0"),
    ] {
        let mut life = Life::default();
        assert_eq!(life.look(&version, &well.0, well.1), Found::default());
        assert_eq!(life.look(&version, &node, incarnation).lasting, [says]);
    }
    let (hung, incarnation) = answer(NodeState::Hung, "", Some(9), 1);
    let mut life = Life::default();
    assert_eq!(life.look(&version, &well.0, well.1), Found::default());
    assert_eq!(life.look(&version, &hung, incarnation).passing, ["the node is hung"]);
    assert_eq!(life.look(&version, &well.0, well.1), Found::default());
}

#[test]
fn a_node_may_take_its_time_to_find_its_place_and_must_not_lose_it() {
    let apart = || Found { unsettled: vec!["apart".to_owned()], ..Found::default() };
    let cold = || Found { passing: vec!["cold".to_owned()], ..Found::default() };
    let told = |left: u32| Next::Look(left * SECOND, vec!["apart".to_owned()]);
    let mut watching = Watching::new(2 * SECOND, 60 * SECOND, 10 * SECOND);
    assert!(matches!(watching.after(20 * SECOND, cold()), Next::Look(..)));
    assert_eq!(watching.after(30 * SECOND, apart()), told(10), "from when it is well");
    assert_eq!(watching.after(39 * SECOND, apart()), Next::Look(SECOND, Vec::new()), "told once");
    assert_eq!(watching.after(40 * SECOND, apart()), Next::Unwell(vec!["apart".to_owned()]));

    let mut watching = Watching::new(9 * SECOND, 60 * SECOND, 10 * SECOND);
    assert_eq!(watching.after(SECOND, apart()), told(10));
    assert_eq!(watching.after(5 * SECOND, Found::default()), Next::Look(9 * SECOND, Vec::new()), "watched from then on");
    for at in [6, 7] {
        assert_eq!(watching.after(at * SECOND, apart()), Next::Look(Duration::MAX, vec!["apart".to_owned()]));
    }
    assert_eq!(watching.after(8 * SECOND, apart()), Next::Unwell(vec!["apart".to_owned()]), "three times in a row");
}

#[test]
fn peers_that_are_up_and_apart_are_told_with_how_many_there_were() {
    let peers = ["a@h", "b@h", "c@h"].map(|peer| peer.parse().unwrap()).to_vec();
    let gates = Gates { peers, settle_within: 30 * SECOND, ..Gates::default() };
    assert_eq!(gates.apart(&[]), None);
    let says = "peers: 2 now, 3 before; b@h: up, and not connected again; all are wanted within 30s (rollout.peers)";
    assert_eq!(gates.apart(&["b@h".to_owned()]).as_deref(), Some(says));
}

#[test]
fn a_restarted_node_may_restart_log_and_let_wait_as_much_as_the_one_before_it() {
    let with = |now: i64, times: &[i64], errors: u64, messages: u64| Vitals {
        restarts: BTreeMap::from([("sup".to_owned(), times.to_vec())]),
        now,
        errors: Some(errors),
        waiting: BTreeMap::from([("sink".to_owned(), messages)]),
        ..vitals(1, 0)
    };
    // Ten seconds: a restart every two, of which the supervisor remembers the last three; 30 errors; a long mailbox.
    let past = Past::of(&with(-100, &[-102], 5, 0), with(-90, &[-91, -93, -95], 35, 30_000), 10 * SECOND);
    let limits = VitalLimits { errors: Some(10), ..VitalLimits::usual() };
    let compared = || {
        let mut compared = Comparison::new(limits.clone(), Some(load(1, 0))).after(&past);
        compared.look(SECOND, &with(5, &[], 0, 0));
        compared
    };
    // 4 in the 13 s since the oldest, which are 7 in 20 s; and one that is always free. 60 errors a minute, for a minute at least.
    let times = |count: i64| (0..count).map(|at| 10 + at).collect::<Vec<_>>();
    let fine = compared().look(20 * SECOND, &with(25, &times(8), 60, 60_000));
    assert_eq!(fine, Found::default());
    let much = compared().look(20 * SECOND, &with(25, &times(9), 61, 60_001));
    assert_eq!(
        much.lasting,
        [
            "restarts by sup: 9 in 20s now, 4 in 13s before, at most 8 (rollout.limits.restarts)",
            "errors logged: 61 in 20s now, 30 a minute before, at most 60 a minute (rollout.limits.errors)",
        ]
    );
    assert_eq!(much.passing, ["messages that wait for sink: 60001 now, 30000 before, at most 60000 (rollout.limits.mailbox)"]);
    // One that did nothing of it excuses nothing.
    let quiet = Past::of(&with(-100, &[], 0, 0), with(-90, &[], 0, 0), 10 * SECOND);
    let mut compared = Comparison::new(limits, Some(load(1, 0))).after(&quiet);
    compared.look(SECOND, &with(5, &[], 0, 0));
    assert_eq!(compared.look(20 * SECOND, &with(25, &times(2), 11, 0)).lasting.len(), 2);
}
