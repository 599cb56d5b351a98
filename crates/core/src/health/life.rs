//! Whether a node that is watched is still the one that was started.

use crate::{
    facts::{Incarnation, NodeFacts, NodeState},
    health::Found,
    name::Version,
};

/// The life of a node, as it was seen so far.
#[derive(Debug, Default)]
pub struct Life {
    first: Option<Incarnation>,
    process: Option<u32>,
}

impl Life {
    /// What is wrong with it. `version`: what it must run; `incarnation`: of the answer, where it could be asked.
    pub fn look(&mut self, version: &Version, node: &NodeFacts, incarnation: Option<Incarnation>) -> Found {
        let (mut lasting, mut passing) = (Vec::new(), Vec::new());
        match self.judge(version, node, incarnation) {
            Ok(trouble) => passing.extend(trouble),
            Err(why) => lasting.push(why),
        }
        Found { lasting, passing, ..Found::default() }
    }
    /// `Err`: it is not what was started. `Ok(Some)`: it is not well at the moment.
    fn judge(&mut self, version: &Version, node: &NodeFacts, incarnation: Option<Incarnation>) -> Result<Option<String>, String> {
        match (self.process, node.pid) {
            (_, None) if node.state == NodeState::Down => return Err("the node has ended".to_owned()),
            (Some(before), Some(now)) if before != now => return Err("the node ended and was started again".to_owned()),
            _ => self.process = self.process.or(node.pid),
        }
        match (self.first, incarnation) {
            (Some(before), Some(now)) if before != now => return Err("the node was restarted".to_owned()),
            _ => self.first = self.first.or(incarnation),
        }
        match (node.state, &node.version) {
            (NodeState::Running, Some(runs)) if runs != version => Err(format!("the node runs {runs}")),
            (NodeState::Running | NodeState::NoDistribution | NodeState::Unasked, _) => Ok(None),
            (state, _) => Ok(Some(format!("the node is {}", state.word()))),
        }
    }
}
