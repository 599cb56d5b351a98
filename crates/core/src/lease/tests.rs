//! What hosts say, and what follows.

mod model;

use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn token(text: &str) -> Token {
    text.parse().unwrap()
}
fn hosts(count: usize) -> Vec<HostName> {
    (1..=count).map(|n| format!("web{n}").parse().unwrap()).collect()
}
fn holder(name: &str, settled: bool) -> Holder {
    Holder {
        token: token(name),
        held: Held::ByRun,
        who: format!("{name}@laptop"),
        what: "deploy shop".to_owned(),
        age: Some(Duration::from_secs(3)),
        left: Some(Duration::from_secs(12)),
        settled,
    }
}
fn other(name: &str) -> Answer {
    Answer::Held(holder(name, false))
}
fn settled(name: &str) -> Answer {
    Answer::Held(holder(name, true))
}
fn down() -> Answer {
    Answer::Silent("it can't be reached".to_owned())
}
/// What run `m` decides after these answers.
fn decided(answers: &[Answer], elapsed: u64) -> Decision {
    let hosts = hosts(answers.len());
    let mut claim = Claim::new(token("m"), hosts.clone());
    for (host, answer) in hosts.iter().zip(answers) {
        assert!(!claim.is_answered());
        claim.hear(host, Duration::ZERO, answer.clone());
    }
    assert!(claim.is_answered());
    claim.decide(Duration::from_secs(elapsed))
}
fn who(decision: Decision) -> String {
    match decision {
        Decision::Held(holder, hosts) => format!("{} on {}", holder.token, hosts.len()),
        other => format!("{other:?}"),
    }
}
use Answer::Ours;

#[test]
fn a_free_target_is_taken_at_once() {
    assert_eq!(decided(&[Ours], 0), Decision::Proceed);
    assert_eq!(decided(&[Ours, Ours, Ours], 0), Decision::Proceed);
}

#[test]
fn hosts_that_are_down_may_be_fewer_than_half_or_half_without_the_first_by_name() {
    assert_eq!(decided(&[Ours, down()], 0), Decision::Proceed);
    assert!(matches!(decided(&[down(), Ours], 0), Decision::TooFew { ours: 1, silent } if silent.len() == 1));
    assert_eq!(decided(&[down(), Ours, Ours], 0), Decision::Proceed);
    assert!(matches!(decided(&[Ours, down(), down()], 0), Decision::TooFew { ours: 1, .. }));
    assert!(matches!(decided(&[down()], 0), Decision::TooFew { ours: 0, .. }));
}

#[test]
fn who_is_settled_anywhere_keeps_others_out_at_once() {
    assert_eq!(who(decided(&[Ours, Ours, settled("a")], 0)), "a on 1");
    assert_eq!(who(decided(&[settled("z"), settled("z"), down()], 0)), "z on 2");
    let hold = Answer::Held(Holder { held: Held::OnHold, ..holder("h", false) });
    assert_eq!(who(decided(&[Ours, Ours, hold], 0)), "h on 1");
}

#[test]
fn of_two_who_begin_at_once_the_one_with_a_quorum_waits_for_the_other_to_give_way() {
    let all = hosts(3);
    assert_eq!(decided(&[Ours, Ours, other("a")], 0), Decision::Again(vec![all[2].clone()]));
    assert_eq!(who(decided(&[other("z"), other("z"), Ours], 0)), "z on 2");
    // And what a dead one has left ends by itself.
    assert_eq!(decided(&[Ours, Ours, other("a")], 16), Decision::Again(vec![all[2].clone()]));
    assert_eq!(who(decided(&[Ours, Ours, other("a")], 19)), "a on 1");
}

#[test]
fn where_nobody_has_a_quorum_the_first_by_token_stays_for_a_moment() {
    let all = hosts(3);
    assert_eq!(decided(&[Ours, other("n"), other("z")], 0), Decision::Again(all[1..].to_vec()));
    assert_eq!(who(decided(&[Ours, other("n"), other("a")], 0)), "a on 1");
    assert_eq!(who(decided(&[Ours, other("n"), other("z")], 4)), "n on 1");
}

