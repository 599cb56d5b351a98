//! Asking hosts: what is there, as facts. Reads only.
//!
//! One login and one call per host, all hosts at the same time. A second call is made only for manifests that our store lacks.
//! What could not be asked is recorded as a fact, so that one dead host hides nothing of the others.

mod answer;
mod closely;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use edeliver_core::{
    config::HostSpec,
    facts::{HostFacts, Installed, Seen, Unseen},
    name::{AppName, HostName, Version},
    release::{Manifest, ManifestId},
    unit::Unit,
};
use tokio::task::JoinSet;

pub use closely::{Close, Closely, gather_closely};

use crate::{
    error::Error,
    node::{self, NodeError, Place},
    service,
    transport::{self, Call, Limits, Script, Transport, TransportError},
};

const INVENTORY: Script = node::asking!("inventory", "inventory/inventory.sh");
const MANIFESTS: Script = Script { name: "read manifests", text: include_str!("inventory/manifests.sh") };

/// Digesting the files of a root that another tool filled takes the longest: some seconds for each gigabyte.
const PATIENCE: Duration = Duration::from_secs(300);

/// What is asked of every host.
#[derive(Clone)]
pub struct Question {
    /// Name of the release.
    pub app: AppName,
    /// Finds a manifest in our own store, so that it need not come from the host.
    pub known: Known,
}

/// Looks up the manifest of a release with that id.
pub type Known = Arc<dyn Fn(&Version, &ManifestId) -> Option<Arc<Manifest>> + Send + Sync>;

/// A host as it was found, and the open connection to it if there is one.
pub type Gathered = (HostFacts, Option<Arc<dyn Transport>>);

/// Is told of every connection that is open, before its host is asked.
pub type Opened = Arc<dyn Fn(&HostSpec, &Arc<dyn Transport>) + Send + Sync>;

/// Logs in to all hosts and asks them; results in the order of `hosts`.
pub async fn gather(hosts: &[HostSpec], question: &Question, limits: &Limits, opened: &Opened) -> Vec<Gathered> {
    let asked = hosts.iter().map(|host| {
        let (host, question, limits, opened) = (host.clone(), question.clone(), limits.clone(), opened.clone());
        async move { reach(&host, &question, &limits, &opened).await }
    });
    all(asked).await
}

/// Asks hosts that are connected; results in their order.
pub async fn ask_all(sites: Vec<(Arc<dyn Transport>, Place)>, question: &Question) -> Vec<Result<Seen, Unseen>> {
    let asked = sites.into_iter().map(|(transport, place)| {
        let question = question.clone();
        async move { ask(&*transport, &place, &question).await.map_err(unseen) }
    });
    all(asked).await
}

/// The state of one host's node.
pub type NodeFound = (HostName, Result<node::Answer, Unseen>);

/// Logs in to all hosts and asks for nothing but their nodes, and for the unit that is to run them, if one is: what `ping` needs. Results in
/// the order of `hosts`.
pub async fn gather_nodes(hosts: &[HostSpec], app: &AppName, unit: Option<&Unit>, limits: &Limits) -> Vec<NodeFound> {
    gather_about(hosts, app, &About::State(unit.cloned()), limits).await
}

/// As [`gather_nodes`], with the code that the nodes have loaded: what `version` needs.
pub async fn gather_code(hosts: &[HostSpec], app: &AppName, limits: &Limits) -> Vec<NodeFound> {
    gather_about(hosts, app, &About::Code, limits).await
}

/// What is asked of a node.
#[derive(Clone)]
enum About {
    State(Option<Unit>),
    Code,
}

async fn gather_about(hosts: &[HostSpec], app: &AppName, about: &About, limits: &Limits) -> Vec<NodeFound> {
    let asked = hosts.iter().map(|host| {
        let (host, app, about, limits) = (host.clone(), app.clone(), about.clone(), limits.clone());
        async move { (host.name.clone(), node_of(&host, &app, about, &limits).await.map_err(unseen)) }
    });
    all(asked).await
}

