//! A stream that is made once and read by several, each at its own pace.
//!
//! It goes through a file without a name, so that a host behind a slow line holds up no other, and whoever comes later has all of it too.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt as _,
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use super::{PackError, pipe::Inlet};

/// How far the writer goes before the foremost reader, in bytes.
const AHEAD: u64 = 256 * 1024;

/// Bytes that a reader takes at a time.
const PIECE: usize = 64 * 1024;

/// The stream as far as it has been made.
pub(super) struct Tape {
    file: File,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Bytes in the file.
    written: u64,
    /// Bytes of content that went into so many bytes of the stream: `(stream, content)`, ascending.
    marks: Vec<(u64, u64)>,
    /// Where each reader is.
    readers: BTreeMap<u64, u64>,
    /// How it ended, if it has.
    end: Option<Result<(), Arc<PackError>>>,
}

/// What a reader finds behind its place.
enum Next {
    /// So many bytes.
    Bytes(u64),
    /// The end.
    End,
    /// There will be no more, for this reason.
    Failed(Arc<PackError>),
}

impl State {
    /// Bytes of content that are whole in the first `at` bytes of the stream.
    fn content(&self, at: u64) -> u64 {
        let passed = self.marks.partition_point(|(stream, _)| *stream <= at);
        passed.checked_sub(1).map_or(0, |last| self.marks[last].1)
    }
    fn foremost(&self) -> Option<u64> {
        self.readers.values().max().copied()
    }
}

impl Tape {
    /// An empty one, in a directory with room for it or else where temporary files are.
    ///
    /// # Errors
    /// Neither takes a file.
    pub(super) fn new(dir: &Path) -> io::Result<Self> {
        let file = tempfile::tempfile_in(dir).or_else(|_| tempfile::tempfile())?;
        Ok(Self { file, state: Mutex::default(), changed: Condvar::new() })
    }
    /// Another reader, at the beginning; `None` if nothing more can come of it.
    pub(super) fn join(self: &Arc<Self>) -> Option<Reader> {
        let mut state = self.lock();
        if matches!(state.end, Some(Err(_))) {
            return None;
        }
        let number = state.readers.last_key_value().map_or(0, |(last, _)| last + 1);
        state.readers.insert(number, 0);
        Some(Reader { tape: self.clone(), number, at: 0 })
    }
    /// The one writer.
    pub(super) fn recorder(&self) -> Recorder<'_> {
        Recorder { tape: self, content: 0 }
    }
    /// Says how it ended. What went before may be read still.
    pub(super) fn end(&self, content: u64, how: Result<(), PackError>) {
        let mut state = self.lock();
        let written = state.written;
        state.marks.push((written, content));
        state.end = Some(how.map_err(Arc::new));
        self.changed.notify_all();
    }
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the stream. It waits for the foremost reader, and fails when there is none any more.
pub(super) struct Recorder<'a> {
    tape: &'a Tape,
    /// Bytes of content so far.
    content: u64,
}

impl Recorder<'_> {
    /// So much content, in bytes from the beginning, has gone into what was written.
    pub(super) fn has(&mut self, content: u64) {
        self.content = content;
    }
}

impl Write for Recorder<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.tape.lock();
        loop {
            match state.foremost() {
                // Under the same lock in which a reader joins, so that nobody joins what is given up.
                None => {
                    state.end = Some(Err(Arc::new(PackError::Unread(io::ErrorKind::BrokenPipe.into()))));
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                Some(at) if state.written < at + AHEAD => break,
                Some(_) => state = self.tape.wait(state),
            }
        }
        let at = state.written;
        drop(state);
        // Nobody reads behind `written`, and nobody else writes.
        self.tape.file.write_all_at(bytes, at)?;
        let mut state = self.tape.lock();
        state.written = at + bytes.len() as u64;
        let mark = (state.written, self.content);
        state.marks.push(mark);
        self.tape.changed.notify_all();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads the stream. Its place is given up when it is dropped.
pub(super) struct Reader {
    tape: Arc<Tape>,
    number: u64,
    at: u64,
}

impl Reader {
    /// Copies everything, until the end or until nobody takes it any more. `progress` is told the bytes of content that were in it.
    pub(super) fn copy(mut self, mut to: Inlet, progress: &mut dyn FnMut(u64)) {
        let failure = to.failure();
        let mut piece = vec![0; PIECE];
        loop {
            match self.next() {
                Next::Bytes(count) => {
                    let count = usize::try_from(count).unwrap_or(PIECE).min(PIECE);
                    if let Err(error) = self.tape.file.read_exact_at(&mut piece[..count], self.at) {
                        return failure.fail(error);
                    }
                    if to.write_all(&piece[..count]).is_err() {
                        return;
                    }
                    progress(self.advance(count as u64));
                }
                Next::End => {
                    // Where this fails, nobody reads any more.
                    drop(to.end());
                    return;
                }
                Next::Failed(why) => return failure.fail(io::Error::other(why)),
            }
        }
    }
    fn next(&self) -> Next {
        let mut state = self.tape.lock();
        loop {
            match &state.end {
                _ if state.written > self.at => return Next::Bytes(state.written - self.at),
                Some(Ok(())) => return Next::End,
                Some(Err(why)) => return Next::Failed(why.clone()),
                None => state = self.tape.wait(state),
            }
        }
    }
    fn advance(&mut self, count: u64) -> u64 {
        let mut state = self.tape.lock();
        self.at += count;
        state.readers.insert(self.number, self.at);
        self.tape.changed.notify_all();
        state.content(self.at)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.tape.lock().readers.remove(&self.number);
        self.tape.changed.notify_all();
    }
}
