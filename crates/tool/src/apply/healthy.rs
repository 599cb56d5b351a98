//! Asking all hosts, between two waves, whether they serve.

use edeliver_core::{facts::NodeState, name::HostName, strategy::Healthy};
use tokio::task::JoinSet;

use super::Site;
use crate::{
    node,
    upgrade::{Session, ask_application},
};

/// Who does not run or is not well, and why, in the order of the hosts.
pub(super) async fn unwell(hosts: &[(HostName, Option<Site>)], healthy: &Healthy) -> Vec<(HostName, String)> {
    let mut asked = JoinSet::new();
    for (at, (_, site)) in hosts.iter().enumerate() {
        let (site, healthy) = (site.clone(), healthy.clone());
        asked.spawn(async move { (at, why_not(site, &healthy).await) });
    }
    let mut answers = asked.join_all().await;
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().filter_map(|(at, why)| Some((hosts.get(at)?.0.clone(), why?))).collect()
}

async fn why_not(site: Option<Site>, healthy: &Healthy) -> Option<String> {
    let Some(Site { transport, place }) = site else { return Some("there is no connection".to_owned()) };
    let state = match node::state(&*transport, &place).await {
        Ok(answer) => answer.node.state,
        Err(error) => return Some(crate::error::chain(&error).join(": ")),
    };
    match (state, &healthy.health) {
        (NodeState::Running | NodeState::NoDistribution | NodeState::Unasked, None) => None,
        (NodeState::Running | NodeState::NoDistribution | NodeState::Unasked, Some(check)) => {
            ask_application(&mut Session::new(transport, place, "run".to_owned()), check, healthy.health_timeout).await
        }
        (state, _) => Some(format!("the node is {}", state.word())),
    }
}
