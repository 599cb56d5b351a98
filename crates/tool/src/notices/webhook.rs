//! A message to a webhook. Its address is in no error, event or log: whoever has it may write there.

use std::{thread, time::Duration};

use edeliver_core::{config::Webhook, hint::Hint};
use ureq::Agent;

use crate::{error::chain, report::Reporter};

/// A run's end does not wait long for somebody to be told of it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is tried, where the network or the server fails it.
const TRIES: u32 = 3;
/// Before the second try; twice as long before the third.
const PAUSE: Duration = Duration::from_millis(500);

/// Why a webhook was not told.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
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

/// A message on its way.
pub(super) struct Message {
    pub(super) webhook: Webhook,
    pub(super) payload: String,
    pub(super) reporter: Reporter,
}

impl Message {
    /// Sends it. That this does not work is told, and nothing more.
    pub(super) async fn send(self) {
        let Self { webhook, payload, reporter } = self;
        let sent = tokio::task::spawn_blocking(move || send(&webhook, &payload)).await;
        if let Ok(Err(error)) = sent {
            let hint = match error {
                WebhookError::Refused { status: 300..=499 } => {
                    Hint::text("check the address in EDELIVER_NOTIFY_WEBHOOK or notify.webhook, and notify.format")
                }
                _ => Hint::text("the run is not concerned; whoever waits for the message is"),
            };
            reporter.warn(format!("the webhook was not told of this run: {}", chain(&error).join(": ")), vec![hint]);
        }
    }
}

fn send(webhook: &Webhook, payload: &str) -> Result<(), WebhookError> {
    let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).timeout_global(Some(PATIENCE));
    let agent = config.build().new_agent();
    let mut pause = PAUSE;
    let mut tries = 1..TRIES;
    loop {
        let answer = agent.post(webhook.reveal()).header("content-type", "application/json").send(payload);
        let error = match answer.map(|answer| answer.status().as_u16()) {
            Ok(200..=299) => return Ok(()),
            Ok(status) => WebhookError::Refused { status },
            Err(error) => WebhookError::Unreachable { why: in_words(&error, webhook) },
        };
        let may_pass = !matches!(error, WebhookError::Refused { status: 300..=407 | 409..=428 | 430..=499 });
        if !may_pass || tries.next().is_none() {
            return Err(error);
        }
        thread::sleep(pause);
        pause *= 2;
    }
}

fn in_words(error: &ureq::Error, webhook: &Webhook) -> String {
    match error {
        ureq::Error::BadUri(_) => "its address is none".to_owned(),
        error => crate::report::printable(&error.to_string()).replace(webhook.reveal(), edeliver_core::config::secret::MASK),
    }
}
