//! Places on the time line as classes. A strict policy allows no style at an element, so the sheet gets a rule for each place that is used.

use std::{cell::RefCell, collections::BTreeSet, fmt::Write as _};

use super::{
    scale::{Scale, WIDTH},
    story::Story,
};

/// What begins behind this would be beyond the edge.
const LAST_LEFT: u16 = 996;

/// The scale, and which places on it are used.
pub(super) struct Places {
    pub(super) scale: Scale,
    lefts: RefCell<BTreeSet<u16>>,
    widths: RefCell<BTreeSet<u16>>,
}

impl Places {
    /// For the time line of this run.
    pub(super) fn over(story: &Story) -> Self {
        let lanes = story.hosts.values().map(|host| &host.lane).chain([&story.own]);
        let scale = Scale::over(lanes.flat_map(|lane| &lane.spans).map(|span| (span.from_ms, span.to_ms)));
        Self { scale, lefts: RefCell::default(), widths: RefCell::default() }
    }
    /// The classes of what lasts from one moment to another. In the right half, words about it are set to its left.
    pub(super) fn span(&self, from_ms: u64, to_ms: u64) -> String {
        let (from, to) = (self.scale.at(from_ms), self.scale.at(to_ms));
        let side = if from > WIDTH / 2.0 { " late" } else { "" };
        format!("{} {}{side}", self.left(from), self.width(to - from))
    }
    /// The class of what begins there.
    pub(super) fn left(&self, at: f64) -> String {
        let at = thousandths(at);
        self.lefts.borrow_mut().insert(at);
        format!("l{at}")
    }
    /// The class of what is so wide.
    pub(super) fn width(&self, width: f64) -> String {
        let width = thousandths(width);
        self.widths.borrow_mut().insert(width);
        format!("w{width}")
    }
    /// The rules for all places that were used.
    pub(super) fn rules(&self) -> String {
        let mut rules = String::new();
        for at in &*self.lefts.borrow() {
            let rule = match at {
                0..=LAST_LEFT => write!(rules, ".l{at}{{left:{}%}}", percent(*at)),
                _ => write!(rules, ".l{at}{{left:calc(100% - 4px)}}"),
            };
            rule.expect("a string takes everything");
        }
        for width in &*self.widths.borrow() {
            write!(rules, ".w{width}{{width:{}%}}", percent(*width)).expect("a string takes everything");
        }
        rules
    }
}

fn percent(thousandths: u16) -> f64 {
    f64::from(thousandths) / 10.0
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 1000")]
fn thousandths(part: f64) -> u16 {
    part.clamp(0.0, WIDTH).round() as u16
}
