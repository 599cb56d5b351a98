//! What a plan is carried out with: connections, the release, the project's hooks, migrations.

use std::sync::Arc;

use async_trait::async_trait;
use edeliver_core::{config::HostSpec, name::AppName};

use super::Fleet;
use crate::{
    apply::{self, Contents, HookFailure, Means, Site},
    cmd::migrate,
    ctx::Ctx,
    error::Error,
    hook::{Hosts, Session, vars},
    lease::Lease,
    node::{Environment, Place},
    report::Reporter,
};

/// What a deploy brings along.
pub(in crate::cmd) struct Cargo {
    pub(in crate::cmd) contents: Contents,
    pub(in crate::cmd) hooks: Session,
}

impl Fleet {
    pub(super) fn means(
        &self,
        ctx: &Ctx,
        contents: Option<Contents>,
        hooks: Option<ProjectHooks>,
    ) -> Result<Means<'static>, Error> {
        let app = &ctx.settings()?.app;
        let site = |host: &HostSpec| {
            let transport = self.fenced(host, app)?;
            Some((host.name.clone(), Site { transport, place: Place::on(host, app) }))
        };
        let environment =
            Environment { profile: self.target.profile.clone(), variables: self.variables(), kept_away: self.kept_away };
        let sites = self.target.hosts.iter().filter_map(site).collect();
        let hooks = hooks.map(|hooks| Box::new(hooks) as Box<dyn apply::Hooks>);
        let lease = self.lease.as_ref().map(Lease::board);
        Ok(Means { sites, contents, journeys: self.journeys.clone(), environment, hooks, migrations: None, lease })
    }
    pub(super) fn hooks(&self, app: &AppName, cargo: Cargo) -> (Contents, ProjectHooks) {
        let Cargo { contents, hooks: session } = cargo;
        let connected = self.target.hosts.iter().filter_map(|host| Some((host.clone(), self.fenced(host, app)?)));
        let remote = Arc::new(Hosts::new(connected.collect(), self.target.step_timeout));
        let mut variables = vars::deploying(&self.target);
        variables.push(("VERSION".to_owned(), contents.manifest.version.to_string()));
        (contents, ProjectHooks { session, variables, remote })
    }
    /// As long as nobody else may change the hosts.
    pub(super) fn migrations<'a>(&self, ctx: &'a Ctx, app: &AppName) -> Box<dyn apply::Migrations + 'a> {
        let fenced = |host: &HostSpec| Some((host.name.clone(), self.fenced(host, app)?));
        let open = self.target.hosts.iter().filter_map(fenced).collect();
        Box::new(migrate::InRollout { ctx, target: self.target.clone(), open })
    }
}

/// The project's hooks, and the hosts that they reach.
pub(super) struct ProjectHooks {
    session: Session,
    variables: Vec<(String, String)>,
    remote: Arc<Hosts>,
}

#[async_trait]
impl apply::Hooks for ProjectHooks {
    async fn run(&mut self, name: &str, _: &Reporter) -> Result<(), HookFailure> {
        Ok(self.session.run(name, &self.variables, self.remote.clone()).await?)
    }
}
