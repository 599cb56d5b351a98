//! What every verb on a target does: ask its hosts, and carry a plan out on them.

mod back;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use edeliver_core::{
    config::{HostSpec, OnFailure, TargetSettings},
    event::{EventKind, Outcome},
    facts::HostFacts,
    hint::Hint,
    lease,
    name::{AppName, HostName, Version},
    notice::Action,
    plan::{self, Plan, SetupFacts, Way},
    release::{Manifest, ManifestId, Upgrade},
    unit::Unit,
    upgrade::Policy,
};
use tokio::task::JoinSet;

use super::migrate;
use crate::{
    apply::{self, Contents, HookFailure, Means, Site},
    cli::options::PlanArgs,
    ctx::Ctx,
    error::{Error, Kind, chain},
    flow::{self, Settled},
    hook::{Hosts, Session, vars},
    inventory::{self, Question},
    lease::{Lease, Voter, Wanted},
    node::{Environment, Place},
    relup::Judgements,
    report::Reporter,
    service,
    store::{Store, blocking},
    transport::Transport,
    ui::words,
    upgrade::{self, JourneyError, Journeys, Known, Pair},
};

/// What a deploy brings along.
pub(super) struct Cargo {
    pub(super) contents: Contents,
    pub(super) hooks: Session,
}

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
    /// Learns of upgrades that are going on, and of the ways on which the nodes can go to one of these releases; `None`: to any that their
    /// hosts have. `fresh`: an upgrade that the store does not have.
    pub(super) async fn find_ways(&mut self, ctx: &Ctx, to: Option<&Version>, fresh: Option<&Upgrade>) -> Result<Vec<Way>, Error> {
        self.learn_ongoing(ctx).await?;
        let pairs: BTreeSet<Pair> = self.facts.iter().flat_map(|facts| pairs(facts, to)).collect();
        let (store, fresh, mut judged) = (usable_store(ctx).await?, fresh.cloned(), self.judged.clone());
        let explain = to.is_some();
        let known = blocking(move || {
            let mut known = Known::read(&store, &pairs, &mut judged, fresh.as_ref())?;
            if explain {
                known.add_restarts(&store, &pairs, &mut judged)?;
            }
            Ok::<_, JourneyError>((known, judged))
        });
        let (known, judged) = known.await?;
        self.judged = judged;
        self.journeys.extend(known.journeys);
        Ok(known.ways)
    }
    /// Learns of upgrades that are going on, where nodes say that they would go back to another release.
    pub(super) async fn learn_unconfirmed(&mut self, ctx: &Ctx) -> Result<(), Error> {
        let is_unconfirmed = |facts: &HostFacts| facts.seen.as_ref().is_ok_and(|seen| seen.node.upgraded_from.is_some());
        if self.facts.iter().any(is_unconfirmed) { self.learn_ongoing(ctx).await } else { Ok(()) }
    }
    /// Agents are asked after the nodes: one that took its upgrade back in between has made what was said of its node untrue.
    async fn learn_ongoing(&mut self, ctx: &Ctx) -> Result<(), Error> {
        let app = &ctx.settings()?.app;
        upgrade::add_ongoing(app, &self.target, &mut self.facts, &self.open).await;
        let is_odd = |seen: &edeliver_core::facts::Seen| seen.node.upgraded_from.is_some() && seen.node.ongoing.is_none();
        if self.facts.iter().any(|facts| facts.seen.as_ref().is_ok_and(is_odd)) {
            self.look_again(ctx).await?;
            upgrade::add_ongoing(app, &self.target, &mut self.facts, &self.open).await;
        }
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
        for lease in [self.lease.take(), self.early.take()].into_iter().flatten() {
            lease.release().await;
        }
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
    /// Whether others are to be kept from these hosts; where they can't be, that is told.
    fn keeps_others_out(&self, ctx: &Ctx, plan: &Plan) -> bool {
        let Some(seen) = lease::barred(plan, &self.facts) else { return true };
        let text = format!("{} may not write in {}, so no other deployer is kept out meanwhile", seen.user, seen.root);
        ctx.reporter.warn(text, Vec::new());
        false
    }
    /// Keeps all others from changing these hosts.
    async fn take_lease(&mut self, ctx: &Ctx, title: &str, how: PlanArgs) -> Result<Lease, Error> {
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
    fn fenced(&self, host: &HostSpec, app: &AppName) -> Option<Arc<dyn Transport>> {
        let transport = self.open.get(&host.name)?.clone();
        Some(match &self.lease {
            Some(lease) => lease.fence(transport, &Place::on(host, app)),
            None => transport,
        })
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
    fn means(&self, ctx: &Ctx, contents: Option<Contents>, hooks: Option<ProjectHooks>) -> Result<Means<'static>, Error> {
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
    fn hooks(&self, app: &AppName, cargo: Cargo) -> (Contents, ProjectHooks) {
        let Cargo { contents, hooks: session } = cargo;
        let connected = self.target.hosts.iter().filter_map(|host| Some((host.clone(), self.fenced(host, app)?)));
        let remote = Arc::new(Hosts::new(connected.collect(), self.target.step_timeout));
        let mut variables = vars::deploying(&self.target);
        variables.push(("VERSION".to_owned(), contents.manifest.version.to_string()));
        (contents, ProjectHooks { session, variables, remote })
    }
    /// Whether what is done may change the release.
    fn brings_release(&self) -> bool {
        matches!(self.action, Some(Action::Deploy | Action::Upgrade))
    }
    /// As long as nobody else may change the hosts.
    fn migrations<'a>(&self, ctx: &'a Ctx, app: &AppName) -> Box<dyn apply::Migrations + 'a> {
        let fenced = |host: &HostSpec| Some((host.name.clone(), self.fenced(host, app)?));
        let open = self.target.hosts.iter().filter_map(fenced).collect();
        Box::new(migrate::InRollout { ctx, target: self.target.clone(), open })
    }
    /// Ends all connections, each of which waits for processes to end.
    pub(super) async fn close(self) {
        let closing = |transport: Arc<dyn Transport>| async move { transport.close().await };
        self.open.into_values().map(closing).collect::<JoinSet<()>>().join_all().await;
    }
}

