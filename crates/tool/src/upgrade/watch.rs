//! Watching an upgraded node: everything is looked at once at least, then every second until the time is over.

use std::time::Duration;

use edeliver_core::{config::Engine, step::Soak, upgrade::restarts::Lives};
use tokio::time::{Instant, sleep};

use super::{
    Session, UpgradeError,
    agent::{self, Health},
    error::Notes,
    handler, health,
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
/// So often in a row may the application say that it is not well: it may have something to warm up.
const UNWELL: u32 = 3;

/// What was seen so far.
struct Watch<'a> {
    soak: &'a Soak,
    reporter: &'a Reporter,
    creation: Option<u32>,
    since: Instant,
    lives: Lives,
    unwell: u32,
}

/// Watches. `id`: of the upgrade that waits to be confirmed. Gives what is worth a word.
pub(super) async fn watch(
    session: &mut Session,
    id: &str,
    soak: &Soak,
    reporter: &Reporter,
    cancel: &Cancel,
) -> Result<Option<String>, UpgradeError> {
    let since = Instant::now();
    let until = since + soak.time;
    let lives = Lives::new(soak.engine, session.restarts());
    let mut watch = Watch { soak, reporter, creation: session.creation(), since, lives, unwell: 0 };
    loop {
        watch.look_once(session, id).await?;
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() && watch.unwell == 0 {
            return Ok(watch.lives.note());
        }
        tokio::select! {
            () = sleep(if left.is_zero() { BEAT } else { BEAT.min(left) }) => {}
            () = cancel.reached(Level::Finish) => return Err(unwell(vec!["interrupted before it was permanent".to_owned()])),
        }
    }
}

impl Watch<'_> {
    async fn look_once(&mut self, session: &mut Session, id: &str) -> Result<(), UpgradeError> {
        let looked = match self.look(session, id).await {
            Err(error @ (UpgradeError::Link(_) | UpgradeError::Call { .. })) => return self.lost(session, id, error).await,
            looked => looked?,
        };
        if looked.is_empty() {
            return self.ask_application(session).await;
        }
        sleep(MOMENT).await;
        match self.look(session, id).await? {
            still if still.is_empty() => self.ask_application(session).await,
            still => Err(unwell(still)),
        }
    }

    /// What is wrong, a line each.
    async fn look(&mut self, session: &mut Session, id: &str) -> Result<Vec<String>, UpgradeError> {
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

    fn judge(&mut self, health: Health) -> Vec<String> {
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
        wrong
    }

    async fn ask_application(&mut self, session: &mut Session) -> Result<(), UpgradeError> {
        let Some(check) = &self.soak.health else { return Ok(()) };
        match health::ask(session, check, self.soak.health_timeout).await {
            None => self.unwell = 0,
            Some(why) => {
                self.unwell += 1;
                if self.unwell >= UNWELL {
                    return Err(unwell(vec![why]));
                }
                self.reporter.output(&why);
            }
        }
        Ok(())
    }

    /// The link has gone, or the node.
    async fn lost(&mut self, session: &mut Session, id: &str, error: UpgradeError) -> Result<(), UpgradeError> {
        let why = || Notes::new(crate::error::chain(&error));
        match session.wait_until_up(AWAY).await {
            Ok(()) if session.creation() != self.creation => Err(UpgradeError::Restarted { into: None, why: why() }),
            Ok(()) => self.look(session, id).await.and_then(|wrong| if wrong.is_empty() { Ok(()) } else { Err(unwell(wrong)) }),
            Err(UpgradeError::Link(LinkError::Down)) => Err(UpgradeError::Gone(why())),
            // Nobody knows how it is, and what it does when nobody confirms the upgrade.
            Err(_) => Err(UpgradeError::Call { function: "watching the node".to_owned(), source: CallError::Lost }),
        }
    }
}

fn unwell(lines: Vec<String>) -> UpgradeError {
    UpgradeError::Unwell(Notes::new(lines))
}
