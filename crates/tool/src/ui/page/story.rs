//! From events to what became of a run: which step ran when and where, what it printed, what failed.
//!
//! Events may be missing (a run that was killed, a journal of another version), and come in any order: nothing here depends on a step
//! having its begin and its end.

mod answers;
mod host;
mod lane;
mod phase;
mod trouble;
mod waves;

use edeliver_core::{
    event::{Event, EventKind, Outcome},
    hint::Hint,
    name::{HostName, RunId, TargetName},
    plan::Plan,
    upgrade::Judgement,
};
use indexmap::IndexMap;

pub(super) use answers::Answer;
pub(super) use host::{HostStory, Standing};
use lane::Named;
pub(super) use lane::{Ended, Lane, Span};
pub(super) use phase::Phase;
pub(super) use trouble::{Place, Trouble};
pub(super) use waves::Wave;

/// What became of a run.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) begun: Option<Begun>,
    /// In the order in which they were obeyed: a build's and a deploy's may be in one run.
    pub(super) plans: Vec<Plan>,
    /// What was done on this machine.
    pub(super) own: Lane,
    pub(super) hosts: IndexMap<HostName, HostStory>,
    /// The waves that were begun.
    begun_waves: Vec<waves::Begun>,
    pub(super) judgements: Vec<Judgement>,
    pub(super) troubles: Vec<Trouble>,
    pub(super) notes: Vec<Note>,
    pub(super) answers: Vec<Answer>,
    /// What hooks printed while hosts waited for them, by the hook.
    pub(super) hooks: IndexMap<String, Vec<String>>,
    /// What was printed while no step went on, by whose it is.
    pub(super) loose: IndexMap<String, Vec<String>>,
    pub(super) outcome: Option<Outcome>,
    /// When the last event came.
    pub(super) length_ms: u64,
    /// Whether more will come.
    goes_on: bool,
}

/// The beginning of a run.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) run: RunId,
    pub(super) title: String,
    pub(super) unix: u64,
    pub(super) command: Vec<String>,
    pub(super) by: Option<String>,
    pub(super) target: Option<TargetName>,
}

/// Something to know that stopped nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) at_ms: u64,
    /// Whose; none: the run's own.
    pub(super) hosts: Vec<HostName>,
    pub(super) is_warning: bool,
    pub(super) text: String,
    pub(super) hints: Vec<Hint>,
}

impl Story {
    /// What these events tell. `goes_on`: more will come.
    pub(super) fn of(events: &[Event], goes_on: bool) -> Self {
        let mut story = Self { goes_on, ..Self::default() };
        events.iter().for_each(|event| story.take(event));
        story.end();
        story
    }

    /// How a host stands.
    pub(super) fn standing(&self, host: &HostStory) -> Standing {
        host.standing(self.goes_on)
    }
    /// The target, as the command line or a plan names it.
    pub(super) fn target(&self) -> Option<&TargetName> {
        let named = self.begun.as_ref().and_then(|begun| begun.target.as_ref());
        self.plans.iter().rev().find_map(|plan| plan.target.as_ref()).or(named)
    }

