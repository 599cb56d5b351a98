//! What every verb on a target does: ask its hosts, and carry a plan out on them.

mod back;
mod lease;
mod means;
mod ways;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use edeliver_core::{
    config::{HostSpec, OnFailure, TargetSettings},
    event::{EventKind, Outcome},
    facts::HostFacts,
    hint::Hint,
    name::{HostName, Version},
    notice::Action,
    plan::{self, Plan, SetupFacts},
    release::{Manifest, ManifestId},
    unit::Unit,
    upgrade::Policy,
};
use tokio::task::JoinSet;

use self::lease::taking_early;
pub(super) use self::means::Cargo;
use crate::{
    apply::{self, Contents, Means},
    cli::options::PlanArgs,
    ctx::Ctx,
    error::{Error, Kind},
    flow::{self, Settled},
    inventory::{self, Question},
    lease::Lease,
    node::Place,
    relup::Judgements,
    service,
    store::Store,
    transport::Transport,
    ui::words,
    upgrade::Journeys,
};

/// A target's hosts as they were found, and the connections to those that answered.
pub(super) struct Fleet {
    pub(super) target: TargetSettings,
    /// One for each host, in the order of the configuration.
    pub(super) facts: Vec<HostFacts>,
    /// What upgrading nodes takes.
    pub(super) journeys: Journeys,
    /// See [`Environment::kept_away`].
    pub(super) kept_away: &'static [&'static str],
    /// What was said about ways between releases.
    pub(super) judged: Judgements,
    /// What hooks of the run are told that it does.
    action: Option<Action>,
    open: HashMap<HostName, Arc<dyn Transport>>,
    /// As far as it was taken before it was known whether there is anything to do.
    early: Option<Lease>,
    /// From the first change on, or from when others were done whom we waited for.
    lease: Option<Lease>,
}

