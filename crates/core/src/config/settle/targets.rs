//! Reading targets: their own tables over the settings of all targets.

use super::{
    Settling,
    build::PROFILE,
    hosts::Fallback,
    sources::{Hosts, listed},
};
use crate::{
    config::{
        origin::Origin,
        problem::Problem,
        raw::{Entry, Kind, Value},
        scope::{Env, Layer, Scope, env_name},
        settings::{Inventory, RolloutSettings, TargetSettings, UpgradeSettings},
        typed::{FromValue, Rule, Wrong},
    },
    name::TargetName,
};

impl<'a> Settling<'a> {
    pub(super) fn targets(&self, top: &mut Scope<'a>) -> Vec<(TargetSettings, Option<Inventory>)> {
        let deploy = top.table("deploy");
        self.check_shared(deploy);
        let _ = self.upgrade(top.table("upgrade"));
        let _ = self.rollout(top.table("rollout"));
        let entries = top.map("targets");
        entries.iter().filter_map(|(name, entry)| self.named(name, entry)).collect()
    }
    /// The settings of all targets are checked on their own too: there may be no target that reads them.
    fn check_shared(&self, mut scope: Scope<'_>) {
        let _ = Fallback::read(&mut scope);
        let _ = self.read(&mut scope, None, None, None);
        scope.finish();
    }
    fn named(&self, name: &str, entry: &Entry) -> Option<(TargetSettings, Option<Inventory>)> {
        match name.parse::<TargetName>() {
            Ok(name) => self.target(&name, entry),
            Err(error) => {
                let problem = Problem::new(format!("{:?} is not {}", error.value, error.what), entry.key.clone());
                self.found.problem(problem.label(error.why));
                None
            }
        }
    }
    fn target(&self, name: &TargetName, entry: &Entry) -> Option<(TargetSettings, Option<Inventory>)> {
        let own = format!("targets.{name}");
        if !matches!(entry.value.kind, Kind::Table(_)) {
            let problem =
                Problem::new(format!("`{own}` is {}, and should be a table", entry.value.kind.name()), entry.value.place.clone());
            self.found.problem(problem.label(format!("write [{own}] with hosts = [\"…\"]")));
            return None;
        }
        let mut scope = Scope::new(own, self.target_layers(name), self.found);
        let fallback = Fallback::read(&mut scope);
        let hosts = self.host_list(&mut scope, &fallback, entry);
        let upgrade = self.upgrade(self.table_of("upgrade", name, &mut scope));
        let rollout = self.rollout(self.table_of("rollout", name, &mut scope));
        let target = self.read(&mut scope, Some(name), upgrade, rollout);
        scope.finish();
        let target = target?;
        Some(match hosts {
            Hosts::Here(hosts) => (TargetSettings { hosts, ..target }, None),
            Hosts::Elsewhere(inventory) => (target, Some(inventory)),
        })
    }
    /// The file's `[deploy]` is weaker than its `[targets.NAME]`, and both are weaker than the environment.
    fn target_layers(&self, name: &TargetName) -> Vec<Layer<'a>> {
        let own = format!("targets.{name}");
        let mut layers = Vec::new();
        for table in [self.defaults, self.file] {
            layers.extend(table.table("deploy").map(|shared| Layer::Table("deploy".to_owned(), shared)));
            layers.extend(table.at(&own).map(|table| Layer::Table(own.clone(), table)));
        }
        let env = |prefix: String, env: Env<'a>| Layer::Env(prefix, env);
        layers.push(env("EDELIVER_DEPLOY".to_owned(), self.around.env));
        layers.push(env(env_name("EDELIVER_TARGETS", name.as_str()), self.around.env));
        layers.extend(self.around.flags.table("deploy").map(|shared| Layer::Table("deploy".to_owned(), shared)));
        layers.extend(self.around.flags.at(&own).map(|table| Layer::Table(own.clone(), table)));
        layers
    }
    fn host_list(&self, scope: &mut Scope<'a>, fallback: &Fallback, entry: &Entry) -> Hosts {
        let key = scope.key("hosts");
        let Some((values, _)) = scope.peek_by("hosts", listed) else {
            if scope.place("hosts").is_none() {
                self.found.problem(no_hosts(&key, entry));
            }
            return Hosts::Here(Vec::new());
        };
        if values.is_empty() {
            self.found.problem(no_hosts(&key, entry));
        }
        self.hosts(&key, &values, fallback)
    }
    /// Everything but the hosts. Without a name, the values are only checked.
    fn read(
        &self,
        scope: &mut Scope<'_>,
        name: Option<&TargetName>,
        upgrade: Option<UpgradeSettings>,
        rollout: Option<RolloutSettings>,
    ) -> Option<TargetSettings> {
        let confirm = scope.get("confirm");
        let keep = scope.get_by("keep_releases", keep_releases);
        let start_timeout = scope.get("start_timeout");
        let stop_timeout = scope.get("stop_timeout");
        let step_timeout = scope.get("step_timeout");
        let profile = scope.get_by("profile", |value| PROFILE.text(value));
        let env = self.env_table(scope, "env");
        let service = scope.get("service");
        let unit = scope.get("unit");
        let migrate = scope.get_by("migrate", |value| FUNCTION.text(value));
        let migrate_down = scope.get_by("migrate_down", |value| FUNCTION.text(value));
        let ecto_repos = scope.get_by("ecto_repos", |value| MODULE.texts(value)).unwrap_or_default();
        let start_deploy = scope.get("start_deploy");
        let clean_deploy = scope.get("clean_deploy");
        let name = name?;
        Some(TargetSettings {
            name: name.clone(),
            hosts: Vec::new(),
            confirm: confirm.unwrap_or_else(|| self.confirm_by_name(scope, name)),
            keep_releases: keep?,
            start_timeout: start_timeout?,
            stop_timeout: stop_timeout?,
            step_timeout: step_timeout?,
            profile: profile?,
            env,
            service: service?,
            unit,
            migrate,
            migrate_down,
            ecto_repos,
            start_deploy: start_deploy?,
            clean_deploy: clean_deploy?,
            upgrade: upgrade?,
            rollout: rollout?,
        })
    }
    /// Only production is asked about unless it is said otherwise.
    fn confirm_by_name(&self, scope: &Scope<'_>, name: &TargetName) -> bool {
        let confirm = name.as_str() == "production";
        let why = "default: only the target `production` asks";
        self.found.origin(scope.key("confirm"), confirm.to_string(), Origin::Derived { why });
        confirm
    }
}

