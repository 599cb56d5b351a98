//! A run as spans, for OpenTelemetry: the run, its waves, its hosts, their steps and the calls that these make. Folded out of its events.

mod otlp;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::{
    event::{Event, EventKind, HostResult, Outcome},
    name::HostName,
    notice::{RunResult, word_of_host},
};

/// The spans of a run, as far as it is known.
#[derive(Debug, Default)]
pub struct Trace {
    /// What makes its ids unlike those of others; empty until a run has begun.
    seed: String,
    /// Milliseconds since 1970 at the events' zero.
    zero: u64,
    /// The run's own is the first.
    spans: Vec<Span>,
    open: HashMap<Key, usize>,
}

/// What is open.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Wave(usize),
    Host(HostName),
    Step(Option<HostName>, usize),
}

#[derive(Debug)]
struct Span {
    parent: Option<usize>,
    name: String,
    /// Milliseconds of the events' clock.
    start: u64,
    end: Option<u64>,
    attributes: Vec<(&'static str, String)>,
    /// Why it failed, if it did.
    failed: Option<String>,
}

impl Trace {
    /// Takes the next event. What stands before a recorded run belongs to none.
    pub fn take(&mut self, event: &Event) {
        let at = event.elapsed_ms;
        if let EventKind::RunStarted { run, title, unix, recorded: true, by, target, .. } = &event.kind {
            self.zero = (unix * 1000).saturating_sub(at);
            self.seed = format!("{run} {title} {unix} {}", by.as_deref().unwrap_or_default());
            let mut attributes = vec![("edeliver.run", run.to_string())];
            attributes.extend(by.iter().map(|by| ("edeliver.by", by.clone())));
            attributes.extend(target.iter().map(|target| ("edeliver.target", target.to_string())));
            self.spans = vec![Span { parent: None, name: title.clone(), start: at, end: None, attributes, failed: None }];
        }
        if !self.spans.is_empty() {
            self.inside(event.host.as_ref(), &event.kind, at);
        }
    }

    fn inside(&mut self, host: Option<&HostName>, kind: &EventKind, at: u64) {
        match kind {
            EventKind::WaveStarted { number, of, .. } => {
                self.begin(Key::Wave(*number), 0, format!("wave {number} of {of}"), at);
            }
            EventKind::WaveFinished { number, failed, .. } => {
                let failed = (*failed > 0).then(|| format!("{failed} failed"));
                self.end(&Key::Wave(*number), at, failed);
            }
            EventKind::StepStarted { index, what } => {
                let parent = self.of_host(host, at);
                self.begin(Key::Step(host.cloned(), *index), parent, what.clone(), at);
            }
            EventKind::StepFinished { index, note, .. } => {
                let key = Key::Step(host.cloned(), *index);
                if let (Some(note), Some(span)) = (note, self.open.get(&key)) {
                    self.spans[*span].attributes.push(("edeliver.note", note.clone()));
                }
                self.end(&key, at, None);
            }
            EventKind::StepFailed { index, causes, .. } => self.end(&Key::Step(host.cloned(), *index), at, Some(causes.join(": "))),
            EventKind::Called { script, took_ms, status } => self.called(host, script, at, *took_ms, *status),
            EventKind::HostFinished { result, summary } => {
                if let Some(host) = host {
                    self.host_finished(host, *result, summary, at);
                }
            }
            _ => {}
        }
    }

    /// Events get their time when they are handed out, so a child may seem to be a bit older than its parent.
    fn begin(&mut self, key: Key, parent: usize, name: String, at: u64) -> usize {
        let start = at.max(self.spans[parent].start);
        self.spans.push(Span { parent: Some(parent), name, start, end: None, attributes: Vec::new(), failed: None });
        let span = self.spans.len() - 1;
        self.open.insert(key, span);
        span
    }
    fn end(&mut self, key: &Key, at: u64, failed: Option<String>) {
        if let Some(span) = self.open.remove(key) {
            let span = &mut self.spans[span];
            (span.end, span.failed) = (Some(at), failed);
        }
    }
    /// The span of a host, begun by the first that is heard of it.
    fn of_host(&mut self, host: Option<&HostName>, at: u64) -> usize {
        let Some(host) = host else { return 0 };
        let key = Key::Host(host.clone());
        if let Some(span) = self.open.get(&key) {
            return *span;
        }
        let span = self.begin(key, 0, host.to_string(), at);
        self.spans[span].attributes.push(("host.name", host.to_string()));
        span
    }
    fn called(&mut self, host: Option<&HostName>, script: &str, at: u64, took_ms: u64, status: Option<i32>) {
        let of_host = self.of_host(host, at.saturating_sub(took_ms));
        let step = self.open.iter().find(|(key, _)| matches!(key, Key::Step(of, _) if of.as_ref() == host)).map(|(_, span)| *span);
        let attributes = status.iter().map(|status| ("process.exit.code", status.to_string())).collect();
        let (parent, name) = (step.unwrap_or(of_host), script.to_owned());
        let start = at.saturating_sub(took_ms).max(self.spans[parent].start);
        self.spans.push(Span { parent: Some(parent), name, start, end: Some(at), attributes, failed: None });
    }
    fn host_finished(&mut self, host: &HostName, result: HostResult, summary: &str, at: u64) {
        let span = self.of_host(Some(host), at);
        self.spans[span].attributes.push(("edeliver.result", word_of_host(result).to_owned()));
        let failed = !matches!(result, HostResult::Done | HostResult::Skipped);
        self.end(&Key::Host(host.clone()), at, failed.then(|| summary.to_owned()));
    }

    /// The whole of it, as a server of OpenTelemetry takes it by HTTP; `None` if no recorded run has begun. `now`: milliseconds since 1970.
    pub fn finish(&mut self, outcome: &Outcome, now: u64, service: &str) -> Option<String> {
        let root = self.spans.first_mut()?;
        root.attributes.push(("edeliver.exit_code", outcome.exit_code.to_string()));
        root.failed = (RunResult::of(outcome) != RunResult::Done).then(|| RunResult::of(outcome).word().to_owned());
        let at = now.saturating_sub(self.zero);
        for span in self.spans.iter_mut().filter(|span| span.end.is_none()) {
            span.end = Some(at.max(span.start));
        }
        let json = self.otlp(service);
        *self = Self::default();
        Some(json)
    }
}
