//! A call of a function on a node, whose output is told while it runs, and no faster than it can be shown.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use edeliver_core::event::StdStream;
use edeliver_erl::Term;

use super::{Site, aloud::AHEAD};
use crate::{
    node::link::{CallError, Link, Mfa},
    report::Reporter,
};

/// A longer line is told in pieces.
const LINE: usize = 16 << 10;

/// Makes the call. Its lines are told as the host's.
///
/// # Errors
/// As [`Link::call`].
pub(crate) async fn call(site: &Site, link: &mut dyn Link, call: &Mfa, patience: Duration) -> Result<Term, CallError> {
    let ahead = Arc::new(AtomicUsize::new(0));
    let mut lines = Lines { reporter: site.reporter.clone(), rest: String::new(), ahead: ahead.clone() };
    let mut printed = |text: &str| lines.push(text);
    let result = {
        let mut call = pin!(link.call(call, patience, &mut printed));
        loop {
            // The link reads on only while it is polled, so the node has to wait as well.
            let step = poll_fn(|cx| match call.as_mut().poll(cx) {
                Poll::Ready(result) => Poll::Ready(Some(result)),
                Poll::Pending if ahead.load(Ordering::Relaxed) > AHEAD => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            });
            match step.await {
                Some(result) => break result,
                None => site.ui.caught_up().await,
            }
            ahead.store(0, Ordering::Relaxed);
        }
    };
    lines.end();
    result
}

/// Makes lines of pieces.
struct Lines {
    reporter: Reporter,
    rest: String,
    ahead: Arc<AtomicUsize>,
}

impl Lines {
    fn push(&mut self, text: &str) {
        self.ahead.fetch_add(text.len(), Ordering::Relaxed);
        for part in text.split_inclusive('\n') {
            self.rest.push_str(part);
            if part.ends_with('\n') || self.rest.len() > LINE {
                self.reporter.printed(StdStream::Stdout, &std::mem::take(&mut self.rest));
            }
        }
    }
    fn end(&mut self) {
        if !self.rest.is_empty() {
            self.reporter.printed(StdStream::Stdout, &std::mem::take(&mut self.rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use edeliver_core::event::EventKind;

    use super::*;

    #[test]
    fn lines_are_whole_however_they_come() {
        let (reporter, mut drafts) = Reporter::new();
        let mut lines = Lines { reporter, rest: String::new(), ahead: Arc::default() };
        for piece in ["a", "b\nc", "\n\nd"] {
            lines.push(piece);
        }
        lines.push(&"x".repeat(LINE));
        lines.end();
        let mut heard = Vec::new();
        while let Ok(draft) = drafts.try_recv() {
            let EventKind::Printed { line, .. } = draft.kind else { panic!("{draft:?}") };
            heard.push(line);
        }
        assert_eq!(heard[..3], ["ab", "c", ""]);
        assert_eq!(heard[3].len(), LINE + 1);
        assert_eq!(heard.len(), 4);
    }
}
