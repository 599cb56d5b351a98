//! A closer look at hosts than plans need: configuration, cookie, leftovers, the code in the node, the unit. Reads only.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::Arc,
};

use edeliver_core::{
    config::{HostSpec, TargetSettings},
    drift::Closer,
    facts::{Seen, Unseen},
    name::HostName,
    plan::SetupFacts,
    unit::{Unit, UnitFacts},
};
use tokio::sync::Semaphore;

use super::{INVENTORY, InventoryError, PATIENCE, Question, add_manifests, all, answer, unseen};
use crate::{
    ask::AT_A_TIME,
    error::Error,
    node::{Modules, Place},
    service,
    transport::{self, Call, Limits, Transport},
};

/// What is asked more closely.
#[derive(Clone)]
pub struct Closely {
    question: Question,
    target: Arc<TargetSettings>,
    unit: Option<Unit>,
    /// Mixed into the digests of cookies: from those of one run nothing can be learned in another.
    salt: String,
}

impl Closely {
    /// About this target.
    pub fn new(question: Question, target: &TargetSettings) -> Self {
        let bits = || RandomState::new().build_hasher().finish();
        let salt = format!("{:016x}{:016x}", bits(), bits());
        Self { unit: Unit::of(target, &question.app), question, target: Arc::new(target.clone()), salt }
    }
}

/// A host as it was found.
#[derive(Debug)]
pub struct Close {
    /// As plans know it.
    pub seen: Seen,
    /// More closely.
    pub closer: Closer,
    /// The code that its node has loaded.
    pub modules: Option<Modules>,
    /// What is to be known about its unit, where the target has one.
    pub setup: Option<SetupFacts>,
}

/// Logs in to all hosts of the target and asks them; results in their order. One login for each; what is asked about a unit is asked at the
/// same time.
pub async fn gather_closely(about: &Closely, limits: &Limits) -> Vec<(HostName, Result<Close, Unseen>)> {
    let room = Arc::new(Semaphore::new(AT_A_TIME));
    let asked = about.target.hosts.iter().map(|host| {
        let (host, about, limits, room) = (host.clone(), about.clone(), limits.clone(), room.clone());
        async move {
            let _room = room.acquire_owned().await.expect("nobody closes it");
            (host.name.clone(), reach(&host, &about, &limits).await.map_err(unseen))
        }
    });
    all(asked).await
}

async fn reach(host: &HostSpec, about: &Closely, limits: &Limits) -> Result<Close, Error> {
    let transport = transport::open(host, limits).await?;
    let place = Place::on(host, &about.question.app);
    let found = tokio::join!(look(&*transport, &place, about), of_unit(&*transport, host, &place, about));
    transport.close().await;
    let (mut close, unit) = (found.0?, found.1?);
    if let Some((facts, setup)) = unit {
        (close.seen.unit, close.setup) = (Some(facts), Some(setup));
    }
    Ok(close)
}

async fn look(host: &dyn Transport, place: &Place, about: &Closely) -> Result<Close, InventoryError> {
    let mut args = place.args();
    args.push(about.salt.clone());
    let reply = host.run(Call::new(INVENTORY, args, PATIENCE)).await?.ok(INVENTORY)?;
    let (mut seen, closer, modules) = answer::parse_closely(&reply.text())?;
    add_manifests(host, place, &about.question, &mut seen.installed).await?;
    Ok(Close { seen, closer, modules, setup: None })
}

async fn of_unit(
    host: &dyn Transport,
    spec: &HostSpec,
    place: &Place,
    about: &Closely,
) -> Result<Option<(UnitFacts, SetupFacts)>, Error> {
    let Some(unit) = &about.unit else { return Ok(None) };
    let configured: Vec<(String, String)> = about.target.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let environment = service::environment_file(&service::variables(&configured, spec.node.as_ref()));
    let state = service::state(host, unit);
    let (state, setup) = tokio::join!(state, service::look(host, place, unit, &about.target.profile, &environment));
    Ok(Some((state?, setup?)))
}
