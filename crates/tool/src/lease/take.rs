//! Getting the lease of a target, at once or when others are done.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use edeliver_core::{
    event::EventKind,
    lease::{Answer, Claim, Decision, Held, Holder},
    name::{HostName, TargetName},
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    Lease, LeaseError,
    board::{Board, now},
    error::{in_words, span},
    keeper::{Keeper, Order},
    mark::{self, Mark},
    me, script, token,
};
use crate::{cancel::Level, cli::options::LockWait, ctx::Ctx, node::Place, transport::Transport};

/// How often a run that waits looks whether the other one is done.
const LOOK: Duration = Duration::from_secs(2);

/// A host of the target, and how its lease is asked for; or why it can't be.
#[derive(Clone)]
pub(crate) struct Voter {
    pub(crate) host: HostName,
    pub(crate) site: Result<(Arc<dyn Transport>, Place), String>,
}

/// What is wanted.
pub(crate) struct Wanted<'a> {
    pub(crate) target: &'a TargetName,
    /// The run in words.
    pub(crate) what: String,
    /// Whether it waits for others, and how long.
    pub(crate) wait: Option<LockWait>,
}

impl Lease {
    /// Begins to take it, before it is known whether there is anything to do: see [`Lease::on`]. What becomes of it is seen when it is taken.
    pub(crate) fn early(ctx: &Ctx, hosts: Vec<HostName>, what: &str) -> Self {
        begin(ctx, hosts, what, Order::Early)
    }
    /// Takes it on this host too, as far as that disturbs nobody.
    pub(crate) fn on(&mut self, host: HostName, transport: Arc<dyn Transport>, place: Place) {
        self.asked.insert(host.clone());
        let (claimant, board, orders) = (self.claimant.clone(), self.board.clone(), self.orders.subscribe());
        self.keepers.spawn(Keeper { host, transport, place, claimant, board, orders }.work());
    }

    /// Takes it on all hosts that can be asked; `early`: as it was begun.
    ///
    /// # Errors
    /// [`LeaseError`].
    pub(crate) async fn take(ctx: &Ctx, voters: &[Voter], wanted: &Wanted<'_>, early: Option<Self>) -> Result<Self, LeaseError> {
        let (began, mut told, mut early) = (now(), None, early);
        loop {
            let (holder, hosts) = match attempt(ctx, voters, wanted, early.take()).await? {
                Ok(lease) => return Ok(lease),
                Err(held) => held,
            };
            if bury(ctx, voters, &holder).await {
                continue;
            }
            let Some(LockWait(patience)) = wanted.wait else { return Err(LeaseError::held(wanted.target, holder)) };
            if told.replace(holder.token.clone()) != Some(holder.token.clone()) {
                ctx.reporter.info(format!("waiting{} for {}", limit(patience), in_words(&holder)));
            }
            let what = format!("waiting for {}: {}", holder.who, holder.what);
            ctx.reporter.send(EventKind::Waiting { what: crate::report::printable(&what) });
            wait_for(voters, &hosts, &holder, patience.map(|patience| began + patience)).await?;
            if patience.is_some_and(|patience| now() > began + patience) {
                return Err(LeaseError::held(wanted.target, holder));
            }
        }
    }
}

/// Ends the lease of a run that was killed on this machine, or has lost a link. Whether there was one.
async fn bury(ctx: &Ctx, voters: &[Voter], holder: &Holder) -> bool {
    let Ok(dir) = ctx.runs_dir() else { return false };
    if holder.held != Held::ByRun || holder.who != me() || !mark::is_dead(&dir, &holder.token) {
        return false;
    }
    ctx.reporter.info(format!("its run has ended without letting go of the hosts: {}", in_words(holder)));
    let mut drops = JoinSet::new();
    for (transport, place) in voters.iter().filter_map(|voter| voter.site.clone().ok()) {
        let drop = script::call(script::args(&place, "drop", &holder.token));
        drops.spawn(async move { transport.run(drop).await });
    }
    while drops.join_next().await.is_some() {}
    mark::forget(&dir, &holder.token);
    true
}

