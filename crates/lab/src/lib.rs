//! Real hosts on one machine, out of Linux namespaces: for edeliver's own tests, demo and bench.
//!
//! Each host has its own process list, hostname, network address, file view, accounts, epmd and sshd on port 22 with a
//! pinned host key. There is no daemon, no image and no container engine.
//!
//! ```text
//! guard            outside; waits for the hub, then removes the state directory and the clients
//! └ hub            PID 1 of the lab, 198.18.0.1, owns the bridge; clients sit in its network
//!   ├ HOST         PID 1 of the host, 198.18.x.y on eth0; sshd and the sessions are below it
//!   └ relay        carries a slow host's frames late, where the kernel cannot (no netem)
//! ```
//!
//! Nothing is made in the machine's own network or mount table. When the hub dies, however it dies, the kernel ends every
//! host, drops every mount and deletes every cable. The lab's network has no way out, and its addresses (RFC 2544) belong
//! to nobody: no packet of a test reaches a real machine.
//!
//! What must stay out of here: everything about releases and deployments. The lab knows Linux and OpenSSH only.

mod ask;
mod binary;
mod boot;
mod cgroup;
pub mod cli;
mod disk;
mod down;
mod error;
mod fault;
mod files;
mod guard;
mod hub;
mod lab;
mod launch;
mod mounts;
mod name;
mod namespace;
mod possible;
mod process;
mod relay;
mod report;
pub mod samples;
mod spec;
mod state;
mod tool;
mod usr;

pub use error::LabError;
pub use fault::Fault;
pub use lab::Lab;
pub use name::HostName;
pub use report::{HostState, HostStatus, HostTraffic, Status};
pub use spec::{Base, HostSpec, LabSpec, Link};
