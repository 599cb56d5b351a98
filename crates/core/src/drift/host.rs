//! One host, measured by what most have and by what was deployed.

use super::{
    Closer, Code, HostDrift, Look, Most, Observed, Remedy, Words,
    most::{config_of, erts, foreign, installed, permanent},
};
use crate::{
    config::TargetSettings,
    doctor::Grade,
    facts::{NodeState, Seen, TakenBack},
    hint::Hint,
    name::Version,
    plan::keep,
    release::{Digest, EntryKind, Manifest, RelPath},
};

/// Something about a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What was compared, in a word or two.
    pub check: &'static str,
    /// Whether it keeps the fleet from being one; if not, it is only worth knowing.
    pub drifts: bool,
    /// How bad it is.
    pub grade: Grade,
    /// A sentence without its final stop.
    pub text: String,
    /// What to do about it.
    pub remedy: Remedy,
}

/// Modules that are named in full when they differ.
const NAMED: usize = 5;

fn drift(check: &'static str, text: impl Into<String>, remedy: Remedy) -> Item {
    Item { check, drifts: true, grade: Grade::Trouble, text: text.into(), remedy }
}
fn note(check: &'static str, text: impl Into<String>, remedy: Remedy) -> Item {
    Item { drifts: false, grade: Grade::Warning, ..drift(check, text, remedy) }
}
fn say(text: &str) -> Remedy {
    Remedy::Hints(vec![Hint::text(text)])
}

/// Whether a node does its work there, as far as can be known.
pub(super) fn is_up(seen: &Seen) -> bool {
    matches!(seen.node.state, NodeState::Running | NodeState::NoDistribution | NodeState::Unasked)
}

pub(super) fn judge(target: &TargetSettings, most: &Most, look: &Look) -> HostDrift {
    let unknown = HostDrift {
        host: look.host.clone(),
        state: None,
        runs: None,
        permanent: None,
        erts: None,
        items: Vec::new(),
        words: Words::default(),
    };
    let observed = match &look.observed {
        Ok(observed) => observed,
        Err(unseen) => {
            let items = vec![drift("login", unseen.why.clone(), Remedy::Hints(unseen.hints.clone()))];
            return HostDrift { items, ..unknown };
        }
    };
    let host = Host { target, most, observed, seen: &observed.seen };
    let node = &observed.seen.node;
    HostDrift {
        state: Some(node.state),
        runs: node.version.clone().filter(|_| node.state != NodeState::Down),
        permanent: observed.seen.permanent.clone(),
        erts: erts(&observed.seen),
        items: host.items(),
        words: host.words(),
        ..unknown
    }
}

struct Host<'a> {
    target: &'a TargetSettings,
    most: &'a Most,
    observed: &'a Observed,
    seen: &'a Seen,
}

