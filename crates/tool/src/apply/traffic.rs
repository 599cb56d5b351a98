//! Taking a host out of the traffic, and bringing it back: the user's own programs, here or there.
//!
//! The host itself has a mark from before it is drained until it is back, so that nobody has to remember it: whoever comes next sees it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use edeliver_core::{
    config::{Traffic, TrafficProgram},
    name::{HostName, RunId, Version},
    notice::HostNotice,
    plan::Plan,
    step::Step,
};
use tokio::sync::Semaphore;

use super::{Site, StepError, error::Remote, root};
use crate::{
    ctx::Ctx,
    notices::{Program, RunHookError},
    report::Reporter,
    transport::{Call, Input, Output, Script, TransportError},
};

const COMMAND: Script = Script { name: "the command", text: include_str!("traffic.sh") };
/// So many programs of the project run at the same time, however many hosts are changed.
const AT_ONCE: usize = 16;

/// Why a host is not out of the traffic, or not back.
#[derive(Debug, thiserror::Error)]
pub enum TrafficError {
    /// The project's program.
    #[error(transparent)]
    Program(#[from] RunHookError),
    /// The command on the host.
    #[error("the command to {word} failed with status {status}")]
    Command {
        /// What it was to do.
        word: &'static str,
        /// Its status.
        status: i32,
        /// What it said last.
        #[source]
        said: Remote,
    },
    /// It did not end in time, and was ended.
    #[error("the command to {word} did not end within {} s", after.as_secs())]
    Timeout {
        /// What it was to do.
        word: &'static str,
        /// The limit.
        after: Duration,
    },
    /// The connection.
    #[error(transparent)]
    Transport(TransportError),
    /// The mark on the host.
    #[error("that could not be noted on the host")]
    Mark(#[source] Box<StepError>),
    /// The user interrupted it.
    #[error("interrupted")]
    Interrupted,
}

/// What all hosts' steps of this kind need.
pub(super) struct Road {
    project: PathBuf,
    secrets: Vec<String>,
    /// What is told, but for the host and the moment.
    notice: HostNotice,
    permits: Arc<Semaphore>,
}

/// The way out, or back.
#[derive(Clone, Copy)]
pub(super) enum Way {
    Out,
    Back,
}

impl Way {
    fn word(self) -> &'static str {
        match self {
            Self::Out => "drain",
            Self::Back => "resume",
        }
    }
    fn program(self, traffic: &Traffic) -> &TrafficProgram {
        match self {
            Self::Out => &traffic.drain,
            Self::Back => &traffic.resume,
        }
    }
}

impl Road {
    /// `None`: the plan has no such step, or there is no configuration.
    pub(super) fn of(ctx: &Ctx, plan: &Plan) -> Option<Self> {
        let goes = |step: &Step| matches!(step, Step::Drain(_) | Step::Resume(_));
        let first = plan.hosts.iter().find(|host| host.steps.iter().any(goes))?;
        let loaded = ctx.loaded().ok()?;
        let (app, by) = (loaded.settings.app.clone(), crate::runs::operator());
        Some(Self {
            project: ctx.project.clone(),
            secrets: loaded.secrets(),
            notice: HostNotice::of(plan, ctx.run().cloned(), app, by, first.host.clone()),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }
}

/// One host on its way.
pub(super) struct Going<'a> {
    pub(super) host: &'a HostName,
    pub(super) site: &'a Site,
    pub(super) road: &'a Road,
    pub(super) reporter: &'a Reporter,
    /// What boots.
    pub(super) boots: Option<&'a Version>,
}

impl Going<'_> {
    /// The host gets its mark first, and loses it last: what is killed in between is seen.
    pub(super) async fn go(&self, way: Way, traffic: &Traffic) -> Result<(), TrafficError> {
        match way {
            Way::Out => {
                let run = self.road.notice.run.as_ref().map_or("unknown", RunId::as_str);
                self.mark(Some(run)).await?;
                self.run(way, traffic).await
            }
            Way::Back => {
                self.run(way, traffic).await?;
                self.mark(None).await
            }
        }
    }
    /// `run`: that has drained it; none: it is back.
    async fn mark(&self, run: Option<&str>) -> Result<(), TrafficError> {
        let marked = root::mark_drained(self.site, run, self.boots).await;
        marked.map_err(|error| TrafficError::Mark(Box::new(error)))
    }
    async fn run(&self, way: Way, traffic: &Traffic) -> Result<(), TrafficError> {
        let notice = HostNotice { moment: way.word().to_owned(), host: self.host.clone(), ..self.road.notice.clone() };
        match way.program(traffic) {
            TrafficProgram::Here(program) => {
                let _permit = self.road.permits.acquire().await;
                let program = Program {
                    word: way.word().to_owned(),
                    program: self.road.project.join(program),
                    project: self.road.project.clone(),
                    timeout: traffic.timeout,
                    environment: notice.environment(),
                    json: notice.json(),
                    secrets: self.road.secrets.clone(),
                    reporter: self.reporter.clone(),
                };
                Ok(program.run().await?)
            }
            TrafficProgram::OnHost(command) => self.run_there(way, command, traffic.timeout, &notice).await,
        }
    }
    async fn run_there(&self, way: Way, command: &str, timeout: Duration, notice: &HostNotice) -> Result<(), TrafficError> {
        let variables = notice.environment().into_iter().map(|(name, value)| format!("{name}={value}"));
        let args: Vec<String> = [self.site.place.root.to_string(), command.to_owned()].into_iter().chain(variables).collect();
        let mut tell = |line: &str| self.reporter.output(&crate::hook::masked(&self.road.secrets, line));
        let input = Input::Bytes(format!("{}\n", notice.json()).into_bytes());
        let call = Call { input, output: Output::Lines(&mut tell), ..Call::new(COMMAND, args, timeout) };
        match self.site.transport.run(call).await {
            Ok(reply) if reply.status == 0 => Ok(()),
            Ok(reply) => {
                let lines = reply.tail.iter().map(|line| crate::hook::masked(&self.road.secrets, line)).collect();
                Err(TrafficError::Command { word: way.word(), status: reply.status, said: Remote { lines } })
            }
            Err(TransportError::Timeout { after, .. }) => Err(TrafficError::Timeout { word: way.word(), after }),
            Err(error) => Err(TrafficError::Transport(error)),
        }
    }
}
