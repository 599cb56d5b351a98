//! A message to a webhook. Its address is in no error, event or log: whoever has it may write there.

use edeliver_core::{config::Webhook, hint::Hint};

use super::post::{Post, PostError};
use crate::report::Reporter;

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
        let post = Post { address: webhook.reveal().to_owned(), headers: Vec::new(), body: payload };
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || post.send()).await {
            let hint = match error {
                PostError::Refused { status: 300..=499 } => {
                    "check the address in EDELIVER_NOTIFY_WEBHOOK or notify.webhook, and notify.format"
                }
                _ => "the run is not concerned; whoever waits for the message is",
            };
            reporter.warn(format!("the webhook was not told of this run: {error}"), vec![Hint::text(hint)]);
        }
    }
}
