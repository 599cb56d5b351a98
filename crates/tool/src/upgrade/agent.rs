//! edeliver's agent in the node, called by name. Its protocol stands at the top of `agent/edeliver_agent.erl`.

mod reply;

use std::time::Duration;

use edeliver_core::upgrade::restarts::Restarts;
use edeliver_erl::{Term, term::text};
use tokio::time::{Instant, sleep};

use super::{Session, UpgradeError, error::Notes};
use crate::{
    node::link::{CallError, LinkError, Mfa},
    relup::AGENT,
};
pub(super) use reply::text_of;
pub use reply::{Health, Moved, Note, Ready, Report, Restarted, Status};

/// The version of the protocol that is spoken here.
const VERSION: i64 = 1;
const MODULE: &str = "edeliver_agent";

/// For questions that the node answers from memory.
const SOON: Duration = Duration::from_secs(15);
/// After a lost call, for the node to be reached again: longer than a cut that TCP survives.
const BACK: Duration = Duration::from_secs(45);
/// Between two questions how far it is.
const PAUSE: Duration = Duration::from_millis(200);

/// Sees to it that the node has this agent. One that is at work is left alone, if it can be spoken with.
pub(super) async fn inject(session: &mut Session) -> Result<(), UpgradeError> {
    match version(session).await? {
        Some(VERSION) if is_ours(session).await? => return Ok(()),
        Some(version) => match (status(session).await, version) {
            (Ok(Status::Working { .. } | Status::Soaking { .. }), VERSION) => return Ok(()),
            (Ok(Status::Working { .. } | Status::Soaking { .. }) | Err(_), _) => return Err(UpgradeError::OtherAgent),
            (Ok(Status::Idle | Status::Over { .. }), _) => unload(session).await?,
        },
        None => {}
    }
    load(session).await
}

