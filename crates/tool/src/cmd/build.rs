//! `edeliver build release`: from a commit to a release in the store.

mod appups;
mod modify;
mod upgrade;

pub(super) use modify::{candidates, modification, modify};

use edeliver_core::{
    auto_version::{Base, Metadata, Part, VersionRule},
    config::{BuildSettings, settle},
    event::Outcome,
    name::{Revision, Version},
    plan::build::Caches,
};

use crate::{
    build::{self, Ended, Request},
    cli::options::PlanArgs,
    ctx::Ctx,
    error::Error,
    git::Wanted,
    store::Existing,
};

/// What to build.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Build a release from a commit and bring it to the store
    Release(Args),
    /// Make the relup by which running nodes go from one release to another without a restart
    Upgrade(upgrade::Args),
    /// Write the appups between two releases, application by application, so that they can be changed before the relup is made
    #[command(alias = "appup")]
    Appups(appups::Args),
}

/// Arguments of `build release`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// What is built, and how.
    #[command(flatten)]
    pub source: Source,
    /// Show what would be done and stop; nothing is changed
    #[arg(long)]
    pub plan: bool,
    /// With --plan: exit with 10, because there is something to do
    #[arg(long, requires = "plan")]
    pub exit_code: bool,
}

/// What is built, and how.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Source {
    /// Build this commit: a hash, a branch, `HEAD~3`
    #[arg(long, visible_alias = "to", value_name = "REVISION", conflicts_with = "tag")]
    pub revision: Option<Revision>,
    /// Build the commit of this tag
    #[arg(long, value_name = "TAG")]
    pub tag: Option<Revision>,
    /// Build the tip of this branch, instead of what is checked out; with --revision or --tag: what the build sees as `BRANCH`
    #[arg(long, value_name = "BRANCH")]
    pub branch: Option<Revision>,
    /// How.
    #[command(flatten)]
    pub how: How,
}

/// How releases are built.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct How {
    /// Build from nothing: no dependency and no compiled file of an earlier build is used
    #[arg(long)]
    pub clean: bool,
    /// Leave files of earlier builds that git does not know where they are
    #[arg(long)]
    pub skip_git_clean: bool,
    /// Never run the `clean` of the build tool
    #[arg(long)]
    pub skip_mix_clean: bool,
    /// Append this to the version: git-revision, commit-count, commit-count-branch, branch, branch-unless-master, date, time, mix-env,
    /// several joined by `+`
    #[arg(long, value_name = "METADATA", value_parser = auto_version)]
    pub auto_version: Option<AutoVersion>,
    /// Count the project's version up
    #[arg(long, value_name = "patch|minor|major", conflicts_with = "set_version")]
    pub increment_version: Option<Part>,
    /// Give the release this version, instead of the one the project states
    #[arg(long, value_name = "VERSION")]
    pub set_version: Option<Version>,
    /// MIX_ENV of the build
    #[arg(long, value_name = "ENV", value_parser = settle::mix_env)]
    pub mix_env: Option<String>,
    /// Replace another release of the same version in the store
    #[arg(short = 'F', long)]
    pub force: bool,
}

/// What is appended to a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoVersion(Vec<Metadata>);

fn auto_version(text: &str) -> Result<AutoVersion, String> {
    Metadata::parse_all(text).map(AutoVersion).map_err(|error| format!("{error}: {}", settle::APPENDED))
}

/// Runs `build`.
///
/// # Errors
/// When nothing was begun; a build that fails gives its exit code.
pub async fn run(ctx: &Ctx, command: Command) -> Result<u8, Error> {
    let args = match command {
        Command::Release(args) => args,
        Command::Upgrade(args) => return upgrade::run(ctx, args).await,
        Command::Appups(args) => return appups::run(ctx, args).await,
    };
    let how = PlanArgs { plan: args.plan, exit_code: args.exit_code, ..PlanArgs::default() };
    match build::run(ctx, request(ctx, &args.source, how)?).await? {
        Ended::Over(code) => Ok(code),
        Ended::Built(built) => Ok(ctx.finish(Outcome { hosts: vec![built.host], exit_code: 0, interrupted: false }).await),
    }
}

/// Options win over the configuration.
pub(super) fn request(ctx: &Ctx, source: &Source, how: PlanArgs) -> Result<Request, Error> {
    let settings = settings(ctx, &source.how)?;
    let (wanted, branch) = wanted(source, &settings);
    Ok(build_of(settings, &source.how, wanted, branch, how))
}

