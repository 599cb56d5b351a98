//! Having systemd run the nodes of a target: what it takes on each host.

use super::{
    FORMAT, HostPlan, Plan, Verdict, deploy,
    switch::{self, Switch},
};
use crate::{
    config::TargetSettings,
    facts::{HostFacts, Seen},
    hint::Hint,
    name::{AppName, HostName},
    release::ReleaseKind,
    step::{Setup, Step},
    strategy::Rollout,
    unit::{
        Scope, Unit,
        text::{self, UnitSpec},
    },
};

/// What the user asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupRequest {
    /// Name of the release.
    pub app: AppName,
    /// The unit.
    pub unit: Unit,
    /// Replace a unit that edeliver did not write.
    pub force: bool,
    /// The kind of release that is going to be there, for hosts that have none yet.
    pub kind: Option<ReleaseKind>,
}

/// What is to be known of a host beside the usual.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetupFacts {
    /// The login's home directory.
    pub home: String,
    /// The owner of the release root, where it exists.
    pub owner: Option<String>,
    /// How files of root's can be written.
    pub rights: Rights,
    /// systemd's version, 0 if there is none.
    pub systemd: u32,
    /// The unit's file as it is.
    pub installed: Option<String>,
    /// Files that change it and stay.
    pub drop_ins: Vec<String>,
    /// The file with its environment.
    pub environment: EnvironmentFile,
    /// The names of its variables.
    pub variables: Vec<String>,
    /// Variables that the configured start-up file sets, which a unit does not read.
    pub profile: Vec<String>,
}

/// What the login may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rights {
    /// It is root.
    Root,
    /// `sudo` asks it for no password.
    Sudo,
    /// Neither.
    #[default]
    None,
}

/// The file with a unit's environment, compared with what it should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EnvironmentFile {
    /// It is not there.
    #[default]
    Missing,
    /// It is the same.
    Same,
    /// It is another.
    Differs,
    /// It may not be read.
    Unreadable,
}

/// Decides what happens on each host. `found`: one for each host that could be asked.
pub fn setup(
    request: &SetupRequest,
    settings: &TargetSettings,
    facts: &[HostFacts],
    found: &dyn Fn(&HostName) -> Option<SetupFacts>,
) -> Plan {
    let host = |facts: &HostFacts| match (&facts.seen, found(&facts.host)) {
        (Ok(seen), Some(found)) => Host { request, settings, seen, found: &found }.plan(&facts.host),
        (Err(unseen), _) => deploy::unreachable(&facts.host, unseen),
        (Ok(seen), None) => blocked(&facts.host, seen, vec!["it could not be asked about systemd".to_owned()], Vec::new()),
    };
    let hosts: Vec<HostPlan> = facts.iter().map(host).collect();
    Plan {
        format: FORMAT,
        title: format!("have systemd run {} on {}", request.app, settings.name),
        target: Some(settings.name.clone()),
        release: None,
        before: Vec::new(),
        rollout: Rollout::best_effort(settings, &hosts),
        hosts,
        after: Vec::new(),
    }
}

/// What is not as it would be set up, on one host; also where that could not be mended. `None`: it can't be known, because nothing is there.
pub fn differences(request: &SetupRequest, settings: &TargetSettings, seen: &Seen, found: &SetupFacts) -> Option<Vec<String>> {
    let host = Host { request, settings, seen, found };
    let switch = Switch { app: &request.app, settings, seen };
    let mut changes = host.changes(&host.setup(host.kind()?));
    changes.extend(switch.outside());
    Some(changes)
}

fn blocked(host: &HostName, seen: &Seen, reasons: Vec<String>, hints: Vec<Hint>) -> HostPlan {
    let expect = switch::precondition(seen);
    HostPlan { host: host.clone(), expect, verdict: Verdict::Blocked { hints }, reasons, steps: Vec::new(), undo: Vec::new() }
}

struct Host<'a> {
    request: &'a SetupRequest,
    settings: &'a TargetSettings,
    seen: &'a Seen,
    found: &'a SetupFacts,
}