impl Fleet {
    /// Begins a run, and asks the hosts.
    pub(super) async fn gather(ctx: &Ctx, target: TargetSettings, title: String, how: PlanArgs) -> Result<Self, Error> {
        ctx.begin(title.clone(), how.journal())?;
        Self::ask_in_turn(ctx, target, &title, how).await
    }
    /// Asks the hosts; with `--lock-wait` when others are done with them, and so that no other comes in between.
    pub(super) async fn ask_in_turn(ctx: &Ctx, target: TargetSettings, title: &str, how: PlanArgs) -> Result<Self, Error> {
        let early = flow::is_applied_at_once(ctx, &target, how).then_some(title);
        let mut fleet = Self::asked(ctx, target, early).await?;
        if how.lock_wait.is_some() && !how.plan {
            fleet.lease = Some(fleet.take_lease(ctx, title, how).await?);
            // Also where the target is free: the other one may have been done in between.
            fleet.look_again(ctx).await?;
        }
        Ok(fleet)
    }
    /// Asks the hosts.
    pub(super) async fn ask(ctx: &Ctx, target: TargetSettings) -> Result<Self, Error> {
        Self::asked(ctx, target, None).await
    }
    /// `early`: what is done as soon as a plan is made, so that the lease for it can be taken meanwhile.
    async fn asked(ctx: &Ctx, target: TargetSettings, early: Option<&str>) -> Result<Self, Error> {
        ctx.reporter.send(EventKind::Waiting { what: format!("asking {}", words::count(target.hosts.len(), "host")) });
        let hosts = || target.hosts.iter().map(|host| host.name.clone()).collect();
        let early = Arc::new(Mutex::new(early.map(|what| Lease::early(ctx, hosts(), what))));
        let opened = taking_early(early.clone(), &ctx.settings()?.app);
        let gathered = inventory::gather(&target.hosts, &question(ctx)?, ctx.limits()?, &opened).await;
        let early = locked(&early).take();
        let judged = Judgements::new(Policy::from(&target.upgrade));
        let mut fleet = Self {
            target,
            facts: Vec::new(),
            journeys: Journeys::default(),
            kept_away: &[],
            judged,
            action: None,
            open: HashMap::new(),
            early,
            lease: None,
        };
        for (facts, transport) in gathered {
            fleet.open.extend(transport.map(|transport| (facts.host.clone(), transport)));
            fleet.facts.push(facts);
        }
        fleet.add_unit_facts(ctx).await?;
        Ok(fleet)
    }
    /// The connection to a host that answered.
    pub(super) fn transport(&self, host: &HostName) -> Option<Arc<dyn Transport>> {
        self.open.get(host).cloned()
    }
    /// Asks the hosts that could be asked once more, over the same connections.
    pub(super) async fn look_again(&mut self, ctx: &Ctx) -> Result<(), Error> {
        let (app, open) = (&ctx.settings()?.app, &self.open);
        let site = |host: &HostSpec| Some((open.get(&host.name)?.clone(), Place::on(host, app)));
        let (hosts, sites): (Vec<_>, Vec<_>) = self.target.hosts.iter().filter_map(|host| Some((&host.name, site(host)?))).unzip();
        let answers = inventory::ask_all(sites, &question(ctx)?).await;
        for (host, seen) in hosts.into_iter().zip(answers) {
            self.facts.iter_mut().filter(|facts| facts.host == *host).for_each(|facts| facts.seen = seen.clone());
        }
        self.add_unit_facts(ctx).await
    }
    async fn add_unit_facts(&mut self, ctx: &Ctx) -> Result<(), Error> {
        service::add_facts(&self.target, &ctx.settings()?.app, &mut self.facts, &self.open).await;
        Ok(())
    }
    /// What setting up units takes to know, of the hosts that could be asked.
    pub(super) async fn look(&self, ctx: &Ctx, unit: &Unit) -> Result<HashMap<HostName, SetupFacts>, Error> {
        let app = &ctx.settings()?.app;
        let mut found = HashMap::new();
        for host in &self.target.hosts {
            let Some(transport) = self.open.get(&host.name) else { continue };
            let variables = service::variables(&self.variables(), host.node.as_ref());
            let environment = service::environment_file(&variables);
            let mut facts = service::look(&**transport, &Place::on(host, app), unit, &self.target.profile, &environment).await?;
            facts.variables = variables.into_iter().map(|(name, _)| name).collect();
            found.insert(host.name.clone(), facts);
        }
        Ok(found)
    }
    /// The file with the environment of a host's unit, as it should be.
    pub(super) fn environment_file(&self, host: &HostName) -> String {
        let node = self.target.hosts.iter().find(|spec| spec.name == *host).and_then(|spec| spec.node.as_ref());
        service::environment_file(&service::variables(&self.variables(), node))
    }
    fn variables(&self) -> Vec<(String, String)> {
        self.target.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }
    /// The same hosts, on which this is done, as hooks of the run are told.
    pub(super) fn doing(self, action: Action) -> Self {
        Self { action: Some(action), ..self }
    }
    /// Checks the plan, shows it, asks where that is due, and carries it out. Gives the exit code.
    pub(super) async fn carry_out(mut self, ctx: &Ctx, plan: Plan, how: PlanArgs, cargo: Option<Cargo>) -> Result<u8, Error> {
        let applied = self.settle_and_apply(ctx, &plan, how, cargo).await;
        // What is done is done: an interruption ends what says so, and not the run.
        let _hand = matches!(applied, Ok(Ok(_))).then(|| ctx.step_in_hand());
        if let (Ok(Ok(outcome)), Some(action)) = (&applied, self.action) {
            ctx.after(action, outcome).await;
        }
        self.let_go().await;
        self.close().await;
        let outcome = match applied? {
            Ok(outcome) => outcome,
            Err(code) => return Ok(code),
        };
        Ok(ctx.finish(outcome).await)
    }
    /// `Err`: the run is over with this exit code, nothing was applied.
    async fn settle_and_apply(
        &mut self,
        ctx: &Ctx,
        plan: &Plan,
        how: PlanArgs,
        cargo: Option<Cargo>,
    ) -> Result<Result<Outcome, u8>, Error> {
        plan::lint(plan, &self.facts).map_err(|breach| Error::new(Kind::Internal, breach))?;
        if self.target.rollout.migrate.is_some() && self.brings_release() && plan.is_empty() {
            self.tell_migrations(ctx);
        }
        match flow::settle(ctx, plan, Some(&self.target), how).await? {
            Settled::Over(code) => Ok(Err(code)),
            Settled::Apply => {
                if self.lease.is_none() && self.keeps_others_out(ctx, plan) {
                    self.lease = Some(self.take_lease(ctx, &plan.title, how).await?);
                }
                if let Some(action) = self.action {
                    ctx.before(action, plan).await?;
                }
                let app = &ctx.settings()?.app;
                let (contents, hooks) = cargo.map(|cargo| self.hooks(app, cargo)).unzip();
                let migrations = Some(self.migrations(ctx, app)).filter(|_| plan.rollout.migrate.is_some());
                let mut ended = apply::run(ctx, plan, Means { migrations, ..self.means(ctx, contents, hooks)? }).await;
                if plan.rollout.on_failure == OnFailure::Rollback && ended.fails(&plan.rollout) {
                    back::bring(self, ctx, plan, &mut ended).await;
                }
                Ok(Ok(ended.outcome()))
            }
        }
    }
    /// They follow a change, and are no part of its plan.
    fn tell_migrations(&self, ctx: &Ctx) {
        let name = &self.target.name;
        let hint = Hint::command("which they are", format!("edeliver show migrations on {name}"));
        ctx.reporter.warn("migrations are run only after hosts were changed; none is run now", vec![hint]);
    }
    /// Carries a plan out as a part of a run, without a question and without hooks. The outcome is that of the part.
    pub(super) async fn apply(&self, ctx: &Ctx, plan: &Plan, contents: Option<Contents>) -> Result<Outcome, Error> {
        plan::lint(plan, &self.facts).map_err(|breach| Error::new(Kind::Internal, breach))?;
        match flow::settle(ctx, plan, None, PlanArgs::default()).await? {
            Settled::Over(_) => Err(Error::new(Kind::Internal, "a part of a run has nothing to do")),
            Settled::Apply => Ok(apply::run(ctx, plan, self.means(ctx, contents, None)?).await.outcome()),
        }
    }
    /// Whether what is done may change the release.
    fn brings_release(&self) -> bool {
        matches!(self.action, Some(Action::Deploy | Action::Upgrade))
    }
    /// Ends all connections, each of which waits for processes to end.
    pub(super) async fn close(self) {
        let closing = |transport: Arc<dyn Transport>| async move { transport.close().await };
        self.open.into_values().map(closing).collect::<JoinSet<()>>().join_all().await;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What every host is asked.
pub(super) fn question(ctx: &Ctx) -> Result<Question, Error> {
    // Of what this machine has not got, the host itself has the manifest.
    let store = ctx.store()?.here();
    // Read once, whatever the number of hosts: a release has thousands of files.
    let read = Mutex::new(HashMap::new());
    let known = move |version: &Version, id: &ManifestId| {
        let mut read = locked(&read);
        let found = || manifest_with(&store, version, id).map(Arc::new);
        read.entry((version.clone(), *id)).or_insert_with(found).clone()
    };
    Ok(Question { app: ctx.settings()?.app.clone(), known: Arc::new(known) })
}

/// The manifest of that release, if the store has that very one.
fn manifest_with(store: &Store, version: &Version, id: &ManifestId) -> Option<Manifest> {
    store.manifest(version).ok().filter(|manifest| manifest.id() == *id)
}
