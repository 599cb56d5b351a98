//! `edeliver build release`: from a commit to a release in the store.

use edeliver_core::{event::Outcome, name::Revision, plan::build::Caches};

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
}

/// Arguments of `build release`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Build this commit: a hash, a branch, `HEAD~3`
    #[arg(long, value_name = "REVISION", conflicts_with = "tag")]
    pub revision: Option<Revision>,
    /// Build the commit of this tag
    #[arg(long, value_name = "TAG")]
    pub tag: Option<Revision>,
    /// Build the tip of this branch, instead of what is checked out; with --revision or --tag: what the build sees as `BRANCH`
    #[arg(long, value_name = "BRANCH")]
    pub branch: Option<Revision>,
    /// Build from nothing: no dependency and no compiled file of an earlier build is used
    #[arg(long)]
    pub clean: bool,
    /// Leave files of earlier builds that git does not know where they are
    #[arg(long)]
    pub skip_git_clean: bool,
    /// Never run the `clean` of the build tool
    #[arg(long)]
    pub skip_mix_clean: bool,
    /// MIX_ENV of the build
    #[arg(long, value_name = "ENV")]
    pub mix_env: Option<String>,
    /// Replace another release of the same version in the store
    #[arg(short = 'F', long)]
    pub force: bool,
    /// Show what would be done and stop; nothing is changed
    #[arg(long)]
    pub plan: bool,
    /// With --plan: exit with 10, because there is something to do
    #[arg(long, requires = "plan")]
    pub exit_code: bool,
}

/// Runs `build`.
///
/// # Errors
/// When nothing was begun; a build that fails gives its exit code.
pub async fn run(ctx: &Ctx, command: Command) -> Result<u8, Error> {
    let Command::Release(args) = command;
    match build::run(ctx, request(ctx, &args)?).await? {
        Ended::Over(code) => Ok(code),
        Ended::Built(built) => Ok(ctx.finish(Outcome { hosts: vec![built.host], exit_code: 0, interrupted: false })),
    }
}

/// Options win over the configuration.
fn request(ctx: &Ctx, args: &Args) -> Result<Request, Error> {
    let mut settings = ctx.loaded()?.build()?.clone();
    settings.skip_git_clean |= args.skip_git_clean;
    settings.skip_mix_clean |= args.skip_mix_clean;
    if let Some(env) = &args.mix_env {
        settings.mix_env.clone_from(env);
    }
    let branch = args.branch.clone().or(settings.branch.clone());
    let wanted = match (&args.tag, args.revision.as_ref().or(unless(&args.branch, settings.revision.as_ref())), &branch) {
        (Some(tag), _, _) => Wanted::Tag(tag.clone()),
        (None, Some(revision), _) => Wanted::Revision(revision.clone()),
        (None, None, Some(branch)) => Wanted::Branch(branch.clone()),
        (None, None, None) => Wanted::Head,
    };
    Ok(Request {
        settings,
        wanted,
        branch: branch.map(|branch| branch.to_string()),
        caches: if args.clean { Caches::Removed } else { Caches::Used },
        existing: if args.force { Existing::Replace } else { Existing::Refuse },
        how: PlanArgs { plan: args.plan, exit_code: args.exit_code, skip_blocked: false },
    })
}

/// A revision in the configuration does not stand against a branch on the command line.
fn unless<'a>(branch: &Option<Revision>, revision: Option<&'a Revision>) -> Option<&'a Revision> {
    if branch.is_some() { None } else { revision }
}
