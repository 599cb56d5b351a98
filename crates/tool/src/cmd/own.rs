//! Functions of the project's own that are called by themselves, not around a step of a plan.

mod node;
pub mod strategy;

use std::sync::Arc;

use edeliver_core::config::TargetSettings;

use crate::{
    ctx::Ctx,
    error::Error,
    hook::{Captured, Later, Options, Session, vars},
};

pub(super) use node::{Meant, instead};

/// The project's functions, and the hosts of a target, which are connected when one of them asks for it.
pub(super) struct Own {
    session: Session,
    variables: Vec<(String, String)>,
    remote: Arc<Later>,
}

impl Own {
    pub(super) async fn start(ctx: &Ctx, target: &TargetSettings) -> Result<Self, Error> {
        let session = Session::start(ctx.loaded()?, &Options::new(target.step_timeout, ctx.global.yes), &ctx.reporter).await?;
        let remote = Arc::new(Later::new(target.hosts.clone(), ctx.limits()?.clone(), target.step_timeout));
        Ok(Self { session, variables: vars::deploying(target), remote })
    }
    pub(super) fn defines(&self, name: &str) -> bool {
        self.session.defines(name)
    }
    /// Runs a function, if there is one of this name, and gives its status.
    pub(super) async fn offer(&self, name: &str, args: &[&str]) -> Result<Option<i32>, Error> {
        Ok(self.session.offer(name, &words(args), &self.variables, self.remote.clone()).await?)
    }
    /// What a function prints that is asked for a text.
    pub(super) async fn ask(&self, name: &str, args: &[&str]) -> Result<Option<Captured>, Error> {
        Ok(self.session.capture(name, &words(args), &self.variables, self.remote.clone()).await?)
    }
    /// Leaves the shell to other hooks of this run.
    pub(super) async fn rest(self, ctx: &Ctx) -> Result<(), Error> {
        self.remote.close().await;
        self.session.rest(ctx.loaded()?);
        Ok(())
    }
}

fn words(args: &[&str]) -> Vec<String> {
    args.iter().map(|arg| (*arg).to_owned()).collect()
}
