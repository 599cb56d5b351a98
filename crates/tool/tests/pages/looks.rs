//! What pages look like.

use std::time::{Duration, Instant};

use edeliver::{runs::Ending, ui::page::page};
use edeliver_core::event::{Event, EventKind};
use jiff::tz::TimeZone;

use crate::{
    browser::{Scheme, Site},
    samples,
};

/// Phones, a tablet, a laptop, a large screen.
const WIDTHS: [u32; 5] = [320, 390, 768, 1280, 1920];

/// A picture can't be narrower: the browser's window has a least width.
const NARROW: (u32, u32) = (500, 2600);
const WIDE: (u32, u32) = (1280, 2000);

fn page_of(events: &[Event]) -> String {
    let ending = match &events.last().unwrap().kind {
        EventKind::RunFinished { outcome } => Ending::Over(outcome.clone()),
        _ => Ending::Cut,
    };
    page(events, &ending, &TimeZone::UTC)
}

/// The page has no line that is cut off or has to be scrolled to, at any width, with all details open or shut, nor do the words at a bar.
#[track_caller]
pub(crate) fn assert_fits(site: &Site) {
    let said = site.measured();
    let lines: Vec<&str> = said.lines().collect();
    for width in WIDTHS {
        for how in ["shut", "open", "hovered"] {
            assert!(lines.contains(&format!("{width} {how}: {width} ").as_str()), "something is too wide:\n{said}");
        }
    }
    assert!(lines.contains(&"scripts: 0"), "{said}");
}

/// The browser asked for nothing but the page itself and the one that measures it.
#[track_caller]
pub(crate) fn assert_needs_nothing(site: &Site) {
    assert_eq!(strangers(site), [] as [String; 0]);
}

/// What the browser asked for besides our pages and what it wants for itself: it comes to our proxy and no further.
fn strangers(site: &Site) -> Vec<String> {
    const OURS: [&str; 3] = ["http://site.example/page", "http://site.example/measure", "http://site.example/favicon.ico"];
    // Except where pages get fonts and scripts from.
    let its_own = |host: &str| {
        let is_for_pages = ["fonts.", "ajax.", "maps."].iter().any(|name| host.starts_with(name));
        !is_for_pages && [".google.com", ".googleapis.com", ".gvt1.com"].iter().any(|home| host.ends_with(home))
    };
    let is_stranger = |address: &String| {
        let host = address.trim_start_matches("http://").split(['/', ':']).next().unwrap_or_default();
        !OURS.contains(&address.as_str()) && !its_own(host)
    };
    site.asked().into_iter().filter(is_stranger).collect()
}

#[track_caller]
pub(crate) fn assert_good_to_look_at(site: &Site, name: &str) {
    for (size, how) in [(NARROW, "narrow"), (WIDE, "wide")] {
        let [light, dark] = [Scheme::Light, Scheme::Dark]
            .map(|scheme| site.picture(&format!("{name}-{how}-{scheme:?}").to_lowercase(), scheme, size));
        assert!(light.brightness() > 200, "{name} {how}: {}", light.brightness());
        assert!(dark.brightness() < 70, "{name} {how}: {}", dark.brightness());
        for picture in [light, dark] {
            assert!(picture.colours() > 20, "{name} {how}: nothing is there");
            assert!(picture.has_clear_edges(), "{name} {how}: something touches the edge of the window");
        }
    }
}

#[test]
fn pages_of_small_and_large_fleets_fit_phones_and_wide_screens_by_day_and_by_night() {
    for hosts in [1, 3, 50, 200] {
        let site = Site::with(page_of(&samples::deploy(hosts)), &WIDTHS);
        assert_fits(&site);
        if [3, 200].contains(&hosts) {
            assert_good_to_look_at(&site, &format!("hosts-{hosts}"));
        }
        assert_needs_nothing(&site);
    }
}

#[test]
fn a_run_that_goes_on_is_a_page_as_far_as_it_is() {
    let mut events = samples::deploy(50);
    events.retain(|event| event.elapsed_ms < 48_000);
    let page = page(&events, &Ending::Running, &TimeZone::UTC);
    for part in ["It goes on", "so far", "goes on</span>", "Wave 3 of 3: not begun", "at work", "</b> not begun"] {
        assert!(page.contains(part), "{part:?} is missing");
    }
    let site = Site::with(page, &WIDTHS);
    assert_fits(&site);
    site.picture("going-wide-light", Scheme::Light, WIDE);
}

#[test]
fn names_of_any_length_fit() {
    let long = |length: usize| "x".repeat(length);
    let text = serde_json::to_string(&samples::deploy(3)).unwrap();
    let text = text.replace("web001.ams.example.org", &long(253)).replace("1.5.0", &long(128)).replace("1.4.2", &long(120));
    let text = text.replace("pre_start_deployed_release", &long(300)).replace("ada@laptop", &long(200));
    let mut events: Vec<Event> = serde_json::from_str(&text).unwrap();
    let judged = include_str!("../../../core/tests/samples/journal-1-upgrades.jsonl");
    let judged = judged.replace("Hotapp.Counter", &long(200)).replace("\"code\"", &format!("{:?}", long(200)));
    events.insert(3, serde_json::from_str(judged.trim()).unwrap());
    let site = Site::with(page_of(&events), &WIDTHS);
    assert_fits(&site);
    site.picture("long-narrow-light", Scheme::Light, NARROW);
    site.picture("long-wide-light", Scheme::Light, WIDE);
}

#[test]
fn a_page_that_did_ask_for_something_would_be_noticed() {
    let site = Site::with("<!DOCTYPE html><img src=http://elsewhere.example/x.png>".to_owned(), &WIDTHS);
    site.measured();
    assert_eq!(strangers(&site), ["http://elsewhere.example/x.png"]);
}

#[test]
fn every_kind_of_event_has_its_place_on_a_page_that_fits() {
    let samples = [
        include_str!("../../../core/tests/samples/journal-1.jsonl"),
        include_str!("../../../core/tests/samples/journal-1-answers.jsonl"),
        include_str!("../../../core/tests/samples/journal-1-upgrades.jsonl"),
        include_str!("../../../core/tests/samples/journal-1-checkup.jsonl"),
    ];
    let events: Vec<Event> = samples.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str(line).unwrap()).collect();
    let site = Site::with(page_of(&events), &WIDTHS);
    assert_fits(&site);
    assert_good_to_look_at(&site, "kinds");
    assert_needs_nothing(&site);
}

#[test]
fn two_hundred_hosts_with_ten_steps_each_are_a_page_within_a_second() {
    let events = samples::deploy(200);
    let begun = Instant::now();
    let page = page_of(&events);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(page.len() < 3_000_000, "{}", page.len());
    assert!(page.matches("<li id=\"h").count() > 190 * samples::STEPS);
}
