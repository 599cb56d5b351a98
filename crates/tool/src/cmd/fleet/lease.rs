//! Keeping others from changing the hosts: the lease, and what goes to a host under it.

use std::sync::{Arc, Mutex};

use edeliver_core::{config::HostSpec, facts::HostFacts, lease::barred, name::AppName, plan::Plan};

use super::{Fleet, locked};
use crate::{
    cli::options::PlanArgs,
    ctx::Ctx,
    error::Error,
    inventory::Opened,
    lease::{Lease, Voter, Wanted},
    node::Place,
    transport::Transport,
};

impl Fleet {
    /// Whether others are to be kept from these hosts; where they can't be, that is told.
    pub(super) fn keeps_others_out(&self, ctx: &Ctx, plan: &Plan) -> bool {
        let Some(seen) = barred(plan, &self.facts) else { return true };
        let text = format!("{} may not write in {}, so no other deployer is kept out meanwhile", seen.user, seen.root);
        ctx.reporter.warn(text, Vec::new());
        false
    }
    /// Keeps all others from changing these hosts.
    pub(super) async fn take_lease(&mut self, ctx: &Ctx, title: &str, how: PlanArgs) -> Result<Lease, Error> {
        let (app, early) = (&ctx.settings()?.app, self.early.take());
        let site = |facts: &HostFacts| {
            let spec = self.target.hosts.iter().find(|spec| spec.name == facts.host);
            let site = spec.zip(self.open.get(&facts.host)).map(|(spec, transport)| (transport.clone(), Place::on(spec, app)));
            let why = facts.seen.as_ref().err().map_or_else(|| "there is no connection".to_owned(), |unseen| unseen.why.clone());
            Voter { host: facts.host.clone(), site: site.ok_or(why) }
        };
        let voters: Vec<Voter> = self.facts.iter().map(site).collect();
        let wanted = Wanted { target: &self.target.name, what: title.to_owned(), wait: how.lock_wait };
        Ok(Lease::take(ctx, &voters, &wanted, early).await?)
    }
    /// The connection to a host, for what belongs to this run.
    pub(super) fn fenced(&self, host: &HostSpec, app: &AppName) -> Option<Arc<dyn Transport>> {
        let transport = self.open.get(&host.name)?.clone();
        Some(match &self.lease {
            Some(lease) => lease.fence(transport, &Place::on(host, app)),
            None => transport,
        })
    }
    /// Lets go of what it has, and waits until others know.
    pub(super) async fn let_go(&mut self) {
        for lease in [self.lease.take(), self.early.take()].into_iter().flatten() {
            lease.release().await;
        }
    }
}

/// Takes the lease of every host whose connection is open, as far as that disturbs nobody.
pub(super) fn taking_early(early: Arc<Mutex<Option<Lease>>>, app: &AppName) -> Opened {
    let app = app.clone();
    Arc::new(move |host, transport| match &mut *locked(&early) {
        Some(lease) if !transport.is_single() => lease.on(host.name.clone(), transport.clone(), Place::on(host, &app)),
        // It is taken after the answer, and takes longer to open than that.
        Some(_) | None => transport.another_follows(),
    })
}
