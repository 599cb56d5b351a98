//! Messages as bytes: big-endian numbers, and strings with their length before them.

use super::MuxError;

/// A message to the master.
#[derive(Debug)]
pub(super) struct Request(Vec<u8>);

impl Request {
    pub(super) fn new(kind: u32) -> Self {
        Self(Vec::new()).number(kind)
    }
    #[must_use]
    pub(super) fn number(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }
    #[must_use]
    pub(super) fn string(mut self, text: &str) -> Self {
        self = self.number(u32::try_from(text.len()).expect("what we send is short"));
        self.0.extend_from_slice(text.as_bytes());
        self
    }
    /// As it goes over the socket: its length first.
    pub(super) fn packet(&self) -> Vec<u8> {
        let length = u32::try_from(self.0.len()).expect("what we send is short");
        [&length.to_be_bytes(), self.0.as_slice()].concat()
    }
}

/// A message from the master, read from the front.
#[derive(Debug)]
pub(super) struct Answer {
    body: Vec<u8>,
    read: usize,
}

impl Answer {
    pub(super) fn new(body: Vec<u8>) -> Self {
        Self { body, read: 0 }
    }
    fn take(&mut self, count: usize) -> Result<&[u8], MuxError> {
        let bytes = self.body.get(self.read..).and_then(|rest| rest.get(..count)).ok_or(MuxError::Protocol(0))?;
        self.read += count;
        Ok(bytes)
    }
    pub(super) fn number(&mut self) -> Result<u32, MuxError> {
        let bytes = self.take(4)?.try_into().map_err(|_| MuxError::Protocol(0))?;
        Ok(u32::from_be_bytes(bytes))
    }
    pub(super) fn text(&mut self) -> Result<String, MuxError> {
        let length = self.number()? as usize;
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_carries_its_length_and_its_parts() {
        let packet = Request::new(7).string("ab").number(1).packet();
        assert_eq!(packet, [0, 0, 0, 14, 0, 0, 0, 7, 0, 0, 0, 2, b'a', b'b', 0, 0, 0, 1]);
        let mut answer = Answer::new(packet[4..].to_vec());
        assert_eq!((answer.number().unwrap(), answer.text().unwrap(), answer.number().unwrap()), (7, "ab".to_owned(), 1));
    }

    #[test]
    fn a_message_that_ends_too_early_is_an_error() {
        assert!(Answer::new(vec![0, 0, 1]).number().is_err());
        assert!(Answer::new(vec![0xff, 0xff, 0xff, 0xff, b'x']).text().is_err());
    }
}