/// The project's hooks, and the hosts that they reach.
struct ProjectHooks {
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

/// The store, or what this machine has of it: a place elsewhere that can't be used must not keep anybody from going back.
async fn usable_store(ctx: &Ctx) -> Result<Store, Error> {
    let store = ctx.store()?;
    let asked = store.clone();
    let Err(error) = blocking(move || asked.reach()).await else { return Ok(store) };
    ctx.reporter.warn(format!("{}: upgrades of this machine count", chain(&error).join(": ")), Vec::new());
    Ok(store.here())
}

/// Takes the lease of every host whose connection is open, as far as that disturbs nobody.
fn taking_early(early: Arc<Mutex<Option<Lease>>>, app: &AppName) -> inventory::Opened {
    let app = app.clone();
    Arc::new(move |host, transport| match &mut *locked(&early) {
        Some(lease) if !transport.is_single() => {
            lease.on(host.name.clone(), transport.clone(), Place::on(host, &app));
            true
        }
        Some(_) | None => false,
    })
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

/// From what a host's node runs to this release, or to any that the host has.
fn pairs(facts: &HostFacts, to: Option<&Version>) -> Vec<Pair> {
    let Ok(seen) = &facts.seen else { return Vec::new() };
    let Some(runs) = &seen.node.version else { return Vec::new() };
    let goals: Vec<&Version> = match to {
        Some(to) => vec![to],
        None => seen.installed.iter().map(|installed| &installed.version).collect(),
    };
    let unfinished = seen.node.upgraded_from.iter().filter(|_| to == Some(runs)).map(|from| (from.clone(), runs.clone()));
    goals.into_iter().filter(|goal| *goal != runs).map(|goal| (runs.clone(), goal.clone())).chain(unfinished).collect()
}

/// The manifest of that release, if the store has that very one.
fn manifest_with(store: &Store, version: &Version, id: &ManifestId) -> Option<Manifest> {
    store.manifest(version).ok().filter(|manifest| manifest.id() == *id)
}
