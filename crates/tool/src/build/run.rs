//! The whole of a build: gather, plan, carry out.

use std::collections::BTreeSet;

use edeliver_core::{
    auto_version::VersionRule,
    config::BuildSettings,
    doctor::Vitals,
    event::{EventKind, HostOutcome, HostResult, Outcome},
    hint::Hint,
    name::CommitId,
    notice::Action,
    plan::{
        Plan,
        build::{self as plan, BuildHost, BuildPlan, BuildRequest, Caches},
    },
    release::Manifest,
};

use super::{
    BuildError,
    carry::{Carrying, Stopped},
    facts,
    hooks::Hooks,
    lease::Lease,
    site::Site,
    told, version,
};
use crate::{
    cli::options::PlanArgs,
    config::Loaded,
    ctx::Ctx,
    doctor,
    error::{Error, Kind},
    flow::{self, Settled},
    git::{Chosen, Repository, Wanted},
    node::Place,
    store::{Existing, Store, blocking},
    transport::{self, Transport},
};

/// What is to be built, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// Settings of builds, options of the command line included.
    pub settings: BuildSettings,
    /// Which commit.
    pub wanted: Wanted,
    /// What the build sees as `BRANCH`, where the commit was not chosen by a branch.
    pub branch: Option<String>,
    /// Whether earlier builds are of use.
    pub caches: Caches,
    /// What becomes of another release of the same version.
    pub existing: Existing,
    /// Whether it is only planned.
    pub how: PlanArgs,
    /// The version it gets.
    pub version: VersionRule,
}

/// How a run that builds went.
#[derive(Debug)]
#[must_use]
pub enum Ended {
    /// Nothing was built; the run is over, with this exit code.
    Over(u8),
    /// The release is in the store.
    Built(Box<Built>),
}

/// A release that was built.
#[derive(Debug)]
pub struct Built {
    /// Its manifest, as the store has it.
    pub manifest: Manifest,
    /// Whether the store had it before.
    pub already: bool,
    /// How it went on the build host, for the last table.
    pub host: HostOutcome,
}

/// Builds a release and brings it to the store, as a run of its own.
///
/// # Errors
/// When nothing was begun: no such commit, the build host can't be reached or lacks something. A build that fails is told, and is
/// [`Ended::Over`].
pub async fn run(ctx: &Ctx, request: Request) -> Result<Ended, Error> {
    let build = Build::choose(ctx, request).await?;
    ctx.begin(build.title(ctx)?, build.request.how.journal())?;
    build.carry_out(ctx).await
}

/// A build that can begin: its commit is known.
pub struct Build {
    request: Request,
    repository: Repository,
    chosen: Chosen,
}

impl Build {
    /// Finds the commit.
    ///
    /// # Errors
    /// No repository, or no such commit.
    pub async fn choose(ctx: &Ctx, request: Request) -> Result<Self, Error> {
        let repository = Repository::open(&ctx.project).await?;
        let mut chosen = repository.choose(&request.wanted).await?;
        chosen.branch = request.branch.clone().or(chosen.branch);
        Ok(Self { request, repository, chosen })
    }

    /// The commit.
    pub fn commit(&self) -> &CommitId {
        &self.chosen.commit
    }

    fn title(&self, ctx: &Ctx) -> Result<String, Error> {
        Ok(format!("build {} {}", ctx.settings()?.app, self.chosen.commit.short()))
    }

    /// Plans it with what the build host has, and looks at that host; nothing is changed.
    ///
    /// # Errors
    /// The build host can't be asked, or the project can't be built as it is.
    pub async fn examine(self, ctx: &Ctx) -> Result<(Plan, Vitals), Error> {
        let Self { request, repository, chosen } = self;
        let app = &ctx.settings()?.app;
        let source = repository.source(&chosen, app.as_str()).await?;
        let version = version::change(&repository, &chosen, app, &request.version, &request.settings.mix_env).await?;
        let asked = BuildRequest { app: app.clone(), source, caches: request.caches, version };
        let host = transport::open(&request.settings.host, ctx.limits()?).await?;
        let examined = async {
            let (plan, _) = gather_and_plan(&*host, &repository, &asked, &request.settings, &BTreeSet::new()).await?;
            Ok((plan.plan, doctor::vitals(&*host, &Place::on(&request.settings.host, app)).await?))
        };
        let examined = examined.await;
        host.close().await;
        examined
    }

