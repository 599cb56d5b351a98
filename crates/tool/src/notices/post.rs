//! Sending a text to a server, a few times. Its address and the headers are secrets, so they are in no error.

use std::{thread, time::Duration};

use edeliver_core::config::secret;
use ureq::Agent;

/// A run's end does not wait long for somebody to be told of it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is tried, where the network or the server fails it.
const TRIES: u32 = 3;
/// Before the second try; twice as long before the third.
const PAUSE: Duration = Duration::from_millis(500);

/// Why a server was not told.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The server says no.
    #[error("its server says {status}")]
    Refused {
        /// The status.
        status: u16,
    },
    /// It did not answer.
    #[error("its server can't be reached: {why}")]
    Unreachable {
        /// In words that have no address in them.
        why: String,
    },
}

/// What is sent where. No `Debug`: it has secrets.
pub(super) struct Post {
    pub(super) address: String,
    pub(super) headers: Vec<(String, String)>,
    /// JSON.
    pub(super) body: String,
}

impl Post {
    /// Sends it; blocks.
    pub(super) fn send(&self) -> Result<(), PostError> {
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).timeout_global(Some(PATIENCE));
        let agent = config.build().new_agent();
        let mut pause = PAUSE;
        let mut tries = 1..TRIES;
        loop {
            let Err(error) = self.once(&agent) else { return Ok(()) };
            let may_pass = !matches!(error, PostError::Refused { status: 300..=407 | 409..=428 | 430..=499 });
            if !may_pass || tries.next().is_none() {
                return Err(error);
            }
            thread::sleep(pause);
            pause *= 2;
        }
    }
    fn once(&self, agent: &Agent) -> Result<(), PostError> {
        let mut request = agent.post(&self.address).header("content-type", "application/json");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        match request.send(&self.body).map(|answer| answer.status().as_u16()) {
            Ok(200..=299) => Ok(()),
            Ok(status) => Err(PostError::Refused { status }),
            Err(error) => Err(PostError::Unreachable { why: self.in_words(&error) }),
        }
    }
    fn in_words(&self, error: &ureq::Error) -> String {
        match error {
            ureq::Error::BadUri(_) => "its address is none".to_owned(),
            error => crate::report::printable(&error.to_string()).replace(&self.address, secret::MASK),
        }
    }
}
