//! A transport for the scripts of a run that holds a lease.

use std::sync::Arc;

use edeliver_core::lease::Token;

use super::script::{FENCE, FENCED, FENCED_BY};
use crate::{
    node::Place,
    transport::{Front, Fronted, Reply, Transport, TransportError},
};

/// Another transport, whose scripts do nothing where the lease is not this run's any more.
pub(super) fn fenced(inner: Arc<dyn Transport>, place: &Place, token: &Token) -> Fronted {
    Fronted::new(inner, Front { text: FENCE, args: vec![place.root.to_string(), token.to_string()] }, judge)
}

fn judge(reply: Reply) -> Result<Reply, TransportError> {
    match (reply.status, reply.tail.last().and_then(|line| line.strip_prefix(FENCED_BY))) {
        (FENCED, Some(who)) => Err(TransportError::Fenced { by: who.to_owned() }),
        _ => Ok(reply),
    }
}
