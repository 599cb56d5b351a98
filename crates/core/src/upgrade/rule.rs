//! What can stand in the way of a hot upgrade, or should be known before one: each rule with its reason and remedy.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What a finding means for the upgrade as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Good to know.
    Note,
    /// It works only if the user knows better than the files say.
    Warning,
    /// The node has to be restarted.
    Restart,
}

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Another emulator.
    Erts,
    /// kernel, stdlib, compiler or elixir.
    Core,
    /// A module with native functions.
    Nif,
    /// A shared library below `priv`.
    SharedLibrary,
    /// Configuration providers.
    Provider,
    /// A module that an application lists and does not have.
    MissingModule,
    /// A process module that became another kind of process.
    Behaviour,
    /// An appup that asks for a restart.
    Appup,
    /// An appup that can't be read.
    BadAppup,
    /// An appup that asks for a restart of its application.
    AppRestart,
    /// Fields of a struct.
    Struct,
    /// Elements of a record.
    Record,
    /// Children that `start/2` lists.
    ListedChildren,
    /// Children that `start/2` lists, and nobody looks for them.
    HiddenChildren,
    /// Funs in states and messages.
    Funs,
    /// A module that is gone and still called.
    Dangling,
    /// `vm.args`, `env.sh`.
    BootFile,
    /// Configuration that applications read when the node boots.
    BootConfig,
    /// A receive loop.
    Receive,
    /// Code that differs under one version.
    SameVersion,
    /// A process without `code_change`.
    NoCodeChange,
    /// Included applications.
    Included,
    /// Arguments of `start/2`.
    StartArgs,
    /// Another callback module of the application.
    StartModule,
    /// Permanent, transient, temporary.
    StartType,
    /// Code that runs when a module is loaded.
    OnLoad,
    /// Programs and other files below `priv`.
    Files,
}

impl Rule {
    /// What it means for the upgrade.
    pub fn level(self) -> Level {
        match self {
            Self::Erts
            | Self::Core
            | Self::Nif
            | Self::SharedLibrary
            | Self::Provider
            | Self::MissingModule
            | Self::Behaviour
            | Self::Appup
            | Self::BadAppup => Level::Restart,
            Self::OnLoad | Self::Files | Self::NoCodeChange => Level::Note,
            _ => Level::Warning,
        }
    }
    /// Why it matters. A sentence.
    pub fn why(self) -> &'static str {
        match self {
            Self::Erts => "the emulator is the process itself, and can't be replaced while it runs",
            Self::Core => "every process of the node stands on its code, which is made to be replaced by a restart only",
            Self::Nif => "its native library stays in use, and the node refuses to load it twice unless it was written for that",
            Self::SharedLibrary => "a native library stays in use, and the new one is not loaded beside it",
            Self::Provider => "the new configuration is resolved on the running node, where the old providers are in place",
            Self::MissingModule => "code that is not there can't be loaded, and a node that boots with such a list does not start",
            Self::Behaviour => "its running processes stay what they are, and would call functions that are gone",
            Self::Appup => "the application's own instructions ask for it",
            Self::BadAppup => "its instructions would be followed, and nobody can read them",
            Self::AppRestart => "the node keeps running, and the state of that application is lost",
            Self::Struct => "a state with the old fields meets code that expects the new ones",
            Self::Record => "a state with the old record does not match in code that expects the new one",
            Self::ListedChildren => {
                "to learn what it lists, start/2 is called once more on the running node, with whatever else it does"
            }
            Self::HiddenChildren => {
                "no supervisor module of its own tells what it lists, so new children are not started and old ones stay"
            }
            Self::Funs => "a fun that was made by the old code and kept in a state or message fails once that code is gone",
            Self::Dangling => "the call fails with undef",
            Self::BootFile => "it is read when the node boots, and the running node keeps the old one",
            Self::BootConfig => "these applications read it when the node boots",
            Self::Receive => "a process that waits in it goes on in the old code, and is killed when that code goes",
            Self::SameVersion => "OTP takes it for unchanged; on hosts it gets a directory of its own",
            Self::NoCodeChange => "its processes are suspended while it is loaded, and keep their state as it is",
            Self::Included => "who starts and stops them is the business of the including application",
            Self::StartArgs => "start/2 has run with the old ones",
            Self::StartModule => "start/2 and the supervisor under it have run already",
            Self::StartType => "the running application keeps the old one until the node boots",
            Self::OnLoad => "it runs again while processes are suspended; if it fails, so does the upgrade",
            Self::Files => "running programs keep the old files open, and code finds the new ones in the new directory",
        }
    }
    /// What the user can do.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Erts | Self::Core => "deploy with a restart, or build the release with the Erlang and Elixir that run",
            Self::Nif => "deploy with a restart; if the library has an `upgrade` callback, name the module in `upgrade.allow_nif`",
            Self::SharedLibrary => {
                "deploy with a restart; if the library has an `upgrade` callback, name the modules that load it in `upgrade.allow_nif`"
            }
            Self::Provider => "deploy with a restart",
            Self::MissingModule => "build the release again",
            Self::Behaviour => "deploy with a restart, or give the new module another name",
            Self::Appup => "deploy with a restart, or edit the application's appup",
            Self::BadAppup => "correct the file, or leave it out of the release",
            Self::AppRestart => "deploy with a restart, or edit the application's appup, if that state matters",
            Self::Struct | Self::Record => {
                "write or extend `code_change` in the modules named, and let them change in this release"
            }
            Self::ListedChildren => {
                "check that these calls do no harm the second time, or move the list to a module with `use Supervisor`"
            }
            Self::HiddenChildren => "set `upgrade.discover_children = true`, or move the list to a module with `use Supervisor`",
            Self::Funs => "keep `&Module.function/arity` in states instead of anonymous functions",
            Self::Dangling => "keep the module for one more release, or change its callers",
            Self::BootFile | Self::BootConfig => "restart the node when it suits, if it needs the new one",
            Self::Receive => {
                "have the loop call itself by its full name (`Module.loop/1`) on a message, or write it as a gen_server"
            }
            Self::SameVersion => "give it a new version",
            Self::NoCodeChange => "export `code_change/3` where the state changes",
            Self::Included | Self::StartArgs | Self::StartModule | Self::StartType => {
                "restart the node when it suits, if it matters"
            }
            Self::OnLoad => "see that it can run again",
            Self::Files => "nothing, unless a program has to be started anew",
        }
    }
}

/// One thing to be known, about one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// What it means.
    pub level: Level,
    /// Where: the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Where: the module, as its language writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// What there is: `kernel 8.5.3 becomes 8.5.4`.
    pub what: String,
    /// Why it matters.
    pub why: Cow<'static, str>,
    /// What the user can do.
    pub remedy: Cow<'static, str>,
}

impl Finding {
    pub(super) fn new(rule: Rule, app: Option<&str>, module: Option<&str>, what: String) -> Self {
        let (level, why, remedy) = (rule.level(), rule.why().into(), rule.remedy().into());
        Self { rule, level, app: app.map(str::to_owned), module: module.map(str::to_owned), what, why, remedy }
    }
    /// In one line, without the remedy.
    pub fn line(&self) -> String {
        format!("{}: {}", self.what, self.why)
    }
}
