//! How a node does, by one question of ours.

use std::time::Duration;

use edeliver_core::{health::Vitals, name::NodeName};
use edeliver_erl::{Term, term::text};

use super::{Session, UpgradeError, agent};
use crate::{
    ask::form::{self, Form},
    node::link::Mfa,
};

static VITALS: Form = Form::new(|| form::read(include_str!("forms/vitals.form")));

/// Supervisors and epmds that don't answer are waited for on the node.
const SOON: Duration = Duration::from_secs(20);

/// What is asked beside what costs nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ask<'a> {
    /// The errors that are logged, from the first look on: the node counts them until it is told to stop.
    pub(super) errors: bool,
    /// What supervisors have restarted.
    pub(super) restarts: bool,
    /// Which of these are up and not connected.
    pub(super) peers: &'a [NodeName],
}

/// Asks.
pub(super) async fn ask(session: &mut Session, what: Ask<'_>) -> Result<Vitals, UpgradeError> {
    let wanted = |is: bool| Term::atom(if is { "true" } else { "false" });
    let peers = Term::list(what.peers.iter().map(|peer| Term::binary(peer.as_str())));
    let bindings = [("Count", wanted(what.errors)), ("Peers", peers), ("Restarts", wanted(what.restarts))];
    let answer = session.call(&VITALS.call(bindings), SOON).await?;
    if what.errors {
        session.counts();
    }
    read(&answer).ok_or_else(|| agent::strange(&Mfa::literal("edeliver", "vitals", []), &answer))
}

/// Nobody needs to know any more. If the node can't be told, it stops after a while by itself.
pub(super) async fn stop_counting(session: &mut Session) {
    if session.ends_counting() {
        let remove = Mfa::literal("logger", "remove_handler", [Term::atom("edeliver_errors")]);
        let _ = session.call(&remove, SOON).await;
    }
}

/// `{vitals, Memory, RunQueue, Schedulers, [{Name, Messages}], Now, [{Supervisor, [Second]}], [Peer], Errors | none}`
fn read(answer: &Term) -> Option<Vitals> {
    let [_, memory, run_queue, schedulers, waiting, now, restarts, apart, errors] = answer.as_tuple()? else { return None };
    let number = |term: &Term| u64::try_from(term.as_i64()?).ok();
    let pair = |term: &Term| match term.as_tuple()? {
        [name, value] => Some((shown(name), value.clone())),
        _ => None,
    };
    let waits = |term: &Term| pair(term).and_then(|(name, messages)| Some((name, number(&messages)?)));
    let restarted = |term: &Term| {
        let (supervisor, times) = pair(term)?;
        Some((supervisor, times.as_list()?.iter().map(Term::as_i64).collect::<Option<_>>()?))
    };
    Some(Vitals {
        memory: number(memory)?,
        run_queue: number(run_queue)?,
        schedulers: number(schedulers)?,
        waiting: waiting.as_list()?.iter().map(waits).collect::<Option<_>>()?,
        restarts: restarts.as_list()?.iter().map(restarted).collect::<Option<_>>()?,
        now: now.as_i64()?,
        errors: number(errors),
        apart: apart
            .as_list()?
            .iter()
            .map(|peer| agent::text_of(peer).map(|text| crate::report::printable(&text)))
            .collect::<Option<_>>()?,
    })
}

/// A registered name, or a process; Elixir's modules as Elixir writes them.
fn shown(term: &Term) -> String {
    let text = text::pretty(term);
    crate::report::printable(text.strip_prefix("'Elixir.").and_then(|rest| rest.strip_suffix('\'')).unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_s_answer_is_understood() {
        let read = |text: &str| read(&text::parse(text).unwrap());
        let vitals = read("{vitals, 48, 1, 2, [{'Elixir.Hotapp.Sink', 200}], -7, [{sup, [-8, -9]}], [<<\"b@h\">>], 3}").unwrap();
        assert_eq!((vitals.memory, vitals.run_queue, vitals.schedulers, vitals.errors), (48, 1, 2, Some(3)));
        assert_eq!((&vitals.apart[..], vitals.now), (&["b@h".to_owned()][..], -7));
        assert_eq!((vitals.waiting["Hotapp.Sink"], &vitals.restarts["sup"][..]), (200, &[-8, -9][..]));
        assert_eq!(read("{vitals, 48, 1, 2, [], -7, [], [], none}").unwrap().errors, None);
        assert_eq!(read("{vitals, 48, 1, 2, [x], -7, [], [], none}"), None);
    }
}
