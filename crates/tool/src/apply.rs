//! Carrying out plans: the only code that changes hosts.
//!
//! Every host has a task of its own, so what fails on one never hides what became of the others; whether it stops them, the plan's rollout
//! says. A task obeys the plan step by step; the one thing it decides is when to stop. Hooks are where all hosts of a wave wait for each
//! other, because they run here, once.
//!
//! Before `Activate` nothing that serves was touched, so a failure there leaves the host as it was. After it the plan's own way back is
//! gone. A lost link or a step that did not end in time says nothing about the host: its result is *unknown*, and nothing more is
//! tried there.

mod error;
mod fleet;
mod guard;
mod healthy;
mod hook;
mod host;
mod migrations;
mod outcome;
mod root;
mod stage;
mod step;
mod told;
mod traffic;
mod watch;

use std::{collections::HashMap, sync::Arc};

use edeliver_core::{
    name::{HostName, RunId, Version},
    plan::Plan,
    release::{Digest, Manifest},
};
pub use error::StepError;
use fleet::Fleet;
pub use hook::{HookFailure, Hooks};
pub use migrations::Migrations;
pub use outcome::Ended;
use tokio::sync::{Mutex, Semaphore};
pub use traffic::TrafficError;

use crate::{
    ctx::Ctx,
    lease,
    node::{Environment, Place},
    store::Store,
    transfer,
    transport::Transport,
    upgrade::Journeys,
};

/// What the steps of a plan need besides the plan.
#[derive(Default)]
pub struct Means<'a> {
    /// The hosts of the plan that could be reached.
    pub sites: HashMap<HostName, Site>,
    /// The release, for plans that stage one.
    pub contents: Option<Contents>,
    /// The ways between releases, for plans that upgrade nodes.
    pub journeys: Journeys,
    /// What nodes are started with.
    pub environment: Environment,
    /// Runs hooks; needed for plans with such steps.
    pub hooks: Option<Box<dyn Hooks + 'a>>,
    /// Carries migrations out; needed for plans that say when.
    pub migrations: Option<Box<dyn Migrations + 'a>>,
    /// Says whether the hosts are still this run's to change; none: nobody else is there.
    pub lease: Option<Arc<lease::Board>>,
}

/// Where a host's steps are carried out.
#[derive(Clone)]
pub struct Site {
    /// The open connection.
    pub transport: Arc<dyn Transport>,
    /// The release root and its node.
    pub place: Place,
}

/// The release that is staged, and where its content lies.
#[derive(Clone)]
pub struct Contents {
    /// Has the content of the release.
    pub store: Store,
    /// The release, as the store has it.
    pub manifest: Manifest,
    /// Content that is not in the store: files rewritten for hosts with libraries in directories of their own.
    pub extra: HashMap<Digest, Arc<[u8]>>,
}

/// So many hosts are sent much at a time. Each such stream takes some megabytes and a thread here, and more of them would not fill a line better.
const STREAMS: usize = 32;

/// What all hosts' tasks share.
struct Shared {
    contents: Option<Contents>,
    journeys: Journeys,
    environment: Environment,
    run: Option<RunId>,
    lease: Option<Arc<lease::Board>>,
    /// Whether steps may be carried out in one call, as far as the plan has a say.
    joins_steps: bool,
    /// What makes the manifest of that of other versions, as far as it was worked out.
    mendings: Mutex<HashMap<Version, Option<Arc<stage::Mending>>>>,
    /// Who sends much to a host has one of these.
    streams: Arc<Semaphore>,
    /// How fast releases are sent, where that is limited.
    pace: Option<transfer::Pace>,
    /// How hosts are drained, for plans that do so.
    road: Option<traffic::Road>,
}

/// Carries the plan out. All is told through the context's reporter, up to the last host's end; [`Ctx::finish`] is the caller's. The
/// result has every host of the plan once, in the plan's order.
///
/// The first Ctrl-C lets every host finish the step in hand, and the way from `Stop` to `Start`; the second drops what is in hand, which
/// ends it on the host too.
pub async fn run(ctx: &Ctx, plan: &Plan, means: Means<'_>) -> Ended {
    let _guard = ctx.step_in_hand();
    let Means { mut sites, contents, journeys, environment, hooks, mut migrations, lease } = means;
    let mut hooks = hook::Runner { hooks, reporter: ctx.reporter.clone(), cancel: ctx.cancel.clone() };
    let ready = hooks.run_all(&plan.before).await;
    let shared = Arc::new(Shared {
        contents,
        journeys,
        environment,
        run: ctx.run().cloned(),
        lease,
        joins_steps: plan.may_join_steps(),
        mendings: Mutex::default(),
        streams: Arc::new(Semaphore::new(STREAMS)),
        pace: plan.rollout.bandwidth.map(transfer::Pace::new),
        road: traffic::Road::of(ctx, plan),
    });
    let mut fleet = Fleet::new(ctx, plan, &mut sites, &shared, ready);
    fleet.work(ctx, &mut hooks, &mut migrations).await;
    let (stopped, migrations_failed) = (fleet.is_stopped(), fleet.migrations_failed());
    let ends = fleet.into_ends();
    let all_done = !stopped && ends.iter().all(outcome::End::is_done);
    let after = if all_done { hooks.run_all(&plan.after).await } else { Ok(()) };
    Ended { ends, stopped, migrations_failed, after_failed: after.is_err(), interrupted: ctx.cancel.is_requested() }
}

#[cfg(test)]
mod tests;
