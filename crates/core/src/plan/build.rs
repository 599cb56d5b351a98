//! Planning a build: from the commit, the settings and what the build host has, to steps in the order of edeliver 1.9, hooks included.
//!
//! The version is an output of the build, so no plan can name it: the plan ends where the release has been read and brought to the store.

mod environment;
mod facts;
mod workplace;

use std::collections::BTreeSet;

pub use facts::{BuildHost, ModuleFrom, Source, Submodule, Tag};
pub use workplace::{CleanSubmodules, Push, ReleaseDir, SlotKey, Workplace, repository};

use crate::{
    auto_version::Recipe,
    build_tool::{Assembler, Commands, Profile, Tools, ToolsError},
    config::{BuildSettings, BuildTool},
    hint::Hint,
    name::AppName,
    plan::{FORMAT, HostPlan, Plan, Precondition, Verdict},
    release::RelPath,
    step::{BuildStage, BuildStep, Step},
    strategy::Rollout,
};

/// What git must keep when it cleans a worktree without being told paths: dependencies and build output, at any depth.
const KEPT: [&str; 4] = ["_build", "deps", "node_modules", "_rel"];

/// rebar 2 compiles into the source tree.
const KEPT_BY_REBAR: [&str; 1] = ["ebin"];

/// The hooks of a build, in the order in which they run.
pub const HOOKS: [&str; 12] = [
    "pre_init_app_remotely",
    "post_init_app_remotely",
    "pre_git_push",
    "post_git_push",
    "pre_git_submodules",
    "post_git_submodules",
    "pre_erlang_get_and_update_deps",
    "post_erlang_get_and_update_deps",
    "pre_erlang_clean_compile",
    "post_erlang_clean_compile",
    "pre_erlang_generate_release",
    "post_erlang_generate_release",
];

/// What the user asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildRequest {
    /// Release name.
    pub app: AppName,
    /// The source.
    pub source: Source,
    /// How much of earlier builds is used.
    pub caches: Caches,
    /// The version it gets; `None`: what the project states.
    pub version: Option<VersionChange>,
}

/// Another version than the project states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionChange {
    /// Which.
    pub recipe: Recipe,
    /// Files of an Erlang project that say it, rewritten: path below the project and content.
    pub files: Vec<(RelPath, String)>,
}

/// What becomes of what earlier builds left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caches {
    /// Dependencies and compiled files are used again.
    Used,
    /// `--clean`: nothing is.
    Removed,
}

/// A build, decided: the plan as it is shown, and the details that carrying it out takes.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildPlan {
    /// One host, the build host; hooks stand among its steps.
    pub plan: Plan,
    /// Where and with what the steps run.
    pub work: Workplace,
}

/// Decides how a commit is built. `hooks` are the names of the hooks that the project defines.
///
/// # Errors
/// [`ToolsError`]: no build tool can be chosen. What the build host lacks is not an error but a plan whose verdict is `Blocked`.
pub fn build(
    request: &BuildRequest,
    settings: &BuildSettings,
    host: &BuildHost,
    hooks: &BTreeSet<String>,
) -> Result<BuildPlan, ToolsError> {
    let commands = commands(request, settings)?;
    let work = Workplace::of(request, settings, host, &commands, hooks);
    let verdict = verdict(&commands, host);
    let steps = match verdict {
        Verdict::Change => steps(&Deciding { request, settings, host, hooks, commands: &commands }, &work),
        Verdict::Nothing | Verdict::Blocked { .. } | Verdict::Unreachable { .. } => Vec::new(),
    };
    let host = HostPlan {
        host: settings.host.name.clone(),
        expect: Precondition::default(),
        verdict,
        reasons: reasons(request, settings, &commands, host),
        steps,
        undo: Vec::new(),
    };
    let title = format!("build {} {}", request.app, request.source.commit.short());
    let plan = Plan {
        format: FORMAT,
        title,
        target: None,
        release: None,
        before: Vec::new(),
        hosts: vec![host],
        rollout: Rollout::default(),
        after: Vec::new(),
    };
    Ok(BuildPlan { plan, work })
}

