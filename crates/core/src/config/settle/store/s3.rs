//! Reading of a store in S3.

use crate::config::{
    problem::{Place, Problem},
    raw::Value,
    scope::Scope,
    settings::{S3Keys, S3Store},
    settle::Settling,
    typed::{FromValue, Rule, Wrong, string},
};

const BUCKET: Rule = Rule {
    what: "a bucket",
    why: "it has letters, digits, `.`, `-` and `_`",
    allows: |text| !text.starts_with(['.', '-']) && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)),
};
const PREFIX: Rule = Rule {
    what: "a folder in a bucket",
    why: "it has no `..`, no empty part and no control character",
    allows: |text| {
        !text.chars().any(char::is_control) && text.trim_matches('/').split('/').all(|part| !["", ".", ".."].contains(&part))
    },
};
const ENDPOINT: Rule = Rule {
    what: "the address of a server",
    why: "write it like \"https://minio.example.com:9000\", without user and password",
    allows: |text| {
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        host.is_some_and(|host| !host.is_empty() && !host.contains(['@', '?', '#']) && !host.contains(char::is_whitespace))
    },
};
const WORD: Rule = Rule {
    what: "a name",
    why: "it has letters, digits, `.`, `-` and `_`",
    allows: |text| text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)),
};

/// What a table of a bucket may have.
const KEYS: [&str; 8] = ["url", "bucket", "prefix", "endpoint", "region", "path_style", "credentials", "profile"];

impl Settling<'_> {
    /// `None`: something is wrong, and that was noted.
    pub(super) fn bucket(&self, mut scope: Scope<'_>, hosts_fetch: bool) -> Option<Option<S3Store>> {
        let given = KEYS.iter().find_map(|key| scope.place(key));
        let (url, named) = (scope.place("url"), scope.place("bucket").is_some());
        let old = scope.peek::<Old>("url").map(|(old, _)| old);
        let bucket = scope.get_by("bucket", |value| BUCKET.text(value)).or_else(|| old.as_ref().map(|old| old.bucket.clone()));
        let prefix = scope.get_by("prefix", |value| PREFIX.text(value)).unwrap_or_default().trim_matches('/').to_owned();
        let endpoint = scope.get_by("endpoint", |value| ENDPOINT.text(value)).map(|url| url.trim_end_matches('/').to_owned());
        let region = scope.get_by("region", |value| WORD.text(value));
        let path_style = scope.get("path_style");
        let credentials = scope.get::<String>("credentials").map(|path| self.here(&path));
        let profile = scope.get_by("profile", |value| WORD.text(value));
        scope.finish();
        let Some(given) = given else { return Some(None) };
        if let Some(problem) = url.as_ref().map_or_else(|| (!named).then(|| no_bucket(given)), keys_in_a_file) {
            self.found.problem(problem);
            return None;
        }
        let bucket = bucket?;
        let path_style = path_style.unwrap_or(endpoint.is_some() || bucket.contains(['.', '_']));
        let keys = old.map(|old| old.keys);
        Some(Some(S3Store { bucket, prefix, endpoint, region, path_style, credentials, profile, keys, hosts_fetch }))
    }
}

fn no_bucket(place: Place) -> Problem {
    Problem::new("a store in S3 without a bucket", place).label("add bucket = \"…\" to [store.s3]")
}

/// An address with keys is one of a classic config, where it stands under the variable's name.
fn keys_in_a_file(place: &Place) -> Option<Problem> {
    let problem =
        Problem::new("`store.s3.url`: keys have no place in this file", place.clone()).label("set bucket = \"…\" instead");
    let problem = problem.remedy("keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from ~/.aws/credentials");
    (!matches!(place.name.as_deref(), Some("RELEASE_STORE" | "LOCAL_RELEASE_STORE"))).then_some(problem)
}

/// `s3://KEY@SECRET:bucket`, as edeliver 1.x has it.
struct Old {
    bucket: String,
    keys: S3Keys,
}

impl FromValue for Old {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        const FORM: &str = "it is s3://KEY@SECRET:bucket";
        let text = string(value)?;
        let parts = || {
            let (keys, bucket) = text.get(5..)?.rsplit_once(':')?;
            let (id, secret) = keys.split_once('@')?;
            let whole = is_in_s3(text) && !id.is_empty() && !secret.is_empty() && !bucket.is_empty() && (BUCKET.allows)(bucket);
            whole.then(|| Self { bucket: bucket.to_owned(), keys: S3Keys { id: id.to_owned(), secret: secret.to_owned() } })
        };
        parts().ok_or_else(|| Wrong::Rule("the address of a store in S3", FORM.to_owned()))
    }
    fn show(&self) -> String {
        format!("s3://{}", self.bucket)
    }
}

/// Whether this is the address of a store in S3, as edeliver 1.x has it.
pub(in crate::config) fn is_in_s3(address: &str) -> bool {
    address.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("s3://"))
}
