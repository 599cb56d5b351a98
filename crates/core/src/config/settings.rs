//! The validated configuration.

mod inventory;
mod notices;
mod rollout;
mod store;
mod traffic;
mod upgrade;

use std::{path::PathBuf, time::Duration};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use inventory::{HostSource, HostsFrom, Inventory, SourceKind};
pub use notices::{NoticeFormat, Notify, Occasion, RunHooks, Webhook};
pub use rollout::{Migrate, OnFailure, Peers, RolloutSettings};
pub use store::{HostStore, RemoteStore, S3Keys, S3Store, StoreSettings};
pub use traffic::{Traffic, TrafficProgram};
pub use upgrade::{Engine, HealthCheck, HttpCheck, Limits, OnRestart, RehearsalSettings, UpgradeSettings};

use crate::name::{AppName, HostName, HostPath, NodeName, Revision, Tag, TargetName, UnitName, UserName};

/// Everything a run needs to know from files, environment and flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Release name: `APP` of the classic config; what the start script is called.
    pub app: AppName,
    /// Where and how releases are built; `None` when no build host is configured (deploying still works).
    pub build: Option<BuildSettings>,
    /// The release store on this machine.
    pub store: StoreSettings,
    /// The store that releases are published to and fetched from, if they are kept elsewhere.
    pub remote_store: Option<RemoteStore>,
    /// How ssh connections are made.
    pub ssh: SshSettings,
    /// Targets in the order they were written.
    pub targets: IndexMap<TargetName, TargetSettings>,
    /// Of targets whose hosts don't all stand in the configuration: where they come from. Their [`TargetSettings::hosts`] are empty until
    /// somebody has asked there.
    pub inventories: IndexMap<TargetName, Inventory>,
    /// Where hooks come from.
    pub hooks: HookSource,
    /// Programs that are run around what a run does.
    pub run_hooks: RunHooks,
    /// Who is told of runs.
    pub notify: Option<Notify>,
}

/// How a host is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransportKind {
    /// OpenSSH's client with the user's own configuration.
    Ssh,
    /// A folder on this machine.
    Local,
}

/// One machine and the place on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSpec {
    /// What the user calls it; also its label in all output.
    pub name: HostName,
    /// Where ssh finds it; `None`: by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<HostName>,
    /// How it is reached.
    pub transport: TransportKind,
    /// Login; `None` leaves it to ssh_config.
    pub user: Option<UserName>,
    /// ssh port; `None` leaves it to ssh_config.
    pub port: Option<u16>,
    /// Build host: the folder builds live in (`BUILD_AT`). Deploy host: the parent of the `APP` directory (`DELIVER_TO`).
    pub path: HostPath,
    /// The Erlang node name, where it can't be found from the release itself.
    pub node: Option<NodeName>,
    /// Tags for selecting hosts.
    pub tags: Vec<Tag>,
}

impl HostSpec {
    /// A machine of which nothing else is said.
    pub fn new(name: HostName, transport: TransportKind, path: HostPath) -> Self {
        Self { name, address: None, transport, user: None, port: None, path, node: None, tags: Vec::new() }
    }
}

/// The build tool in front: who fetches dependencies and compiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BuildTool {
    /// Elixir's mix.
    Mix,
    /// rebar3.
    Rebar3,
    /// rebar 2.
    Rebar,
}

/// Which release builder a mix project uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MixRelease {
    /// `mix release` of Elixir 1.9 and later.
    Native,
    /// Distillery 2's `mix distillery.release`.
    Distillery,
    /// `relx release`, with a relx.config.
    Relx,
}