/// The settings of builds, with what the command line says.
fn settings(ctx: &Ctx, how: &How) -> Result<BuildSettings, Error> {
    let mut settings = ctx.loaded()?.build()?.clone();
    settings.skip_git_clean |= how.skip_git_clean;
    settings.skip_mix_clean |= how.skip_mix_clean;
    if let Some(env) = &how.mix_env {
        settings.mix_env.clone_from(env);
    }
    Ok(settings)
}

/// A build of this commit.
fn build_of(settings: BuildSettings, how: &How, wanted: Wanted, branch: Option<String>, plan: PlanArgs) -> Request {
    Request {
        version: version_rule(how, &settings),
        settings,
        wanted,
        branch,
        caches: if how.clean { Caches::Removed } else { Caches::Used },
        existing: if how.force { Existing::Replace } else { Existing::Refuse },
        how: plan,
    }
}

/// What is appended on the command line takes the place of what the configuration appends.
fn version_rule(args: &How, settings: &BuildSettings) -> VersionRule {
    let configured = || settings.auto_version.as_deref().and_then(|text| Metadata::parse_all(text).ok()).unwrap_or_default();
    let base = match (&args.set_version, args.increment_version) {
        (Some(version), _) => Base::Set(version.to_string()),
        (None, Some(part)) => Base::Increment(part),
        (None, None) => Base::Project,
    };
    VersionRule { base, metadata: args.auto_version.as_ref().map_or_else(configured, |AutoVersion(metadata)| metadata.clone()) }
}

/// Which commit, and what the build sees as `BRANCH`. The command line wins as a whole: a branch there is not overruled by a revision in the
/// configuration.
fn wanted(args: &Source, settings: &BuildSettings) -> (Wanted, Option<String>) {
    let branch = args.branch.as_ref().or(settings.branch.as_ref());
    let configured = settings.revision.as_ref().filter(|_| args.branch.is_none());
    let wanted = match (&args.tag, args.revision.as_ref().or(configured), branch) {
        (Some(tag), _, _) => Wanted::Tag(tag.clone()),
        (None, Some(revision), _) => Wanted::Revision(revision.clone()),
        (None, None, Some(branch)) => Wanted::Branch(branch.clone()),
        (None, None, None) => Wanted::Head,
    };
    (wanted, branch.map(ToString::to_string))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser as _;
    use edeliver_core::config::{HostSpec, Programs, TransportKind};

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Source,
    }

    fn settings(branch: Option<&str>, revision: Option<&str>) -> BuildSettings {
        let parse = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        BuildSettings {
            host: HostSpec::new("build".parse().unwrap(), TransportKind::Ssh, "/builds".parse().unwrap()),
            image: None,
            tool: None,
            release_tool: None,
            mix_env: "prod".to_owned(),
            rebar_profile: None,
            rebar_config: None,
            branch: parse(branch),
            revision: parse(revision),
            auto_version: None,
            git_clean_paths: None,
            skip_git_clean: false,
            skip_mix_clean: false,
            relup_mod: None,
            skip_relup_mod: false,
            release_dir: None,
            release_options: Vec::new(),
            programs: Programs::default(),
            env: Default::default(),
            profile: String::new(),
            timeout: Duration::from_secs(1),
        }
    }

    fn chosen(line: &str, branch: Option<&str>, revision: Option<&str>) -> String {
        let words = ["release"].into_iter().chain(line.split_whitespace());
        let (wanted, branch) = wanted(&Line::parse_from(words).args, &settings(branch, revision));
        let wanted = match wanted {
            Wanted::Revision(name) => format!("revision {name}"),
            Wanted::Tag(name) => format!("tag {name}"),
            Wanted::Branch(name) => format!("branch {name}"),
            Wanted::Head => "head".to_owned(),
        };
        format!("{wanted}, BRANCH={}", branch.unwrap_or_default())
    }

    #[test]
    fn the_command_line_wins_over_the_configuration() {
        assert_eq!(chosen("", None, None), "head, BRANCH=");
        assert_eq!(chosen("", Some("main"), None), "branch main, BRANCH=main");
        assert_eq!(chosen("", Some("main"), Some("abc")), "revision abc, BRANCH=main");
        assert_eq!(chosen("--branch=side", Some("main"), Some("abc")), "branch side, BRANCH=side");
        assert_eq!(chosen("--tag=v1", Some("main"), Some("abc")), "tag v1, BRANCH=main");
        assert_eq!(chosen("--revision=HEAD~1 --branch=side", Some("main"), None), "revision HEAD~1, BRANCH=side");
    }
}
