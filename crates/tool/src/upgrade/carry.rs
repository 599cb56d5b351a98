//! The steps of a hot upgrade, each by the engine that the plan names.

use std::{sync::Arc, time::Duration};

use edeliver_core::{
    config::Engine,
    hint::Hint,
    name::Version,
    step::{Ending, Hot, Step},
};

use super::{
    Journey, Journeys, Session, UpgradeError,
    agent::{self, Note, Report, Status},
    error::Notes,
    handler, order, place,
    vitals::{self, Ask},
    watch,
};
use crate::{
    cancel::Cancel,
    node::link::{LinkError, Mfa},
    report::Reporter,
};

/// For a node that was restarted, by systemd, heart or in its process, to be up again.
const COMES_BACK: Duration = Duration::from_secs(15);

/// Carries one of these steps out: preflight, install, soak, commit, revert. Each can be repeated. Gives what is worth a word; `None`: it
/// is no step of these.
///
/// # Errors
/// See [`UpgradeError::aftermath`].
pub async fn carry_out(
    step: &Step,
    session: &mut Session,
    journeys: &Journeys,
    reporter: &Reporter,
    cancel: &Cancel,
) -> Option<Result<Option<String>, UpgradeError>> {
    Some(match step {
        Step::Preflight(hot) => preflight(session, hot, journeys, reporter).await,
        Step::Install(hot) => install(session, hot, journeys, reporter).await,
        Step::Soak(soak) => {
            let id = session.run().to_owned();
            watch::watch(session, &id, soak, reporter, cancel).await
        }
        Step::Commit(ending) => commit(session, ending, reporter).await,
        Step::Revert(ending) => revert(session, ending).await,
        _ => return None,
    })
}

async fn journey(session: &mut Session, hot: &Hot, journeys: &Journeys) -> Result<Arc<Journey>, UpgradeError> {
    let journey = journeys.of(hot).ok_or(UpgradeError::NoJourney)?.clone();
    session.goes(journey.clone());
    Ok(journey)
}

async fn order(session: &mut Session, hot: &Hot, journey: &Journey) -> Result<edeliver_erl::Term, UpgradeError> {
    let root = place::root(session).await?;
    Ok(order::order(session.run(), &root, session.place().app.as_str(), hot, journey))
}

async fn preflight(
    session: &mut Session,
    hot: &Hot,
    journeys: &Journeys,
    reporter: &Reporter,
) -> Result<Option<String>, UpgradeError> {
    let journey = journey(session, hot, journeys).await?;
    agent::inject(session).await?;
    if is_there(session, hot).await? {
        return Ok(Some(format!("it runs {} already", hot.to)));
    }
    if hot.count_errors {
        let _ = vitals::ask(session, Ask { errors: true, ..Ask::default() }).await;
    }
    let order = order(session, hot, &journey).await?;
    let ready = agent::preflight(session, order, hot.timeout).await?;
    if hot.engine == Engine::ReleaseHandler {
        // What our agent can live with makes release_handler restart the node.
        let fatal: Vec<Note> =
            ready.warnings.iter().filter(|note| matches!(note.tag.as_str(), "dynamic" | "mistyped")).cloned().collect();
        if !fatal.is_empty() {
            return Err(UpgradeError::Refused(fatal.into()));
        }
        handler::prepare(session, &hot.to).await?;
    }
    ready.warnings.iter().for_each(|note| reporter.warn(&*note.text, Vec::new()));
    Ok(Some(match ready.processes {
        1 => "1 process will be suspended".to_owned(),
        processes => format!("{processes} processes will be suspended"),
    }))
}

async fn install(
    session: &mut Session,
    hot: &Hot,
    journeys: &Journeys,
    reporter: &Reporter,
) -> Result<Option<String>, UpgradeError> {
    let journey = journey(session, hot, journeys).await?;
    agent::inject(session).await?;
    // Without them the upgraded node is held to a node that never restarted anything.
    let before = agent::restarts(session).await.unwrap_or_default();
    session.had_restarted(before);
    if let Ok(vitals) = vitals::ask(session, Ask { errors: hot.count_errors, ..Ask::default() }).await {
        session.did(vitals);
    }
    match hot.engine {
        Engine::Transactional => {
            let order = order(session, hot, &journey).await?;
            let id = session.run().to_owned();
            let report = agent::upgrade(session, &id, order, hot.timeout).await?;
            tell(&report, reporter);
            Ok(Some(report.describe()))
        }
        Engine::ReleaseHandler if is_there(session, hot).await? => handler::prove(session, hot, &journey).await.map(|()| None),
        Engine::ReleaseHandler => handler::install(session, hot, &journey).await.map(|()| None),
    }
}

/// Whether a run whose operator was lost has had it installed.
async fn is_there(session: &mut Session, hot: &Hot) -> Result<bool, UpgradeError> {
    Ok(hot.engine == Engine::ReleaseHandler && handler::runs(session).await?.as_ref() == Some(&hot.to))
}

