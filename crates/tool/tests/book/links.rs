//! The table of contents, and links from page to page.

use std::fs;

use regex_lite::Regex;

use crate::page::docs;

fn pages() -> Vec<String> {
    let is_page = |name: &String| name.ends_with(".md") && name != "SUMMARY.md";
    let names = fs::read_dir(docs()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(is_page).collect()
}

/// What a heading is called in a link: as mdBook and GitHub do it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase().chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c)).collect::<String>();
    kept.replace(' ', "-")
}

fn has_anchor(page: &str, wanted: &str) -> bool {
    let headings = page.lines().filter_map(|line| line.strip_prefix('#')).map(|line| line.trim_start_matches('#'));
    headings.map(anchor).any(|anchor| anchor == wanted)
}

#[test]
fn the_book_has_every_page_and_every_link_leads_somewhere() {
    let summary = fs::read_to_string(docs().join("SUMMARY.md")).unwrap();
    for page in pages() {
        assert_eq!(summary.matches(&format!("]({page})")).count(), 1, "{page} is in SUMMARY.md once");
    }
    let link = Regex::new(r"\]\(([^)#:\s]*)(#[^)\s]+)?\)").unwrap();
    let others = ["SUMMARY.md", "../README.md", "../CONTRIBUTING.md", "../elixir/README.md"];
    for page in pages().iter().map(String::as_str).chain(others) {
        let (file, text) = (docs().join(page), fs::read_to_string(docs().join(page)).unwrap());
        for found in link.captures_iter(&text) {
            let to = if found[1].is_empty() { file.clone() } else { file.parent().unwrap().join(&found[1]) };
            assert!(to.exists(), "{page} has a link to {}, which is not there", &found[1]);
            let Some(place) = found.get(2).map(|place| &place.as_str()[1..]) else { continue };
            assert!(
                has_anchor(&fs::read_to_string(&to).unwrap(), place),
                "{page} has a link to {}, which has no such heading",
                &found[0]
            );
        }
    }
}
