use super::*;
use crate::{
    doctor::Grade,
    facts::{Installed, NodeFacts, TakenBack, Unfinished},
    plan::tests::model::{empty_host, release, settings},
    release::{EntryKind, Manifest},
};

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn path(text: &str) -> RelPath {
    text.parse().unwrap()
}

/// `release`, with a configuration.
fn with_config(vsn: &str, config: &str) -> Manifest {
    let mut manifest = release(vsn, "dep");
    let kind = EntryKind::File { mode: 0o644, size: 1, sha256: Digest::of(config.as_bytes()) };
    manifest.files.push(crate::release::Entry { path: path(&format!("releases/{vsn}/sys.config")), kind });
    manifest.files.sort_by(|one, other| one.path.cmp(&other.path));
    manifest
}

fn deployed(manifest: &Manifest) -> Installed {
    Installed {
        version: manifest.version.clone(),
        manifest: Some(manifest.id()),
        dirs: vec![path("lib/dep-1.0"), path(&format!("lib/app-{}", manifest.version))],
        rel: Some(format!("{{release,{{\"app\",\"{}\"}},{{erts,\"13.1.5\"}},[]}}.\n", manifest.version)),
        failed: false,
        files: Some(std::sync::Arc::new(manifest.clone())),
    }
}

/// A host that runs and boots this release.
fn running(vsn: &str) -> Observed {
    let manifest = with_config(vsn, "config");
    let mut seen = empty_host();
    seen.permanent = Some(version(vsn));
    seen.installed = vec![deployed(&manifest)];
    let runs = Some(version(vsn));
    seen.node = NodeFacts { state: NodeState::Running, pid: Some(7), booted: runs.clone(), version: runs, ..NodeFacts::down() };
    let closer = Closer {
        config: [(path(&format!("releases/{vsn}/sys.config")), Digest::of(b"config"))].into(),
        cookie: Some(Digest::of(b"salt cookie")),
        cookie_file: Some(Digest::of(b"salt cookie")),
        ..Closer::default()
    };
    Observed { seen, closer, code: Some(Code { loaded: 9, others: Vec::new() }), unit: None }
}

/// Three hosts with 0.2.0, the last of which is changed.
fn fleet(change: impl FnOnce(&mut Observed)) -> Vec<HostDrift> {
    let mut last = running("0.2.0");
    change(&mut last);
    of(vec![Ok(running("0.2.0")), Ok(running("0.2.0")), Ok(last)])
}

fn of(observed: Vec<Result<Observed, Unseen>>) -> Vec<HostDrift> {
    let look = |(at, observed)| Look { host: format!("web{}", at + 1).parse().unwrap(), observed };
    let looks: Vec<Look> = observed.into_iter().enumerate().map(look).collect();
    judge(&settings(), &looks).1
}

/// What is told of the last host: check, whether it drifts, and the first remedy.
fn last(hosts: &[HostDrift]) -> Vec<(&str, bool, String)> {
    let (last, others) = hosts.split_last().unwrap();
    assert!(others.iter().all(|host| !host.drifts()), "{others:?}");
    let target = settings();
    let item = |item: &Item| {
        let alone = HostDrift { items: vec![item.clone()], ..last.clone() };
        let hint = told(&target, &[alone]).remove(0).1.hints.into_iter().next();
        (item.check, item.drifts, hint.map(|hint| hint.command.unwrap_or(hint.text)).unwrap_or_default())
    };
    last.items.iter().map(item).collect()
}

#[test]
fn a_fleet_of_hosts_as_they_were_deployed_is_one() {
    let hosts = fleet(|_| ());
    assert_eq!(last(&hosts), []);
    let words = Words { config: "as deployed".into(), cookie: "the same".into(), code: "as built".into(), unit: String::new() };
    assert!(hosts.iter().all(|host| host.words == words && host.erts.as_deref() == Some("13.1.5")), "{hosts:?}");
}

#[test]
fn another_release_is_told_with_the_command_that_deploys_what_most_hosts_have() {
    let hosts = fleet(|host| *host = running("0.1.0"));
    assert_eq!(last(&hosts), [("boots", true, "edeliver deploy upgrade production --version=0.2.0 --host=web3".to_owned())]);
    let hosts = fleet(|host| host.seen.installed[0].manifest = Some(Digest::of(b"another build")));
    assert_eq!(last(&hosts), [("boots", true, "edeliver deploy release production --version=0.2.0 --host=web3".to_owned())]);
    assert!(hosts[2].items[0].text.contains("another build of 0.2.0"), "{hosts:?}");
    let hosts = fleet(|host| *host = Observed { seen: empty_host(), closer: Closer::default(), code: None, unit: None });
    assert_eq!(hosts[2].checks(), ["node", "boots"]);
}