/// The tools and command lines for a request. The programs they name are what the build host is asked about.
///
/// # Errors
/// [`ToolsError`]: no build tool can be chosen.
pub fn commands<'a>(request: &'a BuildRequest, settings: &'a BuildSettings) -> Result<Commands<'a>, ToolsError> {
    let files = &request.source.files;
    let tools = Tools::choose(files, settings.tool, settings.release_tool)?;
    let profile = Profile {
        app: &request.app,
        mix_env: &settings.mix_env,
        rebar_profile: settings.rebar_profile.as_deref(),
        programs: &settings.programs,
        own: files.own,
        names_release: files.names_release,
        rebar_config: settings.rebar_config.as_deref(),
        release_options: &settings.release_options,
    };
    Ok(Commands { tools, profile })
}

struct Deciding<'a> {
    request: &'a BuildRequest,
    settings: &'a BuildSettings,
    host: &'a BuildHost,
    hooks: &'a BTreeSet<String>,
    commands: &'a Commands<'a>,
}

/// All steps; the order of stages and hooks is that of `strategies/erlang-build-release` of edeliver 1.9.
fn steps(deciding: &Deciding<'_>, work: &Workplace) -> Vec<Step> {
    let commit = || deciding.request.source.commit.clone();
    let prepare = (!deciding.host.prepared).then_some(Step::PrepareBuild);
    let push = (!work.push.is_empty()).then(|| Step::PushSource { commit: commit() });
    let paths: Vec<_> = work.submodules.iter().map(|module| module.path.clone()).collect();
    let submodules = (!paths.is_empty()).then_some(Step::Submodules { paths });
    let stages = [
        deciding.around("init_app_remotely", prepare),
        deciding.around("git_push", push),
        [Step::Checkout { commit: commit() }].into_iter().chain(deciding.git_clean()).collect(),
        deciding.around("git_submodules", submodules),
        deciding.around("erlang_get_and_update_deps", Some(deciding.deps())),
        deciding.around("erlang_clean_compile", deciding.tool_clean().into_iter().chain(deciding.compile())),
        deciding.around("erlang_generate_release", Some(deciding.release())),
        vec![Step::Describe, Step::Collect],
    ];
    stages.into_iter().flatten().collect()
}

impl Deciding<'_> {
    /// The steps of a stage between its two hooks.
    fn around(&self, stage: &str, steps: impl IntoIterator<Item = Step>) -> Vec<Step> {
        let hook = |when| {
            let name = format!("{when}_{stage}");
            self.hooks.contains(&name).then_some(Step::Hook { name })
        };
        hook("pre").into_iter().chain(steps).chain(hook("post")).collect()
    }

    /// `--clean` removes everything that the commit does not have; `GIT_CLEAN_PATHS` means just those paths; otherwise everything
    /// goes but dependencies and build output.
    fn git_clean(&self) -> Option<Step> {
        if self.settings.skip_git_clean {
            return None;
        }
        let words = ["git", "clean", "-ffdx"].map(str::to_owned).into_iter();
        let command: Vec<String> = match (self.request.caches, &self.settings.git_clean_paths) {
            (Caches::Removed, _) => words.collect(),
            (Caches::Used, Some(paths)) if paths.is_empty() => return None,
            (Caches::Used, Some(paths)) => words.chain(["--".to_owned()]).chain(paths.iter().cloned()).collect(),
            (Caches::Used, None) => words.chain(self.kept().flat_map(|name| ["-e".to_owned(), name.to_owned()])).collect(),
        };
        Some(stage(BuildStage::Clean, vec![command]))
    }

    fn kept(&self) -> impl Iterator<Item = &'static str> {
        let by_rebar: &[&str] = if self.commands.tools.build == BuildTool::Rebar { &KEPT_BY_REBAR } else { &[] };
        KEPT.iter().chain(by_rebar).copied()
    }

    fn deps(&self) -> Step {
        let mut commands = self.bootstrap();
        commands.extend(self.commands.deps());
        stage(BuildStage::Deps, commands)
    }

    /// Hex and rebar3 for mix, where a dependency needs them and the build host lacks them.
    fn bootstrap(&self) -> Vec<Vec<String>> {
        let files = &self.request.source.files;
        let mix = self.commands.tools.build == BuildTool::Mix;
        let install = |what: &str| vec![self.commands.build_program().to_owned(), what.to_owned(), "--force".to_owned()];
        let rebar3 = (mix && files.needs_rebar3 && !self.host.mix_has_rebar3).then(|| install("local.rebar"));
        let hex = (mix && files.needs_hex && !self.host.has_hex).then(|| install("local.hex"));
        rebar3.into_iter().chain(hex).collect()
    }

    /// The tool's own clean: only where git was not to remove the build output although nothing of it shall be used.
    fn tool_clean(&self) -> Option<Step> {
        let wanted = self.request.caches == Caches::Removed && self.settings.skip_git_clean && !self.settings.skip_mix_clean;
        wanted.then(|| stage(BuildStage::Clean, self.commands.clean()))
    }

    /// Left out where the command that assembles compiles too and no hook stands between the two: every start of mix or rebar3
    /// costs half a second.
    fn compile(&self) -> Option<Step> {
        let between = ["post_erlang_clean_compile", "pre_erlang_generate_release"];
        let hooked = between.iter().any(|name| self.hooks.contains(*name));
        (hooked || !self.commands.release_compiles()).then(|| stage(BuildStage::Compile, self.commands.compile()))
    }

    fn release(&self) -> Step {
        let compiles = self.compile().is_none();
        stage(if compiles { BuildStage::CompileAndRelease } else { BuildStage::Release }, self.commands.release())
    }
}