async fn version(session: &mut Session) -> Result<Option<i64>, UpgradeError> {
    match session.call(&Mfa::literal(MODULE, "version", []), SOON).await {
        Ok(version) => Ok(version.as_i64()),
        Err(UpgradeError::Call { source: CallError::Undefined { .. }, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn is_ours(session: &mut Session) -> Result<bool, UpgradeError> {
    let loaded = session.call(&Mfa::literal(MODULE, "module_info", [Term::atom("md5")]), SOON).await?;
    let ours = edeliver_erl::beam::Beam::parse(AGENT).ok().and_then(|beam| beam.md5().ok());
    Ok(loaded.as_binary().is_some_and(|md5| ours.is_some_and(|ours| *md5 == ours)))
}

async fn load(session: &mut Session) -> Result<(), UpgradeError> {
    let soft_purge = Mfa::literal("code", "soft_purge", [Term::atom(MODULE)]);
    session.call(&soft_purge, SOON).await?;
    let file = Term::string("edeliver_agent.beam");
    let load = Mfa::literal("code", "load_binary", [Term::atom(MODULE), file, Term::binary(AGENT)]);
    let loaded = session.call(&load, SOON).await?;
    match loaded.as_tuple() {
        Some([word, _]) if word.is_atom("module") => Ok(()),
        _ => Err(strange(&load, &loaded)),
    }
}

/// The agent's word on whether the upgrade would be possible now.
pub(super) async fn preflight(session: &mut Session, order: Term, patience: Duration) -> Result<Ready, UpgradeError> {
    let ask = Mfa::literal(MODULE, "preflight", [order]);
    let answer = session.call(&ask, patience).await?;
    match reply::preflight(&answer) {
        Some(Ok(ready)) => Ok(ready),
        Some(Err(reasons)) => Err(UpgradeError::Refused(reasons.into())),
        None => Err(strange(&ask, &answer)),
    }
}

/// Upgrades. A link that is lost on the way changes nothing: the node is asked what became of it, for so long as there is time.
pub(super) async fn upgrade(session: &mut Session, id: &str, order: Term, patience: Duration) -> Result<Report, UpgradeError> {
    let creation = session.creation();
    let until = Instant::now() + patience;
    let ask = Mfa::literal(MODULE, "upgrade", [order]);
    let moved = match session.call(&ask, patience).await {
        Ok(answer) => reply::moved(&answer).ok_or_else(|| strange(&ask, &answer))?,
        Err(error) if error.is_unknown() => result_of(session, id, until, creation).await?,
        Err(error) => return Err(error),
    };
    done(moved)
}

fn done(moved: Moved) -> Result<Report, UpgradeError> {
    match moved {
        Moved::Done(report) | Moved::Committed(report) => Ok(report),
        Moved::Reverted(why, _) if why.tag == "refused" => Err(UpgradeError::Refused(why.into())),
        Moved::Reverted(why, report) => Err(UpgradeError::Reverted(with_killed(why, &report))),
        Moved::Broken(why, report) => Err(UpgradeError::Broken(with_killed(why, &report))),
    }
}

/// Who had to be killed is told in any case.
fn with_killed(why: Note, report: &Report) -> Notes {
    let mut lines = vec![why.text];
    lines.extend((!report.killed.is_empty()).then(|| format!("killed on the way back: {}", report.killed.join(", "))));
    Notes::new(lines)
}

/// What became of a piece of work whose answer was lost.
async fn result_of(session: &mut Session, id: &str, until: Instant, creation: Option<u32>) -> Result<Moved, UpgradeError> {
    let until = until.max(Instant::now() + BACK);
    session.reopen(BACK).await.map_err(gone)?;
    loop {
        if session.creation() != creation {
            return Err(UpgradeError::Restarted {
                into: None,
                why: Notes::new(["it restarted in the middle of the upgrade".to_owned()]),
            });
        }
        match status(session).await {
            Ok(Status::Working { id: at_work, .. }) if at_work == id && Instant::now() < until => sleep(PAUSE).await,
            Ok(Status::Over { id: last, result: Some(result) }) if last == id => return Ok(*result),
            Ok(Status::Soaking { id: waits, .. }) if waits == id => return Ok(Moved::Done(Report::default())),
            Ok(_) => return Ok(Moved::Reverted(Note::new("lost", "the order was lost on its way to the node"), Report::default())),
            Err(error) if error.is_unknown() && Instant::now() < until => session.reopen(BACK).await.map_err(gone)?,
            Err(error) => return Err(error),
        }
    }
}

/// A node that was there a moment ago.
pub(super) fn gone(error: UpgradeError) -> UpgradeError {
    match error {
        UpgradeError::Link(LinkError::Down) => UpgradeError::Gone(Notes::new(["it ended in the middle of the upgrade".to_owned()])),
        error => error,
    }
}

/// What the agent is doing. A node without an agent is idle.
///
/// # Errors
/// The call.
pub async fn status(session: &mut Session) -> Result<Status, UpgradeError> {
    let ask = Mfa::literal(MODULE, "status", []);
    match session.call(&ask, SOON).await {
        Ok(answer) => reply::status(&answer).ok_or_else(|| strange(&ask, &answer)),
        Err(UpgradeError::Call { source: CallError::Undefined { .. }, .. }) => Ok(Status::Idle),
        Err(error) => Err(error),
    }
}

/// How the node does since the upgrade.
pub(super) async fn health(session: &mut Session, id: &str, patience: Duration) -> Result<Health, UpgradeError> {
    let ask = Mfa::literal(MODULE, "health", [name(id)]);
    let answer = session.call(&ask, patience).await?;
    reply::health(&answer).ok_or_else(|| not_soaking(&ask, &answer))
}

/// What the node's supervisors have restarted until now.
pub(super) async fn restarts(session: &mut Session) -> Result<Vec<Restarts>, UpgradeError> {
    let ask = Mfa::literal(MODULE, "restarts", []);
    let answer = session.call(&ask, BACK).await?;
    reply::restarts(&answer).ok_or_else(|| strange(&ask, &answer))
}

/// Gives the operator this much more time.
pub(super) async fn keep(session: &mut Session, id: &str, time: Duration) -> Result<(), UpgradeError> {
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let ask = Mfa::literal(MODULE, "keep", [name(id), Term::from(millis)]);
    let answer = session.call(&ask, SOON).await?;
    if answer.is_atom("ok") { Ok(()) } else { Err(not_soaking(&ask, &answer)) }
}

/// Makes the upgrade permanent on the node.
pub(super) async fn commit(session: &mut Session, id: &str, patience: Duration) -> Result<Report, UpgradeError> {
    let creation = session.creation();
    let ask = Mfa::literal(MODULE, "commit", [name(id)]);
    match session.call(&ask, patience).await {
        Ok(answer) => reply::committed(&answer).ok_or_else(|| not_soaking(&ask, &answer)),
        Err(error) if error.is_unknown() => match result_of(session, id, Instant::now() + patience, creation).await? {
            Moved::Committed(report) => Ok(report),
            // Not begun: it waits as before.
            Moved::Done(_) => Err(error),
            Moved::Reverted(why, _) | Moved::Broken(why, _) => Err(UpgradeError::Ended(why.into())),
        },
        Err(error) => Err(error),
    }
}

/// Takes the upgrade back.
pub(super) async fn revert(session: &mut Session, id: &str, patience: Duration) -> Result<Report, UpgradeError> {
    let creation = session.creation();
    let ask = Mfa::literal(MODULE, "revert", [name(id)]);
    let moved = match session.call(&ask, patience).await {
        Ok(answer) => reply::moved(&answer).ok_or_else(|| strange(&ask, &answer))?,
        Err(error) if error.is_unknown() => match result_of(session, id, Instant::now() + patience, creation).await? {
            Moved::Done(_) => return Err(error),
            moved => moved,
        },
        Err(error) => return Err(error),
    };
    match moved {
        Moved::Reverted(_, report) => Ok(report),
        Moved::Broken(why, report) => Err(UpgradeError::Broken(with_killed(why, &report))),
        Moved::Done(_) | Moved::Committed(_) => {
            Err(UpgradeError::Ended(Notes::new(["the upgrade is permanent on the node already".to_owned()])))
        }
    }
}

/// Removes the agent from the node. One that is at work stays.
pub(super) async fn unload(session: &mut Session) -> Result<(), UpgradeError> {
    let ask = Mfa::literal(MODULE, "unload", []);
    let answer = match session.call(&ask, SOON).await {
        Err(UpgradeError::Call { source: CallError::Undefined { .. }, .. }) => return Ok(()),
        answer => answer?,
    };
    if answer.is_atom("ok") { Ok(()) } else { Err(not_soaking(&ask, &answer)) }
}

/// An `{error, Note}`, or what can't be read.
fn not_soaking(ask: &Mfa, answer: &Term) -> UpgradeError {
    match reply::refusal(answer) {
        Some(note) => UpgradeError::Ended(note.into()),
        None => strange(ask, answer),
    }
}

pub(super) fn strange(ask: &Mfa, answer: &Term) -> UpgradeError {
    let cut: String = crate::report::printable(&text::pretty(answer)).chars().take(200).collect();
    UpgradeError::Answer { asked: ask.to_string(), answer: cut }
}

fn name(id: &str) -> Term {
    Term::binary(id.as_bytes())
}