/// What the user can't see otherwise.
fn tell(report: &Report, reporter: &Reporter) {
    report.said.iter().for_each(|line| reporter.info(line));
    report.warnings.iter().for_each(|note| reporter.warn(&*note.text, Vec::new()));
    if !report.not_undoable.is_empty() {
        reporter.warn(format!("calls that a way back does not undo: {}", report.not_undoable.join(", ")), Vec::new());
    }
    if !report.lingering.is_empty() {
        let hint = Hint::text("they are killed when the upgrade becomes permanent");
        reporter.warn(format!("processes that still run old code: {}", report.lingering.join(", ")), vec![hint]);
    }
    if !report.killed.is_empty() {
        reporter.warn(format!("killed, because they ran old code: {}", report.killed.join(", ")), Vec::new());
    }
}

async fn commit(session: &mut Session, ending: &Ending, reporter: &Reporter) -> Result<Option<String>, UpgradeError> {
    let committed = match ending.engine {
        Engine::Transactional => match waiting(session, ending).await {
            Ok(id) => agent::commit(session, &id, ending.timeout).await.map(|report| tell(&report, reporter)),
            Err(error) => Err(error),
        },
        Engine::ReleaseHandler => handler::commit(session, ending).await.map(|warnings| {
            warnings.into_iter().for_each(|warning| reporter.warn(warning, Vec::new()));
        }),
    };
    let note = match committed {
        Ok(()) => None,
        // What boots was changed before, so a node that fell in between came up with it.
        Err(UpgradeError::Ended(_)) if came_up_with(session, &ending.to).await? => {
            Some(format!("the node was restarted into {} meanwhile; the state of its processes is lost", ending.to))
        }
        Err(error) => return Err(error),
    };
    clean_up(session).await;
    Ok(note)
}

/// Whether the node was restarted in this run, and into this release. What a node was booted into says nothing otherwise: it may have been
/// upgraded since.
async fn came_up_with(session: &mut Session, version: &Version) -> Result<bool, UpgradeError> {
    session.wait_until_up(COMES_BACK).await?;
    if !session.was_restarted() {
        return Ok(false);
    }
    let id = session.call(&Mfa::literal("init", "script_id", []), COMES_BACK).await?;
    Ok(id.as_tuple().and_then(|pair| agent::text_of(pair.last()?)).as_deref() == Some(version.as_str()))
}

/// The upgrade that is to be ended: ours, or that of a run whose operator was lost.
async fn waiting(session: &mut Session, ending: &Ending) -> Result<String, UpgradeError> {
    match agent::status(session).await {
        Ok(Status::Soaking { id, from, to, .. }) if from == ending.from && to == ending.to => Ok(id),
        Ok(Status::Over { result: Some(result), .. }) => Err(UpgradeError::Ended(match *result {
            agent::Moved::Reverted(why, _) | agent::Moved::Broken(why, _) => why.into(),
            agent::Moved::Done(_) | agent::Moved::Committed(_) => nothing_waits(ending),
        })),
        Err(error) if error.is_unknown() => Err(error),
        Ok(_) | Err(_) => Err(UpgradeError::Ended(nothing_waits(ending))),
    }
}

fn nothing_waits(ending: &Ending) -> Notes {
    Notes::new([format!("no upgrade from {} to {} waits there", ending.from, ending.to)])
}

/// Takes an upgrade back. Where there is none, it was taken back by the node, or the node has lost what there was to be taken back.
async fn revert(session: &mut Session, ending: &Ending) -> Result<Option<String>, UpgradeError> {
    match session.wait_until_up(COMES_BACK).await {
        Err(UpgradeError::Link(LinkError::Down)) => return Ok(Some("no node runs".to_owned())),
        up => up?,
    };
    if came_up_with(session, &ending.to).await? {
        return Err(UpgradeError::Broken(Notes::new([format!("the node was restarted into {}", ending.to)])));
    }
    let note = match ending.engine {
        Engine::ReleaseHandler => handler::revert(session, ending).await.map(|()| None)?,
        Engine::Transactional => match agent::status(session).await? {
            Status::Soaking { id, from, to, .. } if from == ending.from && to == ending.to => {
                let report = agent::revert(session, &id, ending.timeout).await?;
                Some(report.describe())
            }
            // It was taken back by the node itself, or nothing was begun, or the node was restarted.
            Status::Idle | Status::Over { .. } => None,
            Status::Soaking { .. } | Status::Working { .. } => return Err(UpgradeError::OtherAgent),
        },
    };
    clean_up(session).await;
    Ok(note)
}

/// The agent has nothing more to do. If it can't be told now, it stays and does no harm.
async fn clean_up(session: &mut Session) {
    vitals::stop_counting(session).await;
    let _ = agent::unload(session).await;
}