fn stage(stage: BuildStage, commands: Vec<Vec<String>>) -> Step {
    Step::Build(BuildStep { stage, commands })
}

fn verdict(commands: &Commands<'_>, host: &BuildHost) -> Verdict {
    let hints: Vec<Hint> = missing(commands, host).into_iter().map(Hint::text).collect();
    if hints.is_empty() { Verdict::Change } else { Verdict::Blocked { hints } }
}

/// What the build host lacks, as remedies.
fn missing(commands: &Commands<'_>, host: &BuildHost) -> Vec<String> {
    let mut remedies = Vec::new();
    if !host.writable {
        remedies.push(format!("give the login on the build host write permission in {}", host.base));
    }
    for tool in &host.missing {
        remedies.push(match tool.as_str() {
            "sha256" => "install sha256sum, shasum or openssl on the build host".to_owned(),
            tool if tool == commands.build_program() || tool == commands.assemble_program() => {
                format!("install {tool} on the build host, or put it in the PATH that the profile sets")
            }
            tool => format!("install {tool} on the build host"),
        });
    }
    remedies
}

fn reasons(request: &BuildRequest, settings: &BuildSettings, commands: &Commands<'_>, host: &BuildHost) -> Vec<String> {
    let Source { commit, branch, .. } = &request.source;
    let of = branch.as_deref().map_or(String::new(), |branch| format!(" of {branch}"));
    let mut reasons = vec![format!("commit {}{of}", commit.short()), toolchain(settings, commands, host)];
    reasons.extend(request.version.as_ref().map(|version| format!("version {}", version.recipe.describe())));
    if !host.missing.is_empty() {
        reasons.push(format!("the build host has no {}", host.missing.join(", no ")));
    }
    if !host.writable {
        reasons.push(format!("{} can't be written", host.base));
    }
    reasons
}

/// `mix release with MIX_ENV=prod, OTP 25.2.3, Elixir 1.14.0`.
fn toolchain(settings: &BuildSettings, commands: &Commands<'_>, host: &BuildHost) -> String {
    let mut text = match commands.tools.assemble {
        Assembler::Mix => format!("mix release with MIX_ENV={}", settings.mix_env),
        Assembler::Distillery => format!("mix and distillery with MIX_ENV={}", settings.mix_env),
        Assembler::Rebar3 => format!("rebar3, profile {}", settings.rebar_profile.as_deref().unwrap_or("default")),
        Assembler::Rebar => "rebar".to_owned(),
        Assembler::Relx if commands.tools.build == BuildTool::Mix => format!("mix and relx with MIX_ENV={}", settings.mix_env),
        Assembler::Relx => "rebar and relx".to_owned(),
    };
    let versions = [("OTP", &host.otp), ("Elixir", &host.elixir)];
    for (name, version) in versions {
        if let Some(version) = version {
            text.push_str(&format!(", {name} {version}"));
        }
    }
    text
}

#[cfg(test)]
mod tests;
