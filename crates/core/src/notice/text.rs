//! A notice for people, in a chat.

use super::{Ended, Notice, RunResult};
use crate::event::{HostOutcome, HostResult};

/// More hosts than that are counted.
const HOSTS: usize = 15;
/// A line longer than this is cut.
const LONGEST: usize = 300;

impl Notice {
    /// What Slack, Mattermost, Rocket.Chat and their like take.
    pub fn slack(&self) -> String {
        serde_json::json!({ "text": self.text() }).to_string()
    }
    /// `:rocket: deploy shop 0.2.0 to production begins on 3 hosts (alice)`.
    fn text(&self) -> String {
        let title = escaped(&self.stage.title);
        let who = self.by.as_deref().map(|who| format!(" ({})", escaped(who))).unwrap_or_default();
        match &self.ended {
            None => format!("{title}: begins{}{who}", on(self.stage.hosts.len())),
            Some(ended) => {
                let how = match ended.result {
                    RunResult::Done => "done",
                    RunResult::Failed => "FAILED",
                    RunResult::Interrupted => "INTERRUPTED",
                };
                let first = format!("{title}: {how} after {}{who}", time(self.seconds));
                let details = details(ended).into_iter().map(|line| format!("\n{line}"));
                first + &details.collect::<String>()
            }
        }
    }
}

fn on(hosts: usize) -> String {
    match hosts {
        0 => String::new(),
        1 => " on 1 host".to_owned(),
        many => format!(" on {many} hosts"),
    }
}

/// Of a good end nothing but itself is told; of a bad one what stopped it and each host, those in trouble first.
fn details(ended: &Ended) -> Vec<String> {
    if ended.result == RunResult::Done {
        return Vec::new();
    }
    let mut lines: Vec<String> = ended.causes.iter().map(|cause| escaped(cause)).collect();
    let (well, trouble): (Vec<_>, Vec<_>) = ended.outcome.hosts.iter().partition(|host| host.result == HostResult::Done);
    let hosts: Vec<&HostOutcome> = trouble.into_iter().chain(well).collect();
    lines.extend(hosts.iter().take(HOSTS).map(|host| escaped(&format!("{}: {} – {}", host.host, word(host.result), host.summary))));
    if hosts.len() > HOSTS {
        lines.push(format!("… and {} more", hosts.len() - HOSTS));
    }
    lines
}

/// As a chat and traces are told.
pub(crate) fn word(result: HostResult) -> &'static str {
    match result {
        HostResult::Done => "done",
        HostResult::Failed => "failed",
        HostResult::Broken => "broken",
        HostResult::Skipped => "skipped",
        HostResult::TakenBack => "taken back",
        HostResult::Unknown => "unknown",
    }
}

fn time(seconds: u64) -> String {
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

/// One line in which nothing is a link, a mention or a command of the chat: these begin with `<`.
fn escaped(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let plain: String = plain.take(LONGEST).collect();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
