//! Why a login failed. ssh has one exit status for everything, so this is the one place where its text is read.

use std::time::Duration;

use edeliver_core::hint::Hint;

use super::{super::TransportError, askpass::Asked, config::Destination};

/// How a login attempt came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// ssh ended.
    Ended,
    /// It did neither succeed nor end.
    TooLong(Duration),
    /// We ended it, because it asked what nobody could answer.
    Stopped,
}

/// What ssh's words mean.
pub(super) fn of_login(attempt: &Attempt, said: &[String], asked: &Asked, to: &Destination) -> TransportError {
    let has = |text: &str| said.iter().any(|line| line.contains(text));
    if has("REMOTE HOST IDENTIFICATION HAS CHANGED") || has("REVOKED HOST KEY DETECTED") {
        return TransportError::ChangedHostKey { why: changed(said) };
    }
    if asked.host_key.is_some() || has("Host key verification failed") {
        let fingerprint = asked.host_key.clone().unwrap_or_else(|| "ssh did not show it".to_owned());
        return TransportError::UnknownHostKey { fingerprint, trust: trust(to) };
    }
    if *attempt == Attempt::Stopped || has("Permission denied (") || has("Too many authentication failures") {
        return TransportError::Login { why: login(said, asked) };
    }
    let why = match attempt {
        Attempt::TooLong(after) => format!("no login within {} s", after.as_secs()),
        _ if said.is_empty() => "ssh ended without a word".to_owned(),
        _ => last(said),
    };
    TransportError::Unreachable { why }
}

/// Has an sshd with too many logins on its way dropped us (`MaxStartups`)? Then another attempt may succeed.
pub(super) fn is_overload(error: &TransportError) -> bool {
    let dropped = [
        "kex_exchange_identification: Connection closed",
        "kex_exchange_identification: read: Connection reset",
        "Exceeded MaxStartups",
    ];
    matches!(error, TransportError::Unreachable { why } if dropped.iter().any(|text| why.contains(text)))
}

fn trust(to: &Destination) -> Hint {
    let text = "Compare the fingerprint with the one the host's administrator knows; then log in once by hand and answer yes";
    Hint::command(text, format!("ssh -o StrictHostKeyChecking=ask {} true", to.shown))
}

/// The lines that name the key and where the other one stands.
fn changed(said: &[String]) -> String {
    let telling = |line: &&String| line.starts_with("Offending ") || line.starts_with("SHA256:");
    let lines: Vec<_> = said.iter().filter(telling).map(|line| line.trim_end_matches('.')).collect();
    if lines.is_empty() { last(said) } else { lines.join("; ") }
}

fn login(said: &[String], asked: &Asked) -> String {
    let refused = asked.refused.iter().map(|question| format!("ssh asks `{question}`, and nobody is there to answer"));
    let said = said.iter().filter(|line| line.contains("denied") || line.contains("Too many")).cloned();
    said.chain(refused).collect::<Vec<_>>().join("; ")
}

/// The last lines that say something; with a jump host the first of them is the telling one.
fn last(said: &[String]) -> String {
    let lines: Vec<_> = said.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}

#[cfg(test)]
mod tests;
