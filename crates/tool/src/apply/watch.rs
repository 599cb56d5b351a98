//! Watching a node that was started: it must run on, and its application must be well. What counts as that, the core says.

use std::time::Duration;

use edeliver_core::{
    health::{Life, Next, Watching},
    step::Watch,
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};

use super::{StepError, error::Remote, step::Work};
use crate::{
    cancel::Level,
    node,
    upgrade::{Checks, Session},
};

const BEAT: Duration = Duration::from_secs(2);

/// Until the time is over. Gives what is worth a word.
pub(super) async fn watch(work: &Work<'_>, session: &Mutex<Session>, watch: &Watch) -> Result<Option<String>, StepError> {
    let mut checks = Checks::after_start(watch, work.past, work.reporter);
    let watched = look(work, session, watch, &mut checks).await;
    checks.end(&mut *session.lock().await).await;
    watched
}

async fn look(
    work: &Work<'_>,
    session: &Mutex<Session>,
    watch: &Watch,
    checks: &mut Checks<'_>,
) -> Result<Option<String>, StepError> {
    let began = Instant::now();
    let mut watching = Watching::new(watch.time, watch.warm_up, watch.gates.settle_within);
    let mut life = Life::default();
    loop {
        let answer = node::state(&*work.site.transport, &work.site.place).await?;
        let mut found = life.look(&watch.version, &answer.node, answer.incarnation);
        if found.is_well() {
            found = checks.look(&mut *session.lock().await, began.elapsed()).await;
        }
        let left = match watching.after(began.elapsed(), found) {
            Next::Look(left, lines) => {
                lines.iter().for_each(|line| work.reporter.output(line));
                left
            }
            Next::Unwell(lines) => return Err(StepError::Unwell(Remote { lines: vec![lines.join("; ")] })),
            Next::Well => return Ok(None),
        };
        tokio::select! {
            () = sleep(BEAT.min(left)) => {}
            () = work.cancel.reached(Level::Finish) => return Ok(Some("interrupted: it was not watched to the end".to_owned())),
        }
    }
}
