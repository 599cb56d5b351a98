//! One question to all hosts of a target: at once but bounded, every host told of, equal answers told once.

mod aloud;
mod audience;
pub(crate) mod code;
pub(crate) mod form;
mod heard;
mod kept;
mod shelf;
pub(crate) mod status;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use edeliver_core::{config::TargetSettings, event::EventKind, name::HostName};
use tokio::{sync::Semaphore, task::JoinSet};

pub(crate) use self::{
    aloud::{Aloud, Turn},
    audience::nobody_reads,
    kept::Kept,
    shelf::{Shelf, Text},
};
use crate::{
    ctx::Ctx,
    error::{Error, Kind},
    node::{
        self, Found, Place,
        link::{self, Link, LinkError},
    },
    report::Reporter,
    transport::Transport,
    ui,
};

/// Hosts that are asked at a time. Each costs a process of ssh and some buffers; more at once makes no fleet faster.
pub(crate) const AT_A_TIME: usize = 64;

/// A node that has not shaken hands after this time hangs.
const CONNECTING: Duration = Duration::from_secs(10);

/// A host that was reached, and its release root.
pub(crate) struct Site {
    pub(crate) place: Place,
    pub(crate) transport: Arc<dyn Transport>,
    /// Tells as this host.
    pub(crate) reporter: Reporter,
    ui: ui::Handle,
}

impl Site {
    /// Connects to the node that serves the host's root, and says what else is known of it.
    ///
    /// # Errors
    /// It can't be called; the error says in which state it is.
    pub(crate) async fn link(&self, patience: Duration) -> Result<(Found, Box<dyn Link>), Error> {
        let found = node::find::find(&*self.transport, &self.place).await?.ok_or(LinkError::Down)?;
        let link = link::open_found(&self.transport, &self.place, &found, patience.min(CONNECTING)).await?;
        if let Some(why) = link.way().why(&found) {
            self.reporter.output(why);
        }
        Ok((found, link))
    }
    /// Tells what the host prints.
    pub(crate) fn aloud(&self) -> Aloud {
        Aloud::new(&self.reporter, &self.ui)
    }
}

/// What came of one host: its answer, or why there is none.
pub(crate) struct Answered<T> {
    pub(crate) host: HostName,
    pub(crate) answer: Result<T, Error>,
}

/// Logs in to all hosts of the target, puts the question to each, and ends the connections. Results are in the order of the configuration.
/// `what` is said while the user waits. Dropping this ends what runs on the hosts.
///
/// # Errors
/// When the configuration is missing or wrong.
pub(crate) async fn every<T, F, A>(
    ctx: &Ctx,
    target: &TargetSettings,
    what: String,
    at_a_time: usize,
    question: F,
) -> Result<Vec<Answered<T>>, Error>
where
    T: Send + 'static,
    F: Fn(Site) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<T, Error>> + Send,
{
    let hosts = target.hosts.iter().map(|host| host.name.clone()).collect();
    ctx.reporter.send(EventKind::Asking { what, hosts });
    every_over(ctx, None, target, at_a_time, question).await
}

/// The same over connections that stay, but for those that have gone.
///
/// # Errors
/// As [`every`].
pub(crate) async fn every_over<T, F, A>(
    ctx: &Ctx,
    kept: Option<&Kept>,
    target: &TargetSettings,
    at_a_time: usize,
    question: F,
) -> Result<Vec<Answered<T>>, Error>
where
    T: Send + 'static,
    F: Fn(Site) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<T, Error>> + Send,
{
    let (app, limits) = (&ctx.settings()?.app, ctx.limits()?);
    let room = Arc::new(Semaphore::new(at_a_time));
    let mut tasks = JoinSet::new();
    for (at, spec) in target.hosts.iter().enumerate() {
        let (spec, place, limits, question) = (spec.clone(), Place::on(spec, app), limits.clone(), question.clone());
        let (reporter, ui, room, kept) = (ctx.reporter.for_host(&spec.name), ctx.ui.clone(), room.clone(), kept.cloned());
        tasks.spawn(async move {
            let _room = room.acquire_owned().await.expect("nobody closes it");
            let host = spec.name.clone();
            let answer = match &kept {
                Some(kept) => kept.ask(&spec, &limits, |transport| question(Site { place, transport, reporter, ui })).await,
                None => kept::ask_once(&spec, &limits, |transport| question(Site { place, transport, reporter, ui })).await,
            };
            (at, Answered { host, answer })
        });
    }
    let mut answered = BTreeMap::new();
    while let Some(done) = tasks.join_next().await {
        answered.extend([done.map_err(|error| Error::new(Kind::Internal, error))?]);
    }
    Ok(answered.into_values().collect())
}

