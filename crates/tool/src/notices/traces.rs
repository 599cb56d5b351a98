//! The run's spans, to a server of OpenTelemetry: by the variables that all programs have for that.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use edeliver_core::{
    event::{Event, Outcome},
    hint::Hint,
    trace::Trace,
};

use super::post::{Post, PostError};
use crate::report::Reporter;

/// Where to, without the path that traces have.
pub(crate) const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// Where to, with it.
const OF_TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// `key=value,key=value`; secrets.
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const SERVICE: &str = "OTEL_SERVICE_NAME";

/// The spans of this command's run, and where they go.
#[derive(Clone)]
pub(crate) struct Traces {
    trace: Arc<Mutex<Trace>>,
    address: String,
    headers: Vec<(String, String)>,
    service: String,
}

impl std::fmt::Debug for Traces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Traces")
    }
}

impl Traces {
    /// As the environment says; `None`: nobody wants any.
    pub(crate) fn of(env: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let given = |name: &str| env(name).filter(|value| !value.trim().is_empty());
        let under = |endpoint: String| format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let address = given(OF_TRACES).or_else(|| given(ENDPOINT).map(under))?;
        let headers = given(HEADERS).unwrap_or_default();
        let pairs = headers.split(',').filter_map(|pair| pair.split_once('='));
        Some(Self {
            trace: Arc::default(),
            address,
            headers: pairs.map(|(name, value)| (name.trim().to_owned(), decoded(value.trim()))).collect(),
            service: given(SERVICE).unwrap_or_else(|| "edeliver".to_owned()),
        })
    }
    /// Takes the next event.
    pub(crate) fn take(&self, event: &Event) {
        self.trace.lock().unwrap_or_else(PoisonError::into_inner).take(event);
    }
    /// Sends what there is. That this does not work is told, and nothing more.
    pub(super) async fn send(self, outcome: &Outcome, reporter: &Reporter) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        let body = self.trace.lock().unwrap_or_else(PoisonError::into_inner).finish(outcome, now, &self.service);
        let Some(body) = body else { return };
        let post = Post { address: self.address, headers: self.headers, body };
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || post.send()).await {
            reporter.warn(format!("the trace of this run was not taken: {error}"), vec![hint(&error)]);
        }
    }
}

fn hint(error: &PostError) -> Hint {
    Hint::text(match error {
        PostError::Refused { status: 404 | 405 } => format!("{ENDPOINT} is a server that takes OTLP by HTTP, usually at port 4318"),
        PostError::Refused { status: 400..=499 } => format!("check {ENDPOINT} and {HEADERS}"),
        _ => format!("unset {ENDPOINT} if no trace is wanted"),
    })
}

/// Values may have `%20` and its like in them.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let hex = |at: usize| text.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        match (bytes[at], hex(at + 1)) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traces(variables: &[(&str, &str)]) -> Option<Traces> {
        Traces::of(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_variables_of_opentelemetry_say_where_to() {
        assert!(traces(&[(ENDPOINT, "")]).is_none());
        let base = traces(&[(ENDPOINT, "http://c:4318/"), (HEADERS, "a=b%20c, key=1=2,junk")]).unwrap();
        assert_eq!(base.address, "http://c:4318/v1/traces");
        let headers: Vec<(&str, &str)> = base.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(headers, [("a", "b c"), ("key", "1=2")]);
        assert_eq!(traces(&[(ENDPOINT, "http://c"), (OF_TRACES, "http://d/x")]).unwrap().address, "http://d/x");
        assert_eq!(format!("{base:?}"), "Traces");
        assert_eq!(decoded("%zz%4"), "%zz%4");
    }
}
