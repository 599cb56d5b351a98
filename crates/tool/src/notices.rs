//! Telling a run to programs of the project and to a webhook: before and after what it does, and when it did not come to a good end.
//!
//! Whoever carries something out calls [`Ctx::before`] when it is decided and nothing has been changed, [`Ctx::after`] when all of it is done,
//! and [`Ctx::finish`] at the end of the run. Who is told nothing never keeps a run from its end.

mod hooks;
mod post;
mod traces;
mod webhook;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use edeliver_core::{
    config::{NoticeFormat, Occasion},
    event::{EventKind, Outcome},
    hint::Hint,
    notice::{Action, Ended, Moment, Notice, RunResult, SCHEMA, Stage, Wave},
    plan::Plan,
};
use tokio::task::JoinHandle;

pub(crate) use self::hooks::Program;
pub(crate) use self::traces::Traces;
use self::{hooks::RunHook, webhook::Message};
pub use self::{hooks::RunHookError, post::PostError};
use crate::{
    config::Loaded,
    ctx::Ctx,
    error::{Error, chain},
    hook::masked,
};

/// What of a run has been told.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When the run began to do something; `None`: it hasn't.
    since: Option<Instant>,
    /// Its end has been told.
    over: bool,
    /// What it does now, or did last.
    stage: Option<Stage>,
    /// The message about its beginning, on its way.
    starting: Option<JoinHandle<()>>,
    /// What stopped the run, where that was not on a host.
    causes: Vec<String>,
}

impl Told {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Keeps what stopped the run.
    pub(crate) fn keep_causes(&self, causes: Vec<String>) {
        self.state().causes = causes;
    }
}

impl Ctx {
    /// Something is about to be changed as the plan says: the hook before it runs, and a webhook is told.
    ///
    /// # Errors
    /// The hook failed; nothing has been changed.
    pub(crate) async fn before(&self, action: Action, plan: &Plan) -> Result<(), Error> {
        let stage = Stage::of(action, plan);
        let Some(notice) = self.notice(&Moment::before(action).word(), stage.clone())? else { return Ok(()) };
        self.hook(Moment::before(action), &notice)?.run().await?;
        let first = {
            let mut state = self.told.state();
            state.stage = Some(stage);
            let first = state.since.is_none();
            state.since.get_or_insert_with(Instant::now);
            first
        };
        if first {
            let start = self.message(Occasion::Start, notice)?.map(|message| tokio::spawn(message.send()));
            self.told.state().starting = start;
        }
        Ok(())
    }
    /// What [`Ctx::before`] announced is over; where it went well, the hook after it runs. That this fails is told, and changes nothing.
    pub(crate) async fn after(&self, action: Action, outcome: &Outcome) {
        let stage = self.told.state().stage.clone().filter(|stage| stage.action == action);
        if let (Some(stage), RunResult::Done) = (stage, RunResult::of(outcome)) {
            let ended = self.ended(outcome, Vec::new());
            self.tell(Moment::after(action), stage, |notice| notice.ended = Some(ended)).await;
        }
    }
    /// Some of the plan's hosts come next, and nothing has been changed on them.
    ///
    /// # Errors
    /// The hook failed. One that was interrupted has not: the hosts see that by themselves.
    pub(crate) async fn before_wave(&self, wave: Wave) -> Result<(), Error> {
        let stage = self.told.state().stage.clone().filter(|_| !self.cancel.is_requested());
        let Some(stage) = stage else { return Ok(()) };
        let Some(notice) = self.notice(&Moment::BeforeWave.word(), stage)? else { return Ok(()) };
        let hook = self.hook(Moment::BeforeWave, &Notice { wave: Some(wave), ..notice })?;
        Ok(self.unless_pressed(hook.run()).await.unwrap_or(Ok(()))?)
    }
    /// They are done. That the hook fails is told, and changes nothing.
    pub(crate) async fn after_wave(&self, wave: Wave) {
        let stage = self.told.state().stage.clone().filter(|_| !self.cancel.is_requested());
        if let Some(stage) = stage {
            self.tell(Moment::AfterWave, stage, |notice| notice.wave = Some(wave)).await;
        }
    }
    /// Ends the run: who is told of runs is told, and the renderers show the last table. Gives the exit code.
    pub async fn finish(&self, outcome: Outcome) -> u8 {
        let code = outcome.exit_code;
        self.tell_end(&outcome).await;
        self.send_trace(&outcome).await;
        self.reporter.send(EventKind::RunFinished { outcome });
        code
    }

