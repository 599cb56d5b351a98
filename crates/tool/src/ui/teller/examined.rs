//! What a checkup found.

use edeliver_core::doctor::{Finding, Grade};

use super::{answer, report};
use crate::ui::style::{BAD, DIM, WARN, paint};

/// A line for it, and its remedies.
pub(super) fn lines(places: &[String], Finding { check, grade, text, hints }: &Finding) -> Vec<String> {
    let word = match grade {
        Grade::Fine => paint(DIM, "fine:"),
        Grade::Warning => paint(WARN, "warning:"),
        Grade::Trouble => paint(BAD, "trouble:"),
    };
    let first = format!("{word} {}: {check}: {text}", answer::places(places));
    [first].into_iter().chain(report::hints(hints)).collect()
}

#[cfg(test)]
mod tests {
    use edeliver_core::hint::Hint;

    use super::*;

    #[test]
    fn a_finding_is_a_line_with_its_places_and_its_remedy() {
        let finding = Finding::bad("disk", Grade::Warning, "12 MB are free", Hint::text("make room there"));
        let shown = |places: usize| {
            let places: Vec<String> = (1..=places).map(|number| format!("web{number}")).collect();
            lines(&places, &finding).iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect::<Vec<_>>()
        };
        assert_eq!(shown(2), ["warning: web1, web2: disk: 12 MB are free", "hint: make room there"]);
        assert_eq!(shown(300)[0], "warning: 300 hosts (web1 .. web300): disk: 12 MB are free");
    }
}
