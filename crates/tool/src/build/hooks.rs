//! The hooks of a build.

use std::{collections::BTreeSet, sync::Arc};

use edeliver_core::{
    config::BuildSettings,
    plan::build::{HOOKS, ReleaseDir, Workplace},
};

use crate::{
    config::Loaded,
    ctx::Ctx,
    error::Error,
    hook::{HookError, HookRemote, Hosts, Options, Session, vars},
    transport::Transport,
};

/// The project's hooks, and the build host they work on.
pub(super) struct Hooks<'a> {
    session: Session,
    settings: &'a BuildSettings,
    branch: Option<String>,
    remote: Arc<dyn HookRemote>,
}

impl<'a> Hooks<'a> {
    /// Reads the project's hooks.
    pub(super) async fn start(
        ctx: &Ctx,
        settings: &'a BuildSettings,
        branch: Option<String>,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, Error> {
        let options = Options::new(settings.timeout, ctx.global.yes);
        let session = Session::start(ctx.loaded()?, &options, &ctx.reporter.for_host(&settings.host.name)).await?;
        Ok(Self::of(session, settings, branch, transport))
    }

    /// These hooks.
    pub(super) fn of(session: Session, settings: &'a BuildSettings, branch: Option<String>, transport: Arc<dyn Transport>) -> Self {
        let remote = Arc::new(Hosts::new(vec![(settings.host.clone(), transport)], settings.timeout));
        Self { session, settings, branch, remote }
    }

    /// The build is over: other hooks of the run use the same shell.
    pub(super) fn rest(self, loaded: &Loaded) {
        self.session.rest(loaded);
    }

    /// Which hooks of a build there are.
    pub(super) fn defined(&self) -> BTreeSet<String> {
        HOOKS.iter().filter(|name| self.session.defines(name)).map(|name| (*name).to_owned()).collect()
    }

    /// Runs a hook. `at` is what it knows as `BUILD_AT`.
    pub(super) async fn run(&self, name: &str, at: &str, work: &Workplace) -> Result<(), HookError> {
        let release_dir = match &work.release_dir {
            ReleaseDir::Fixed(dir) if dir.starts_with('/') => dir.clone(),
            ReleaseDir::Fixed(dir) | ReleaseDir::Usual(dir) => format!("{at}/{dir}"),
        };
        let known = [
            ("BRANCH", self.branch.clone().unwrap_or_default()),
            ("REVISION", work.commit.to_string()),
            ("TARGET_MIX_ENV", self.settings.mix_env.clone()),
            ("RELEASE_DIR", release_dir),
        ];
        let known = known.map(|(name, value)| (name.to_owned(), value));
        let vars: Vec<_> = vars::building(self.settings, at).into_iter().chain(known).collect();
        self.session.run(name, &vars, self.remote.clone()).await
    }
}
