//! Equal things said once: on a fleet of hundreds, what differs must not be looked for.

use super::{HostDrift, Item, Remedy};
use crate::{
    config::TargetSettings,
    doctor::Finding,
    hint::Hint,
    name::{HostName, TargetName},
};

/// Hosts of which the same is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike<'a> {
    /// Which.
    pub hosts: Vec<&'a HostName>,
    /// One of them.
    pub like: &'a HostDrift,
}

/// Every host by itself, or, of a fleet of more than `few`, those together that don't differ.
pub fn alike(hosts: &[HostDrift], few: usize) -> Vec<Alike<'_>> {
    let mut rows: Vec<Alike<'_>> = Vec::new();
    for host in hosts {
        let folds = |row: &&mut Alike<'_>| hosts.len() > few && !host.drifts() && is_like(row.like, host);
        match rows.iter_mut().find(folds) {
            Some(row) => row.hosts.push(&host.host),
            None => rows.push(Alike { hosts: vec![&host.host], like: host }),
        }
    }
    rows
}

fn is_like(one: &HostDrift, other: &HostDrift) -> bool {
    let bare = |host: &HostDrift| HostDrift { host: other.host.clone(), ..host.clone() };
    bare(one) == bare(other)
}

/// What is to be said of hosts, equal things together, in the order in which they come up.
pub fn told(target: &TargetSettings, hosts: &[HostDrift]) -> Vec<(Vec<HostName>, Finding)> {
    let mut groups: Vec<(&Item, Vec<HostName>)> = Vec::new();
    for (host, item) in hosts.iter().flat_map(|host| host.items.iter().map(|item| (&host.host, item))) {
        match groups.iter_mut().find(|(known, _)| *known == item) {
            Some((_, places)) => places.push(host.clone()),
            None => groups.push((item, vec![host.clone()])),
        }
    }
    let all = |places: &[HostName]| places.len() == target.hosts.len();
    let finding = |(item, places): (&Item, Vec<HostName>)| {
        let hints = item.remedy.hints(&target.name, if all(&places) { &[] } else { &places });
        (places, Finding { check: item.check.to_owned(), grade: item.grade, text: item.text.clone(), hints })
    };
    groups.into_iter().map(finding).collect()
}

impl Remedy {
    /// In words. `hosts`: for which, where it is not for all.
    fn hints(&self, target: &TargetName, hosts: &[HostName]) -> Vec<Hint> {
        let only = match hosts {
            [] => String::new(),
            hosts => format!(" --host={}", hosts.iter().map(HostName::as_str).collect::<Vec<_>>().join(",")),
        };
        match self {
            Self::Hints(hints) => hints.clone(),
            Self::Deploy(version) => {
                let deploy = |verb: &str, more: &str| format!("edeliver deploy {verb} {target} --version={version}{only}{more}");
                vec![
                    Hint::command("without a restart, where that is possible", deploy("upgrade", "")),
                    Hint::command("or with one", deploy("release", " --start-deploy")),
                ]
            }
            Self::Stage(version) => {
                let command = format!("edeliver deploy release {target} --version={version}{only}");
                vec![Hint::command("deploy what most hosts have", command)]
            }
            Self::Start => vec![Hint::command("start it", format!("edeliver start {target}{only}"))],
            Self::Restart => {
                vec![Hint::command(
                    "a restart runs what boots, with the code of its files",
                    format!("edeliver restart {target}{only}"),
                )]
            }
            Self::Setup => vec![Hint::command("write it as it should be", format!("edeliver setup {target}{only}"))],
        }
    }
}
