//! The acts of a rehearsal: each is a plan from the facts as they are then, checked and carried out like those of real hosts.

use std::{sync::Arc, time::Instant};

use edeliver_core::{
    config::{OnRestart, TargetSettings},
    event::{HostResult, Outcome},
    name::Version,
    plan::{self, DeployRequest, Keep, NodeAction, Plan, RollbackRequest, UpgradeRequest},
    rehearsal::{self, Act},
};

use crate::{
    apply::Contents,
    cmd::{deploy::Release, diff, fleet::Fleet, logs},
    ctx::Ctx,
    error::Error,
    node::Place,
    rehearsal::{Lines, RehearsalError},
    store::blocking,
    transport::Transport,
};

/// What is told of a node's log when an act has failed.
const LOG_LINES: u32 = 20;

/// A rehearsal that has its place.
pub(super) struct Play<'a> {
    pub(super) ctx: &'a Ctx,
    pub(super) transport: &'a Arc<dyn Transport>,
    /// The build host as a target.
    pub(super) target: TargetSettings,
    pub(super) from: &'a Version,
    pub(super) to: &'a Version,
}

impl Play<'_> {
    /// All acts; gives what was done, in words.
    pub(super) async fn play(self) -> Result<String, Error> {
        let mut fleet = Fleet::ask(self.ctx, self.target.clone()).await?;
        fleet.kept_away = &rehearsal::KEPT_AWAY;
        let played = self.all(&mut fleet).await;
        fleet.close().await;
        played
    }
    async fn all(&self, fleet: &mut Fleet) -> Result<String, Error> {
        let mut way_back = true;
        for act in Act::ALL {
            if self.ctx.cancel.is_requested() {
                return Err(RehearsalError::Interrupted.into());
            }
            if act == Act::Again && !way_back {
                continue;
            }
            match self.act(fleet, act).await {
                // Nobody is kept from an upgrade without a way back; they should know of it.
                Err(Trouble::NotHot(why)) if act == Act::Downgrade => {
                    way_back = false;
                    let lines = why.join("; ");
                    self.ctx.reporter.warn(format!("the way back takes a restart, so it was not rehearsed: {lines}"), Vec::new());
                }
                Err(Trouble::NotHot(why)) => {
                    return Err(RehearsalError::NotHot { act: self.words(act), why: Lines(why) }.into());
                }
                Err(Trouble::Error(error)) => return Err(error),
                Ok(()) => {}
            }
        }
        let back = if way_back { ", and back, and again" } else { "" };
        Ok(format!("rehearsed: {} to {} without a restart{back}", self.from, self.to))
    }

    async fn act(&self, fleet: &mut Fleet, act: Act) -> Result<(), Trouble> {
        let began = Instant::now();
        let (plan, contents) = self.plan(fleet, act).await?;
        let plan = Plan { title: format!("rehearsal: {}", self.words(act)), ..plan };
        act.check(&plan).map_err(Trouble::NotHot)?;
        let outcome = fleet.apply(self.ctx, &plan, contents).await?;
        if outcome.interrupted {
            return Err(Error::from(RehearsalError::Interrupted).into());
        }
        if outcome.hosts.iter().any(|host| host.result != HostResult::Done) {
            return Err(self.failed(act, &outcome).await.into());
        }
        fleet.look_again(self.ctx).await?;
        self.check_runs(fleet, act).await?;
        let took = began.elapsed().as_secs_f32();
        self.ctx.reporter.info(format!("rehearsal: {} done in {took:.1} s", self.words(act)));
        Ok(())
    }

    async fn plan(&self, fleet: &mut Fleet, act: Act) -> Result<(Plan, Option<Contents>), Error> {
        let app = self.ctx.settings()?.app.clone();
        match act {
            Act::Start => self.start(fleet, self.deploy(true)?).await,
            Act::Upgrade | Act::Again => self.upgrade(fleet, self.deploy(false)?).await,
            Act::Downgrade => {
                let ways = fleet.find_ways(self.ctx, None, None).await?;
                let request = RollbackRequest { app, to: Some(self.from.clone()), restart: true, ways };
                Ok((plan::rollback(&request, &fleet.target, &fleet.facts), None))
            }
            Act::Stop => Ok((plan::node(NodeAction::Stop, &app, &fleet.target, &fleet.facts), None)),
        }
    }
    fn deploy(&self, start: bool) -> Result<DeployRequest, Error> {
        let app = self.ctx.settings()?.app.clone();
        Ok(DeployRequest { app, start, keep: Keep::Newest(self.target.keep_releases), force: false, hooks: Vec::new() })
    }
    async fn start(&self, fleet: &Fleet, request: DeployRequest) -> Result<(Plan, Option<Contents>), Error> {
        let store = self.ctx.store()?;
        let load = self.release(self.from).await?.load(&store, &fleet.facts).await?;
        let plan = plan::deploy(&request, &fleet.target, &load.wanted(), &fleet.facts);
        Ok((plan, Some(load.contents(store))))
    }
    async fn upgrade(&self, fleet: &mut Fleet, deploy: DeployRequest) -> Result<(Plan, Option<Contents>), Error> {
        let store = self.ctx.store()?;
        let ways = fleet.find_ways(self.ctx, Some(self.to), None).await?;
        let load = self.release(self.to).await?.load(&store, &fleet.facts).await?;
        let request = UpgradeRequest { deploy, on_restart: OnRestart::Refuse };
        let plan = plan::upgrade(&request, &fleet.target, &load.wanted(), &ways, &fleet.facts);
        Ok((plan, Some(load.contents(store))))
    }
    async fn release(&self, version: &Version) -> Result<Release, Error> {
        let (store, version) = (self.ctx.store()?, version.clone());
        blocking(move || Release::of(&store, diff::stored(&store, &version)?)).await
    }

    /// The node itself has the last word.
    async fn check_runs(&self, fleet: &Fleet, act: Act) -> Result<(), Error> {
        let wanted = match act {
            Act::Start | Act::Downgrade => self.from,
            Act::Upgrade | Act::Again => self.to,
            Act::Stop => return Ok(()),
        };
        if rehearsal::runs(&fleet.facts, wanted) {
            return Ok(());
        }
        let why = vec![format!("the node does not run {wanted} afterwards")];
        Err(self.with_log(act, why).await)
    }
    async fn failed(&self, act: Act, outcome: &Outcome) -> Error {
        let why = outcome.hosts.iter().map(|host| host.summary.clone()).collect();
        self.with_log(act, why).await
    }
    /// What failed, and what the node printed; its log is gone in a moment.
    async fn with_log(&self, act: Act, mut why: Vec<String>) -> Error {
        let place = self.ctx.settings().map(|settings| Place::on(&self.target.hosts[0], &settings.app));
        let log = match place {
            Ok(place) => logs::tail(&**self.transport, &place, LOG_LINES).await.unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        why.extend((!log.is_empty()).then(|| "the end of the node's log:".to_owned()));
        why.extend(log.into_iter().map(|line| format!("  {line}")));
        RehearsalError::Failed { act: self.words(act), why: Lines(why) }.into()
    }
    fn words(&self, act: Act) -> String {
        act.describe(self.from, self.to)
    }
}

/// Why an act did not come to its end.
enum Trouble {
    /// There is no plan without a restart.
    NotHot(Vec<String>),
    /// Anything else.
    Error(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}
