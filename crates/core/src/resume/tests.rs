use super::*;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

fn past(command: &str, hosts: &[(&str, Option<HostResult>)]) -> Past {
    let hosts = hosts.iter().map(|(host, result)| (host.parse().unwrap(), *result)).collect();
    Past { command: words(command), target: "production".parse().ok(), hosts, ..Past::default() }
}

const MIXED: [(&str, Option<HostResult>); 5] = [
    ("web1", Some(HostResult::Done)),
    ("web2", Some(HostResult::Failed)),
    ("web3", Some(HostResult::TakenBack)),
    ("web4", Some(HostResult::Unknown)),
    ("web5", None),
];

fn again(past: &Past, which: Which) -> Result<String, Refused> {
    let verb = words(past.command.get(1).map_or("", String::as_str));
    past.again(&verb, which).map(|words| words.join(" "))
}

#[test]
fn what_is_left_is_finished_and_what_is_done_is_left_alone() {
    let run = past("/usr/bin/edeliver deploy release to production --start-deploy --yes --json --project ../shop", &MIXED);
    let left = "deploy release to production --start-deploy --host=web2,web3,web4,web5";
    assert_eq!(again(&run, Which::Left).unwrap(), left);
    assert_eq!(
        again(&run, Which::Failed).unwrap(),
        "deploy release to production --start-deploy --host=web2,web4,web5",
        "one that was taken back did not fail"
    );
    let none = past("edeliver deploy production", &[("web1", None), ("web2", None)]);
    assert_eq!(again(&none, Which::Left).unwrap(), "deploy production", "all of them");
    let done = past("edeliver update production", &MIXED[..1]);
    assert_eq!(again(&done, Which::Left).unwrap(), "update production", "what follows the hosts is left");
    assert_eq!(again(&done, Which::Failed), Err(Refused::NoHosts));
}

#[test]
fn migrations_that_failed_after_the_last_host_are_what_is_left() {
    let mut run = past("edeliver deploy release to production --run-migrations=after --yes", &MIXED[..1]);
    run.migrates = true;
    assert_eq!(again(&run, Which::Left).unwrap(), "migrate production");
    assert_eq!(again(&run, Which::Failed), Err(Refused::NoHosts));
    run.hosts.extend(past("", &MIXED[1..2]).hosts);
    assert_eq!(again(&run, Which::Left).unwrap(), "deploy release to production --run-migrations=after --host=web2");
}

#[test]
fn hosts_are_named_as_the_user_has_named_them() {
    let run = past("edeliver stop production --host admin@web1,admin@web2", &MIXED[..2]);
    assert_eq!(again(&run, Which::Left).unwrap(), "stop production --host=admin@web2");
    let run = past("edeliver stop production --on @web", &MIXED[..2]);
    assert_eq!(again(&run, Which::Left).unwrap(), "stop production --host=web2");
}

#[test]
fn a_release_that_was_built_is_not_built_again() {
    let mut run = past("edeliver upgrade production --branch=main --tag v1 --restart-if-needed", &MIXED[..2]);
    assert!(again(&run, Which::Left).unwrap().contains("--branch=main"), "nothing was built yet");
    run.release = Some(version("0.2.0"));
    assert_eq!(again(&run, Which::Left).unwrap(), "upgrade production --restart-if-needed --host=web2 --version=0.2.0");
    run.command = words("edeliver deploy production --version 0.2.0");
    assert_eq!(again(&run, Which::Left).unwrap(), "deploy production --version 0.2.0 --host=web2");
}

#[test]
fn a_rollback_goes_where_it_was_going_and_never_a_step_further() {
    let mut run = past("edeliver rollback production", &MIXED[..2]);
    run.boots = [version("0.1.0")].into();
    assert_eq!(again(&run, Which::Left).unwrap(), "rollback production --host=web2 --version=0.1.0");
    run.boots.insert(version("0.0.9"));
    assert!(matches!(again(&run, Which::Left), Err(Refused::Several { .. })));
}

#[test]
fn what_must_not_be_typed_again_blindly_is_refused() {
    assert!(matches!(again(&past("edeliver deploy --api-token=*** production", &MIXED), Which::Left), Err(Refused::Secret { .. })));
    assert!(matches!(again(&past("edeliver task App.charge production", &MIXED), Which::Left), Err(Refused::NotRepeated { .. })));
    assert_eq!(Past::default().again(&[], Which::Left), Err(Refused::NoCommand));
}
