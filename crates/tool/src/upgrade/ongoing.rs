//! Upgrades that are going on: begun by somebody else, or by a run whose operator was lost.

use std::{collections::HashMap, sync::Arc};

use edeliver_core::{
    config::{HostSpec, TargetSettings},
    facts::{HostFacts, NodeState, Ongoing},
    name::{AppName, HostName},
};
use tokio::task::JoinSet;

use super::{
    Session,
    agent::{self, Status},
};
use crate::{node::Place, transport::Transport};

/// Adds to the facts of every host whose node runs what its agent is doing. A node that can't be asked has none as far as we know; the
/// preflight asks again.
pub async fn add_ongoing(
    app: &AppName,
    target: &TargetSettings,
    facts: &mut [HostFacts],
    open: &HashMap<HostName, Arc<dyn Transport>>,
) {
    let mut tasks = JoinSet::new();
    for (at, facts) in facts.iter().enumerate() {
        let Some((spec, transport)) = running(target, facts, open) else { continue };
        let session = Session::new(transport.clone(), Place::on(spec, app), String::new());
        tasks.spawn(async move { (at, ask(session).await) });
    }
    while let Some(done) = tasks.join_next().await {
        let (at, ongoing) = done.expect("asking a node does not panic and is not aborted");
        if let Ok(seen) = &mut facts[at].seen {
            seen.node.ongoing = ongoing;
        }
    }
}

fn running<'a>(
    target: &'a TargetSettings,
    facts: &HostFacts,
    open: &'a HashMap<HostName, Arc<dyn Transport>>,
) -> Option<(&'a HostSpec, &'a Arc<dyn Transport>)> {
    let spec = target.hosts.iter().find(|spec| spec.name == facts.host)?;
    let runs = facts.seen.as_ref().is_ok_and(|seen| seen.node.state == NodeState::Running);
    Some((spec, open.get(&facts.host)?)).filter(|_| runs)
}

async fn ask(mut session: Session) -> Option<Ongoing> {
    match agent::status(&mut session).await.ok()? {
        Status::Soaking { id, from, to, left } => {
            Some(Ongoing { run: id, from, to, left_ms: Some(left.as_millis().try_into().unwrap_or(u64::MAX)) })
        }
        Status::Working { id, from, to } => Some(Ongoing { run: id, from, to, left_ms: None }),
        Status::Idle | Status::Over { .. } => None,
    }
}