    async fn send_trace(&self, outcome: &Outcome) {
        let Some(traces) = self.ui.traces() else { return };
        let _hand = self.step_in_hand();
        self.ui.caught_up().await; // every event is in it
        self.unless_pressed(traces.send(outcome, &self.reporter)).await;
    }
    async fn tell_end(&self, outcome: &Outcome) {
        let (stage, starting, causes) = {
            let mut state = self.told.state();
            if state.since.is_none() || std::mem::replace(&mut state.over, true) {
                return;
            }
            (state.stage.clone(), state.starting.take(), std::mem::take(&mut state.causes))
        };
        let Some(stage) = stage else { return };
        let _hand = self.step_in_hand(); // what was done is done, however long it takes to say so
        let ended = self.ended(outcome, causes);
        let occasion = if ended.result == RunResult::Done { Occasion::Success } else { Occasion::Failure };
        if occasion == Occasion::Failure {
            let ended = ended.clone();
            self.tell(Moment::OnFailure, stage.clone(), |notice| notice.ended = Some(ended)).await;
        }
        let notice = self.notice(occasion.word(), stage).ok().flatten();
        let message = notice.and_then(|notice| self.message(occasion, Notice { ended: Some(ended), ..notice }).ok().flatten());
        self.unless_pressed(async {
            if let Some(starting) = starting {
                let _ = starting.await; // a beginning that is told after the end would be odd
            }
            if let Some(message) = message {
                message.send().await;
            }
        })
        .await;
    }
    /// How it ended, as it may leave this machine.
    fn ended(&self, outcome: &Outcome, causes: Vec<String>) -> Ended {
        let secrets = self.loaded().map(Loaded::secrets).unwrap_or_default();
        let mut outcome = outcome.clone();
        outcome.hosts.iter_mut().for_each(|host| host.summary = masked(&secrets, &host.summary));
        let causes = causes.iter().map(|cause| masked(&secrets, cause)).collect();
        Ended { result: RunResult::of(&outcome), outcome, causes }
    }
    /// Runs a hook whose failure changes nothing.
    async fn tell(&self, moment: Moment, stage: Stage, more: impl FnOnce(&mut Notice)) {
        let Ok(Some(mut notice)) = self.notice(&moment.word(), stage) else { return };
        more(&mut notice);
        let Ok(hook) = self.hook(moment, &notice) else { return };
        let _hand = self.step_in_hand();
        match self.unless_pressed(hook.run()).await {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                let text = chain(&error).join(": ");
                self.reporter.warn(text, vec![Hint::text("what was done stays done; what the hook should have done is not")]);
            }
            None => self.reporter.warn(format!("the hook {} was ended, because you interrupted it", moment.word()), Vec::new()),
        }
    }
    /// `None`: the user has pressed Ctrl-C once more than before.
    async fn unless_pressed<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let pressed = self.cancel.level().next();
        tokio::select! {
            done = work => Some(done),
            () = self.cancel.reached(pressed) => None,
        }
    }
    /// What is told at this moment; `None`: there is no run.
    fn notice(&self, moment: &str, stage: Stage) -> Result<Option<Notice>, Error> {
        let Some(run) = self.run().cloned() else { return Ok(None) };
        let since = self.told.state().since;
        Ok(Some(Notice {
            v: SCHEMA,
            moment: moment.to_owned(),
            run,
            app: self.settings()?.app.clone(),
            by: crate::runs::operator(),
            seconds: since.map_or(0, |since| since.elapsed().as_secs()),
            stage,
            wave: None,
            ended: None,
        }))
    }
    fn hook(&self, moment: Moment, notice: &Notice) -> Result<RunHook, Error> {
        let loaded = self.loaded()?;
        let hooks = &loaded.settings.run_hooks;
        let program = hooks.programs.get(&moment).map(|program| Program {
            word: moment.word(),
            program: self.resolve(program),
            project: self.project.clone(),
            timeout: hooks.timeout,
            environment: notice.environment(),
            json: notice.json(),
            secrets: loaded.secrets(),
            reporter: self.reporter.clone(),
        });
        Ok(RunHook { program })
    }
    /// `None`: nobody wants to know.
    fn message(&self, occasion: Occasion, notice: Notice) -> Result<Option<Message>, Error> {
        let Some(notify) = &self.settings()?.notify else { return Ok(None) };
        if !notify.on.contains(&occasion) {
            return Ok(None);
        }
        let notice = Notice { moment: occasion.word().to_owned(), ..notice };
        let payload = match notify.format {
            NoticeFormat::Slack => notice.slack(),
            NoticeFormat::Json => notice.json(),
        };
        Ok(Some(Message { webhook: notify.webhook.clone(), payload, reporter: self.reporter.clone() }))
    }
}
