//! What a checkup looks at, apart from what every plan is made of: the vitals of a host, and this machine's own preconditions.

mod here;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edeliver_core::{
    config::{HostStore, RemoteStore},
    doctor::{self, Cookie, Finding, Vitals},
};

pub use here::here;

use crate::{
    depot::sftp,
    node::{self, Place},
    transport::{Call, Input, Reply, Script, Transport, TransportError},
};

const VITALS: Script = node::asking!("vitals", "doctor/vitals.sh");
const FETCHING: Script =
    Script { name: "fetching", text: concat!(include_str!("depot/sftp.sh"), include_str!("doctor/fetching.sh")) };
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks at a host.
///
/// # Errors
/// The connection, or the script.
pub async fn vitals(host: &dyn Transport, place: &Place) -> Result<Vitals, TransportError> {
    let before = now();
    let reply = host.run(Call::new(VITALS, place.args(), PATIENCE)).await?.ok(VITALS)?;
    let noise = reply.noise.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
    Ok(Vitals { noise, ..read(&reply, before, now()) })
}

/// Whether a host can fetch releases by itself from a store on a host, where it shall.
///
/// # Errors
/// The connection, or the script.
pub async fn fetching(host: &dyn Transport, store: &HostStore) -> Result<Finding, TransportError> {
    let told = sftp::batch(&store.host, [].into_iter(), PATIENCE.as_secs() / 2);
    let call = Call { input: Input::Bytes(told.into_bytes()), ..Call::new(FETCHING, [""; 0], PATIENCE) };
    let (reply, address) = (host.run(call).await?, RemoteStore::Host(store.clone()).address());
    let said = reply.text();
    Ok(doctor::fetching(&address, (reply.status != 0).then(|| said.trim())))
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The answer to a question that was asked at the one of our times and answered at the other.
fn read(reply: &Reply, asked: i64, answered: i64) -> Vitals {
    let mut vitals = Vitals::default();
    let (mut length, mut readable_by_all) = (None, false);
    for line in reply.text().lines() {
        let (word, value) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "now" => vitals.clock_ahead = value.parse().ok().map(|theirs| ahead(theirs, asked, answered)),
            "inodes" => vitals.free_inodes = value.parse().ok(),
            // The first one counts.
            "max-sessions" => vitals.max_sessions = vitals.max_sessions.or(value.parse().ok()),
            "forwards" => vitals.forwards = vitals.forwards.or(Some(!matches!(value, "no" | "remote"))),
            "open" => vitals.open_ports.extend(value.parse::<u16>()),
            "epmd" => vitals.epmd_port = value.parse().ok(),
            "node-port" => vitals.node_ports.extend(value.parse::<u16>()),
            "cookie-length" => length = value.parse().ok(),
            "cookie-file" => readable_by_all = value == "readable",
            _ => {}
        }
    }
    vitals.cookie = match (length, readable_by_all) {
        (None, false) => None,
        (length, readable_by_all) => Some(Cookie { length: length.unwrap_or(usize::MAX), readable_by_all }),
    };
    vitals
}

/// Nobody knows when in between the host looked at its clock.
fn ahead(theirs: i64, asked: i64, answered: i64) -> i64 {
    if theirs < asked { theirs - asked } else { (theirs - answered).max(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vitals(answer: &str) -> Vitals {
        read(&Reply { stdout: answer.as_bytes().to_vec(), ..Reply::default() }, 100, 103)
    }

    #[test]
    fn a_clock_is_off_by_what_the_time_of_the_question_cant_explain() {
        let off = |theirs: i64| vitals(&format!("now {theirs}\n")).clock_ahead;
        assert_eq!([off(100), off(102), off(103), off(113), off(90)], [Some(0), Some(0), Some(0), Some(10), Some(-10)]);
        assert_eq!(vitals("now soon\n").clock_ahead, None);
    }

    #[test]
    fn of_an_option_of_sshd_the_first_value_counts() {
        let sshd = vitals("max-sessions 2\nmax-sessions 10\nforwards local\nforwards no\n");
        assert_eq!((sshd.max_sessions, sshd.forwards), (Some(2), Some(true)));
        assert_eq!(vitals("forwards no\n").forwards, Some(false));
    }

    #[test]
    fn of_a_cookie_its_length_and_its_readers_are_known() {
        assert_eq!(vitals("").cookie, None);
        assert_eq!(vitals("cookie-length 6\n").cookie, Some(Cookie { length: 6, readable_by_all: false }));
        let file = vitals("cookie-file readable\n").cookie.unwrap();
        assert!(file.readable_by_all && file.length > 20, "nothing is said of its length");
    }
}
