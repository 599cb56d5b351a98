//! A command line that may be kept: values that look secret are replaced.

use std::ffi::OsString;

/// Options whose value is nobody's business, by a part of their name.
const SECRET_NAMES: [&str; 6] = ["secret", "token", "password", "passphrase", "key", "cookie"];

const MASK: &str = "***";

/// The arguments as text, with secret values replaced by `***`.
pub fn masked(argv: &[OsString]) -> Vec<String> {
    let mut out = Vec::with_capacity(argv.len());
    let mut hide_next = false;
    for argument in argv {
        let argument = argument.to_string_lossy();
        let (kept, value_follows) = if std::mem::take(&mut hide_next) { (MASK.to_owned(), false) } else { mask(&argument) };
        out.push(kept);
        hide_next = value_follows;
    }
    out
}

/// The argument without its secret, and whether the next argument is the secret value of this option.
fn mask(argument: &str) -> (String, bool) {
    let (name, value) = argument.split_once('=').map_or((argument, None), |(name, value)| (name, Some(value)));
    let is_secret = SECRET_NAMES.iter().any(|part| name.to_lowercase().contains(part));
    match value {
        Some(_) if is_secret => (format!("{name}={MASK}"), false),
        Some(value) => (format!("{name}={}", without_userinfo(value)), false),
        None => (without_userinfo(argument), is_secret && argument.starts_with("--")),
    }
}

/// `scheme://user:password@host` without the part before the `@`; the original's `s3://KEY@SECRET:bucket` has secrets on both sides of it.
fn without_userinfo(value: &str) -> String {
    match value.split_once("://").map(|(scheme, rest)| (scheme, rest.rsplit_once('@'))) {
        Some((scheme, Some(_))) if scheme.eq_ignore_ascii_case("s3") => format!("{scheme}://{MASK}"),
        Some((scheme, Some((_, host)))) => format!("{scheme}://{MASK}@{host}"),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(line: &str) -> String {
        masked(&line.split(' ').map(OsString::from).collect::<Vec<_>>()).join(" ")
    }

    #[test]
    fn what_looks_secret_is_not_kept() {
        assert_eq!(line("edeliver deploy --api-token=abc to production"), "edeliver deploy --api-token=*** to production");
        assert_eq!(line("edeliver deploy --password abc --yes"), "edeliver deploy --password *** --yes");
        assert_eq!(line("edeliver x RELEASE_STORE=s3://AKIA@topsecret:bucket"), "edeliver x RELEASE_STORE=s3://***");
        assert_eq!(line("edeliver x --url=https://me:pw@h/p"), "edeliver x --url=https://***@h/p");
        assert_eq!(line("edeliver build release --branch=main"), "edeliver build release --branch=main");
    }
}
