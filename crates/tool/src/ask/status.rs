//! How the node of a host is: what its process shows, and one question to it.

use std::time::Duration;

use edeliver_core::{
    facts::NodeState,
    name::{NodeName, Version},
    unit::{Unit, UnitFacts},
};
use edeliver_erl::Term;

use super::{
    Site,
    form::{self, Form},
};
use crate::{
    error::Error,
    node::{
        self, Found, Incarnation,
        answer::upgraded_in,
        link::{self, CallError, Link, LinkError},
    },
    service,
};

static STATUS: Form = Form::new(|| form::read(include_str!("status/status.form")));

/// How long a node may take to answer, before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) state: NodeState,
    /// As full as it is known.
    pub(crate) node: Option<NodeName>,
    /// The version that runs: another one than it booted after an upgrade in place.
    pub(crate) runs: Option<Version>,
    /// The version that boots next.
    pub(crate) permanent: Option<Version>,
    /// Which start of the node this is, where it tells.
    pub(crate) incarnation: Option<Incarnation>,
    /// What only the node itself knows.
    pub(crate) figures: Option<Figures>,
    /// Why it is not as it should be.
    pub(crate) note: String,
    /// What systemd says of the unit that is to run it, where the target has one.
    pub(crate) unit: Option<UnitFacts>,
}

/// What a node says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Milliseconds since its process began.
    pub(crate) uptime_ms: u64,
    /// Bytes that the node has allocated.
    pub(crate) memory: u64,
    /// Erlang processes.
    pub(crate) processes: u64,
    /// Processes that are ready to run and wait for a scheduler.
    pub(crate) run_queue: u64,
}

/// Looks at the node that serves the host's root, and at the unit that is to run it.
///
/// # Errors
/// The host can't be asked. A node that does not answer is no error, but a state.
pub(crate) async fn status(site: &Site, unit: Option<&Unit>) -> Result<Status, Error> {
    let of_unit = async {
        match unit {
            Some(unit) => service::state(&*site.transport, unit).await.map(Some),
            None => Ok(None),
        }
    };
    let (node, unit) = tokio::join!(of_node(site), of_unit);
    Ok(Status { unit: unit?, ..node? })
}

async fn of_node(site: &Site) -> Result<Status, Error> {
    let Some(found) = node::find::find(&*site.transport, &site.place).await? else {
        let answer = node::state(&*site.transport, &site.place).await?;
        return Ok(Status {
            state: NodeState::Down,
            node: None,
            runs: None,
            permanent: answer.permanent,
            incarnation: None,
            figures: None,
            note: answer.alone.lines().collect::<Vec<_>>().join("; "),
            unit: None,
        });
    };
    let mut link = match link::open_found(&site.transport, &site.place, &found, PATIENCE).await {
        Ok(link) => link,
        Err(LinkError::Find(error)) => return Err(error.into()),
        Err(error) => return Ok(remarked(unasked(&found, state_of(&error), &error), &found)),
    };
    let mut status = ask(&found, &mut *link).await;
    if let Some(why) = link.way().why(&found).filter(|_| status.note.is_empty()) {
        status.note = why.to_owned();
    }
    link.close().await;
    Ok(remarked(status, &found))
}

/// With what the host did by itself.
fn remarked(mut status: Status, found: &Found) -> Status {
    let notes = found.alone.lines().chain([status.note]).filter(|note| !note.is_empty());
    status.note = notes.collect::<Vec<_>>().join("; ");
    status
}

async fn ask(found: &Found, link: &mut dyn Link) -> Status {
    let node = link.node().to_string().parse().ok();
    let incarnation = found.incarnation(link.creation());
    match link.call(&STATUS.call([]), PATIENCE, &mut |_| {}).await {
        Ok(answer) => read(found, &answer).map_or_else(
            || unasked(found, NodeState::Unasked, &"its answer can't be read"),
            |status| Status { node, incarnation, ..status },
        ),
        Err(error @ CallError::Timeout { .. }) => unasked(found, NodeState::Hung, &error),
        Err(error) => unasked(found, NodeState::Unasked, &error),
    }
}

