//! Watching an upgraded node: everything is looked at once at least, then every second until the time is over.

use std::time::Duration;

use edeliver_core::{
    config::Engine,
    health::{Found, Next, Watching},
    step::Soak,
    upgrade::restarts::Lives,
};
use tokio::time::{Instant, sleep};

use super::{
    Session, UpgradeError,
    agent::{self, Health},
    checks::Checks,
    error::Notes,
    handler,
};
use crate::{
    cancel::{Cancel, Level},
    node::link::{CallError, LinkError},
    report::Reporter,
};

const BEAT: Duration = Duration::from_secs(1);
/// What may be a moment only (a child between two lives) is looked at again.
const MOMENT: Duration = Duration::from_millis(500);
/// A node that was restarted is away for some seconds.
const AWAY: Duration = Duration::from_secs(20);

/// What was seen so far.
struct Watch<'a> {
    soak: &'a Soak,
    checks: Checks<'a>,
    creation: Option<u32>,
    since: Instant,
    lives: Lives,
}

/// Watches. `id`: of the upgrade that waits to be confirmed. Gives what is worth a word.
pub(super) async fn watch(
    session: &mut Session,
    id: &str,
    soak: &Soak,
    reporter: &Reporter,
    cancel: &Cancel,
) -> Result<Option<String>, UpgradeError> {
    let lives = Lives::new(soak.engine, session.restarts(), soak.gates.limits.restarts);
    let checks = Checks::after_upgrade(soak, session.vitals(), reporter);
    let mut watch = Watch { soak, checks, creation: session.creation(), since: Instant::now(), lives };
    let mut watching = Watching::new(soak.time, Duration::ZERO, soak.gates.settle_within);
    loop {
        let found = watch.look_once(session, id).await?;
        let left = match watching.after(watch.since.elapsed(), found) {
            Next::Look(left, lines) => {
                lines.iter().for_each(|line| reporter.output(line));
                left
            }
            Next::Unwell(lines) => return Err(unwell(lines)),
            Next::Well => return Ok(watch.lives.note()),
        };
        tokio::select! {
            () = sleep(BEAT.min(left)) => {}
            () = cancel.reached(Level::Finish) => return Err(unwell(vec!["interrupted before it was permanent".to_owned()])),
        }
    }
}

/// What the agent, or release_handler, says.
struct Looked {
    /// What is wrong, a line each.
    wrong: Vec<String>,
    /// Processes that still run old code, where they are known.
    old_code: Vec<String>,
}

impl Watch<'_> {
    async fn look_once(&mut self, session: &mut Session, id: &str) -> Result<Found, UpgradeError> {
        let mut looked = match self.look(session, id).await {
            Err(error @ (UpgradeError::Link(_) | UpgradeError::Call { .. })) => {
                self.lost(session, id, error).await?;
                return Ok(Found::default());
            }
            looked => looked?,
        };
        if !looked.wrong.is_empty() {
            sleep(MOMENT).await;
            looked = self.look(session, id).await?;
        }
        if !looked.wrong.is_empty() {
            return Err(unwell(looked.wrong));
        }
        let mut found = self.checks.look(session, self.since.elapsed()).await;
        found.passing.extend(self.soak.gates.limits.lingering(&looked.old_code));
        Ok(found)
    }

    async fn look(&mut self, session: &mut Session, id: &str) -> Result<Looked, UpgradeError> {
        match self.soak.engine {
            Engine::Transactional => {
                agent::keep(session, id, self.soak.confirm).await?;
                let health = agent::health(session, id, self.soak.confirm).await?;
                Ok(self.judge(health))
            }
            Engine::ReleaseHandler => {
                let journey = session.journey();
                let look = handler::look(session, journey.as_deref()).await?;
                let health = Health { suspended: look.suspended, other_code: look.other_code, ..Health::default() };
                look.names.into_iter().for_each(|(name, process)| self.lives.seen(name, None, process));
                Ok(self.judge(health))
            }
        }
    }

    fn judge(&mut self, health: Health) -> Looked {
        for restarted in health.restarts {
            self.lives.seen(restarted.child, Some(restarted.supervisor), restarted.process);
        }
        let mut wrong = self.lives.loops(self.since.elapsed());
        let mut told = |what: &str, which: Vec<String>| {
            if !which.is_empty() {
                wrong.push(format!("{what}: {}", which.join(", ")));
            }
        };
        told("children are missing", health.missing);
        told("processes are suspended", health.suspended);
        told(&format!("not the code of {}", self.soak.version), health.other_code);
        Looked { wrong, old_code: health.old_code }
    }

    /// The link has gone, or the node.
    async fn lost(&mut self, session: &mut Session, id: &str, error: UpgradeError) -> Result<(), UpgradeError> {
        let why = || Notes::new(crate::error::chain(&error));
        match session.wait_until_up(AWAY).await {
            Ok(()) if session.creation() != self.creation => Err(UpgradeError::Restarted { into: None, why: why() }),
            Ok(()) => self
                .look(session, id)
                .await
                .and_then(|looked| if looked.wrong.is_empty() { Ok(()) } else { Err(unwell(looked.wrong)) }),
            Err(UpgradeError::Link(LinkError::Down)) => Err(UpgradeError::Gone(why())),
            // Nobody knows how it is, and what it does when nobody confirms the upgrade.
            Err(_) => Err(UpgradeError::Call { function: "watching the node".to_owned(), source: CallError::Lost }),
        }
    }
}

fn unwell(lines: Vec<String>) -> UpgradeError {
    UpgradeError::Unwell(Notes::new(lines))
}