#[test]
fn what_runs_is_compared_with_what_boots_and_with_the_others() {
    let mut old = running("0.2.0");
    old.seen.node.version = Some(version("0.1.0"));
    let hosts = of(vec![Ok(running("0.2.0")), Ok(running("0.2.0")), Ok(old.clone())]);
    assert_eq!(last(&hosts), [("runs", true, "edeliver restart production --host=web3".to_owned())]);
    let hosts = of(vec![Ok(old.clone()), Ok(old.clone())]);
    assert!(hosts.iter().all(|host| !host.drifts()), "all wait for a restart, so they are alike: {hosts:?}");
    assert_eq!(told(&settings(), &hosts).len(), 1, "and that is worth knowing once");
    old.seen.node.upgraded_from = Some(version("0.0.9"));
    assert!(of(vec![Ok(old)])[0].drifts(), "an upgrade that nobody has made permanent");
}

#[test]
fn a_node_that_is_down_hung_or_not_alone_is_drift() {
    let down = |host: &mut Observed| host.seen.node = NodeFacts::down();
    assert_eq!(last(&fleet(down)), [("node", true, "edeliver start production --host=web3".to_owned())]);
    let of_state = |state| fleet(move |host: &mut Observed| host.seen.node.state = state);
    for state in [NodeState::Hung, NodeState::WrongCookie, NodeState::Starting, NodeState::Unregistered] {
        assert_eq!(of_state(state)[2].checks(), ["node"], "{state:?}");
    }
    assert_eq!(of_state(NodeState::NoDistribution)[2].checks(), [""; 0], "what can't be asked is no drift");
    assert_eq!(fleet(|host| host.seen.node.others = vec![8])[2].checks(), ["node"]);
    let stopped = || {
        let mut host = running("0.2.0");
        host.seen.node = NodeFacts::down();
        Ok(host)
    };
    assert!(of(vec![stopped(), stopped()]).iter().all(|host| !host.drifts()), "none runs, and that is the same everywhere");
}

#[test]
fn a_configuration_file_is_measured_by_the_manifest_on_all_hosts_alike() {
    let edited = |host: &mut Observed| host.closer.config.values_mut().for_each(|digest| *digest = Digest::of(b"edited"));
    let hosts = fleet(edited);
    assert_eq!(hosts[2].words.config, "changed");
    assert_eq!(last(&hosts), [("config", true, "edeliver unpack release --version=0.2.0".to_owned())]);
    let mut all = vec![running("0.2.0"), running("0.2.0")];
    all.iter_mut().for_each(edited);
    assert!(of(all.into_iter().map(Ok).collect()).iter().all(HostDrift::drifts), "also if it was edited on all hosts");
    let hosts = fleet(|host| host.closer.config.clear());
    assert!(hosts[2].items[0].text.contains("sys.config of 0.2.0 is missing"), "{hosts:?}");
}

#[test]
fn where_there_is_no_manifest_configuration_is_measured_by_most_hosts() {
    let foreign = |config: &[u8]| {
        let mut host = running("0.2.0");
        (host.seen.installed[0].manifest, host.seen.installed[0].files) = (None, None);
        host.closer.config.values_mut().for_each(|digest| *digest = Digest::of(config));
        Ok(host)
    };
    let hosts = of(vec![foreign(b"a"), foreign(b"a"), foreign(b"b")]);
    assert!(!hosts[0].drifts() && hosts[2].checks() == ["config"], "{hosts:?}");
}

#[test]
fn another_cookie_is_drift_and_never_shown() {
    let hosts = fleet(|host| host.closer.cookie = Some(Digest::of(b"salt other")));
    assert_eq!(hosts[2].checks(), ["cookie"]);
    assert_eq!(hosts[2].words.cookie, "another");
    let shown = format!("{:?}", told(&settings(), &hosts));
    assert!(!shown.contains(&Digest::of(b"salt other").to_string()), "{shown}");
    let hosts = fleet(|host| host.closer.cookie_file = Some(Digest::of(b"salt other")));
    assert_eq!(hosts[2].checks(), ["cookie"]);
}

