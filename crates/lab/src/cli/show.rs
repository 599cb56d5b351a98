//! Answers of the hub as text.

use std::io::Write;

use crate::ask::Answer;
use crate::error::During;
use crate::{HostTraffic, LabError};

/// For people or for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Table,
    Json,
}

impl View {
    pub(super) fn json(asked: bool) -> Self {
        if asked { Self::Json } else { Self::Table }
    }
}

/// Prints an answer; nothing if there is nothing to say.
pub(super) fn show(answer: &Answer, view: View) -> Result<(), LabError> {
    let json = |text: serde_json::Result<String>| text.expect("an answer is plain data") + "\n";
    let text = match answer {
        Answer::Status(status) if view == View::Json => json(serde_json::to_string(status)),
        Answer::Netstat(rows) if view == View::Json => json(serde_json::to_string(rows)),
        Answer::Status(status) => status_table(status),
        Answer::Netstat(rows) => {
            let head = format!(
                "{:12} {:>11} {:>11} {:>6} {:>5} {:>7} {:>7} {:>6} LISTEN\n",
                "HOST", "RX", "TX", "CONNS", "OPEN", "LOGINS", "DROPPED", "PROCS"
            );
            let line = |(name, row): (_, &Option<HostTraffic>)| traffic_line(name, row.as_ref());
            head + &rows.iter().map(line).collect::<String>()
        }
        _ => return Ok(()),
    };
    print(&text)
}

fn status_table(status: &crate::Status) -> String {
    let mut text =
        format!("{:12} {:14} {:8} {:8} {:>7} {:>7} {:>6}\n", "HOST", "ADDRESS", "STATE", "BASE", "RTT ms", "MBIT", "LOSS %");
    for host in &status.hosts {
        // Debug names of plain enums, in small letters: the same words as in the JSON.
        let [state, base] = [format!("{:?}", host.state), format!("{:?}", host.base)].map(|word| word.to_lowercase());
        let (name, address, link) = (host.host.as_str(), host.address.to_string(), host.link);
        text += &format!(
            "{name:12} {address:14} {state:8} {base:8} {:>7} {:>7} {:>6}\n",
            link.latency_ms, link.rate_mbit, link.loss_percent
        );
    }
    text
}

fn traffic_line(name: &crate::HostName, row: Option<&HostTraffic>) -> String {
    let name = name.as_str();
    let Some(row) = row else {
        return format!("{name:12} stopped\n");
    };
    let listen: Vec<String> = row.listen.iter().map(u16::to_string).collect();
    format!(
        "{name:12} {:>11} {:>11} {:>6} {:>5} {:>7} {:>7} {:>6} {}\n",
        row.rx,
        row.tx,
        row.connections,
        row.open,
        row.logins,
        row.dropped,
        row.processes,
        listen.join(",")
    )
}

/// To standard output.
pub(super) fn print(text: &str) -> Result<(), LabError> {
    std::io::stdout().write_all(text.as_bytes()).during(|| "print".to_owned())
}