fn limit(patience: Option<Duration>) -> String {
    patience.map(|patience| format!(" up to {}", span(patience))).unwrap_or_default()
}

/// Who has it, and on which hosts.
type HeldBy = (Box<Holder>, Vec<HostName>);

/// Asks all hosts at once, and decides.
async fn attempt(
    ctx: &Ctx,
    voters: &[Voter],
    wanted: &Wanted<'_>,
    early: Option<Lease>,
) -> Result<Result<Lease, HeldBy>, LeaseError> {
    let _guard = ctx.step_in_hand();
    let lease = asked(ctx, voters, wanted, early);
    let decided = tokio::select! {
        decided = decide(&lease.board) => decided,
        () = ctx.cancel.reached(Level::Finish) => {
            lease.release().await;
            return Err(LeaseError::Interrupted);
        }
    };
    if decided == Decision::Proceed {
        let _ = lease.orders.send(Order::Keep);
        return Ok(Ok(lease));
    }
    lease.release().await;
    match decided {
        Decision::Held(holder, hosts) => Ok(Err((holder, hosts))),
        Decision::TooFew { ours, silent } => {
            Err(LeaseError::TooFew { target: wanted.target.clone(), ours, all: voters.len(), silent })
        }
        Decision::Proceed | Decision::Again(_) => Err(LeaseError::Interrupted),
    }
}

/// Every host is asked for it, or said why it can't be.
fn asked(ctx: &Ctx, voters: &[Voter], wanted: &Wanted<'_>, early: Option<Lease>) -> Lease {
    let hosts = || voters.iter().map(|voter| voter.host.clone()).collect();
    let mut lease = early.unwrap_or_else(|| begin(ctx, hosts(), &wanted.what, Order::Get));
    for Voter { host, site } in voters.iter().cloned() {
        match site {
            Err(why) => lease.board.hear(&host, now(), Answer::Silent(why)),
            Ok(_) if lease.asked.contains(&host) => {}
            Ok((transport, place)) => lease.on(host, transport, place),
        }
    }
    lease.orders.send_replace(Order::Get);
    lease
}

fn begin(ctx: &Ctx, hosts: Vec<HostName>, what: &str, order: Order) -> Lease {
    let token = token(ctx.run());
    let run = ctx.run().map(|run| format!(" (run {run})")).unwrap_or_default();
    let claimant = script::Claimant { token: token.clone(), who: me(), what: format!("{what}{run}") };
    let board = Arc::new(Board::new(Claim::new(token.clone(), hosts)));
    let mark = ctx.runs_dir().ok().and_then(|dir| Mark::make(&dir, &token));
    let (orders, keepers, lives) = (watch::Sender::new(order), JoinSet::new(), ctx.leases.one_more());
    Lease { claimant, asked: BTreeSet::new(), board, orders, keepers, mark, lives }
}

/// Waits for the hosts, and for those who give way.
async fn decide(board: &Board) -> Decision {
    let (mut changes, began) = (board.changes(), now());
    loop {
        changes.mark_unchanged();
        if board.claim().is_answered() {
            match board.claim().decide(now().saturating_sub(began)) {
                Decision::Again(_) => {}
                decision => return decision,
            }
        }
        let _ = timeout(Duration::from_secs(1), changes.changed()).await;
    }
}

/// Waits until this holder has not got these hosts any more, or time is over.
async fn wait_for(voters: &[Voter], hosts: &[HostName], holder: &Holder, until: Option<Duration>) -> Result<(), LeaseError> {
    let site = |host: &HostName| voters.iter().find(|voter| voter.host == *host)?.site.as_ref().ok();
    let Some((transport, place)) = hosts.iter().find_map(site) else { return Ok(()) };
    loop {
        sleep(LOOK).await;
        let look = script::call(script::args(place, "look", &holder.token));
        match script::answer(transport.run(look).await) {
            Answer::Held(now) if now.token == holder.token => {}
            _ => return Ok(()),
        }
        if until.is_some_and(|until| now() > until) {
            return Ok(());
        }
    }
}
