//! Reading `[build]`.

use indexmap::IndexMap;

use super::{Settling, hosts::Fallback};
use crate::config::{
    problem::{Place, Problem},
    raw::{Kind, Value},
    scope::Scope,
    secret,
    settings::{BuildSettings, HostSpec, Programs, TransportKind},
    typed::{FromValue, Rule, Wrong, string},
};
use crate::name::HostPath;

impl Settling<'_> {
    pub(super) fn build(&self, mut scope: Scope<'_>) -> Option<BuildSettings> {
        let image = scope.get_by("image", |value| IMAGE.text(value));
        let host = self.build_host(&mut scope, image.is_some());
        let tool = scope.get("tool");
        let release_tool = scope.get("release_tool");
        let mix_env = scope.get_by("mix_env", |value| MIX_ENV.text(value));
        let rebar_profile = scope.get_by("rebar_profile", |value| REBAR_PROFILE.text(value));
        let rebar_config = scope.get_by("rebar_config", |value| PROJECT_PATH.text(value));
        let branch = scope.get("branch");
        let revision = scope.get("revision");
        let auto_version = scope.get_by("auto_version", |value| AUTO_VERSION.text(value));
        let git_clean_paths = scope.get_by("git_clean_paths", |value| PROJECT_PATH.texts(value));
        let skip_git_clean = scope.get("skip_git_clean");
        let skip_mix_clean = scope.get("skip_mix_clean");
        let relup_mod = scope.get_by("relup_mod", |value| MODULE.text(value));
        let skip_relup_mod = scope.get("skip_relup_mod");
        let release_dir = scope.get::<InCheckout>("release_dir").map(|InCheckout(path)| path);
        let release_options = scope.get_by("release_options", |value| LINE.texts(value)).unwrap_or_default();
        let programs = programs(scope.table("programs"));
        let env = self.env_table(&mut scope, "env");
        let profile = scope.get_by("profile", |value| PROFILE.text(value));
        let timeout = scope.get("timeout");
        scope.finish();
        Some(BuildSettings {
            host: host?,
            image,
            tool,
            release_tool,
            mix_env: mix_env?,
            rebar_profile,
            rebar_config,
            branch,
            revision,
            auto_version,
            git_clean_paths,
            skip_git_clean: skip_git_clean?,
            skip_mix_clean: skip_mix_clean?,
            relup_mod,
            skip_relup_mod: skip_relup_mod?,
            release_dir,
            release_options,
            programs,
            env,
            profile: profile?,
            timeout: timeout?,
        })
    }
    fn build_host(&self, scope: &mut Scope<'_>, in_container: bool) -> Option<HostSpec> {
        let fallback = Fallback::read(scope);
        let Some((value, origin)) = scope.peek_by("host", |value| Ok(value.clone())) else {
            return in_container.then(|| container(fallback));
        };
        let key = scope.key("host");
        let host = self.host(&key, &value, &fallback)?;
        self.host_origin(&key, &host, origin);
        Some(host)
    }
    /// Environment variables. Numbers and truth values are taken as text, since `PORT = 4000` means just that.
    pub(super) fn env_table(&self, scope: &mut Scope<'_>, key: &'static str) -> IndexMap<String, String> {
        let path = scope.key(key);
        let mut env = IndexMap::new();
        for (name, entry) in scope.map(key) {
            if !is_variable(name) {
                self.found.problem(not_a_variable(name, entry.key.clone()));
                continue;
            }
            match variable(&entry.value) {
                Ok(value) => {
                    let origin = entry.value.place.origin.clone();
                    self.found.origin(format!("{path}.{name}"), secret::shown(name, &value), origin);
                    env.insert(name.to_owned(), value);
                }
                Err(wrong) => self.found.problem(wrong.at(&format!("{path}.{name}"), &entry.value)),
            }
        }
        env
    }
}

/// The host that a build container is: on this machine, with any folder of its own.
fn container(fallback: Fallback) -> HostSpec {
    let path = fallback.path.unwrap_or_else(|| "/builds".parse().expect("it is a path"));
    HostSpec::new("container".parse().expect("it is a name"), TransportKind::Local, path)
}

/// A path that counts from the checkout, not from the home directory.
struct InCheckout(HostPath);

impl FromValue for InCheckout {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        HostPath::from_value(value).map(Self)
    }
    fn show(&self) -> String {
        self.0.to_string()
    }
}

fn programs(mut scope: Scope<'_>) -> Programs {
    let mut program = |key| scope.get_by(key, |value| PROGRAM.text(value));
    let programs = Programs { mix: program("mix"), rebar3: program("rebar3"), rebar: program("rebar"), relx: program("relx") };
    scope.finish();
    programs
}

fn variable(value: &Value) -> Result<String, Wrong> {
    match &value.kind {
        Kind::Int(number) => Ok(number.to_string()),
        Kind::Bool(truth) => Ok(truth.to_string()),
        _ => String::from_value(value)
            .map_err(|wrong| if string(value).is_ok() { wrong } else { Wrong::Kind("a string", "write it in quotes") }),
    }
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn not_a_variable(name: &str, place: Place) -> Problem {
    let label = "it has letters, digits and `_`, and does not start with a digit";
    Problem::new(format!("{name:?} is not the name of an environment variable"), place).label(label)
}

fn tame(text: &str) -> bool {
    !text.starts_with('-') && !text.chars().any(char::is_control)
}

/// What may be appended to a version.
pub const APPENDED: &str = "it joins some of these with `+`: git-revision, commit-count, commit-count-branch, branch, branch-unless-master, date, time, mix-env";

const IMAGE: Rule = Rule {
    what: "an image",
    why: "write it like \"elixir:1.17\" or \"registry.example.com/build:latest\"",
    allows: |text| tame(text) && text.chars().all(|c| c.is_ascii_alphanumeric() || "/:@._-".contains(c)),
};
pub(super) const MIX_ENV: Rule = Rule {
    what: "a mix environment",
    why: "it has letters, digits, `_`, `.` and `-`",
    allows: |text| tame(text) && !text.contains("..") && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)),
};
const REBAR_PROFILE: Rule = Rule {
    what: "a rebar3 profile",
    why: "it has letters, digits, `_`, `.` and `-`; several are separated by commas",
    allows: |text| tame(text) && !text.contains("..") && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.,-".contains(c)),
};
const MODULE: Rule = Rule {
    what: "a module",
    why: "it is written as in Elixir or in Erlang, without quotes: Acme.Relup, acme_relup",
    allows: |text| tame(text) && text.chars().all(|c| c.is_alphanumeric() || "_.@".contains(c)),
};
const PROJECT_PATH: Rule = Rule {
    what: "a path in the project",
    why: "it is relative, has no `..` and no control characters, and does not start with a dash",
    allows: |text| tame(text) && !text.starts_with('/') && !text.split('/').any(|part| part == ".."),
};
const PROGRAM: Rule = Rule { what: "a program", why: "it has no control characters and does not start with a dash", allows: tame };
/// A start-up file on a host.
pub(super) const PROFILE: Rule =
    Rule { what: "a start-up file", why: "it has no control characters and does not start with a dash", allows: tame };
const LINE: Rule =
    Rule { what: "a word of a command", why: "it has no control characters", allows: |text| !text.chars().any(char::is_control) };
const AUTO_VERSION: Rule =
    Rule { what: "a rule for versions", why: APPENDED, allows: |text| crate::auto_version::Metadata::parse_all(text).is_ok() };
