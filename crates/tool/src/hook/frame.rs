//! What goes over the socket between a call of a hook and us: frames of a tag, a length and bytes, in both directions.
//!
//! Both ends are the same program of the same version, so this format is private to it.

use std::io::{self, Read, Write};

/// A frame's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// To us: the [`super::call::Request`] as JSON; comes first.
    Request,
    /// To us: a piece of standard input. An empty one ends it.
    Input,
    /// From us: a piece of standard output.
    Out,
    /// From us: a piece of standard error.
    Err,
    /// From us: the exit status as text; comes last.
    Status,
}

const TAGS: [(Tag, u8); 5] = [(Tag::Request, b'r'), (Tag::Input, b'i'), (Tag::Out, b'o'), (Tag::Err, b'e'), (Tag::Status, b's')];

/// Bytes of tag and length.
pub(super) const HEAD: usize = 5;

/// No frame is longer; senders cut what is.
pub(super) const LONGEST: usize = 1024 * 1024;

/// The frame as bytes. `bytes` is at most [`LONGEST`] long.
pub(super) fn encode(tag: Tag, bytes: &[u8]) -> Vec<u8> {
    let (_, letter) = TAGS.iter().find(|(of, _)| *of == tag).expect("every tag has its letter");
    let mut frame = vec![*letter];
    frame.extend(u32::try_from(bytes.len()).expect("frames are short").to_be_bytes());
    frame.extend(bytes);
    frame
}

/// What the head of a frame says: its tag and the length of what follows.
pub(super) fn head(bytes: [u8; HEAD]) -> io::Result<(Tag, usize)> {
    let [letter, length @ ..] = bytes;
    let tag = TAGS.iter().find(|(_, of)| *of == letter).map(|(tag, _)| *tag);
    let length = u32::from_be_bytes(length) as usize;
    match tag {
        Some(tag) if length <= LONGEST => Ok((tag, length)),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Reads one frame.
pub(super) fn read(from: &mut impl Read) -> io::Result<(Tag, Vec<u8>)> {
    let mut bytes = [0; HEAD];
    from.read_exact(&mut bytes)?;
    let (tag, length) = head(bytes)?;
    let mut content = vec![0; length];
    from.read_exact(&mut content)?;
    Ok((tag, content))
}

/// Writes one frame.
pub(super) fn write(to: &mut impl Write, tag: Tag, bytes: &[u8]) -> io::Result<()> {
    to.write_all(&encode(tag, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_back_and_nonsense_is_refused() {
        for tag in [Tag::Request, Tag::Input, Tag::Out, Tag::Err, Tag::Status] {
            let bytes = encode(tag, b"a\0b");
            assert_eq!(read(&mut bytes.as_slice()).unwrap(), (tag, b"a\0b".to_vec()));
            assert!(read(&mut &bytes[..4]).is_err());
        }
        assert!(read(&mut b"x\0\0\0\0".as_slice()).is_err());
        assert!(read(&mut b"o\xff\xff\xff\xff".as_slice()).is_err());
    }
}