async fn node_of(host: &HostSpec, app: &AppName, about: About, limits: &Limits) -> Result<node::Answer, NodeError> {
    let transport = transport::open(host, limits).await?;
    let place = Place::on(host, app);
    let answer = match about {
        About::State(None) => node::state(&*transport, &place).await,
        About::State(Some(unit)) => state_and_unit(&*transport, &place, &unit).await,
        About::Code => node::state_and_code(&*transport, &place).await,
    };
    transport.close().await;
    answer
}

async fn state_and_unit(host: &dyn Transport, place: &Place, unit: &Unit) -> Result<node::Answer, NodeError> {
    let (answer, facts) = tokio::join!(node::state(host, place), service::state(host, unit));
    Ok(node::Answer { unit: Some(facts?), ..answer? })
}

/// Does all of these at the same time; results in their order.
async fn all<T: Send + 'static>(asked: impl Iterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let mut tasks = JoinSet::new();
    for (at, ask) in asked.enumerate() {
        tasks.spawn(async move { (at, ask.await) });
    }
    let mut found: BTreeMap<usize, T> = BTreeMap::new();
    while let Some(done) = tasks.join_next().await {
        found.extend([done.expect("asking a host does not panic and is not aborted")]);
    }
    found.into_values().collect()
}

async fn reach(host: &HostSpec, question: &Question, limits: &Limits, opened: &Opened) -> Gathered {
    let facts = |seen| HostFacts { host: host.name.clone(), seen };
    let transport = match transport::open(host, limits).await {
        Ok(transport) => transport,
        Err(error) => return (facts(Err(unseen(error))), None),
    };
    opened(host, &transport);
    // The first step takes longer to open than the question before it takes.
    transport.another_follows();
    match ask(&*transport, &Place::on(host, &question.app), question).await {
        Ok(seen) => (facts(Ok(seen)), Some(transport)),
        Err(error) => {
            transport.close().await;
            (facts(Err(unseen(error))), None)
        }
    }
}

/// Why a host could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// The answer.
    #[error("the host's answer can't be read")]
    Answer(#[from] answer::SeenError),
    /// The connection, or the script.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// The facts of one host.
///
/// # Errors
/// [`InventoryError`].
pub async fn ask(host: &dyn Transport, place: &Place, question: &Question) -> Result<Seen, InventoryError> {
    let reply = host.run(Call::new(INVENTORY, place.args(), PATIENCE)).await?.ok(INVENTORY)?;
    let mut seen = answer::parse(&reply.text())?;
    add_manifests(host, place, question, &mut seen.installed).await?;
    Ok(seen)
}

async fn add_manifests(
    host: &dyn Transport,
    place: &Place,
    question: &Question,
    installed: &mut [Installed],
) -> Result<(), InventoryError> {
    for release in &mut *installed {
        release.files = release.manifest.as_ref().and_then(|id| (question.known)(&release.version, id));
    }
    fetch_unknown(host, place, installed).await
}

/// Reads the manifests that only the host has. One that does not fit its id counts as missing: the release is then one that was put there
/// otherwise.
async fn fetch_unknown(host: &dyn Transport, place: &Place, installed: &mut [Installed]) -> Result<(), InventoryError> {
    let unknown = |release: &Installed| release.manifest.is_some() && release.files.is_none();
    let mut args = vec![place.root.to_string()];
    args.extend(installed.iter().filter(|release| unknown(release)).map(|release| release.version.to_string()));
    if args.len() == 1 {
        return Ok(());
    }
    let reply = host.run(Call::new(MANIFESTS, args, PATIENCE)).await?.ok(MANIFESTS)?;
    let mut found: BTreeMap<ManifestId, Manifest> =
        reply.stdout.split(|&byte| byte == b'\n').filter_map(|line| Manifest::from_json(line).ok()).map(|m| (m.id(), m)).collect();
    for release in installed.iter_mut().filter(|release| unknown(release)) {
        release.files = release.manifest.and_then(|id| found.remove(&id)).map(Arc::new);
        if release.files.is_none() {
            release.manifest = None;
        }
    }
    Ok(())
}

pub(crate) fn unseen(error: impl Into<Error>) -> Unseen {
    let error = error.into();
    Unseen { why: error.causes().join(": "), hints: error.hints }
}
