//! OTP's own way: `release_handler` carries the relup out.
//!
//! What it leaves to chance is closed here. Configuration is resolved before ([`stash`](prepare)), because it knows neither providers nor
//! `runtime.exs`; what an early failure leaves behind is put back; a late failure restarts the node, which shows by its creation and not
//! by its process or its first answers; what its `apply` instructions could not do is asked for; and nothing counts before the code that
//! is loaded was compared.

use std::time::Duration;

use edeliver_core::{
    name::Version,
    step::{Ending, Hot},
};
use edeliver_erl::{Term, term::text};
use tokio::time::{Instant, sleep};

use super::{
    Journey, Session, UpgradeError, agent,
    error::Notes,
    order::{md5s, millis},
    place,
};
use crate::{
    ask::form::{self, Form},
    node::link::Mfa,
};

static INSTALL: Form = Form::new(|| form::read(include_str!("forms/install.form")));
static RECOVER: Form = Form::new(|| form::read(include_str!("forms/recover.form")));
static LOOK: Form = Form::new(|| form::read(include_str!("forms/look.form")));
static PERMANENT: Form = Form::new(|| form::read(include_str!("forms/permanent.form")));
static RUNS: Form = Form::new(|| form::read(include_str!("forms/runs.form")));

/// For questions.
const SOON: Duration = Duration::from_secs(30);
/// A node that restarts in its process is away for about 3 s; with a big release, longer.
const RESTART: Duration = Duration::from_secs(120);
/// `init:restart/0` is called after the answer was given.
const FALL: Duration = Duration::from_millis(1500);
const PAUSE: Duration = Duration::from_millis(200);

/// What a node with an upgrade by release_handler looks like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) other_code: Vec<String>,
    pub(super) suspended: Vec<String>,
    /// Registered names and their processes.
    pub(super) names: Vec<(String, String)>,
}

/// What can be asked before: configuration that can be resolved, and release_handler's own check.
pub(super) async fn prepare(session: &mut Session, to: &Version) -> Result<(), UpgradeError> {
    let stash = Mfa::literal("edeliver_agent", "stash", [vsn(to)]);
    let stashed = session.call(&stash, SOON).await?;
    if !stashed.is_atom("ok") {
        return Err(UpgradeError::Refused(Notes::new([why(&stashed)])));
    }
    let check = Mfa::literal("release_handler", "check_install_release", [vsn(to)]);
    let checked = session.call(&check, SOON).await?;
    match checked.as_tuple() {
        Some([ok, ..]) if ok.is_atom("ok") => Ok(()),
        _ => Err(UpgradeError::Refused(Notes::new([why(&checked)]))),
    }
}

/// Installs the release, and proves it.
pub(super) async fn install(session: &mut Session, hot: &Hot, journey: &Journey) -> Result<(), UpgradeError> {
    prepare(session, &hot.to).await?;
    install_prepared(session, &hot.from, &hot.to, options(hot), hot.timeout).await?;
    prove(session, hot, journey).await
}

/// Whether all was done that an installation should have done.
pub(super) async fn prove(session: &mut Session, hot: &Hot, journey: &Journey) -> Result<(), UpgradeError> {
    let failed = session.call(&Mfa::literal("edeliver_agent", "failed", []), SOON).await?;
    let failed: Vec<String> = failed.as_list().unwrap_or_default().iter().map(why).collect();
    if !failed.is_empty() {
        return Err(UpgradeError::Unwell(Notes::new(failed)));
    }
    let look = look(session, Some(journey)).await?;
    match look.other_code.is_empty() {
        true => Ok(()),
        false => Err(UpgradeError::Unwell(Notes::new([format!("not the code of {}: {}", hot.to, look.other_code.join(", "))]))),
    }
}

async fn install_prepared(
    session: &mut Session,
    from: &Version,
    to: &Version,
    options: Term,
    patience: Duration,
) -> Result<(), UpgradeError> {
    let creation = session.creation();
    let installed = session.call(&INSTALL.call([("Options", options), ("To", vsn(to))]), patience).await;
    match installed {
        Ok(term) => match term.as_tuple() {
            Some([ok, _]) if ok.is_atom("ok") => Ok(()),
            _ => Err(after_failure(session, creation, from, why(&term)).await),
        },
        // It goes on by itself, or the node has fallen.
        Err(error) if error.is_unknown() => after_loss(session, creation, from, to, patience).await,
        Err(error) => Err(error),
    }
}

/// Whether the node lives on after a failed installation, with everything put back, or restarts.
async fn after_failure(session: &mut Session, creation: Option<u32>, from: &Version, why: String) -> UpgradeError {
    let until = Instant::now() + FALL;
    while Instant::now() < until {
        match session.is_up().await {
            Ok(true) if session.creation() == creation => sleep(PAUSE).await,
            _ => return restarted(session, creation, from, why).await,
        }
    }
    match session.call(&RECOVER.call([]), SOON).await {
        Ok(term) if term.is_atom("recovered") || term.is_atom("nothing") => UpgradeError::Reverted(Notes::new([why])),
        Ok(_) => restarted(session, creation, from, why).await,
        Err(error) => error,
    }
}

