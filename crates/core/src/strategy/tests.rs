use proptest::prelude::*;

use super::*;
use crate::config::TransportKind;

fn spec(at: usize) -> HostSpec {
    let tags = if at % 10 == 3 { vec!["canary".parse().unwrap()] } else { Vec::new() };
    let name = format!("web{at}").parse().unwrap();
    HostSpec {
        name,
        transport: TransportKind::Local,
        address: None,
        user: None,
        port: None,
        path: "/srv".parse().unwrap(),
        node: None,
        tags,
    }
}

fn over(sizes: &[&str], hosts: usize) -> Vec<Vec<String>> {
    let specs: Vec<HostSpec> = (0..hosts).map(spec).collect();
    let sizes: Vec<WaveSize> = sizes.iter().map(|size| size.parse().unwrap()).collect();
    let names: Vec<&HostName> = specs.iter().map(|spec| &spec.name).collect();
    let waves = waves(&sizes, &specs, &names);
    waves.iter().map(|wave| wave.iter().map(|name| name.as_str()[3..].to_owned()).collect()).collect()
}

fn sizes(waves: &[&str], hosts: usize) -> Vec<usize> {
    over(waves, hosts).iter().map(Vec::len).collect()
}

#[test]
fn the_last_size_of_a_wave_holds_for_all_that_follow() {
    assert_eq!(sizes(&["rest"], 5), [5]);
    assert_eq!(sizes(&["2"], 5), [2, 2, 1], "rolling");
    assert_eq!(sizes(&["25%"], 8), [2, 2, 2, 2]);
    assert_eq!(sizes(&["1", "10%", "rest"], 50), [1, 5, 44], "a canary, then waves");
    assert_eq!(sizes(&["1", "10%"], 30), [1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2]);
    assert_eq!(sizes(&["1", "10%", "rest"], 1), [1]);
    assert_eq!(sizes(&["rest"], 0), [0; 0]);
    assert_eq!(sizes(&["1%"], 3), [1, 1, 1], "never none");
}

#[test]
fn hosts_are_picked_for_a_wave_by_tag_or_name_and_nobody_is_left_out() {
    assert_eq!(
        over(&["@canary", "web1*", "rest"], 12),
        [vec!["3"], vec!["1", "10", "11"], vec!["0", "2", "4", "5", "6", "7", "8", "9"]]
    );
    assert_eq!(over(&["@canary"], 5), [vec!["3"], vec!["0", "1", "2", "4"]]);
    assert_eq!(over(&["@nobody", "2"], 3), [vec!["0", "1"], vec!["2"]]);
}

#[test]
fn sizes_of_waves_are_shown_as_they_are_typed() {
    for text in ["1", "10%", "100%", "rest", "@canary", "eu-*", "web1"] {
        assert_eq!(text.parse::<WaveSize>().map(|size| size.to_string()), Ok(text.to_owned()));
    }
    for text in ["", "0", "0%", "101%", "-1", "99999999999", "1 0", "@", "a b", "%"] {
        assert_eq!(text.parse::<WaveSize>(), Err(WaveSizeError), "{text:?}");
    }
}

#[test]
fn failures_end_a_rollout_when_there_are_more_than_may_be() {
    let rollout = |max_failures, on_failure| Rollout { max_failures, on_failure, ..Rollout::default() };
    assert!(!rollout(0, OnFailure::Stop).ends_after(0));
    assert!(rollout(0, OnFailure::Stop).ends_after(1));
    assert!(!rollout(2, OnFailure::Rollback).ends_after(2));
    assert!(rollout(2, OnFailure::Rollback).ends_after(3));
    assert!(!rollout(0, OnFailure::Continue).ends_after(99));
}

#[test]
fn a_rollout_says_what_is_not_all_at_once() {
    assert_eq!(Rollout::default().describe(), [""; 0]);
    let name = |at| format!("web{at}").parse::<HostName>().unwrap();
    let waves = vec![vec![name(0)], (1..9).map(name).collect()];
    let rollout = Rollout { waves, at_once: Some(4), max_failures: 1, on_failure: OnFailure::Rollback, ..Rollout::default() };
    assert_eq!(
        rollout.describe(),
        [
            "wave 1: web0",
            "wave 2: web1, web2, web3, web4, web5, web6 and 2 more",
            "at most 4 at the same time",
            "when more than one host fails, all that were changed go back",
        ]
    );
}

proptest! {
    #[test]
    fn every_host_is_in_one_wave(
        sizes in proptest::collection::vec(prop_oneof!["[1-9][0-9]?%", "[1-9]", Just("rest".to_owned()), Just("@canary".to_owned()), "web[1-9]\\*"], 0..5),
        hosts in 0_usize..120,
    ) {
        let sizes: Vec<&str> = sizes.iter().map(String::as_str).collect();
        let waves = over(&sizes, hosts);
        prop_assert!(waves.iter().all(|wave| !wave.is_empty()));
        let mut all: Vec<usize> = waves.concat().iter().map(|name| name.parse().unwrap()).collect();
        for wave in &waves {
            let order: Vec<usize> = wave.iter().map(|name| name.parse().unwrap()).collect();
            prop_assert!(order.is_sorted(), "the order of the configuration is kept: {order:?}");
        }
        all.sort_unstable();
        prop_assert_eq!(all, (0..hosts).collect::<Vec<_>>());
    }
}
