//! Hooks: the user's own code, run on this machine.

use std::time::Instant;

use async_trait::async_trait;
use edeliver_core::{event::EventKind, step::Step};

use super::{StepError, told};
use crate::{
    cancel::{Cancel, Level},
    report::Reporter,
};

/// Why a hook failed.
pub type HookFailure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the project's hooks.
#[async_trait]
pub trait Hooks: Send {
    /// Runs the hook of this name; what it prints goes to `reporter`.
    async fn run(&mut self, name: &str, reporter: &Reporter) -> Result<(), HookFailure>;
}

/// Runs hooks and tells of them.
pub(super) struct Runner<'a> {
    pub(super) hooks: Option<Box<dyn Hooks + 'a>>,
    pub(super) reporter: Reporter,
    pub(super) cancel: Cancel,
}

impl Runner<'_> {
    /// Runs these steps of this machine, one after the other.
    ///
    /// # Errors
    /// In words, what stopped it.
    pub(super) async fn run_all(&mut self, steps: &[Step]) -> Result<(), String> {
        for (index, step) in steps.iter().enumerate() {
            if self.cancel.is_requested() {
                return Err("interrupted".to_owned());
            }
            self.run_step(index, step).await?;
        }
        Ok(())
    }

    async fn run_step(&mut self, index: usize, step: &Step) -> Result<(), String> {
        let (what, began) = (step.describe(), Instant::now());
        self.reporter.send(EventKind::StepStarted { index, what: what.clone() });
        let result = match step {
            Step::Hook { name } => self.run(name).await,
            _ => Err(StepError::Misplanned),
        };
        match result {
            Ok(()) => {
                self.reporter.send(told::finished(index, what, began, None));
                Ok(())
            }
            Err(error) => {
                let why = format!("{what} failed");
                self.reporter.send(told::failed(index, what, error));
                Err(why)
            }
        }
    }

    /// Runs one hook.
    pub(super) async fn run(&mut self, name: &str) -> Result<(), StepError> {
        let hooks = self.hooks.as_mut().ok_or(StepError::Misplanned)?;
        tokio::select! {
            result = hooks.run(name, &self.reporter) => result.map_err(|failure| StepError::Hook(failure.into())),
            () = self.cancel.reached(Level::Kill) => Err(StepError::Interrupted),
        }
    }
}