/// `{status, {Internal, Provided}, Booted, [{Version, Standing}], Uptime, Memory, Processes, RunQueue}`.
fn read(found: &Found, answer: &Term) -> Option<Status> {
    let [_, init, booted, releases, figures @ ..] = answer.as_tuple()? else { return None };
    let [internal, _provided] = init.as_tuple()? else { return None };
    let state = match internal.as_atom()?.as_str() {
        "starting" => NodeState::Starting,
        "stopping" => NodeState::Stopping,
        _ => NodeState::Running,
    };
    let number = |at: usize| u64::try_from(figures.get(at)?.as_i64()?).ok();
    let figures = Figures { uptime_ms: number(0)?, memory: number(1)?, processes: number(2)?, run_queue: number(3)? };
    // Where processes can't be seen, files say what boots next, not what was booted.
    let booted = if found.pid.is_some() { found.booted.clone() } else { booted.to_text()?.parse().ok() };
    let runs = upgraded_in(releases.as_list()?, booted.as_ref(), found.permanent.as_ref()).or(booted);
    Some(Status { state, runs, figures: Some(figures), ..unasked(found, state, &"") })
}

/// What is known without the node's word.
fn unasked(found: &Found, state: NodeState, why: &dyn std::fmt::Display) -> Status {
    let (node, runs, permanent) = (found.name.clone(), found.booted.clone(), found.permanent.clone());
    Status { state, node, runs, permanent, incarnation: None, figures: None, note: why.to_string(), unit: None }
}

fn state_of(error: &LinkError) -> NodeState {
    match error {
        LinkError::Down => NodeState::Down,
        LinkError::Starting => NodeState::Starting,
        LinkError::Hung { .. } | LinkError::Stopped => NodeState::Hung,
        LinkError::WrongCookie => NodeState::WrongCookie,
        LinkError::NoDistribution => NodeState::NoDistribution,
        LinkError::Unregistered => NodeState::Unregistered,
        _ => NodeState::Unasked,
    }
}

#[cfg(test)]
mod tests {
    use edeliver_erl::term::text;

    use super::*;

    fn found() -> Found {
        let mut found = Found::default();
        (found.booted, found.permanent) = ("0.1.0".parse().ok(), "0.2.0".parse().ok());
        found.pid = Some(1);
        found
    }

    #[test]
    fn where_processes_cant_be_seen_the_node_says_what_it_was_booted_into() {
        let answer = text::parse("{status, {started, started}, \"0.0.9\", [], 1, 2, 3, 4}").unwrap();
        let mut found = found();
        assert_eq!(read(&found, &answer).unwrap().runs, "0.1.0".parse().ok());
        found.pid = None;
        assert_eq!(read(&found, &answer).unwrap().runs, "0.0.9".parse().ok());
    }

    #[test]
    fn the_answer_of_a_node_becomes_its_status() {
        let answer = "{status, {started, started}, \"0.1.0\", [{\"0.2.0\", current}, {\"0.1.0\", old}], 61000, 31457280, 57, 2}";
        let status = read(&found(), &text::parse(answer).unwrap()).unwrap();
        assert_eq!((status.state, status.runs.unwrap().as_str()), (NodeState::Running, "0.2.0"));
        let figures = Figures { uptime_ms: 61_000, memory: 31_457_280, processes: 57, run_queue: 2 };
        assert_eq!(status.figures, Some(figures));
        let placed = "[{\"0.2.0\", permanent}, {\"0.1.0\", old}, {\"0.2.0\", loaded}]";
        let placed = format!("{{status, {{started, started}}, \"0.1.0\", {placed}, 1, 2, 3, 4}}");
        let mut boots_another = found();
        boots_another.permanent = "0.1.0".parse().ok();
        assert_eq!(read(&boots_another, &text::parse(&placed).unwrap()).unwrap().runs, "0.2.0".parse().ok());
        let starting = "{status, {starting, applications_loaded}, \"0.1.0\", [], 1, 2, 3, 4}";
        let status = read(&found(), &text::parse(starting).unwrap()).unwrap();
        assert_eq!((status.state, status.runs.unwrap().as_str()), (NodeState::Starting, "0.1.0"), "what it was booted into");
    }

    #[test]
    fn another_answer_is_none() {
        for answer in
            ["ok", "{status, {started, started}, \"\", [], 1, 2, 3}", "{status, {started, started}, \"\", [], -1, 2, 3, 4}"]
        {
            assert_eq!(read(&found(), &text::parse(answer).unwrap()), None, "{answer}");
        }
    }
}
