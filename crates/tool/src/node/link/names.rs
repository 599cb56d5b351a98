//! What we call ourselves on nodes.
//!
//! A node never forgets an atom, and every name of a node that was connected to it is one. So we have few names, whoever and however
//! many we are: 64 of them. Which one is tried first depends on the operator; a name that is in use at the moment is passed over.

use edeliver_erl::dist::{NodeName, handshake::Identity};
use sha2::{Digest, Sha256};

const NAMES: u8 = 64;

/// How many of them are tried before the node is asked to make up a name.
const TRIES: u8 = 8;

/// Identities to connect with, in this order, to a node on the host that is called `host` in its name.
pub(super) fn identities(host: &str) -> impl Iterator<Item = Identity> {
    let host = host.to_owned();
    let nameless = Identity::Nameless { host: host.clone() };
    let named = (0..TRIES).filter_map(move |at| {
        let number = first_number().wrapping_add(at) % NAMES;
        let node = NodeName::new(&format!("edeliver-{number}@{host}")).ok()?;
        Some(Identity::Named { node, creation: creation() })
    });
    named.chain([nameless])
}

/// The same for every run of one operator, so that one atom is all that stays of us as long as runs don't meet.
fn first_number() -> u8 {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Sha256::digest(format!("{}@{host}", rustix::process::getuid().as_raw()))[0] % NAMES
}

/// Tells this run from an earlier one under the same name; not 0.
fn creation() -> u32 {
    random().max(4)
}

/// A number that nobody can guess.
pub(super) fn random() -> u32 {
    use std::hash::{BuildHasher, Hasher};
    let number = std::collections::hash_map::RandomState::new().build_hasher().finish();
    u32::try_from(number & u64::from(u32::MAX)).expect("32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_few_and_the_same_every_time() {
        let name = |identity| match identity {
            Identity::Named { node, .. } => node.to_string(),
            Identity::Nameless { host } => host,
        };
        let names = || identities("web1.example").map(name).collect::<Vec<_>>();
        assert_eq!(names(), names());
        assert_eq!(names().len(), usize::from(TRIES) + 1);
        assert!(names()[0].starts_with("edeliver-") && names()[0].ends_with("@web1.example"), "{:?}", names());
        assert_eq!(names().last().unwrap(), "web1.example", "the last resort");
        assert!((0..20).all(|_| creation() > 3));
    }
}