    /// Hosts in the order in which they were changed: those that changed at the same time together. Without waves all are in one.
    pub(super) fn waves(&self) -> Vec<Wave<'_>> {
        waves::of(self)
    }

    fn take(&mut self, event: &Event) {
        self.length_ms = self.length_ms.max(event.elapsed_ms);
        let ends_a_wait =
            !matches!(event.kind, EventKind::StepOutput { .. } | EventKind::Called { .. } | EventKind::Progress { .. });
        if event.host.is_none() && ends_a_wait {
            self.own.end_wait(event.elapsed_ms);
        }
        match &event.kind {
            EventKind::RunStarted { run, title, unix, command, by, target, .. } => {
                self.begun.get_or_insert_with(|| Begun {
                    run: run.clone(),
                    title: title.clone(),
                    unix: *unix,
                    command: command.clone(),
                    by: by.clone(),
                    target: target.clone(),
                });
            }
            EventKind::Waiting { what } | EventKind::Asking { what, .. } => {
                // A hook of the run is waited for.
                let phase = if what.starts_with("the hook ") { Phase::Hook } else { Phase::Wait };
                self.own.wait(what, phase, event.elapsed_ms);
            }
            EventKind::Planned { plan, .. } => self.planned(plan),
            EventKind::WaveStarted { number, of, hosts } => {
                self.begun_waves.push(waves::Begun {
                    number: *number,
                    of: *of,
                    hosts: hosts.clone(),
                    from_ms: event.elapsed_ms,
                    end: None,
                });
            }
            EventKind::WaveFinished { failed, .. } => {
                self.begun_waves.iter_mut().for_each(|wave| _ = wave.end.get_or_insert((event.elapsed_ms, *failed)));
            }
            EventKind::Judged { judgement, .. } if !self.judgements.contains(judgement) => {
                self.judgements.push((**judgement).clone())
            }
            EventKind::Warning { text, hints } => self.note(event, true, text, hints),
            EventKind::Info { text } => self.note(event, false, text, &[]),
            EventKind::RunFinished { outcome } => self.outcome = Some(outcome.clone()),
            EventKind::HostFinished { result, summary } => {
                if let Some(host) = &event.host {
                    self.host(host).finish(*result, summary, event.elapsed_ms);
                }
            }
            _ => self.of_step(event),
        }
    }

    fn of_step(&mut self, event: &Event) {
        let (host, at_ms) = (event.host.as_ref(), event.elapsed_ms);
        match &event.kind {
            EventKind::StepStarted { index, what } => {
                let step = self.named(host, *index, what);
                self.lane(host).begin(step, at_ms);
            }
            EventKind::StepFinished { index, what, took_ms, note } => {
                let step = self.named(host, *index, what);
                self.lane(host).done(step, at_ms, *took_ms, note.clone());
                host.into_iter().for_each(|host| self.host(host).step_done(*index, what));
            }
            EventKind::StepFailed { index, what, .. } => {
                let step = self.named(host, *index, what);
                let trouble = Trouble::of(event, self.lane(host).failed(step, at_ms));
                trouble.into_iter().for_each(|trouble| trouble::add(&mut self.troubles, trouble));
            }
            EventKind::StepOutput { line } => self.printed(host, line),
            EventKind::Error { .. } | EventKind::NoAnswer { .. } => {
                Trouble::of(event, &[]).into_iter().for_each(|trouble| trouble::add(&mut self.troubles, trouble));
            }
            _ => answers::add(&mut self.answers, event),
        }
    }

    fn planned(&mut self, plan: &Plan) {
        let takes_back = self.plans.last().is_some_and(|last| plan.title.strip_prefix("take back: ") == Some(&last.title));
        for host in &plan.hosts {
            self.host(&host.host).planned(host, plan.target.is_some(), takes_back);
        }
        self.plans.push(plan.clone());
    }

    /// The step with what the plan knows of it.
    fn named<'a>(&self, host: Option<&HostName>, index: usize, what: &'a str) -> Named<'a> {
        let of_run = |plan: &'_ Plan| plan.before.iter().chain(&plan.after).any(|step| step.describe() == what);
        let step = host.and_then(|host| self.hosts.get(host)?.step(index)).filter(|(step, _)| step.describe() == what);
        let (phase, goes_back) = match (host, step) {
            (Some(_), Some((step, goes_back))) => (Phase::of(step), goes_back),
            (None, _) if self.plans.last().is_some_and(of_run) => (Phase::Hook, false),
            _ => (Phase::Other, false),
        };
        Named { index, what, phase, goes_back }
    }

    /// A line that was printed. While hosts wait for a hook, what it prints is nobody's step.
    fn printed(&mut self, host: Option<&HostName>, line: &str) {
        if self.lane(host).print(line) || line.trim().is_empty() {
            return;
        }
        let hook = self.hosts.values().find_map(|host| host.lane.open().filter(|span| span.phase == Phase::Hook));
        let (lines, whose) = match (host, hook) {
            (None, Some(hook)) => (&mut self.hooks, hook.what.clone()),
            (None, None) => (&mut self.loose, "edeliver".to_owned()),
            (Some(host), _) => (&mut self.loose, host.to_string()),
        };
        lines.entry(whose).or_default().push(line.to_owned());
    }

    fn note(&mut self, event: &Event, is_warning: bool, text: &str, hints: &[Hint]) {
        let host = event.host.clone();
        let same =
            |note: &&mut Note| note.is_warning == is_warning && note.text == text && note.hints == hints && !note.hosts.is_empty();
        match (host, self.notes.iter_mut().find(same)) {
            (Some(host), Some(note)) => note.hosts.push(host),
            (host, _) => self.notes.push(Note {
                at_ms: event.elapsed_ms,
                hosts: host.into_iter().collect(),
                is_warning,
                text: text.to_owned(),
                hints: hints.to_vec(),
            }),
        }
    }

    fn host(&mut self, host: &HostName) -> &mut HostStory {
        self.hosts.entry(host.clone()).or_default()
    }
    fn lane(&mut self, host: Option<&HostName>) -> &mut Lane {
        match host {
            Some(host) => &mut self.host(host).lane,
            None => &mut self.own,
        }
    }

    /// The events are over: what is open stays without an end. The last word on a host is the outcome's.
    fn end(&mut self) {
        let length_ms = self.length_ms;
        for row in self.outcome.clone().map(|outcome| outcome.hosts).unwrap_or_default() {
            self.host(&row.host).finish(row.result, &row.summary, length_ms);
        }
        let goes_on = self.goes_on && self.outcome.is_none();
        self.own.close(length_ms, !goes_on);
        self.hosts.values_mut().for_each(|host| host.lane.close(length_ms, !goes_on || host.result.is_some()));
    }
}

#[cfg(test)]
mod tests;
