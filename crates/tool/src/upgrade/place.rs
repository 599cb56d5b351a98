//! Relup and agent beside the releases, and a release_handler that knows them.

use std::time::Duration;

use edeliver_core::{name::Version, step::PlaceUpgrade};
use edeliver_erl::Term;

use super::{Session, UpgradeError};
use crate::{
    ask::form::{self, Form},
    relup::AGENT,
    transport::{Call, Input, Reply, Script},
};

pub(super) const PLACE: Script = Script {
    name: "place upgrade",
    text: concat!(include_str!("../node/permanent.sh"), include_str!("../apply/root.sh"), include_str!("place.sh")),
};
const WHERE: Script = Script { name: "find root", text: include_str!("where.sh") };

static READ_RELEASES: Form = Form::new(|| form::read(include_str!("forms/read_releases.form")));

/// For what takes milliseconds.
const SOON: Duration = Duration::from_secs(30);

/// Puts them there. Gives the script's reply if it failed; nothing that runs was touched then.
///
/// # Errors
/// The connection, or the node, whose release_handler has to read anew what there is.
pub async fn put(
    session: &mut Session,
    place: &PlaceUpgrade,
    boots: Option<&Version>,
    relup: &str,
) -> Result<Result<(), Reply>, UpgradeError> {
    let (root, app) = (session.place().root.to_string(), session.place().app.to_string());
    let sizes = [relup.len(), AGENT.len(), place.releases_file.len()].map(|size| size.to_string());
    let mut args = vec![root, app, boots.map_or("-".to_owned(), Version::to_string), place.version.to_string()];
    args.extend(sizes);
    args.extend(place.agent.iter().map(Version::to_string));
    let input = [relup.as_bytes(), AGENT, place.releases_file.as_bytes()].concat();
    let reply = session.host().run(Call { input: Input::Bytes(input), ..Call::new(PLACE, args, place.timeout) }).await?;
    if reply.status != 0 {
        return Ok(Err(reply));
    }
    if let Some(root) = said_root(&reply) {
        session.found_root(root);
    }
    session.call(&READ_RELEASES.call([("Newer", Term::string(place.version.as_str()))]), SOON).await?;
    Ok(Ok(()))
}

/// Where the root lies on the host, without links.
pub(super) async fn root(session: &mut Session) -> Result<String, UpgradeError> {
    if let Some(root) = session.root() {
        return Ok(root.to_owned());
    }
    let args = [session.place().root.to_string()];
    let reply = session.host().run(Call::new(WHERE, args, SOON)).await?.ok(WHERE)?;
    let root = said_root(&reply).unwrap_or_else(|| session.place().root.to_string());
    session.found_root(root.clone());
    Ok(root)
}

fn said_root(reply: &Reply) -> Option<String> {
    reply.text().lines().find_map(|line| line.strip_prefix("root ")).map(str::to_owned)
}