#[test]
fn modules_patched_by_hand_and_a_changed_unit_are_drift() {
    let patched = Code { loaded: 9, others: vec!["Elixir.App.Web".into()] };
    let hosts = fleet(|host| host.code = Some(patched));
    assert_eq!(last(&hosts), [("code", true, "edeliver restart production --host=web3".to_owned())]);
    assert!(hosts[2].items[0].text.contains("1 of 9 loaded modules are not those of 0.2.0: App.Web"), "{hosts:?}");
    let hosts = fleet(|host| host.unit = Some(vec!["unit app.service is there and differs".into()]));
    assert_eq!(last(&hosts), [("unit", true, "edeliver setup production --host=web3".to_owned())]);
}

#[test]
fn another_runtime_system_under_the_same_version_is_drift() {
    let hosts = fleet(|host| {
        let rel = host.seen.installed[0].rel.as_mut().unwrap();
        *rel = rel.replace("13.1.5", "14.0");
    });
    assert_eq!(hosts[2].checks(), ["erts"]);
}

#[test]
fn leftovers_are_drift_unless_somebody_is_at_work() {
    let unfinished = Unfinished { version: version("0.3.0"), dirs: Vec::new() };
    let left = |busy: Option<u32>| {
        let unfinished = unfinished.clone();
        fleet(move |host| {
            host.seen.unfinished = vec![unfinished];
            host.closer.staging = vec!["run".into()];
            host.closer.busy = busy;
        })
    };
    assert_eq!(last(&left(None)).len(), 2);
    assert!(left(None)[2].drifts() && !left(Some(9))[2].drifts());
    let more = |host: &mut Observed| {
        let old = ["0.1.0", "0.1.1", "0.1.2"].map(|vsn| deployed(&release(vsn, "dep")));
        host.seen.installed.extend(old);
    };
    let hosts = fleet(more);
    assert!(hosts[2].items[0].text.contains("more releases than are kept (3): 0.1.2"), "{hosts:?}");
    let hosts = fleet(|host| {
        let mut by_hand = deployed(&release("0.0.7", "dep"));
        (by_hand.manifest, by_hand.files) = (None, None);
        host.seen.installed.push(by_hand);
    });
    assert!(hosts[2].items[0].text.contains("not put there by edeliver: 0.0.7") && hosts[2].drifts(), "{hosts:?}");
}

#[test]
fn a_release_that_was_taken_back_is_worth_knowing_and_drift_if_it_boots() {
    let taken = |vsn: &str| {
        let manifest = with_config(vsn, "config").id();
        let taken = TakenBack { version: version(vsn), manifest, run: "20260101-000000-aaaa".parse().unwrap() };
        fleet(move |host| host.seen.taken_back = vec![taken])
    };
    assert_eq!(last(&taken("0.3.0")), [("taken back", false, "edeliver run show 20260101-000000-aaaa".to_owned())]);
    assert_eq!(taken("0.2.0")[2].checks(), ["taken back"]);
}

#[test]
fn a_host_that_could_not_be_asked_is_told_and_the_others_are_measured_without_it() {
    let unseen = Unseen { why: "no route to host".into(), hints: vec![Hint::text("ask the network")] };
    let hosts = of(vec![Err(unseen), Ok(running("0.2.0")), Ok(running("0.2.0"))]);
    assert!(!hosts[0].is_reached() && hosts[0].drifts() && !hosts[1].drifts());
    assert_eq!(hosts[0].items[0].grade, Grade::Trouble);
}

#[test]
fn hosts_that_are_alike_are_one_row_and_what_they_share_is_told_once() {
    let mut observed: Vec<_> = (0..50).map(|_| Ok(running("0.2.0"))).collect();
    for at in [3, 40] {
        observed[at] = Ok(running("0.1.0"));
    }
    let hosts = of(observed);
    let rows: Vec<usize> = alike(&hosts, 10).iter().map(|row| row.hosts.len()).collect();
    assert_eq!(rows, [48, 1, 1]);
    assert_eq!(alike(&hosts, 50).len(), 50, "on a small fleet each has its row");
    let told = told(&settings(), &hosts);
    let [(places, finding)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(places.len(), 2);
    assert!(finding.hints[1].command.as_ref().unwrap().ends_with("--host=web4,web41 --start-deploy"), "{finding:?}");
}
