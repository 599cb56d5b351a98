//! Taking hosts out of the traffic while their nodes are changed.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

/// How a host is taken out of the traffic before its node is stopped or upgraded, and how it comes back when it is well. There is never one
/// without the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// `rollout.drain`.
    pub drain: TrafficProgram,
    /// `rollout.resume`. It must do no harm where nothing was drained.
    pub resume: TrafficProgram,
    /// Longest time for each of them.
    pub timeout: Duration,
}

/// What does it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrafficProgram {
    /// A program of the project, run on the operator's machine: relative to the project or absolute.
    Here(PathBuf),
    /// A line of shell, run on the host.
    OnHost(String),
}

impl TrafficProgram {
    /// In words.
    pub fn describe(&self) -> String {
        match self {
            Self::Here(program) => program.display().to_string(),
            Self::OnHost(command) => format!("there: {command}"),
        }
    }
}
