//! Frames after the handshake: a length in four bytes, and a message or, with length 0, a tick.

use super::control::Control;
use crate::term::Term;
use crate::term::etf::{self, DecodeError};

/// Type byte of a message with complete terms, the only kind that comes when no atom cache was agreed upon.
const PASS_THROUGH: u8 = 112;

/// A sign of life. A node whose ticks stay unanswered drops the connection after `net_ticktime`, 60 s by default.
pub const TICK: [u8; 4] = [0; 4];

/// Longest message that is taken, 512 MiB. Calls that return more are mistakes.
pub const MAX_LEN: usize = 512 << 20;

/// What the peer sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// Answer with a [`TICK`].
    Tick,
    /// A signal, with a message if it carries one.
    Message(Control, Option<Term>),
}

/// A frame cannot be used; the connection is lost, as nobody knows where the next one starts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Longer than [`MAX_LEN`].
    #[error("a message of {0} bytes is too long")]
    TooLong(usize),
    /// Not of the kind agreed upon.
    #[error("a message of type {0} was not agreed upon")]
    Type(u8),
    /// Not terms.
    #[error("a message that does not consist of terms")]
    Term(#[from] DecodeError),
}

/// Collects bytes until they make a frame.
#[derive(Debug, Default)]
pub struct Frames {
    input: Vec<u8>,
    /// Bytes at the start of `input` that are done with.
    used: usize,
}

impl Frames {
    /// Takes bytes the peer sent, in whatever pieces they come.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.used > 0 {
            self.input.drain(..self.used);
            self.used = 0;
        }
        self.input.extend(bytes);
    }

    /// The next frame, if all of it is there.
    ///
    /// # Errors
    /// Close the connection.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some((len, rest)) = self.input[self.used..].split_first_chunk() else { return Ok(None) };
        let len = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
        if len > MAX_LEN {
            return Err(FrameError::TooLong(len));
        }
        let Some(body) = rest.get(..len) else { return Ok(None) };
        let frame = parse(body)?;
        self.used += 4 + len;
        Ok(Some(frame))
    }
}

fn parse(body: &[u8]) -> Result<Frame, FrameError> {
    let Some((kind, body)) = body.split_first() else { return Ok(Frame::Tick) };
    if *kind != PASS_THROUGH {
        return Err(FrameError::Type(*kind));
    }
    let (control, rest) = etf::decode_prefix(body)?;
    let message = if rest.is_empty() { None } else { Some(etf::decode(rest)?) };
    Ok(Frame::Message(Control::from_term(control), message))
}

/// The frame of a signal and its message.
///
/// # Panics
/// Beyond 4 GiB, where the protocol ends.
#[must_use]
pub fn encode(control: &Control, message: Option<&Term>) -> Vec<u8> {
    let mut frame = vec![0, 0, 0, 0, PASS_THROUGH];
    etf::encode_into(&mut frame, &control.to_term());
    if let Some(message) = message {
        etf::encode_into(&mut frame, message);
    }
    let len = u32::try_from(frame.len() - 4).expect("a message is shorter than 4 GiB");
    frame[..4].copy_from_slice(&len.to_be_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::testing::arbitrary_term;
    use crate::term::{Atom, Pid};
    use proptest::prelude::*;

    fn pid() -> Pid {
        Pid { node: Atom::literal("a@b"), id: 7, serial: 0, creation: 3 }
    }

    #[test]
    fn what_was_not_agreed_upon_is_an_error() {
        let next = |bytes: &[u8]| {
            let mut frames = Frames::default();
            frames.push(bytes);
            frames.next_frame()
        };
        assert_eq!(next(&TICK), Ok(Some(Frame::Tick)));
        assert_eq!(next(&[0, 0, 0]), Ok(None));
        assert_eq!(next(&[0, 0, 0, 2, 131, 68]), Err(FrameError::Type(131)));
        assert_eq!(next(&[0xff; 4]), Err(FrameError::TooLong(0xffff_ffff)));
        assert!(matches!(next(&[0, 0, 0, 2, 112, 131]), Err(FrameError::Term(_))));
    }

    proptest! {
        #[test]
        fn frames_survive_any_cut(terms in prop::collection::vec(arbitrary_term(), 1..4), size in 1usize..40) {
            let control = Control::RegSend { from: pid(), to: Atom::literal("rex") };
            let bytes: Vec<u8> = terms.iter().flat_map(|term| [encode(&control, Some(term)), TICK.to_vec()].concat()).collect();
            let mut frames = Frames::default();
            let mut read = Vec::new();
            for piece in bytes.chunks(size) {
                frames.push(piece);
                while let Some(frame) = frames.next_frame().unwrap() {
                    read.push(frame);
                }
            }
            let expected: Vec<Frame> = terms.into_iter()
                .flat_map(|term| [Frame::Message(control.clone(), Some(term)), Frame::Tick]).collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn arbitrary_frames_never_panic(body in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut frames = Frames::default();
            frames.push(&u32::try_from(body.len()).unwrap().to_be_bytes());
            frames.push(&body);
            drop(frames.next_frame());
        }
    }
}
