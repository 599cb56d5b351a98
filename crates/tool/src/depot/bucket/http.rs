//! Requests to a bucket: signed, repeated where that can help, and never shown: their addresses are signatures.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    thread,
    time::Duration,
};

use jiff::Timestamp;
use rusty_s3::{Bucket, Credentials, Method, S3Action};
use ureq::{
    Agent, Body,
    http::{HeaderMap, Request, Response},
};

use crate::{cancel::Cancel, depot::DepotError, report::Reporter, transport::TransportError};

/// A signature of ours is used at once.
const VALID: Duration = Duration::from_secs(600);
/// No byte for so long, and the connection counts as lost.
const SILENCE: Duration = Duration::from_secs(60);
/// How often a request is made that a server or the network has failed.
const TRIES: u32 = 4;
/// Before the second try; twice as long before each further one.
const PAUSE: Duration = Duration::from_millis(250);
/// Clocks that differ by more, in seconds, are told. Servers refuse requests of about a quarter of an hour ago.
const SKEW: i64 = 120;
/// More than any answer has: parts, lists and errors.
const LIMIT: u64 = 64 << 20;

/// A connection to a bucket.
pub(super) struct Http {
    pub(super) bucket: Bucket,
    pub(super) keys: Credentials,
    agent: Agent,
    cancel: Cancel,
    reporter: Reporter,
    clock: fn() -> Timestamp,
    /// How far the server's clock is before ours, in seconds.
    skew: AtomicI64,
    /// Why it could not be reached. Whoever asks again in the same command has not to wait for that again.
    gone: OnceLock<String>,
}

/// An answer that was read to its end.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    /// What an error's XML says: its code.
    pub(super) fn code(&self) -> String {
        element(&self.text(), "Code").unwrap_or_default()
    }
    /// An answer that must be good.
    pub(super) fn good(self) -> Result<Self, DepotError> {
        let code = self.code();
        match self.status {
            200..=299 => Ok(self),
            301 | 307 | 400 if self.header("x-amz-bucket-region").is_some() => {
                let region = self.header("x-amz-bucket-region").unwrap_or_default();
                Err(DepotError::Refused { why: format!("the bucket is in the region {region}: set store.s3.region to it") })
            }
            401 | 403 => Err(DepotError::Denied { code }),
            404 if code == "NoSuchBucket" => Err(DepotError::Refused { why: "there is no such bucket".to_owned() }),
            status => {
                let message = element(&self.text(), "Message").unwrap_or_default();
                let why = crate::report::printable(format!("the server says {status} {code} {message}").trim_end());
                Err(DepotError::Refused { why })
            }
        }
    }
    fn is_passing(&self) -> bool {
        matches!(self.status, 408 | 429 | 500 | 502 | 503 | 504)
    }
}

/// The text of the first element of this name.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once("</").map(|(text, _)| text.chars().take(200).collect())
}

impl Http {
    pub(super) fn new(bucket: Bucket, keys: Credentials, cancel: Cancel, reporter: Reporter, clock: fn() -> Timestamp) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_recv_response(Some(SILENCE * 2))
            .timeout_per_read(Some(SILENCE))
            .timeout_per_write(Some(SILENCE));
        let agent = config.build().new_agent();
        Self { bucket, keys, agent, cancel, reporter, clock, skew: AtomicI64::new(0), gone: OnceLock::new() }
    }

    /// The address of a request, signed for so long.
    pub(super) fn sign<'a>(&self, action: &impl S3Action<'a>, valid: Duration) -> String {
        let now = (self.clock)() + jiff::SignedDuration::from_secs(self.skew.load(Ordering::Relaxed));
        action.sign_with_time(valid, &now).to_string()
    }

    /// Makes a request, several times if the network or the server fails it. `headers`: beside those that are signed.
    pub(super) fn ask<'a, A: S3Action<'a>>(&self, action: &A, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, DepotError> {
        if let Some(why) = self.gone.get().cloned() {
            return Err(DepotError::Unreachable { why });
        }
        let mut pause = PAUSE;
        let mut tries = 1..TRIES;
        loop {
            if self.cancel.is_requested() {
                return Err(TransportError::Interrupted.into());
            }
            let answer = self.once(A::METHOD, &self.sign(action, VALID), headers, body);
            match answer {
                Ok(answer) if matches!(answer.status, 400 | 403) && self.learn_time(&answer) => continue,
                Ok(answer) if !answer.is_passing() || tries.next().is_none() => return Ok(answer),
                Err(error) if !is_passing(&error) || tries.nth(costs(&error)).is_none() => return Err(self.failed(&error)),
                _ => thread::sleep(pause),
            }
            pause *= 2;
        }
    }

    fn once(&self, method: Method, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder().method(name(method)).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response: Response<Body> = match method {
            Method::Put | Method::Post => self.agent.run(request.body(body)?)?,
            Method::Get | Method::Head | Method::Delete => self.agent.run(request.body(())?)?,
        };
        let body = response.body_mut().with_config().limit(LIMIT).read_to_vec()?;
        let (parts, _) = response.into_parts();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    /// In words that have no address in them.
    fn failed(&self, error: &ureq::Error) -> DepotError {
        let why = match error {
            ureq::Error::BadUri(_) => "its address is none".to_owned(),
            error => crate::report::printable(&error.to_string()),
        };
        DepotError::Unreachable { why: self.gone.get_or_init(|| why).clone() }
    }

    /// Whether the answer shows that the clocks differ, which is taken into account from then on.
    fn learn_time(&self, answer: &Answer) -> bool {
        let date = answer.header("date").and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        let Some(there) = date.map(|date| date.timestamp()) else { return false };
        let skew = there.as_second() - (self.clock)().as_second();
        if (skew - self.skew.load(Ordering::Relaxed)).abs() < SKEW {
            return false;
        }
        self.skew.store(skew, Ordering::Relaxed);
        let (minutes, way) = (skew.abs() / 60, if skew > 0 { "slow" } else { "fast" });
        let text = format!("by the clock of the store's server, this machine's is {minutes} minutes {way}");
        self.reporter.warn(text, vec![edeliver_core::hint::Hint::text("set this machine's clock")]);
        true
    }
}

fn name(method: Method) -> &'static str {
    match method {
        Method::Head => "HEAD",
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
    }
}

/// Whether another try may go well.
fn is_passing(error: &ureq::Error) -> bool {
    use ureq::Error;
    matches!(error, Error::Io(_) | Error::Timeout(_) | Error::ConnectionFailed | Error::Protocol(_))
}

/// How many tries a failure stands for, beside its own: whoever does not take a connection in ten seconds is asked once more, not three times.
fn costs(error: &ureq::Error) -> usize {
    usize::from(matches!(error, ureq::Error::Timeout(ureq::Timeout::Connect)))
}