/// These become a part of a call on a node, so nothing else may stand in them.
pub(super) const MODULE: Rule = Rule {
    what: "a module",
    why: "write it like \"MyApp.Repo\"",
    allows: |text| text.split('.').all(|part| part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.chars().all(is_word)),
};
pub(super) const FUNCTION: Rule = Rule {
    what: "a function",
    why: "write it like \"MyApp.Release.migrate\" (Elixir) or \"my_app_release:migrate\" (Erlang), without arguments",
    allows: |text| {
        let parted = text.rsplit_once(':').or_else(|| text.rsplit_once('.'));
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') && name.trim_end_matches(['?', '!']).chars().all(is_word)
        };
        parted.is_some_and(|(module, function)| (MODULE.allows)(module) && is_name(function))
    },
};

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Fewer than two would leave nothing to roll back to.
fn keep_releases(value: &Value) -> Result<u32, Wrong> {
    match u32::from_value(value)? {
        keep @ 2.. => Ok(keep),
        _ => Err(Wrong::Rule("enough", "keep at least 2: the running release and the one to roll back to".to_owned())),
    }
}

fn no_hosts(key: &str, entry: &Entry) -> Problem {
    let target = key.trim_end_matches(".hosts").trim_start_matches("targets.");
    let problem = Problem::new(format!("the target `{target}` has no hosts"), entry.key.clone());
    problem.label("which hosts belong to it?").remedy("add hosts = [\"host1\", \"host2\"]")
}
