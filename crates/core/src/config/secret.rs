//! Which values are secret, and how texts that may hold them are shown.
//!
//! A value is secret by its name (`SECRET_KEY_BASE`, `db_password`) or by its form (a URL with a password in it). Secrets appear
//! nowhere: not in `config show`, not in origins, not in the source lines that errors quote.

/// What stands in the place of a secret.
pub const MASK: &str = "********";

/// Parts of a name, between `_`, `-` or `.`, that make it secret.
const PARTS: &[&str] = &[
    "secret",
    "secrets",
    "password",
    "passwd",
    "passphrase",
    "pass",
    "pw",
    "pwd",
    "token",
    "tokens",
    "key",
    "keys",
    "cookie",
    "credential",
    "credentials",
    "auth",
    "dsn",
    "webhook",
];
/// Texts that make a name secret wherever they stand.
const INSIDE: &[&str] = &["secret", "passw", "token", "apikey", "credential"];

/// Whether what carries this name is a secret.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    INSIDE.iter().any(|text| name.contains(text)) || name.split(['_', '-', '.']).any(|part| PARTS.contains(&part))
}

/// Whether a value is secret whatever it is called: a URL with a password, a store address with keys.
pub fn is_secret_value(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    let is_s3 = scheme.eq_ignore_ascii_case("s3"); // also one with a slip in it
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) || is_s3 && rest.contains(['@', ':'])
}

/// The value as it may be shown.
pub fn shown(name: &str, value: &str) -> String {
    if is_secret_name(name) || is_secret_value(value) { MASK.to_owned() } else { value.to_owned() }
}

/// The text of a config file, TOML or bash, in which every secret value is stars. It has the same length and the same lines, so
/// positions in it stay right.
pub fn masked_source(text: &str) -> String {
    let mut out = text.as_bytes().to_vec();
    for (at, _) in text.match_indices('=') {
        let value = value_after(text, at + 1);
        if is_secret_name(name_before(text, at)) || is_secret_value(text[value.clone()].trim_matches(['"', '\''])) {
            out[value].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b'*');
        }
    }
    String::from_utf8(out).expect("values are whole characters, replaced by ASCII")
}

/// The name that an `=` at `at` assigns to: `KEY`, `"KEY"`, `a.b.KEY`.
fn name_before(text: &str, at: usize) -> &str {
    let before = text[..at].trim_end_matches([' ', '\t', '"', '\'', '+', ':']);
    let start = before
        .rfind(|c: char| !(c.is_alphanumeric() || "_.-".contains(c)))
        .map_or(0, |i| i + before[i..].chars().next().map_or(1, char::len_utf8));
    &before[start..]
}

/// Where the value behind an `=` stands: a quoted text with its quotes (TOML's `"""` too), or up to the end of the line.
fn value_after(text: &str, from: usize) -> std::ops::Range<usize> {
    let start = from + text[from..].len() - text[from..].trim_start_matches([' ', '\t']).len();
    let rest = &text[start..];
    let end = ["\"\"\"", "'''", "\"", "'"]
        .iter()
        .find_map(|quote| {
            rest.strip_prefix(quote).map(|inside| closing(inside, quote).map_or(rest.len(), |end| end + 2 * quote.len()))
        })
        .unwrap_or_else(|| rest[..rest.find(['\n', ',', '}']).unwrap_or(rest.len())].trim_end().len());
    start..start + end
}

/// Where the closing quote stands; a backslash protects the next character, except in single quotes.
fn closing(inside: &str, quote: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' && quote.starts_with('"') {
            escaped = true;
        } else if inside[at..].starts_with(quote) {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_name_or_form() {
        for name in [
            "SECRET_KEY_BASE",
            "DB_PASSWORD",
            "api-key",
            "GITHUB_TOKEN",
            "RELEASE_COOKIE",
            "AWS_SECRET_ACCESS_KEY",
            "DB_PASS",
            "notify.webhook",
            "EDELIVER_NOTIFY_WEBHOOK",
            "myToken",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["PORT", "KEYBOARD", "BUILD_HOST", "COMPASS", "MONKEY", "keep_releases"] {
            assert!(!is_secret_name(name), "{name}");
        }
        assert_eq!(shown("DATABASE_URL", "ecto://user:pw@db/app"), MASK);
        assert_eq!(shown("RELEASE_STORE", "s3://AKID@s3cr3t:bucket"), MASK);
        assert_eq!(shown("URL", "https://example.com/a:b@c"), "https://example.com/a:b@c");
    }

    #[test]
    fn quoted_source_has_no_secrets_and_the_same_positions() {
        let toml = "env = { PORT = \"4000\", SECRET = \"a\\\"bü\", X = 1 }\n\"API_KEY\" = '''x\ny'''\nz = 1";
        let masked = masked_source(toml);
        assert_eq!(masked, "env = { PORT = \"4000\", SECRET = ********, X = 1 }\n\"API_KEY\" = ****\n****\nz = 1");
        assert_eq!(masked.len(), toml.len());
    }

    #[test]
    fn bash_sources_are_masked_too() {
        let bash = "export DB_PASSWORD=\"hunter2\"\nTOKEN=abc # x\nAPP=\"a\"\nSTORE=s3://K@S:b\n[ \"$APP_KEY\" = 'x' ]";
        let masked = masked_source(bash);
        assert!(!masked.contains("hunter2") && !masked.contains("abc") && !masked.contains("K@S"), "{masked}");
        assert!(masked.contains("APP=\"a\""));
    }

    #[test]
    fn an_unclosed_secret_is_masked_to_the_end() {
        assert_eq!(masked_source("PASSWORD = \"abc"), "PASSWORD = ****");
    }
}
