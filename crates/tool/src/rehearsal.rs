//! Rehearsals of upgrades on the build host: the place, and what is made up for it.
//!
//! What happens there are plans of `edeliver-core`, carried out as on any host; see `cmd/rehearse.rs`.

mod error;
mod guard;

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::Arc,
};

use edeliver_core::{
    config::HostSpec,
    name::{AppName, NodeName},
    rehearsal::Stage,
};

pub use error::{Lines, RehearsalError};
pub use guard::Guard;

use crate::transport::Transport;

/// Makes a place for a rehearsal of that name.
///
/// # Errors
/// The host, or its disk.
pub async fn begin(
    transport: Arc<dyn Transport>,
    host: &HostSpec,
    app: &AppName,
    name: &str,
) -> Result<(Guard, Stage), RehearsalError> {
    let guard = Guard::begin(transport, host, app, name).await?;
    let stage = stage(&guard, app, name);
    Ok((guard, stage))
}

fn stage(guard: &Guard, app: &AppName, name: &str) -> Stage {
    let variable = |name: &str, value: String| (name.to_owned(), value);
    Stage {
        dir: guard.dir.clone(),
        node: node(app),
        variables: vec![
            variable("EDELIVER_REHEARSAL", name.to_owned()),
            variable("ERL_EPMD_PORT", guard.epmd.to_string()),
            variable("RELEASE_COOKIE", format!("{:016x}{:016x}", bits(), bits())),
            // relx's start script would put its pipes below /tmp, by the node's name.
            variable("PIPE_DIR", format!("{}/pipe/", guard.dir.as_str())),
        ],
    }
}

/// A name that no other node has.
fn node(app: &AppName) -> NodeName {
    let name = format!("{app}_rehearsal_{:08x}", bits() & 0xffff_ffff);
    name.parse().expect("a release's name and digits make a node name")
}

fn bits() -> u64 {
    RandomState::new().build_hasher().finish()
}
