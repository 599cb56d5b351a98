//! What a hot upgrade costs a running node, by both engines: how long its processes stand still, how long the whole takes, how fast a
//! failed one is taken back, what becomes of requests meanwhile; and how long a large release is looked at beforehand.

mod crowd;
mod events;
mod large;
mod place;
mod served;

use std::{error::Error, path::Path};

const ENGINES: [&str; 2] = ["transactional", "release_handler"];

const HEAD: &str =
    "# Bench of hot upgrades\n\nMade by `cargo xtask bench --upgrades --write`: one node of this machine, the Elixir sample.\n";

/// Measures, and gives the page.
pub(super) fn page(edeliver: &Path) -> Result<String, Box<dyn Error>> {
    let mut out = String::from(HEAD);
    let place = crowd::built(edeliver)?;
    out.push_str(&crowd::table(&place)?);
    out.push_str(&served::table(&place)?);
    drop(place);
    out.push_str(&large::table(edeliver)?);
    Ok(out)
}