#[test]
fn a_run_is_sure_for_a_while_after_it_spoke_and_not_after_the_answer() {
    let (all, at) = (hosts(3), Duration::from_secs);
    let mut claim = Claim::new(token("m"), all.clone());
    for host in &all {
        claim.hear(host, at(100), Ours);
    }
    assert!(claim.is_sure(at(109)) && !claim.is_sure(at(110)));
    claim.hear(&all[0], at(104), Ours);
    assert!(!claim.is_sure(at(111)), "one host is no quorum");
    claim.hear(&all[2], at(104), Ours);
    assert!(claim.is_sure(at(111)) && claim.is_sure_of(&all[2], at(111)) && !claim.is_sure_of(&all[1], at(111)));
}

#[test]
fn a_lost_link_does_not_end_a_lease_and_a_lost_lease_does() {
    let (all, at) = (hosts(2), Duration::from_secs);
    let mut claim = Claim::new(token("m"), all.clone());
    for host in &all {
        claim.hear(host, at(0), Ours);
    }
    claim.hear(&all[0], at(1), down());
    assert!(claim.is_sure(at(5)) && !claim.is_sure(at(11)));
    assert!(!claim.is_lost(at(5)) && claim.is_lost(at(11)));
    assert!(matches!(claim.loss(&all[1]), Some(Loss::Quorum(why)) if why.contains("1 of 2")));
    claim.hear(&all[0], at(2), settled("b"));
    assert!(!claim.is_sure(at(5)) && claim.is_taken(&all[0]) && !claim.is_taken(&all[1]));
    assert!(matches!(claim.loss(&all[0]), Some(Loss::Host(why)) if why.contains("b@laptop")));
    assert!(matches!(claim.loss(&all[1]), Some(Loss::Quorum(why)) if why.contains("b@laptop")));
}

#[test]
fn what_a_host_tells_of_a_holder_is_read_and_never_trusted() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let told = "token 20261126-1-ab\nheld run\nwho ann@laptop\nwhat deploy shop\nsettled yes\nage 3\nleft 12";
    let read = Holder::parse(&lines(told)).unwrap();
    assert_eq!(read, Holder { token: token("20261126-1-ab"), who: "ann@laptop".to_owned(), ..holder("x", true) });
    for bad in ["token ../x\nheld run", "token a b\nheld run", "token a", "held run", "token a\nheld me", ""] {
        assert!(Holder::parse(&lines(bad)).is_err(), "{bad:?}");
    }
    let odd = Holder::parse(&lines("token a\nheld hold\nage -1\nleft x\nwhat a what b")).unwrap();
    assert_eq!((odd.age, odd.left, odd.settled, odd.what.as_str()), (None, None, false, "a what b"));
}

proptest! {
    #[test]
    fn any_two_quorums_have_a_host_in_common(count in 1usize..8, one: u8, other: u8) {
        let all = hosts(count);
        let picked = |bits: u8| move |host: &HostName| host.as_str()[3..].parse::<u32>().is_ok_and(|n| bits >> (n - 1) & 1 == 1);
        if is_quorum(&all, picked(one)) && is_quorum(&all, picked(other)) {
            prop_assert!(all.iter().any(|host| picked(one)(host) && picked(other)(host)));
        }
        prop_assert!(is_quorum(&all, |_| true) && !is_quorum(&all, |_| false));
    }
    #[test]
    fn a_quorum_does_not_depend_on_the_order_in_which_hosts_are_listed(count in 1usize..8, bits: u8) {
        let all = hosts(count);
        let turned: Vec<HostName> = all.iter().rev().cloned().collect();
        let picked = |host: &HostName| host.as_str()[3..].parse::<u32>().is_ok_and(|n| bits >> (n - 1) & 1 == 1);
        prop_assert_eq!(is_quorum(&all, picked), is_quorum(&turned, picked));
    }
}
