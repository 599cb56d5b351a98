//! What a run was asked for: tables, texts, answers of hosts.

use edeliver_core::{
    doctor::Grade,
    event::{Event, EventKind},
    name::HostName,
};
use indexmap::IndexMap;

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::ui::page) enum Answer {
    /// A table.
    Rows(Vec<IndexMap<String, String>>),
    /// Lines, of these hosts if they are theirs.
    Text(Vec<HostName>, Vec<String>),
}

/// Adds the answer in this event, if there is one, to those before it.
pub(super) fn add(answers: &mut Vec<Answer>, event: &Event) {
    let text = |hosts: Vec<HostName>, text: &str| Answer::Text(hosts, text.lines().map(str::to_owned).collect());
    let host = || event.host.iter().cloned().collect::<Vec<_>>();
    match &event.kind {
        EventKind::Rows { rows, .. } | EventKind::Frame { rows } if !rows.is_empty() => answers.push(Answer::Rows(rows.clone())),
        EventKind::Rows { none, .. } => answers.push(text(Vec::new(), none)),
        EventKind::Text { text: lines } => answers.push(text(Vec::new(), lines)),
        EventKind::Answer { hosts, text: lines, .. } => answers.push(text(hosts.clone(), lines)),
        EventKind::Printed { line, .. } => match answers.last_mut() {
            Some(Answer::Text(hosts, lines)) if *hosts == host() => lines.push(line.clone()),
            _ => answers.push(text(host(), line)),
        },
        EventKind::Examined { places, finding } => {
            let grade = match finding.grade {
                Grade::Fine => "fine",
                Grade::Warning => "warning",
                Grade::Trouble => "trouble",
            };
            let line = format!("{grade}: {}: {}: {}", places.join(", "), finding.check, finding.text);
            answers.push(text(Vec::new(), &line));
        }
        _ => {}
    }
}
