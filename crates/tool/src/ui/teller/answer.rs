//! What hosts answered: equal answers once, with the hosts in front.

use edeliver_core::{hint::Hint, name::HostName};

use super::report;
use crate::ui::{
    style::{BAD, STRONG, paint},
    words::count,
};

/// More hosts than this are counted, not named.
const NAMED: usize = 4;

/// An answer. That of the only host stands for itself, so that scripts can use it.
pub(super) fn given(hosts: &[HostName], of: usize, text: &str) -> Vec<String> {
    if of == 1 {
        return text.lines().map(str::to_owned).collect();
    }
    let label = paint(STRONG, format_args!("{}:", label(hosts, of)));
    match text.trim_end().split_once('\n') {
        None => vec![format!("{label} {}", text.trim_end())],
        Some(_) => std::iter::once(label).chain(text.lines().map(|line| format!("  {line}"))).collect(),
    }
}

/// Why there is none, and the remedies.
pub(super) fn missing(hosts: &[HostName], of: usize, causes: &[String], hints: &[Hint]) -> Vec<String> {
    let mut causes = causes.iter().flat_map(|cause| cause.lines());
    let first = format!("{} {}", paint(BAD, "failed:"), causes.next().unwrap_or("nobody knows why"));
    let first = match of {
        1 => first,
        _ => format!("{} {first}", paint(STRONG, format_args!("{}:", label(hosts, of)))),
    };
    let rest = causes.map(|line| format!("  {line}"));
    std::iter::once(first).chain(rest).chain(report::hints(hints)).collect()
}

/// The hosts in words: by their names, if they are few and not all.
fn label(hosts: &[HostName], of: usize) -> String {
    if hosts.len() == of { count(of, "host") } else { places(hosts) }
}

/// The same of hosts and whatever else is looked at: by their names, if they are few.
pub(super) fn places<T: std::fmt::Display>(places: &[T]) -> String {
    match places {
        [first, .., last] if places.len() > NAMED => format!("{} ({first} .. {last})", count(places.len(), "host")),
        places => places.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(count: usize) -> Vec<HostName> {
        (1..=count).map(|number| format!("web{number}").parse().unwrap()).collect()
    }
    fn shown(lines: &[String]) -> String {
        lines.iter().map(|line| anstream::adapter::strip_str(line).to_string() + "\n").collect()
    }

    #[test]
    fn equal_answers_are_told_once_with_their_hosts() {
        let given = |number, of, text: &str| shown(&given(&hosts(number), of, text));
        assert_eq!(given(3, 3, ":ok"), "3 hosts: :ok\n");
        assert_eq!(given(2, 3, ":ok"), "web1, web2: :ok\n");
        assert_eq!(given(7, 9, ":ok"), "7 hosts (web1 .. web7): :ok\n");
        assert_eq!(given(2, 2, "[\n  1\n]"), "2 hosts:\n  [\n    1\n  ]\n");
    }

    #[test]
    fn the_answer_of_the_only_host_can_be_used_as_it_stands() {
        assert_eq!(shown(&given(&hosts(1), 1, "%{\n  a: 1\n}")), "%{\n  a: 1\n}\n");
    }

    #[test]
    fn trouble_is_told_with_its_causes_and_remedies() {
        let causes = ["the function raised".to_owned(), "** (RuntimeError) boom\n    lib/a.ex:3".to_owned()];
        assert_eq!(
            shown(&missing(&hosts(2), 3, &causes, &[Hint::text("look")])),
            "web1, web2: failed: the function raised\n  ** (RuntimeError) boom\n      lib/a.ex:3\nhint: look\n"
        );
        assert!(shown(&missing(&hosts(1), 1, &causes, &[])).starts_with("failed: the function raised\n"));
    }
}