impl Host<'_> {
    fn items(&self) -> Vec<Item> {
        let parts = [
            self.node(),
            self.releases(),
            self.config(),
            self.cookie(),
            self.erts().into_iter().collect(),
            self.code().into_iter().collect(),
            self.unit(),
            self.leftovers(),
            self.taken_back(),
            self.drained().into_iter().collect(),
            self.seen
                .alone
                .lines()
                .map(|line| note("alone", line, say("`edeliver run show` says what the run did; deploy again")))
                .collect(),
        ];
        parts.into_iter().flatten().collect()
    }

    fn node(&self) -> Vec<Item> {
        let node = &self.seen.node;
        let state = match (node.state, self.most.up) {
            (NodeState::Hung | NodeState::WrongCookie | NodeState::Unregistered, _) => {
                Some(drift("node", format!("the node's state is: {}", node.state.word()), say("docs/states.md says what to do")))
            }
            (NodeState::Starting | NodeState::Stopping, _) => {
                Some(drift("node", format!("the node is {}", node.state.word()), say("look again when it is done")))
            }
            (NodeState::Down, true) => Some(drift("node", "no node runs, and on most hosts one does", Remedy::Start)),
            (_, false) if is_up(self.seen) => {
                Some(drift("node", "a node runs, and on most hosts none does", say("start the others, or stop this one")))
            }
            _ => None,
        };
        let pids = node.others.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        let others = (!node.others.is_empty()).then(|| {
            drift("node", format!("other processes serve the same release: {pids}"), say("end those that are not meant to run"))
        });
        state.into_iter().chain(others).collect()
    }

    /// What boots, what runs, and whether these fit.
    fn releases(&self) -> Vec<Item> {
        let (own, most) = (permanent(self.seen), &self.most.permanent);
        let runs = self.seen.node.version.as_ref().filter(|_| is_up(self.seen));
        let same_boots = own == *most;
        let same_runs = runs.is_none() || !self.most.up || runs == self.most.runs.as_ref();
        let mut items: Vec<Item> = self.unfinished_upgrade().into_iter().collect();
        match (same_boots, same_runs) {
            (true, true) => items.extend(self.waits_for_restart(runs)),
            (true, false) => {
                let text = format!("runs {}, and most hosts run {}", name(runs), name(self.most.runs.as_ref()));
                items.push(drift("runs", text, Remedy::Restart));
            }
            (false, _) => items.push(self.boots_another(runs, same_runs)),
        }
        items
    }
    fn boots_another(&self, runs: Option<&Version>, same_runs: bool) -> Item {
        let (own, most) = (permanent(self.seen), &self.most.permanent);
        let (own, wanted) = (own.as_ref().map(|(version, _)| version), most.as_ref().map(|(version, _)| version));
        let Some(wanted) = wanted else {
            let text = format!("{} is deployed, and on most hosts nothing is", name(own));
            return drift("boots", text, say("deploy it to the others"));
        };
        let text = match own {
            None => "nothing is deployed".to_owned(),
            Some(own) if own == wanted => format!("boots another build of {own} than most hosts"),
            Some(own) if !same_runs && runs == Some(own) => format!("runs and boots {own}, and most hosts boot {wanted}"),
            Some(own) => format!("boots {own}, and most hosts boot {wanted}"),
        };
        let runs_it = runs.is_some() && self.most.runs.as_ref() == Some(wanted) && !same_runs;
        drift("boots", text, if runs_it { Remedy::Deploy(wanted.clone()) } else { Remedy::Stage(wanted.clone()) })
    }
    fn waits_for_restart(&self, runs: Option<&Version>) -> Option<Item> {
        let (runs, boots) = (runs?, self.seen.permanent.as_ref()?);
        let waits = runs != boots && self.seen.node.upgraded_from.is_none();
        waits.then(|| note("runs", format!("runs {runs} until it is restarted, and then {boots}"), Remedy::Restart))
    }
    fn unfinished_upgrade(&self) -> Option<Item> {
        let from = self.seen.node.upgraded_from.as_ref()?;
        let text = format!("was upgraded from {from} to {}, which is not permanent yet", name(self.seen.node.version.as_ref()));
        let hint = "an upgrade goes on there, or its operator was lost: then the node goes back by itself when its time is over; \
                    `edeliver rollback` does it at once";
        Some(drift("runs", text, say(hint)))
    }

    /// Of what boots, and of what was booted.
    fn config(&self) -> Vec<Item> {
        let files = self.changed_files();
        let text = |(version, file, what): (Version, String, &str)| {
            let hint = "bring the change into the project and deploy a new version, or put the file back; it is as deployed in";
            let command = format!("edeliver unpack release --version={version}");
            drift("config", format!("{file} of {version} {what}"), Remedy::Hints(vec![Hint::command(hint, command)]))
        };
        files.into_iter().map(text).collect()
    }
    fn changed_files(&self) -> Vec<(Version, String, &'static str)> {
        let node = &self.seen.node;
        let booted = node.booted.as_ref().filter(|_| node.state != NodeState::Down);
        let mut versions: Vec<&Version> = self.seen.permanent.iter().chain(booted).collect();
        versions.dedup();
        versions.into_iter().flat_map(|version| self.changed_files_of(version)).collect()
    }
    fn changed_files_of(&self, version: &Version) -> Vec<(Version, String, &'static str)> {
        let there = config_of(self.observed, version);
        let (wanted, word) = match self.deployed(version) {
            Some(manifest) => (config_in(manifest).into_iter().collect(), "is not as deployed"),
            None => (self.most.config.get(version).cloned().unwrap_or_default(), "is another than on most hosts"),
        };
        let changed = wanted.into_iter().filter(|(path, digest)| there.get(path) != Some(digest));
        let said = |path: &RelPath| if there.contains_key(path) { word } else { "is missing" };
        changed.map(|(path, _)| (version.clone(), base(&path), said(&path))).collect()
    }
    fn deployed(&self, version: &Version) -> Option<&Manifest> {
        installed(self.seen, version)?.files.as_deref()
    }

    fn cookie(&self) -> Vec<Item> {
        let Closer { cookie, cookie_file, .. } = &self.observed.closer;
        let hint = "nodes with different cookies don't see each other; give all hosts the same, and restart this one";
        let node = cookie.is_some() && *cookie != self.most.cookie;
        let file = cookie_file.is_some() && *cookie_file != self.most.cookie_file;
        let node = node.then(|| drift("cookie", "the node has another cookie than on most hosts", say(hint)));
        let file = file.then(|| drift("cookie", "releases/COOKIE is another than on most hosts", say(hint)));
        node.into_iter().chain(file).collect()
    }

    /// Where the same version boots: of another it is no news.
    fn erts(&self) -> Option<Item> {
        let (own, most) = (erts(self.seen)?, self.most.erts.as_ref()?);
        let same_version =
            permanent(self.seen).map(|(version, _)| version) == self.most.permanent.clone().map(|(version, _)| version);
        let text = format!("runs on ERTS {own}, and most hosts on {most}");
        (same_version && own != *most).then(|| drift("erts", text, say("deploy the same build everywhere")))
    }

    fn code(&self) -> Option<Item> {
        let Code { loaded, others } = self.observed.code.as_ref().filter(|code| !code.others.is_empty())?;
        let named = others.iter().take(NAMED).map(|name| name.trim_start_matches("Elixir.")).collect::<Vec<_>>().join(", ");
        let more = others.len().checked_sub(NAMED).filter(|more| *more > 0);
        let more = more.map_or(String::new(), |more| format!(" and {more} more"));
        let version = name(self.seen.node.version.as_ref());
        let text = format!("{} of {loaded} loaded modules are not those of {version}: {named}{more}", others.len());
        Some(drift("code", text, Remedy::Restart))
    }

    fn unit(&self) -> Vec<Item> {
        let Some(changes) = &self.observed.unit else { return Vec::new() };
        changes.iter().map(|change| drift("unit", change.clone(), Remedy::Setup)).collect()
    }

    fn leftovers(&self) -> Vec<Item> {
        const CLEARED: &str = "the next deploy to it clears that up";
        let closer = &self.observed.closer;
        if let Some(pid) = closer.busy {
            return vec![note("left", format!("process {pid} is changing the release root"), say("look again when it is done"))];
        }
        let unfinished = self.seen.unfinished.iter().map(|one| one.version.to_string());
        let text = |what: String| drift("left", format!("a deploy or removal of {what} was interrupted"), say(CLEARED));
        let mut items: Vec<Item> = unfinished.map(text).collect();
        if !closer.staging.is_empty() {
            items.push(drift("left", "an interrupted run has left files in .edeliver/staging", say(CLEARED)));
        }
        let spare = list(&keep::spare(self.seen, self.target.keep_releases));
        if !spare.is_empty() {
            let text = format!("more releases than are kept ({}): {spare}", self.target.keep_releases);
            items.push(drift("left", text, say(CLEARED)));
        }
        items.extend(self.foreign());
        let failed = self.seen.installed.iter().filter(|one| one.failed);
        items.extend(failed.map(|one| {
            let boots = self.seen.permanent.as_ref() == Some(&one.version);
            let text = format!("{} did not start the last time", one.version);
            if boots { drift("left", text, say("`edeliver logs` may tell why")) } else { note("left", text, say(CLEARED)) }
        }));
        items
    }
    /// Beside a release of edeliver's.
    fn foreign(&self) -> Option<Item> {
        let versions = foreign(self.seen);
        let text = format!("not put there by edeliver: {}", list(&versions));
        let remedy = say("`edeliver deploy release --clean-deploy` removes what nothing needs");
        match versions.is_empty() {
            true => None,
            false if versions == self.most.foreign => Some(note("left", text, remedy)),
            false => Some(drift("left", text, remedy)),
        }
    }

    fn taken_back(&self) -> Vec<Item> {
        let own = permanent(self.seen);
        let item = |one: &TakenBack| {
            let run = Hint::command("the run that tells why", format!("edeliver run show {}", one.run));
            let boots = own.as_ref() == Some(&(one.version.clone(), Some(one.manifest)));
            let text = format!("{} was taken back", one.version);
            match boots {
                true => drift("taken back", format!("{text}, and boots all the same"), Remedy::Hints(vec![run])),
                false => note("taken back", format!("{text}, and is not deployed again without --force"), Remedy::Hints(vec![run])),
            }
        };
        self.seen.taken_back.iter().map(item).collect()
    }

    fn drained(&self) -> Option<Item> {
        let run = self.seen.drained.as_ref()?;
        let text = format!("out of the traffic: run {run} has drained it, and not resumed");
        Some(drift("drained", text, say("whatever starts, restarts or deploys it resumes it too")))
    }

    fn words(&self) -> Words {
        let changed = |changed: bool, words: [&str; 2]| words[usize::from(changed)].to_owned();
        let Observed { closer, code, unit, .. } = self.observed;
        let permanent = self.seen.permanent.as_ref();
        let compared = permanent.is_some_and(|version| !config_of(self.observed, version).is_empty());
        let is_known = closer.cookie.is_some() || closer.cookie_file.is_some();
        Words {
            config: if compared { changed(!self.changed_files().is_empty(), ["as deployed", "changed"]) } else { String::new() },
            cookie: if is_known { changed(!self.cookie().is_empty(), ["the same", "another"]) } else { String::new() },
            code: code.as_ref().map_or(String::new(), |code| match code.others.len() {
                0 => "as built".to_owned(),
                1 => "1 module differs".to_owned(),
                more => format!("{more} modules differ"),
            }),
            unit: unit.as_ref().map_or(String::new(), |changes| changed(!changes.is_empty(), ["as set up", "changed"])),
        }
    }
}

fn name(version: Option<&Version>) -> String {
    version.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

fn list(versions: &[Version]) -> String {
    versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn base(path: &RelPath) -> String {
    path.as_str().rsplit('/').next().unwrap_or_default().to_owned()
}

/// The configuration files of a release, as they were deployed.
fn config_in(manifest: &Manifest) -> Vec<(RelPath, Digest)> {
    let path = |name: &&str| format!("releases/{}/{name}", manifest.version);
    let entry = |path: String| match manifest.entry(&path)? {
        EntryKind::File { sha256, .. } => Some((path.parse().ok()?, *sha256)),
        EntryKind::Link { .. } | EntryKind::EmptyDir { .. } => None,
    };
    super::CONFIG.iter().map(path).filter_map(entry).collect()
}