impl Host<'_> {
    fn plan(&self, host: &HostName) -> HostPlan {
        let Some(kind) = self.kind() else {
            let hint = Hint::command("deploy one first", format!("edeliver deploy release to {}", self.settings.name));
            return blocked(
                host,
                self.seen,
                vec!["no release is there, and none in the store, so its kind is not known".into()],
                vec![hint],
            );
        };
        let setup = self.setup(kind);
        let changes = self.changes(&setup);
        if let Some((reason, hints)) = self.obstacle(host, !changes.is_empty()) {
            return blocked(host, self.seen, vec![reason], hints);
        }
        let expect = switch::precondition(self.seen);
        let (verdict, reasons, steps) = match changes.is_empty() {
            true => (Verdict::Nothing, vec![self.as_it_should_be()], Vec::new()),
            false => (Verdict::Change, changes, vec![Step::Setup(setup)]),
        };
        let reasons = reasons.into_iter().chain(self.notes()).collect();
        HostPlan { host: host.clone(), expect, verdict, reasons, steps, undo: Vec::new() }
    }

    fn kind(&self) -> Option<ReleaseKind> {
        let permanent = self.seen.permanent.as_ref();
        let there = permanent.map(|version| switch::kind(self.seen, &self.request.app, switch::installed(self.seen, version)));
        there.or(self.request.kind)
    }

    fn setup(&self, kind: ReleaseKind) -> Setup {
        let unit = &self.request.unit;
        let environment = unit.environment_path(&self.found.home);
        let user = self.user();
        let spec = UnitSpec {
            scope: unit.scope,
            app: self.request.app.as_str(),
            kind,
            root: &self.seen.root,
            user,
            environment: &environment,
            stop_seconds: self.settings.stop_timeout.as_secs().max(1),
            systemd: self.found.systemd,
        };
        Setup {
            unit: unit.clone(),
            path: unit.path(&self.found.home),
            text: text::unit(&spec),
            variables: self.found.variables.clone(),
            user: user.to_owned(),
            sudo: unit.scope == Scope::System && self.found.rights == Rights::Sudo,
            environment,
        }
    }

    /// Whoever owns the release runs it: the login that deploys, also when somebody else sets it up.
    fn user(&self) -> &str {
        self.found.owner.as_deref().unwrap_or(&self.seen.user)
    }

    /// What is not as it should be.
    fn changes(&self, setup: &Setup) -> Vec<String> {
        let name = self.request.unit.describe();
        let unit = match &self.found.installed {
            None => Some(format!("{name} is new")),
            Some(installed) => (*installed != setup.text).then(|| format!("{name} is there and differs")),
        };
        let environment = match self.found.environment {
            EnvironmentFile::Missing => Some(format!("its environment, {}, is new", setup.environment)),
            EnvironmentFile::Differs => Some(format!("its environment, {}, differs", setup.environment)),
            EnvironmentFile::Same | EnvironmentFile::Unreadable => None,
        };
        let facts = self.seen.unit.as_ref();
        let told = |holds: bool, text: &str| holds.then(|| text.to_owned());
        let there = facts.filter(|facts| facts.is_loaded());
        let reload = told(facts.is_some_and(|facts| facts.needs_reload), "systemd has not read its file since it was changed");
        let enabled = told(there.is_some_and(|facts| !facts.enabled), "it is not started at boot");
        let linger = told(facts.is_some_and(|facts| facts.linger == Some(false)), "it would end with the last login of its user");
        [unit, environment, reload, enabled, linger].into_iter().flatten().collect()
    }

    fn obstacle(&self, host: &HostName, changes: bool) -> Option<(String, Vec<Hint>)> {
        let unit = &self.request.unit;
        let foreign = self.found.installed.as_ref().is_some_and(|text| !text.starts_with(text::MARK));
        if self.found.systemd == 0 || unit.scope == Scope::System && self.seen.unit.as_ref().is_some_and(|facts| !facts.manager) {
            let hint = Hint::text("set `service = \"script\"` for it");
            return Some(("systemd does not run this host".to_owned(), vec![hint]));
        }
        if self.seen.root.contains(['"', '\'', '\\']) {
            let why = "systemd runs no program with a quote or a backslash in its path".to_owned();
            return Some((why, vec![Hint::text("choose another `path` for it, or `service = \"script\"`")]));
        }
        if foreign && changes && !self.request.force {
            let hint = Hint::text("start, stop and restart work with it as it is; `--force` replaces it");
            return Some((format!("{} was not written by edeliver", unit.describe()), vec![hint]));
        }
        if changes && unit.scope == Scope::System && self.found.rights == Rights::None {
            return Some((format!("{} may not become root without a password", self.seen.user), self.as_root(host)));
        }
        None
    }

    fn as_root(&self, host: &HostName) -> Vec<Hint> {
        let setup = format!("edeliver setup {} --host", self.settings.name);
        vec![
            Hint::command("log in as root for it, where that is allowed", format!("{setup}=root@{host}")),
            Hint::command(
                "or have an administrator run the script there as root; it has the environment in it, so keep it private",
                format!("(umask 077; {setup}={host} --script >setup.sh)"),
            ),
            Hint::text("or let the user's own systemd run the node: `service = \"systemd-user\"`"),
        ]
    }

    fn as_it_should_be(&self) -> String {
        let unit = self.request.unit.describe();
        match self.found.environment {
            EnvironmentFile::Unreadable => {
                format!("{unit} is as it should be; its environment is root's and could not be compared")
            }
            _ => format!("{unit} is as it should be"),
        }
    }

    /// What the user should know.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.request.unit.scope == Scope::System && self.user() == "root" {
            notes.push("the node runs as root, because root owns the release".to_owned());
        }
        if !self.found.profile.is_empty() {
            let names = self.found.profile.join(", ");
            notes.push(format!(
                "{} sets {names}, and a unit does not read it: what the node needs belongs into `env`",
                self.settings.profile
            ));
        }
        if !self.found.drop_ins.is_empty() {
            notes.push(format!("these drop-ins stay in force: {}", self.found.drop_ins.join(", ")));
        }
        let switch = Switch { app: &self.request.app, settings: self.settings, seen: self.seen };
        if switch::is_there(self.seen) {
            notes.push(format!("a node that runs stays as it is until `edeliver restart {}`", self.settings.name));
        }
        notes.extend(switch.outside());
        // The rest of the unit's troubles are what setup mends.
        notes.extend(self.seen.unit.as_ref().and_then(|facts| facts.restarts_told(&self.request.unit)));
        notes
    }
}
