//! The steps of one place, one after the other.

use super::Phase;

/// A step or a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ui::page) struct Span {
    /// Its position in the plan; `None`: a wait.
    index: Option<usize>,
    pub(in crate::ui::page) what: String,
    pub(in crate::ui::page) phase: Phase,
    /// A step of the way back.
    pub(in crate::ui::page) goes_back: bool,
    pub(in crate::ui::page) from_ms: u64,
    /// When it ended, or was last heard of.
    pub(in crate::ui::page) to_ms: u64,
    pub(in crate::ui::page) ended: Ended,
    pub(in crate::ui::page) note: Option<String>,
    pub(in crate::ui::page) output: Vec<String>,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ui::page) enum Ended {
    /// It has not, as far as the events go.
    Open,
    Done,
    Failed,
    /// Its place came to an end without a word about it.
    Lost,
}

/// A step as an event names it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) index: usize,
    pub(super) what: &'a str,
    pub(super) phase: Phase,
    pub(super) goes_back: bool,
}

/// The steps of one place, in the order of their begin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::ui::page) struct Lane {
    pub(in crate::ui::page) spans: Vec<Span>,
}

impl Lane {
    /// The step that goes on.
    pub(super) fn open(&self) -> Option<&Span> {
        self.spans.last().filter(|span| span.is_open_step())
    }
    pub(super) fn begin(&mut self, step: Named<'_>, at_ms: u64) {
        self.push(Some(step.index), step.what, step.phase, at_ms).goes_back = step.goes_back;
    }
    pub(super) fn wait(&mut self, what: &str, phase: Phase, at_ms: u64) {
        self.push(None, what, phase, at_ms);
    }
    fn push(&mut self, index: Option<usize>, what: &str, phase: Phase, at_ms: u64) -> &mut Span {
        let (what, ended) = (what.to_owned(), Ended::Open);
        let (goes_back, note, output) = (false, None, Vec::new());
        self.spans.push(Span { index, what, phase, goes_back, from_ms: at_ms, to_ms: at_ms, ended, note, output });
        self.spans.last_mut().expect("it was just pushed")
    }
    /// An event of the run: what it waited for has come.
    pub(super) fn end_wait(&mut self, at_ms: u64) {
        if let Some(wait) = self.spans.last_mut().filter(|span| span.index.is_none() && span.ended == Ended::Open) {
            (wait.to_ms, wait.ended) = (at_ms.max(wait.from_ms), Ended::Done);
        }
    }
    pub(super) fn done(&mut self, step: Named<'_>, at_ms: u64, took_ms: u64, note: Option<String>) {
        let span = self.found(step, at_ms, took_ms);
        (span.ended, span.note) = (Ended::Done, note);
    }
    /// The step failed. Gives what it had printed.
    pub(super) fn failed(&mut self, step: Named<'_>, at_ms: u64) -> &[String] {
        let span = self.found(step, at_ms, 0);
        span.ended = Ended::Failed;
        &span.output
    }
    /// The step that now ends. One whose begin was not told began as long ago as it took.
    fn found(&mut self, step: Named<'_>, at_ms: u64, took_ms: u64) -> &mut Span {
        let is_it = |span: &Span| span.index == Some(step.index) && span.ended == Ended::Open;
        let at = self.spans.iter().rposition(is_it).unwrap_or_else(|| {
            self.begin(step, at_ms.saturating_sub(took_ms));
            self.spans.len() - 1
        });
        let span = &mut self.spans[at];
        span.to_ms = at_ms.max(span.from_ms);
        span
    }
    /// A line of the step that goes on, or of what is waited for; `false`: there is none.
    pub(super) fn print(&mut self, line: &str) -> bool {
        let open = self.spans.last_mut().filter(|span| span.ended == Ended::Open);
        open.map(|span| span.output.push(line.to_owned())).is_some()
    }
    /// Nothing more is heard; `over`: because the place came to its end.
    pub(super) fn close(&mut self, at_ms: u64, over: bool) {
        for span in self.spans.iter_mut().filter(|span| span.ended == Ended::Open) {
            span.to_ms = at_ms.max(span.from_ms);
            if over {
                span.ended = Ended::Lost;
            }
        }
    }
    /// From the first begin to the last end.
    pub(in crate::ui::page) fn extent(&self) -> Option<(u64, u64)> {
        let from = self.spans.iter().map(|span| span.from_ms).min()?;
        Some((from, self.spans.iter().map(|span| span.to_ms).max()?))
    }
}

impl Span {
    pub(in crate::ui::page) fn took_ms(&self) -> u64 {
        self.to_ms - self.from_ms
    }
    fn is_open_step(&self) -> bool {
        self.ended == Ended::Open && self.index.is_some()
    }
}
