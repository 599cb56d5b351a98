//! Names and addresses of hosts.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::LabError;

/// The hub's address, where clients sit. All addresses are of RFC 2544's block for benchmarks, 198.18.0.0/15: should a
/// test try one from outside the lab by mistake, no machine in the world answers.
pub(crate) const HUB: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
/// Length of the lab's network prefix.
pub(crate) const PREFIX: u8 = 16;
/// A network card that does not exist: packets sent to it are lost.
pub(crate) const NOBODY: &str = "02:1a:00:00:00:00";

/// The name of a host: 1 to 12 of a-z, 0-9 and `-`, beginning with a letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

impl HostName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `build`, `stagingK` and `prodK` have fixed addresses, so that tests can name them; others get one from the hub.
    pub(crate) fn fixed_address(&self) -> Option<Ipv4Addr> {
        if self.0 == "build" {
            return Some(Ipv4Addr::new(198, 18, 0, 10));
        }
        let numbered = |prefix: &str| self.0.strip_prefix(prefix)?.parse::<u16>().ok();
        let (block, number) =
            numbered("staging").map(|number| (16, number)).or_else(|| numbered("prod").map(|number| (32, number)))?;
        // 250 to a block of 256 and 16 blocks each: they never meet, nor the block 64 of the other names.
        let index = number.checked_sub(1).filter(|index| *index < 4000)?;
        let [third, fourth] = [index / 250, index % 250 + 1].map(|part| u8::try_from(part).expect("below 256"));
        Some(Ipv4Addr::new(198, 18, block + third, fourth))
    }
}

/// The address of the k-th host whose name has no fixed one.
pub(crate) fn other_address(k: u8) -> Ipv4Addr {
    Ipv4Addr::new(198, 18, 64, k)
}

/// The hardware address that goes with an address; known beforehand, so nobody needs to ask by ARP.
pub(crate) fn mac(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("02:1a:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

impl FromStr for HostName {
    type Err = LabError;

    fn from_str(text: &str) -> Result<Self, LabError> {
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        let consists = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if begins && consists && text.len() <= 12 { Ok(Self(text.to_owned())) } else { Err(LabError::HostName(text.to_owned())) }
    }
}

impl TryFrom<String> for HostName {
    type Error = LabError;

    fn try_from(text: String) -> Result<Self, LabError> {
        text.parse()
    }
}

impl From<HostName> for String {
    fn from(name: HostName) -> Self {
        name.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(name: &str) -> Option<String> {
        let name: HostName = name.parse().unwrap();
        name.fixed_address().map(|address| address.to_string())
    }

    #[test]
    fn fleet_names_have_addresses_of_their_own() {
        assert_eq!(address("build").as_deref(), Some("198.18.0.10"));
        assert_eq!(address("staging1").as_deref(), Some("198.18.16.1"));
        assert_eq!(address("prod250").as_deref(), Some("198.18.32.250"));
        assert_eq!(address("prod251").as_deref(), Some("198.18.33.1"));
        assert_eq!(address("prod0"), None);
        assert_eq!(address("prod60000"), None);
        assert_eq!(address("db"), None);
    }

    #[test]
    fn a_name_that_could_not_be_a_link_is_refused() {
        for bad in ["", "1a", "Prod", "a/b", "has blank", "thirteen-long"] {
            assert!(bad.parse::<HostName>().is_err(), "{bad}");
        }
    }
}
