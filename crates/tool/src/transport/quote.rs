//! Words for `/bin/sh`: the only place in the program where a word becomes part of a shell line.
//!
//! A quoted word is one word of a POSIX shell and means exactly the bytes it was made from. It is text for `/bin/sh` alone; what a
//! user's login shell makes of it is another matter, and therefore no such line ever reaches a login shell (see `wrapper`).

use std::borrow::Cow;

/// The text as one word of a `/bin/sh` line. The text must not contain NUL: no shell can hold one.
pub fn word(text: &str) -> Cow<'_, str> {
    if is_plain(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

/// Words of a `/bin/sh` line, parted by one blank.
pub fn words<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().map(word).collect::<Vec<_>>().join(" ")
}

/// The line that gives a script these arguments.
pub fn set<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    format!("set -- {}", words(texts))
}

/// A function that is a script in a shell of its own, with these arguments and then those that it is called with.
pub fn function(name: &'static str, args: &[String], script: &str) -> String {
    format!("{name}() (\n{} \"$@\"\n{script}\n)\n", set(args.iter().map(String::as_str)))
}

/// Bytes as one word of a `/bin/sh` line; for paths and other text that need not be UTF-8.
pub fn bytes(text: &[u8]) -> Vec<u8> {
    if is_plain(text) {
        return text.to_vec();
    }
    let mut out = Vec::with_capacity(text.len() + 2);
    out.push(b'\'');
    for part in text.split_inclusive(|b| *b == b'\'') {
        match part.split_last() {
            Some((b'\'', before)) => out.extend_from_slice(&[before, br"'\''"].concat()),
            _ => out.extend_from_slice(part),
        }
    }
    out.push(b'\'');
    out
}

/// Only characters that no shell treats specially anywhere in a word. `~` and `=` are not among them.
fn is_plain(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| b.is_ascii_alphanumeric() || b"-_./:@%+,".contains(b))
}

#[cfg(test)]
mod tests;