async fn after_loss(
    session: &mut Session,
    creation: Option<u32>,
    from: &Version,
    to: &Version,
    patience: Duration,
) -> Result<(), UpgradeError> {
    session.wait_until_up(RESTART).await.map_err(agent::gone)?;
    if session.creation() != creation {
        return Err(restarted(session, creation, from, "it fell in the middle of the upgrade".to_owned()).await);
    }
    let until = Instant::now() + patience;
    loop {
        match runs(session).await? {
            Some(runs) if runs == *to => return Ok(()),
            _ if Instant::now() > until => {
                return Err(after_failure(session, creation, from, "release_handler has not installed it".to_owned()).await);
            }
            _ => sleep(PAUSE).await,
        }
    }
}

/// Waits until the node is up again.
async fn restarted(session: &mut Session, creation: Option<u32>, from: &Version, why: String) -> UpgradeError {
    let why = Notes::new([why]);
    let until = Instant::now() + RESTART;
    loop {
        let up = session.wait_until_up(RESTART).await;
        match up {
            Ok(()) if session.creation() != creation => return UpgradeError::Restarted { into: Some(from.clone()), why },
            Ok(()) if Instant::now() < until => sleep(PAUSE).await,
            Ok(()) | Err(_) => return UpgradeError::Gone(why),
        }
    }
}

/// What release_handler takes for the running release.
pub(super) async fn runs(session: &mut Session) -> Result<Option<Version>, UpgradeError> {
    let runs = session.call(&RUNS.call([]), SOON).await?;
    Ok(runs.to_text().filter(|_| !runs.is_atom("none")).and_then(|version| version.parse().ok()))
}

/// How the node does. Without a journey no code is compared.
pub(super) async fn look(session: &mut Session, journey: Option<&Journey>) -> Result<Look, UpgradeError> {
    let (code, removed) = match journey {
        Some(journey) => (md5s(&journey.code), Term::list(journey.removed.iter().cloned().map(Term::Atom))),
        None => (Term::list([]), Term::list([])),
    };
    let ask = LOOK.call([("Code", code), ("Removed", removed)]);
    let answer = session.call(&ask, SOON).await?;
    let read = || {
        let [_, other, suspended, names] = answer.as_tuple()? else { return None };
        let name = |pair: &Term| match pair.as_tuple()? {
            [name, pid] => Some((name.as_atom()?.as_str().to_owned(), text::pretty(pid))),
            _ => None,
        };
        Some(Look {
            other_code: other.as_list()?.iter().map(text::pretty).collect(),
            suspended: suspended.as_list()?.iter().map(text::pretty).collect(),
            names: names.as_list()?.iter().map(name).collect::<Option<_>>()?,
        })
    };
    read().ok_or_else(|| agent::strange(&ask, &answer))
}

/// Takes an upgrade that is not permanent back, with the states of now.
pub(super) async fn revert(session: &mut Session, ending: &Ending) -> Result<(), UpgradeError> {
    if runs(session).await?.as_ref() == Some(&ending.from) {
        return Ok(());
    }
    prepare(session, &ending.from).await?;
    install_prepared(session, &ending.from, &ending.from, Term::list([update_paths()]), ending.timeout).await
}

/// Makes it permanent on the node. Gives what the user should know.
pub(super) async fn commit(session: &mut Session, ending: &Ending) -> Result<Vec<String>, UpgradeError> {
    let root = place::root(session).await?;
    agent::inject(session).await?;
    let name = Term::string(session.place().app.as_str());
    let ask = PERMANENT.call([("From", vsn(&ending.from)), ("Name", name), ("Root", Term::string(&root)), ("To", vsn(&ending.to))]);
    let answer = session.call(&ask, ending.timeout).await?;
    match answer.as_tuple() {
        Some([ok, warnings]) if ok.is_atom("ok") => Ok(warnings.as_list().unwrap_or_default().iter().map(why).collect()),
        _ => Err(UpgradeError::Ended(why(&answer).into())),
    }
}

fn options(hot: &Hot) -> Term {
    let pair = |name, value| Term::tuple([Term::atom(name), value]);
    Term::list([
        update_paths(),
        pair("suspend_timeout", millis(hot.limits.suspend)),
        pair("code_change_timeout", millis(hot.limits.code_change)),
    ])
}

fn update_paths() -> Term {
    Term::tuple([Term::atom("update_paths"), Term::atom("true")])
}

fn vsn(version: &Version) -> Term {
    Term::string(version.as_str())
}

/// The reason in `{error, Reason}`, `{Tag, Text, Term}` or whatever it is.
fn why(term: &Term) -> String {
    let said = match term.as_tuple() {
        Some([word, why]) if word.is_atom("error") => return self::why(why),
        Some([tag, said, _]) if tag.as_atom().is_some() => agent::text_of(said),
        _ => None,
    };
    let in_one_line = |text: String| crate::report::printable(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    match said {
        Some(text) => crate::report::readable(&text),
        None => agent::text_of(term).map_or_else(|| in_one_line(text::pretty(term)), |text| crate::report::readable(&text)),
    }
}
