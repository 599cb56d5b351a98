//! Spans in the JSON of OTLP, <https://opentelemetry.io/docs/specs/otlp/>.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Span, Trace};

/// A span that stands inside a program.
const INTERNAL: u8 = 1;
const OK: u8 = 1;
const ERROR: u8 = 2;

impl Trace {
    pub(super) fn otlp(&self, service: &str) -> String {
        let spans: Vec<Value> = self.spans.iter().enumerate().map(|(at, span)| self.span(at, span)).collect();
        let scope = json!({ "scope": { "name": "edeliver" }, "spans": spans });
        let resource = json!({ "attributes": [attribute("service.name", service)] });
        json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": [scope] }] }).to_string()
    }
    fn span(&self, at: usize, span: &Span) -> Value {
        let time = |ms: u64| ((self.zero + ms) * 1_000_000).to_string();
        let attributes: Vec<Value> = span.attributes.iter().map(|(name, value)| attribute(name, value)).collect();
        let status = match &span.failed {
            Some(why) => json!({ "code": ERROR, "message": why }),
            None => json!({ "code": OK }),
        };
        json!({
            "traceId": self.id("trace", 0, 16),
            "spanId": self.id("span", at, 8),
            "parentSpanId": span.parent.map_or_else(String::new, |parent| self.id("span", parent, 8)),
            "name": span.name,
            "kind": INTERNAL,
            "startTimeUnixNano": time(span.start),
            "endTimeUnixNano": time(span.end.unwrap_or(span.start)),
            "attributes": attributes,
            "status": status,
        })
    }
    /// Of this many bytes. It follows from the run, whose id has chance in it.
    fn id(&self, of: &str, at: usize, bytes: usize) -> String {
        let digest = Sha256::digest(format!("{of} {at} {}", self.seed));
        digest.iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
    }
}

fn attribute(name: &str, value: &str) -> Value {
    json!({ "key": name, "value": { "stringValue": value } })
}