/// Where and how releases are built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildSettings {
    /// The build host; its path is the folder for builds.
    pub host: HostSpec,
    /// The image of the container that releases are built in, on this machine instead of the build host; `None`: no container.
    pub image: Option<String>,
    /// Build tool; `None`: detected from the files of the commit.
    pub tool: Option<BuildTool>,
    /// Release builder of a mix project; `None`: detected.
    pub release_tool: Option<MixRelease>,
    /// `MIX_ENV` for mix, and the release environment of Distillery.
    pub mix_env: String,
    /// rebar3 profile (`REBAR_PROFILE`); `None`: rebar3's default profile.
    pub rebar_profile: Option<String>,
    /// Another `rebar.config`, relative to the project (`REBAR_CONFIG`).
    pub rebar_config: Option<String>,
    /// Branch to build where the user names no revision; `None`: the branch that is checked out.
    pub branch: Option<Revision>,
    /// Revision to build where the user names none (`REVISION`); `None`: the tip of the branch.
    pub revision: Option<Revision>,
    /// What every build appends to the version (`AUTO_VERSION`), as written: `commit-count+git-revision`.
    pub auto_version: Option<String>,
    /// `GIT_CLEAN_PATHS`: paths cleaned with `git clean -ffdx` before a build; `None`: everything but kept dependencies and build output.
    pub git_clean_paths: Option<Vec<String>>,
    /// `SKIP_GIT_CLEAN`.
    pub skip_git_clean: bool,
    /// `SKIP_MIX_CLEAN`: never run the tool's own `clean`.
    pub skip_mix_clean: bool,
    /// `RELUP_MODIFICATION_MODULE`: the module of the release that changes relups; `None`: it is found.
    pub relup_mod: Option<String>,
    /// `SKIP_RELUP_MODIFICATIONS`.
    pub skip_relup_mod: bool,
    /// `RELEASE_DIR`: where the assembled release lies, when the tool puts it elsewhere than usual; a relative path counts from the checkout.
    pub release_dir: Option<HostPath>,
    /// `RELEASE_CMD_OPTIONS`: more words for the command that assembles the release.
    pub release_options: Vec<String>,
    /// `MIX_CMD`, `REBAR3_CMD`, `REBAR_CMD`, `RELX_CMD`.
    pub programs: Programs,
    /// Extra environment of every build command.
    pub env: IndexMap<String, String>,
    /// Shell start-up file sourced before build commands, as written (may start with `~/`); missing file is fine.
    pub profile: String,
    /// Longest time for each single build step.
    pub timeout: Duration,
}

/// The build tools' programs, where they are not to be found by themselves: first the project's own (`./rebar3`), then `PATH`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Programs {
    /// mix.
    pub mix: Option<String>,
    /// rebar3.
    pub rebar3: Option<String>,
    /// rebar 2.
    pub rebar: Option<String>,
    /// relx.
    pub relx: Option<String>,
}

/// How ssh connections are made; everything else is left to the user's ssh_config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshSettings {
    /// Longest wait for a connection (`SSH_TIMEOUT`).
    pub connect_timeout: Duration,
    /// Another file than `~/.ssh/config` (`ssh -F`), relative to the project or absolute.
    pub config: Option<PathBuf>,
}

/// How nodes are run on the hosts of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// The release's own start script (`bin/APP daemon`).
    Script,
    /// A unit of the machine's systemd.
    Systemd,
    /// A unit of the login's own systemd (`systemctl --user`).
    #[serde(rename = "systemd-user")]
    SystemdUser,
}

/// A named group of hosts with settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSettings {
    /// `staging`, `production`, …
    pub name: TargetName,
    /// Hosts in the order they were written.
    pub hosts: Vec<HostSpec>,
    /// Ask before changing anything there (default: only for `production`).
    pub confirm: bool,
    /// How many releases stay on a host, the running, permanent and previous good one always among them. At least 2.
    pub keep_releases: u32,
    /// Longest wait for a node to be fully started.
    pub start_timeout: Duration,
    /// Longest wait for a node to stop by itself, before it is killed.
    pub stop_timeout: Duration,
    /// Longest time for a transfer or any other single step.
    pub step_timeout: Duration,
    /// Shell start-up file sourced before node commands (`PROFILE`), as written; missing file is fine.
    pub profile: String,
    /// Environment that nodes are started with, over the profile's.
    pub env: IndexMap<String, String>,
    /// How nodes are run.
    pub service: Service,
    /// The systemd unit; `None`: called like the release.
    pub unit: Option<UnitName>,
    /// What `migrate` calls instead of Ecto's migrator: an Elixir or Erlang function without arguments, `MyApp.Release.migrate`.
    pub migrate: Option<String>,
    /// What `migrate down` calls then: a function that takes the version to go back to, as an integer, or `nil`.
    pub migrate_down: Option<String>,
    /// The Ecto repositories that are migrated (`ECTO_REPOSITORY`); empty: all of the release's applications.
    pub ecto_repos: Vec<String>,
    /// Start the deployed release without being asked for it (`START_DEPLOY`).
    pub start_deploy: bool,
    /// Remove old releases on deploy as `--clean-deploy` does (`CLEAN_DEPLOY`).
    pub clean_deploy: bool,
    /// How running nodes are upgraded.
    pub upgrade: UpgradeSettings,
    /// How a change goes over the hosts.
    pub rollout: RolloutSettings,
}

/// Where hooks come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookSource {
    /// None.
    None,
    /// Functions of a bash file: `.deliver/config`, or the hooks file that `config import` wrote.
    Bash {
        /// The file, relative to the project or absolute.
        file: PathBuf,
    },
}
