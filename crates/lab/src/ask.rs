//! Requests to the hub: one line of JSON each way, over a socket in the state directory (a path reaches across network
//! namespaces).

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::error::During;
use crate::state::StateDir;
use crate::{Fault, HostName, HostSpec, HostTraffic, LabError, Link, Status};

/// What the hub can be asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Hosts that shall run; those that do keep running, with the cable given here.
    Up(IndexMap<HostName, HostSpec>),
    Stop {
        host: HostName,
        manner: Manner,
    },
    Start {
        host: HostName,
    },
    Reboot {
        host: HostName,
    },
    Cut {
        host: HostName,
        peer: Option<HostName>,
    },
    Heal {
        host: HostName,
        peer: Option<HostName>,
    },
    Shape {
        host: HostName,
        link: Link,
    },
    Fault {
        host: HostName,
        fault: Fault,
    },
    Status,
    Netstat,
}

/// How a host is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Manner {
    /// Power loss: nobody gets to say goodbye on the wire.
    PowerLoss,
    /// Processes are told to end, and may close their connections.
    Clean,
}

/// What the hub answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Done,
    /// How many hosts were started.
    Started(usize),
    Status(Status),
    Netstat(IndexMap<HostName, Option<HostTraffic>>),
    Refused(String),
}

/// Longer than the slowest thing the hub does: starting hundreds of hosts on a busy machine.
const PATIENCE: Duration = Duration::from_secs(570);

/// Asks the hub behind that state directory.
pub(crate) fn ask(state: &StateDir, request: &Request) -> Result<Answer, LabError> {
    state.hub()?;
    let line = exchange(state, request).during(|| "ask the hub".to_owned())?;
    match serde_json::from_str(&line) {
        Ok(Answer::Refused(why)) => Err(LabError::Refused(why)),
        Ok(answer) => Ok(answer),
        Err(_) => Err(LabError::HubDied(state.log_tail())),
    }
}

fn exchange(state: &StateDir, request: &Request) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(state.socket())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    writeln!(stream, "{}", serde_json::to_string(request)?)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line)
}
