//! The page as text.

use std::collections::BTreeSet;

use edeliver_core::event::Event;
use jiff::tz::TimeZone;
use regex_lite::Regex;
use serde_json::Value;

use super::page;
use crate::{runs::Ending, ui::samples::JOURNAL};

/// All samples of journals that must be read for ever.
const SAMPLES: [&str; 5] = [
    JOURNAL,
    include_str!("../../../../core/tests/samples/journal-1-answers.jsonl"),
    include_str!("../../../../core/tests/samples/journal-1-upgrades.jsonl"),
    include_str!("../../../../core/tests/samples/journal-1-checkup.jsonl"),
    include_str!("../../../../core/tests/samples/journal-1-who.jsonl"),
];

/// What nobody may write into a page.
const HOSTILE: &str = "</pre></style><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;`<b>";

fn events(text: &str) -> Vec<Event> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn page_of(text: &str) -> String {
    page(&events(text), &Ending::Cut, &TimeZone::UTC)
}

/// Without what differs from version to version: the style sheet and the numbers that follow from it.
fn body(page: &str) -> String {
    let whole = [
        (r"(?s)<style>.*?</style>", "<style>…</style>"),
        (r"'sha256-[^']*'", "'sha256-…'"),
        (r"Made by edeliver [^ ]*", "Made by edeliver VERSION"),
        (r"(?s)<svg class=.sprite.*?</symbol></svg>", "<svg>…</svg>"),
        (
            r"><(/?)(section|article|header|div|dl|details|ol|ul|li|table|tr|td|h1|h2|h3|p|main|nav|footer|head|body|meta|title|link)",
            ">\n<$1$2",
        ),
    ];
    whole
        .into_iter()
        .fold(page.to_owned(), |page, (pattern, with)| Regex::new(pattern).unwrap().replace_all(&page, with).into_owned())
}

/// `EDELIVER_BLESS=1 cargo test -p edeliver --lib ui::page` writes it anew.
#[test]
fn a_small_run_is_this_page() {
    let page = body(&page_of(JOURNAL));
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/src/ui/page/golden.html");
    if std::env::var_os("EDELIVER_BLESS").is_some() {
        std::fs::write(golden, &page).unwrap();
    }
    let wanted = std::fs::read_to_string(golden).unwrap_or_default();
    assert!(page == wanted, "the page is now\n{page}");
}

#[test]
fn a_page_says_how_it_ended_for_whom_when_and_how_long() {
    let page = page_of(JOURNAL);
    for part in [
        "<title>✕ deploy release to production · edeliver</title>",
        "<h1>deploy release to production</h1>",
        "Some hosts are done and others are not</strong> <span class=\"code\">exit code 8",
        "<b>production</b>",
        "23 November 2026, 00:15:02 UTC",
        "1 min 02 s",
        "edeliver deploy release to production --yes",
        "0.1.0 runs",
        "it exited with status 1",
        "Kernel pid terminated",
        "ssh web1 tail /srv/hotapp/log/erlang.log.1",
        "the working tree has changes",
    ] {
        assert!(page.contains(part), "{part:?} is missing in\n{}", body(&page));
    }
}

#[test]
fn a_journal_of_any_age_torn_anywhere_is_a_page() {
    let all: String = SAMPLES.concat();
    for end in (0..all.len()).step_by(97).filter(|end| all.is_char_boundary(*end)) {
        let page = page_of(&all[..end]);
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
    }
    assert!(page_of("").contains("It has no end"));
    let going = page(&events(&all[..500]), &Ending::Running, &TimeZone::UTC);
    assert!(going.contains("It goes on"));
}

/// Every string of the events in turn is hostile, as long as that makes an event: names, digests and versions refuse it themselves.
#[test]
fn nothing_that_anybody_writes_is_more_than_text() {
    let mut tried = 0;
    for line in SAMPLES.concat().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        for at in strings(&event, String::new()) {
            let mut event = event.clone();
            *event.pointer_mut(&at).unwrap() = HOSTILE.into();
            if let Ok(event) = serde_json::from_value::<Event>(event) {
                let mut events = events(JOURNAL);
                events.insert(5, event);
                let page = page(&events, &Ending::Cut, &TimeZone::UTC);
                assert_harmless(&page);
                tried += usize::from(page.contains("&lt;script&gt;"));
            }
        }
    }
    assert!(tried > 40, "only {tried} hostile texts came into a page");
}

/// Where the strings are.
fn strings(value: &Value, at: String) -> Vec<String> {
    match value {
        Value::String(_) => vec![at],
        Value::Array(all) => all.iter().enumerate().flat_map(|(place, value)| strings(value, format!("{at}/{place}"))).collect(),
        Value::Object(all) => all.iter().flat_map(|(key, value)| strings(value, format!("{at}/{key}"))).collect(),
        _ => Vec::new(),
    }
}

/// Only our own elements are there, nothing runs, and nothing is fetched.
fn assert_harmless(page: &str) {
    const OURS: &str = "!doctype a article b body circle code dd details div dl dt footer h1 h2 h3 h4 head header html i li link main meta nav \
                        ol p path pre section span strong style summary svg symbol table tbody td th thead time title tr ul use";
    let elements = Regex::new(r"</?([!a-zA-Z][a-zA-Z0-9]*)").unwrap();
    let found: BTreeSet<String> = elements.captures_iter(page).map(|element| element[1].to_lowercase()).collect();
    let others: Vec<&String> = found.iter().filter(|element| !OURS.split_whitespace().any(|ours| ours == *element)).collect();
    assert!(others.is_empty(), "{others:?} in\n{}", body(page));
    let tags = Regex::new(r#"<[a-zA-Z][^<>]*?((?:"[^"]*"|[^<>"])*)>"#).unwrap();
    for tag in tags.captures_iter(page) {
        let plain = Regex::new(r#""[^"]*""#).unwrap().replace_all(&tag[0], "").into_owned();
        assert!(!Regex::new(r"\s(on[a-z]+|style|src)=").unwrap().is_match(&plain), "{}", &tag[0]);
    }
    for link in Regex::new(r#"href="([^"]*)""#).unwrap().captures_iter(page) {
        assert!(link[1].starts_with('#') || link[1].starts_with("data:image/svg+xml,"), "{}", &link[1]);
    }
}

#[test]
fn the_policy_allows_the_style_sheet_and_nothing_else() {
    use sha2::Digest as _;
    let page = page_of(JOURNAL);
    let sheet = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let digest = crate::node::base64::encode(&sha2::Sha256::digest(sheet));
    let policy = format!("default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'");
    assert!(page.contains(&format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")), "{page}");
    assert!(!sheet.contains("url(") && !sheet.contains("@import"));
}

#[test]
fn every_link_within_a_page_leads_somewhere() {
    let page = page_of(&SAMPLES.concat());
    let ids: BTreeSet<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    for link in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(ids.contains(link), "#{link}");
    }
    assert_eq!(ids.len(), page.matches(" id=\"").count(), "an id is there twice");
}
