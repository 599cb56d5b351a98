//! From steps to what carries them out.

use edeliver_core::{
    config::Traffic,
    health::Past,
    lease::Token,
    name::{RunId, Version},
    plan::{HostPlan, Precondition},
    step::{Guard, PlaceUpgrade, Step},
};

use tokio::sync::Mutex;

use super::{
    Shared, Site, StepError, TrafficError,
    error::Remote,
    guard::{self, Arms},
    root, stage,
    traffic::{Going, Way},
    watch,
};
use crate::{
    cancel::{Cancel, Level},
    node,
    report::Reporter,
    service,
    transport::{Fronted, Transport},
    upgrade::{self, Session, UpgradeError},
};

/// A host and all that its steps need.
pub(super) struct Work<'a> {
    pub(super) site: &'a Site,
    pub(super) shared: &'a Shared,
    /// What is done to the host, and as what it was found.
    pub(super) plan: &'a HostPlan,
    pub(super) reporter: &'a Reporter,
    /// The way to the node that is upgraded.
    pub(super) session: &'a Mutex<Session>,
    /// What was seen of the node that was stopped.
    pub(super) past: Option<&'a Past>,
    pub(super) cancel: &'a Cancel,
}

impl Work<'_> {
    /// Carries one step out. `activated`: what this run has made the release that boots. Gives what is worth a word; of a stop, why the host does
    /// not watch over what follows.
    pub(super) async fn carry_out(&self, step: &Step, activated: Option<&Version>) -> Result<Option<String>, StepError> {
        let boots = activated.or(self.plan.expect.permanent.as_ref());
        let mut tell = |line: &str| self.reporter.output(line);
        let (host, place) = (&*self.site.transport, &self.site.place);
        match step {
            Step::Stage(stage) => stage::put(self, stage, None).await.map(|put| Some(put.note)),
            Step::Activate(activate) => root::activate(self.site, activate).await.map(|()| None),
            Step::Remember(it) => root::remember(self.site, it, boots).await.map(|()| None),
            Step::Prune(prune) => root::prune(self.site, prune, boots).await.map(|()| None),
            Step::Stop { version, timeout, unit, guard } => {
                let armed = guard.as_ref().and_then(|guard| self.armed(guard));
                let host = armed.as_ref().map_or(host, |armed| armed as &dyn Transport);
                let mut alone = None;
                let mut tell = |line: &str| match line.strip_prefix(guard::NO_WATCH) {
                    Some(why) => alone = Some(format!("the host would not go back by itself: {why}")),
                    None => tell(line),
                };
                match unit {
                    Some(unit) => service::stop(host, place, unit, version.as_ref(), *timeout, &mut tell).await?,
                    None => node::stop(host, place, version.as_ref(), *timeout, &mut tell).await?,
                }
                Ok(alone)
            }
            Step::Confirm { .. } => self.confirm().await.map(|()| None),
            Step::Start { version, timeout, unit: Some(unit) } => {
                let facts = service::start(host, place, unit, version, *timeout, &mut tell).await?;
                Ok(facts.pid.map(|pid| format!("process {pid}")))
            }
            Step::Setup(setup) => {
                let variables = service::variables(&self.shared.environment.variables, place.node.as_ref());
                service::write(host, setup, &service::environment_file(&variables)).await?;
                Ok(None)
            }
            Step::Start { version, timeout, unit: None } => {
                let facts = node::start(host, place, version, *timeout, &self.shared.environment, &mut tell).await?;
                Ok(facts.pid.map(|pid| format!("process {pid}")))
            }
            Step::Watch(watch) => watch::watch(self, self.session, watch).await,
            Step::Drain(traffic) => self.go(Way::Out, traffic, boots).await.map(|()| None),
            Step::Resume(traffic) => self.go(Way::Back, traffic, boots).await.map(|()| None),
            Step::PlaceUpgrade(place) => self.place_upgrade(place, boots).await.map(|()| None),
            step => {
                let mut session = self.session.lock().await;
                let carried = upgrade::carry_out(step, &mut session, &self.shared.journeys, self.reporter, self.cancel).await;
                Ok(carried.ok_or(StepError::Misplanned)??)
            }
        }
    }
    async fn go(&self, way: Way, traffic: &Traffic, boots: Option<&Version>) -> Result<(), StepError> {
        let road = self.shared.road.as_ref().ok_or(StepError::Misplanned)?;
        let going = Going { host: &self.plan.host, site: self.site, road, reporter: self.reporter, boots };
        tokio::select! {
            done = going.go(way, traffic) => Ok(done?),
            () = self.cancel.reached(Level::Kill) => Err(TrafficError::Interrupted.into()),
        }
    }
    /// The way to the host that has it watch over the restart; none where its lease, which tells the watch of us, is not ours.
    fn armed(&self, guard: &Guard) -> Option<Fronted> {
        let ((token, run), place, plan) = (self.holder()?, &self.site.place, self.plan);
        let arms = Arms { place, plan, guard, token: &token, run, environment: &self.shared.environment };
        Some(arms.over(self.site.transport.clone()))
    }
    /// By what the host knows this run.
    pub(super) fn holder(&self) -> Option<(Token, &RunId)> {
        Some((self.shared.lease.as_ref()?.token_on(&self.plan.host)?, self.shared.run.as_ref()?))
    }
    /// Tells the host that it need not go back by itself.
    pub(super) async fn confirm(&self) -> Result<(), StepError> {
        let Some((token, run)) = self.holder() else { return Ok(()) };
        let reply = guard::confirm(&*self.site.transport, &self.site.place, &token, run).await?;
        match reply.status {
            0 => Ok(()),
            guard::WENT_BACK => Err(StepError::WentBack(Remote { lines: reply.tail })),
            _ => Err(StepError::of("confirm", reply)),
        }
    }
    async fn place_upgrade(&self, place: &PlaceUpgrade, boots: Option<&Version>) -> Result<(), StepError> {
        let relup = self.shared.journeys.text(&place.relup).ok_or(UpgradeError::NoJourney)?;
        match upgrade::place(&mut *self.session.lock().await, place, boots, relup).await? {
            Ok(()) => Ok(()),
            Err(reply) => Err(StepError::of("place upgrade", reply)),
        }
    }
}

/// A plan that begins with the node looks once more, before it is touched, at what boots; the scripts that change the root do it
/// themselves.
pub(super) async fn check_precondition(site: &Site, expect: &Precondition, begun: bool) -> Result<(), StepError> {
    if begun {
        return Ok(());
    }
    let boots = node::state(&*site.transport, &site.place).await?.permanent;
    if boots == expect.permanent {
        return Ok(());
    }
    let word = |version: &Option<Version>| version.as_ref().map_or("nothing".to_owned(), Version::to_string);
    let line = format!("{} boots now, and {} when the plan was made", word(&boots), word(&expect.permanent));
    Err(StepError::Stale(Remote { lines: vec![line] }))
}