    /// Builds it, as a part of the run that has begun.
    ///
    /// # Errors
    /// As [`run`].
    pub async fn carry_out(self, ctx: &Ctx) -> Result<Ended, Error> {
        let Self { request, repository, chosen } = self;
        let settings = ctx.settings()?;
        let run = ctx.run().expect("whoever builds has begun a run").clone();
        tell_uncommitted(ctx, &repository, &chosen).await?;
        ctx.reporter.send(EventKind::Waiting { what: format!("asking {}", request.settings.host.name) });
        let store = ctx.store()?;
        let source = async { Ok::<_, Error>(repository.source(&chosen, settings.app.as_str()).await?) };
        let open = async { Ok::<_, Error>(transport::open_builder(&request.settings, store.root(), ctx.limits()?).await?) };
        let reached = store.clone();
        let reach = async { Ok::<_, Error>(blocking(move || reached.reach()).await?) };
        let (source, transport, ()) = tokio::try_join!(source, open, reach)?;
        let version = version::change(&repository, &chosen, &settings.app, &request.version, &request.settings.mix_env).await?;
        let asked = BuildRequest { app: settings.app.clone(), source, caches: request.caches, version };
        let hooks = Hooks::start(ctx, &request.settings, chosen.branch.clone(), transport.clone()).await?;
        let (plan, host) = gather_and_plan(&*transport, &repository, &asked, &request.settings, &hooks.defined()).await?;
        if let Settled::Over(code) = flow::settle(ctx, &plan.plan, None, request.how).await? {
            return Ok(Ended::Over(code));
        }
        ctx.before(Action::Build, &plan.plan).await?;
        let reporter = ctx.reporter.for_host(&request.settings.host.name);
        let site =
            Site { transport: transport.clone(), repository: &repository, work: &plan.work, reporter, base: &host.base, run: &run };
        let lease = Lease::begin(transport.clone(), &site.own(), plan.work.key.as_str(), &run);
        let carrying = Carrying {
            site,
            lease,
            store: &store,
            archive: settings.store.archive,
            hooks,
            existing: request.existing,
            checked_out: None,
            assembled: None,
            kept: None,
        };
        let done = carry_out(carrying, &plan, ctx.loaded()?).await;
        transport.close().await;
        Ok(match done {
            Ok(built) => {
                ctx.after(Action::Build, &Outcome { hosts: vec![built.host.clone()], exit_code: 0, interrupted: false }).await;
                Ended::Built(Box::new(built))
            }
            Err(stopped) => Ended::Over(tell_stopped(ctx, &plan, *stopped).await),
        })
    }
}

/// A build takes what is committed. Whoever builds what they see in front of them wants to know about the rest.
async fn tell_uncommitted(ctx: &Ctx, repository: &Repository, chosen: &Chosen) -> Result<(), Error> {
    if !repository.is_checked_out(&chosen.commit).await? {
        return Ok(());
    }
    let (files, differ) = match repository.uncommitted(&ctx.resolve(&ctx.settings()?.store.path)).await? {
        0 => return Ok(()),
        1 => ("1 file".to_owned(), "differs"),
        count => (format!("{count} files"), "differ"),
    };
    let text = format!("{files} in the working tree {differ} from commit {}, which is what is built", chosen.commit.short());
    ctx.reporter.warn(text, vec![Hint::command("to see them", "git status")]);
    Ok(())
}

async fn gather_and_plan(
    transport: &dyn Transport,
    repository: &Repository,
    asked: &BuildRequest,
    settings: &BuildSettings,
    hooks: &BTreeSet<String>,
) -> Result<(BuildPlan, BuildHost), Error> {
    let commands = plan::commands(asked, settings).map_err(BuildError::from)?;
    let versions = repository.file(&asked.source.commit, ".tool-versions").await?.unwrap_or_default();
    let host = facts::gather(transport, asked, settings, &commands, versions).await?;
    let plan = plan::build(asked, settings, &host, hooks).map_err(BuildError::from)?;
    Ok((plan, host))
}

async fn carry_out(mut carrying: Carrying<'_>, plan: &BuildPlan, loaded: &Loaded) -> Result<Built, Box<Stopped>> {
    let [host] = &plan.plan.hosts[..] else { unreachable!("a build has one host") };
    let done = carrying.all(&host.steps).await;
    let Carrying { site, lease, store, assembled, kept, hooks, .. } = carrying;
    lease.release().await;
    hooks.rest(loaded);
    done?;
    let (Some(assembled), Some(kept)) = (assembled, kept) else { unreachable!("a build's last steps read and keep the release") };
    let before = before(store, &kept.manifest);
    for told::Told { text, hints } in told::told(&assembled, &kept, before.as_ref()) {
        site.reporter.warn(text, hints);
    }
    let title = kept.manifest.title();
    let summary = if kept.already { format!("{title} was in the store already") } else { format!("{title} is in the store") };
    let result = HostResult::Done;
    site.reporter.send(EventKind::HostFinished { result, summary: summary.clone() });
    let host = HostOutcome { host: host.host.clone(), result, summary };
    Ok(Built { manifest: kept.manifest, already: kept.already, host })
}

/// The newest release beside this one.
fn before(store: &Store, manifest: &Manifest) -> Option<Manifest> {
    let store = store.here();
    let stored = store.list().ok()?.stored;
    let other = stored.iter().rev().find(|stored| stored.version != manifest.version && stored.id.is_some())?;
    store.manifest(&other.version).ok()
}

/// Says where a build stopped and ends the run; gives the exit code.
async fn tell_stopped(ctx: &Ctx, plan: &BuildPlan, stopped: Stopped) -> u8 {
    let Stopped { index, step, error } = stopped;
    let output = error.output().to_vec();
    let lost = error.is_lost_link();
    let error = Error::from(error);
    let exit_code = error.kind.exit_code();
    let hosts = plan.plan.hosts.iter().map(|host| {
        let reporter = ctx.reporter.for_host(&host.host);
        let (causes, hints) = (error.causes(), error.hints.clone());
        let summary = causes.first().cloned().unwrap_or_default();
        reporter.send(EventKind::StepFailed { index, what: step.describe(), causes, output: output.clone(), hints });
        let result = if lost { HostResult::Unknown } else { HostResult::Failed };
        reporter.send(EventKind::HostFinished { result, summary: summary.clone() });
        HostOutcome { host: host.host.clone(), result, summary }
    });
    let hosts = hosts.collect();
    ctx.finish(Outcome { hosts, exit_code, interrupted: error.kind == Kind::Interrupted }).await
}
