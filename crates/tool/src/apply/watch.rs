//! Watching a node that was started: it must run on, and its application must be well.

use std::time::Duration;

use edeliver_core::{facts::NodeState, step::Watch};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};

use super::{StepError, error::Remote, step::Work};
use crate::{
    cancel::Level,
    node::{self, Answer, Incarnation},
    upgrade::{Session, ask_application},
};

const BEAT: Duration = Duration::from_secs(2);
/// So often in a row may it say that it is not well, or not answer.
const UNWELL: u32 = 3;

/// What was seen so far.
#[derive(Default)]
struct Seen {
    first: Option<Incarnation>,
    process: Option<u32>,
    /// Looks in a row at which it was not well.
    unwell: u32,
    /// Since when it is well.
    well_since: Option<Instant>,
}

/// Until the time is over. Gives what is worth a word.
pub(super) async fn watch(work: &Work<'_>, session: &Mutex<Session>, watch: &Watch) -> Result<Option<String>, StepError> {
    let (began, mut seen) = (Instant::now(), Seen::default());
    loop {
        let answer = node::state(&*work.site.transport, &work.site.place).await?;
        let trouble = match seen.judge(watch, &answer) {
            Ok(None) => application(session, watch).await,
            Ok(trouble) => trouble,
            Err(why) => return Err(unwell(why)),
        };
        if let Some(why) = trouble {
            work.reporter.output(&why);
            if seen.is_hopeless(began, watch) {
                return Err(unwell(why));
            }
            seen.unwell += 1;
        } else {
            seen.unwell = 0;
            let since = *seen.well_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= watch.time {
                return Ok(None);
            }
        }
        let left = seen.well_since.map_or(BEAT, |since| watch.time.saturating_sub(since.elapsed()));
        tokio::select! {
            () = sleep(BEAT.min(left)) => {}
            () = work.cancel.reached(Level::Finish) => return Ok(Some("interrupted: it was not watched to the end".to_owned())),
        }
    }
}

impl Seen {
    /// `Err`: it is not what was started. `Ok(Some)`: it is not well at the moment.
    fn judge(&mut self, watch: &Watch, answer: &Answer) -> Result<Option<String>, String> {
        let node = &answer.node;
        let (pid, incarnation) = (node.pid, answer.incarnation);
        match (self.process, pid) {
            (_, None) if node.state == NodeState::Down => return Err("the node has ended".to_owned()),
            (Some(before), Some(now)) if before != now => return Err("the node ended and was started again".to_owned()),
            _ => self.process = self.process.or(pid),
        }
        match (self.first, incarnation) {
            (Some(before), Some(now)) if before != now => return Err("the node was restarted".to_owned()),
            _ => self.first = self.first.or(incarnation),
        }
        match (node.state, &node.version) {
            (NodeState::Running, Some(version)) if *version != watch.version => Err(format!("the node runs {version}")),
            (NodeState::Running | NodeState::NoDistribution | NodeState::Unasked, _) => Ok(None),
            (state, _) => Ok(Some(format!("the node is {}", state.word()))),
        }
    }

    /// Whether nothing more is waited for: an application may take its time until it says for the first time that it is well.
    fn is_hopeless(&self, began: Instant, watch: &Watch) -> bool {
        match self.well_since {
            None => began.elapsed() >= watch.warm_up,
            Some(_) => self.unwell + 1 >= UNWELL,
        }
    }
}

async fn application(session: &Mutex<Session>, watch: &Watch) -> Option<String> {
    let check = watch.health.as_ref()?;
    ask_application(&mut *session.lock().await, check, watch.health_timeout).await
}

fn unwell(why: String) -> StepError {
    StepError::Unwell(Remote { lines: vec![why] })
}

#[cfg(test)]
mod tests {
    use edeliver_core::facts::NodeFacts;

    use super::*;

    fn watching() -> Watch {
        let second = Duration::from_secs(1);
        Watch { version: "0.2.0".parse().unwrap(), time: second, health: None, health_timeout: second, warm_up: second }
    }
    fn answer(state: NodeState, version: &str, pid: Option<u32>, creation: u32) -> Answer {
        let node = NodeFacts { state, version: version.parse().ok(), pid, ..NodeFacts::down() };
        let incarnation = pid.map(|pid| Incarnation { pid, began: 7, creation });
        Answer { node, permanent: None, incarnation, code: None, unit: None }
    }

    #[test]
    fn a_node_must_stay_the_one_that_was_started() {
        let well = answer(NodeState::Running, "0.2.0", Some(9), 1);
        for (then, says) in [
            (answer(NodeState::Down, "", None, 0), "the node has ended"),
            (answer(NodeState::Running, "0.2.0", Some(10), 1), "the node ended and was started again"),
            (answer(NodeState::Running, "0.2.0", Some(9), 2), "the node was restarted"),
            (answer(NodeState::Running, "0.1.0", Some(9), 1), "the node runs 0.1.0"),
        ] {
            let mut seen = Seen::default();
            assert_eq!(seen.judge(&watching(), &well), Ok(None));
            assert_eq!(seen.judge(&watching(), &then), Err(says.to_owned()));
        }
        let mut seen = Seen::default();
        assert_eq!(seen.judge(&watching(), &well), Ok(None));
        assert_eq!(seen.judge(&watching(), &answer(NodeState::Hung, "", Some(9), 1)), Ok(Some("the node is hung".to_owned())));
        assert_eq!(seen.judge(&watching(), &well), Ok(None));
    }
}
