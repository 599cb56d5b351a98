use std::{
    io::Write,
    process::{Command, Stdio},
};

use proptest::prelude::*;

use super::*;

/// Every shell that may be `/bin/sh` somewhere.
const SHELLS: [&[&str]; 4] = [&["dash"], &["bash", "--posix"], &["busybox", "sh"], &["zsh", "--emulate", "sh"]];

/// What the shell says the words are, when the line comes on its standard input. The words are counted first.
fn heard(shell: &[&str], line: &[u8]) -> Vec<u8> {
    let mut child = Command::new(shell[0])
        .args(&shell[1..])
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap_or_else(|error| panic!("{shell:?}: {error}"));
    let script = [b"set -- ", line, b"\nprintf '%s\\000' \"$#\" \"$@\"\n"].concat();
    child.stdin.take().unwrap().write_all(&script).unwrap();
    child.wait_with_output().unwrap().stdout
}

fn said(texts: &[Vec<u8>]) -> Vec<u8> {
    let mut out = format!("{}\0", texts.len()).into_bytes();
    texts.iter().for_each(|text| out.extend_from_slice(&[text.as_slice(), b"\0"].concat()));
    out
}

fn any_text() -> impl Strategy<Value = Vec<u8>> {
    let nasty = prop::sample::select(b"'\"\\$`!#&;|<>(){}[]*?~=-\n\r\t \x01\x7f\x80\xff\xc3".to_vec());
    prop::collection::vec(prop_oneof![3 => nasty, 2 => 1..=255u8], 0..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_shell_hears_the_words_that_were_said(texts in prop::collection::vec(any_text(), 1..6)) {
        let line = texts.iter().map(|text| bytes(text)).collect::<Vec<_>>().join(&b' ');
        for shell in SHELLS {
            prop_assert_eq!(heard(shell, &line), said(&texts), "{:?}", shell);
        }
    }

    #[test]
    fn text_and_bytes_are_quoted_alike(text in "[^\0]{0,20}") {
        prop_assert_eq!(word(&text).into_owned().into_bytes(), bytes(text.as_bytes()));
    }
}

#[test]
fn plain_words_stay_readable() {
    assert_eq!(words(["git", "/srv/my-app_1.2", "a b", "it's", ""]), r"git /srv/my-app_1.2 'a b' 'it'\''s' ''");
    assert_eq!(words(["-n", "~root", "a=b", "*"]), "-n '~root' 'a=b' '*'");
}
