//! epmd, the port mapper: which port a node of a machine listens on.
//!
//! Both requests are answered and then the connection is closed: send the request, read to the end, parse.

/// The port epmd itself listens on, unless `ERL_EPMD_PORT` says otherwise.
pub const PORT: u16 = 4369;

const NAMES_REQ: u8 = 110;
const PORT2_RESP: u8 = 119;
const PORT_PLEASE2_REQ: u8 = 122;

/// The only version of the distribution protocol spoken here; OTP 23 brought it, OTP 25 dropped the older one.
pub const VERSION: u16 = 6;

/// A node as epmd knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Name, without host.
    pub name: String,
    /// TCP port the node listens on.
    pub port: u16,
}

/// An answer of epmd cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EpmdError {
    /// Not an answer to the request, or cut short.
    #[error("not an answer of epmd")]
    Answer,
    /// No node of that name is registered.
    #[error("epmd knows no node of that name")]
    Unknown,
    /// The node cannot speak version 6 of the protocol over TCP.
    #[error("the node speaks versions {lowest} to {highest} of the distribution protocol")]
    Version {
        /// Lowest it speaks.
        lowest: u16,
        /// Highest it speaks.
        highest: u16,
    },
}

/// Asks for the port of a node by its name without host.
///
/// None if the name is too long for a request.
#[must_use]
pub fn port_request(name: &str) -> Option<Vec<u8>> {
    let len = u16::try_from(name.len() + 1).ok()?;
    Some([&len.to_be_bytes()[..], &[PORT_PLEASE2_REQ], name.as_bytes()].concat())
}

/// The answer to [`port_request`].
///
/// # Errors
/// No such node, one of another protocol, or no answer.
pub fn parse_port(answer: &[u8]) -> Result<Registration, EpmdError> {
    match answer {
        [PORT2_RESP, 0, registration @ ..] => parse_registration(registration).ok_or(EpmdError::Answer)?,
        [PORT2_RESP, _, ..] => Err(EpmdError::Unknown),
        _ => Err(EpmdError::Answer),
    }
}

/// Port, type, protocol, highest and lowest version, name; what follows the name does not matter.
fn parse_registration(bytes: &[u8]) -> Option<Result<Registration, EpmdError>> {
    let word = |at: usize| bytes.get(at..)?.first_chunk().map(|word| u16::from_be_bytes(*word));
    let (port, highest, lowest, len) = (word(0)?, word(4)?, word(6)?, word(8)?);
    if !(lowest..=highest).contains(&VERSION) {
        return Some(Err(EpmdError::Version { lowest, highest }));
    }
    let name = bytes.get(10..)?.get(..usize::from(len))?;
    Some(Ok(Registration { name: str::from_utf8(name).ok()?.to_owned(), port }))
}

/// Asks for all nodes.
#[must_use]
pub fn names_request() -> Vec<u8> {
    vec![0, 1, NAMES_REQ]
}

/// The answer to [`names_request`]: the port of epmd, then a line `name NAME at port PORT` for each node.
///
/// # Errors
/// Not such an answer.
pub fn parse_names(answer: &[u8]) -> Result<Vec<Registration>, EpmdError> {
    let text = answer.get(4..).and_then(|text| str::from_utf8(text).ok()).ok_or(EpmdError::Answer)?;
    text.lines().map(|line| parse_line(line).ok_or(EpmdError::Answer)).collect()
}

fn parse_line(line: &str) -> Option<Registration> {
    let (name, port) = line.strip_prefix("name ")?.rsplit_once(" at port ")?;
    Some(Registration { name: name.to_owned(), port: port.trim().parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_asked_for() {
        assert_eq!(port_request("app").unwrap(), b"\0\x04\x7aapp");
        assert_eq!(port_request(&"x".repeat(70_000)), None);
        let answer = b"\x77\0\x9c\x40\x4d\0\0\x06\0\x06\0\x03app\0\0";
        assert_eq!(parse_port(answer).unwrap(), Registration { name: "app".into(), port: 40000 });
        assert_eq!(parse_port(b"\x77\x01"), Err(EpmdError::Unknown));
        assert_eq!(parse_port(b"\x77\0\x9c\x40\x4d\0\0\x05\0\x05\0\x03app\0\0"), Err(EpmdError::Version { lowest: 5, highest: 5 }));
    }

    #[test]
    fn what_is_cut_short_is_no_answer() {
        let answer = b"\x77\0\x9c\x40\x4d\0\0\x06\0\x06\0\x03app";
        for end in 0..answer.len() {
            assert!(parse_port(&answer[..end]).is_err());
        }
    }

    #[test]
    fn names_are_listed() {
        assert_eq!(names_request(), [0, 1, 110]);
        let answer = b"\0\0\x11\x11name app at port 40000\nname a b at port 1\n";
        let names = parse_names(answer).unwrap();
        assert_eq!(names[1], Registration { name: "a b".into(), port: 1 });
        assert_eq!(names.len(), 2);
        assert_eq!(parse_names(b"\0\0\x11\x11"), Ok(vec![]));
        assert_eq!(parse_names(b"\0\0\x11\x11nonsense\n"), Err(EpmdError::Answer));
    }
}
