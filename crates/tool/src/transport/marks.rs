//! Finding the wrapper's marks in a stream of bytes.
//!
//! Pure: bytes in, [`Piece`]s out. A mark may arrive in several reads and stand anywhere, also inside a line.

use std::ops::Range;

/// The longest word of a mark, `end -2147483648`, with room to spare. What is longer is no mark.
const LONGEST: usize = 64;

/// A part of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Bytes of the buffer that belong to the stream.
    Data(Range<usize>),
    /// The wrapper's word.
    Mark(Mark),
}

/// What the wrapper says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// From here on it is the script's output.
    Begin,
    /// The script has ended with this status.
    End(i32),
    /// Still there.
    Beat,
    /// The time is over; the script is being ended.
    Late,
}

impl Mark {
    fn parse(word: &[u8]) -> Option<Self> {
        match std::str::from_utf8(word).ok()? {
            "begin" => Some(Self::Begin),
            "beat" => Some(Self::Beat),
            "late" => Some(Self::Late),
            word => word.strip_prefix("end ")?.parse().ok().map(Self::End),
        }
    }
}

/// One stream that is searched for the marks of one call.
#[derive(Debug)]
pub(super) struct Scanner {
    prefix: Vec<u8>,
    buffer: Vec<u8>,
    /// Bytes of the buffer that have been given out.
    used: usize,
}

impl Scanner {
    /// Looks for marks that start with this.
    pub(super) fn new(prefix: Vec<u8>) -> Self {
        Self { prefix, buffer: Vec::new(), used: 0 }
    }
    /// Adds what has been read.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.used);
        self.used = 0;
        self.buffer.extend_from_slice(bytes);
    }
    /// The bytes of a [`Piece::Data`]; good until the next [`Scanner::push`].
    pub(super) fn data(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range]
    }
    /// The next piece; `None` when more must be read first. At the stream's end (`last`) nothing is held back.
    pub(super) fn next(&mut self, last: bool) -> Option<Piece> {
        let rest = &self.buffer[self.used..];
        let start = self.start_of_mark(rest, last);
        if start > 0 {
            return Some(self.give(start));
        }
        let word = rest.get(self.prefix.len()..).filter(|_| rest.starts_with(&self.prefix))?;
        match word.iter().take(LONGEST).position(|b| *b == b'\n') {
            None if !last && word.len() < LONGEST => None,
            end => Some(self.mark_or_data(end)),
        }
    }
    /// What starts with the prefix is a mark if its word is one; if not, its first byte is data like any other.
    fn mark_or_data(&mut self, end: Option<usize>) -> Piece {
        let word = self.used + self.prefix.len();
        match end.and_then(|end| Some((end, Mark::parse(&self.buffer[word..word + end])?))) {
            None => self.give(1),
            Some((end, mark)) => {
                self.used = word + end + 1;
                Piece::Mark(mark)
            }
        }
    }
    fn give(&mut self, count: usize) -> Piece {
        let from = self.used;
        self.used += count;
        Piece::Data(from..self.used)
    }
    /// Where a mark starts or, at the end of what has been read, may be starting; the length of `rest` if nowhere.
    fn start_of_mark(&self, rest: &[u8], last: bool) -> usize {
        let mut from = 0;
        while let Some(at) = rest[from..].iter().position(|b| *b == self.prefix[0]).map(|at| at + from) {
            let here = &rest[at..];
            if here.starts_with(&self.prefix) || (!last && self.prefix.starts_with(here)) {
                return at;
            }
            from = at + 1;
        }
        rest.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a scanner makes of a stream that arrives in these parts: the data, and the marks with their place in it.
    fn scan(parts: &[&[u8]]) -> (Vec<u8>, Vec<(usize, Mark)>) {
        let (mut data, mut marks) = (Vec::new(), Vec::new());
        let mut scanner = Scanner::new(b"\x01edeliver 77 ".to_vec());
        for (number, part) in parts.iter().chain([&b"".as_slice()]).enumerate() {
            scanner.push(part);
            while let Some(piece) = scanner.next(number == parts.len()) {
                match piece {
                    Piece::Data(range) => data.extend_from_slice(scanner.data(range)),
                    Piece::Mark(mark) => marks.push((data.len(), mark)),
                }
            }
        }
        (data, marks)
    }

    #[test]
    fn marks_are_taken_out_wherever_they_stand() {
        let (data, marks) = scan(&[b"motd\x01edeliver 77 begin\nab\x01edeliver 77 beat\nc\x01edeliver 77 end -3\nlate"]);
        assert_eq!(data, b"motdabclate");
        assert_eq!(marks, [(4, Mark::Begin), (6, Mark::Beat), (7, Mark::End(-3))]);
    }

    #[test]
    fn what_only_looks_like_a_mark_is_data() {
        let all = b"\x01\x01edeliver 78 begin\n\x01edeliver 77 nonsense\n\x01edeliver 77 end x\n\x01edel";
        assert_eq!(scan(&[all]), (all.to_vec(), vec![]));
    }

    proptest! {
        #[test]
        fn reads_of_any_size_give_the_same(
            stream in prop::collection::vec(prop_oneof![
                prop::collection::vec(prop_oneof![Just(1u8), any::<u8>()], 0..9),
                Just(b"\x01edeliver 77 beat\n".to_vec()),
                Just(b"\x01edeliver 77 end 4\n".to_vec()),
                Just(b"\x01edeliver 77 ".to_vec()),
            ], 0..8),
            size in 1usize..20,
        ) {
            let whole = stream.concat();
            prop_assert_eq!(scan(&whole.chunks(size).collect::<Vec<_>>()), scan(&[&whole]));
        }
    }
}
