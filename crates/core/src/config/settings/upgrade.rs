//! How running nodes are upgraded.

use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// `[upgrade]`: what holds for hot upgrades of a target's nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpgradeSettings {
    /// What carries a relup out on the node.
    pub engine: Engine,
    /// What is done with a node that can't be upgraded without a restart.
    pub on_restart: OnRestart,
    /// How long an upgraded node is watched before the upgrade becomes permanent.
    pub soak: Duration,
    /// Longest waits on the node.
    pub limits: Limits,
    /// Look for the children that `start/2` of an application lists, by calling it once more on the running node.
    pub discover_children: bool,
    /// Modules whose changed native library may be replaced while it is in use, as they are written in their language: `MyApp.Native`,
    /// `my_nif`.
    pub allow_nif: Vec<String>,
    /// The application's own word that it is well.
    pub health: Option<HealthCheck>,
    /// Longest wait for the answer of one health check.
    pub health_timeout: Duration,
    /// What is different where an upgrade is rehearsed.
    pub rehearsal: RehearsalSettings,
}

/// What is different for a node on the build host, on which an upgrade is rehearsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RehearsalSettings {
    /// Environment that it is started with, over that of builds. Ports stand here and nowhere else.
    pub env: IndexMap<String, String>,
    /// The health check there; `None`: that of real hosts, where it can't meet another node.
    pub health: Option<HealthCheck>,
}

/// As `default.toml` documents it; a test compares.
impl Default for UpgradeSettings {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self {
            engine: Engine::Transactional,
            on_restart: OnRestart::Refuse,
            soak: 30 * second,
            limits: Limits { suspend: 5 * second, code_change: 5 * second, child: 10 * second, confirm: 120 * second },
            discover_children: true,
            allow_nif: Vec::new(),
            health: None,
            health_timeout: 5 * second,
            rehearsal: RehearsalSettings::default(),
        }
    }
}

/// What carries a relup out on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// edeliver's agent: everything is put back when something fails.
    Transactional,
    /// OTP's `release_handler`: a failure after the point of no return restarts the node.
    ReleaseHandler,
}

impl Engine {
    /// As it stands in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Transactional => "transactional",
            Self::ReleaseHandler => "release_handler",
        }
    }
}

/// What is done with a node that can't be upgraded without a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnRestart {
    /// Nothing, and it is said why.
    Refuse,
    /// It is restarted into the new release (`--restart-if-needed`).
    Restart,
}

/// Longest waits while a node is upgraded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// For all processes concerned to be suspended.
    pub suspend: Duration,
    /// For the `code_change` of one process.
    pub code_change: Duration,
    /// For one child to start or to stop.
    pub child: Duration,
    /// For the operator: without a word from edeliver for so long, the node takes the upgrade back by itself.
    pub confirm: Duration,
}

/// The application's own word that it is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HealthCheck {
    /// A command that is run on the host, in the release root; status 0 is well.
    Command(String),
    /// An address that is asked on the host.
    Http(HttpCheck),
    /// A function without arguments on the node, `MyApp.Health.check` or `my_app_health:check`; `ok`, `:ok` in front of a tuple and `true` are
    /// well.
    Function(String),
}

/// A page that tells whether the application is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpCheck {
    /// Its address on the host.
    pub address: String,
    /// The status of a page that is well; `None`: 200 to 299.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What must stand in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl HealthCheck {
    /// Which check, without what may be secret in it.
    pub fn describe(&self) -> String {
        match self {
            Self::Command(_) => "health command".to_owned(),
            Self::Http(_) => "health address".to_owned(),
            Self::Function(function) => function.clone(),
        }
    }
}