/// Tells the answers, equal ones once, in the order of their first hosts; each when the one before is told, as it may be long.
///
/// # Errors
/// A long one is lost.
pub(crate) async fn tell_answers(ctx: &Ctx, answered: &[Answered<Text>]) -> Result<(), Error> {
    let texts = answered.iter().filter_map(|one| Some((one.host.clone(), one.answer.as_ref().ok()?)));
    for (text, hosts) in fold(texts) {
        ctx.reporter.send(EventKind::Answer { hosts, of: answered.len(), text: text.read()? });
        ctx.ui.caught_up().await;
    }
    Ok(())
}

/// Tells why hosts gave no answer, equal troubles once.
pub(crate) fn tell_trouble<T>(ctx: &Ctx, answered: &[Answered<T>]) {
    let troubles = answered.iter().filter_map(|one| {
        let error = one.answer.as_ref().err()?;
        Some((one.host.clone(), (error.kind.word().to_owned(), error.causes(), error.hints.clone())))
    });
    for ((class, causes, hints), hosts) in fold(troubles) {
        ctx.reporter.send(EventKind::NoAnswer { hosts, of: answered.len(), class, causes, hints });
    }
}

/// Equal values with the hosts that have them.
fn fold<V: PartialEq>(values: impl Iterator<Item = (HostName, V)>) -> Vec<(V, Vec<HostName>)> {
    let mut folded: Vec<(V, Vec<HostName>)> = Vec::new();
    for (host, value) in values {
        match folded.iter_mut().find(|(known, _)| *known == value) {
            Some((_, hosts)) => hosts.push(host),
            None => folded.push((value, vec![host])),
        }
    }
    folded
}

/// 0 if every host answered and every answer is good. Where nobody knows whether something was done, that says most; then hosts that can't
/// be reached are told apart from those that are in trouble.
pub(crate) fn exit_code<T>(answered: &[Answered<T>], good: impl Fn(&T) -> bool) -> u8 {
    let kinds = answered.iter().filter_map(|one| match &one.answer {
        Ok(answer) if good(answer) => None,
        Ok(_) => Some(Kind::Stopped),
        Err(error) => Some(error.kind),
    });
    let kinds: Vec<Kind> = kinds.collect();
    match kinds[..] {
        [] => 0,
        [first, ref rest @ ..] if rest.iter().all(|kind| *kind == first) => first.exit_code(),
        _ if kinds.contains(&Kind::Unknown) => Kind::Unknown.exit_code(),
        _ if kinds.contains(&Kind::Unreachable) => Kind::Unreachable.exit_code(),
        _ => Kind::Stopped.exit_code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(host: &str, answer: Result<u8, Kind>) -> Answered<u8> {
        let answer = answer.map_err(|kind| Error::new(kind, "in trouble"));
        Answered { host: host.parse().unwrap(), answer }
    }

    #[test]
    fn equal_answers_are_folded_in_the_order_of_their_first_hosts() {
        let host = |name: &str| name.parse::<HostName>().unwrap();
        let folded = fold([(host("c"), 1), (host("a"), 2), (host("b"), 1)].into_iter());
        assert_eq!(folded, [(1, vec![host("c"), host("b")]), (2, vec![host("a")])]);
    }

    #[test]
    fn the_exit_code_says_what_kind_of_trouble_there_is() {
        let code = |answers: &[Result<u8, Kind>]| {
            let all: Vec<_> = answers.iter().map(|answer| answered("web1", *answer)).collect();
            exit_code(&all, |answer| *answer == 0)
        };
        assert_eq!(code(&[Ok(0), Ok(0)]), 0);
        assert_eq!(code(&[Ok(0), Ok(3)]), 8);
        assert_eq!(code(&[Ok(0), Err(Kind::Unreachable)]), 6);
        assert_eq!(code(&[Ok(3), Err(Kind::Unreachable)]), 6);
        assert_eq!(code(&[Err(Kind::Internal), Err(Kind::Internal)]), 1);
        assert_eq!(code(&[Err(Kind::Internal), Ok(3)]), 8);
        assert_eq!(code(&[Err(Kind::Unknown), Err(Kind::Unreachable), Ok(3)]), 11, "look at that one first");
    }
}
