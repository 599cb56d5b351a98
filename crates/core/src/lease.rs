//! Leases: one deployer per target. What hosts answered, and what follows from it for the run that asked them.
//!
//! A lease lies on each host of a target and ends [`LASTS`] after its last renewal, by the host's own clock. A run may change something
//! while it is sure of a quorum: the hosts that have heard from it within [`SURE`], by its own clock and counted from when it spoke, are
//! more than half of all, or exactly half with the host whose name comes first. Any two quorums have a host in common, and a host has one
//! lease, so two runs are never sure at the same time: not across a partition, and not with clocks that are set differently or differ in
//! rate by less than a third. See docs/adr/0015.

mod holder;

use std::{collections::BTreeMap, time::Duration};

pub use holder::{Held, Holder, HolderError, Token};

use crate::{
    facts::{HostFacts, Seen},
    name::HostName,
    plan::Plan,
    step::Step,
};

/// A lease ends so long after its last renewal, by the clock of the host that it lies on.
pub const LASTS: Duration = Duration::from_secs(15);
/// How often it is renewed: two renewals may get lost.
pub const RENEWED: Duration = Duration::from_secs(4);
/// So long after it spoke to a host that answered, a run is sure of its lease there, by its own clock. Less than [`LASTS`] by a third: so much
/// may the two clocks differ in rate.
pub const SURE: Duration = Duration::from_secs(10);
/// How long a run without a quorum waits for others that have none either.
const YIELDING: Duration = Duration::from_secs(3);
/// How long a run with a quorum waits for what those who gave way, or died, have left.
const LEAVING: Duration = Duration::from_secs(18);

/// A host on which no lease can be taken for this plan, and none is needed: an account that may only start and stop units can't write where
/// leases lie, and does not change what is there.
pub fn barred<'a>(plan: &Plan, facts: &'a [HostFacts]) -> Option<&'a Seen> {
    let mut changed = plan.hosts.iter().filter(|host| !host.steps.is_empty());
    if changed.clone().any(|host| host.steps.iter().any(Step::changes_root)) {
        return None;
    }
    changed.find_map(|host| {
        let seen = facts.iter().find(|facts| facts.host == host.host)?.seen.as_ref().ok()?;
        (!seen.writable).then_some(seen)
    })
}

/// What a host said to a run that wants its lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is yours, or still yours.
    Ours,
    /// Somebody else has it.
    Held(Holder),
    /// Nobody has it: it was broken.
    Nobody,
    /// It could not be asked, or can't keep a lease; why.
    Silent(String),
}

/// What a run that wants the lease does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It has the lease. It says so to all hosts that are its own, and begins.
    Proceed,
    /// It keeps what it has, and asks these hosts again in a moment.
    Again(Vec<HostName>),
    /// It lets go of all that it has: this one has the lease on these hosts.
    Held(Box<Holder>, Vec<HostName>),
    /// It lets go of all that it has: so many hosts are no quorum.
    TooFew {
        /// Hosts that gave it their lease.
        ours: usize,
        /// The others, and why they gave none.
        silent: Vec<(HostName, String)>,
    },
}

/// Why a run can't go on on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// Somebody else has taken the lease of this host, or broken it.
    Host(String),
    /// It has no quorum any more, though this host may still be its own.
    Quorum(String),
}

/// A run's claim to the hosts of a target.
#[derive(Debug, Clone)]
pub struct Claim {
    token: Token,
    hosts: Vec<HostName>,
    heard: BTreeMap<HostName, Heard>,
}

/// The last word of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Heard {
    answer: Answer,
    /// When we had said what it last answered to, with the lease ours: the lease stands for a while, whatever becomes of the link.
    ours: Option<Duration>,
}

impl Claim {
    /// Of this run, to these hosts, no one of which has answered yet.
    pub fn new(token: Token, hosts: Vec<HostName>) -> Self {
        Self { token, hosts, heard: BTreeMap::new() }
    }
    /// Who claims.
    pub fn token(&self) -> &Token {
        &self.token
    }
    /// A host has answered to what was sent at this time of our clock.
    pub fn hear(&mut self, host: &HostName, sent: Duration, answer: Answer) {
        let before = self.heard.get(host).and_then(|heard| heard.ours);
        let ours = match answer {
            Answer::Ours => Some(sent),
            Answer::Silent(_) => before,
            Answer::Held(_) | Answer::Nobody => None,
        };
        self.heard.insert(host.clone(), Heard { answer, ours });
    }
    /// Whether the last word of this host was that it is ours.
    pub fn is_ours(&self, host: &HostName) -> bool {
        self.heard.get(host).is_some_and(|heard| heard.answer == Answer::Ours)
    }
    /// Whether all hosts have answered.
    pub fn is_answered(&self) -> bool {
        self.hosts.iter().all(|host| self.heard.contains_key(host))
    }
    /// Whether this one has.
    pub fn has_heard(&self, host: &HostName) -> bool {
        self.heard.contains_key(host)
    }
    /// What follows, once all hosts have answered; `elapsed` since they were first asked.
    pub fn decide(&self, elapsed: Duration) -> Decision {
        if let Some(holder) = self.others().find(|holder| holder.is_there_to_stay()) {
            return self.held_by(holder);
        }
        let sure = self.is_quorum(|heard| heard.answer == Answer::Ours);
        let rival = self.others().min_by_key(|other| &other.token);
        match (rival, sure) {
            (None, true) => Decision::Proceed,
            (None, false) => Decision::TooFew { ours: self.ours(), silent: self.silent() },
            // They have no quorum, so they give way; or they are dead.
            (Some(_), true) if elapsed < LEAVING => Decision::Again(self.not_ours()),
            // The first of those who have none stays, for others give way to it.
            (Some(rival), false) if elapsed < YIELDING && self.token < rival.token && !self.may_be_done(rival) => {
                Decision::Again(self.not_ours())
            }
            (Some(rival), _) => self.held_by(rival),
        }
    }
    /// Whether a change may be begun now on the hosts that are ours.
    pub fn is_sure(&self, now: Duration) -> bool {
        self.is_quorum(|heard| heard.is_sure(now))
    }
    /// Whether this very host is ours now.
    pub fn is_sure_of(&self, host: &HostName, now: Duration) -> bool {
        self.heard.get(host).is_some_and(|heard| heard.is_sure(now))
    }
    /// Why waiting is of no use any more for this host: neither it nor a quorum can become sure again.
    pub fn loss(&self, host: &HostName) -> Option<Loss> {
        match self.heard.get(host).map(|heard| &heard.answer) {
            Some(Answer::Held(holder)) => return Some(Loss::Host(format!("{} has taken it over", holder.who))),
            Some(Answer::Nobody) => return Some(Loss::Host("somebody has broken it".to_owned())),
            Some(Answer::Silent(why)) => return Some(Loss::Host(why.clone())),
            Some(Answer::Ours) | None => {}
        }
        if self.is_quorum(|heard| heard.answer == Answer::Ours) {
            return None;
        }
        let taken = self.others().next().map(|holder| format!("{} has taken over hosts of the target", holder.who));
        Some(Loss::Quorum(taken.unwrap_or_else(|| format!("it is held on {} of {} hosts only", self.ours(), self.hosts.len()))))
    }
    /// Whether the run is over for want of a quorum that it can't get back: then it renews nothing any more, or what it still has would keep
    /// others out.
    pub fn is_lost(&self, now: Duration) -> bool {
        !self.is_sure(now) && !self.is_quorum(|heard| heard.answer == Answer::Ours)
    }
    /// Whether somebody else has this host now.
    pub fn is_taken(&self, host: &HostName) -> bool {
        self.heard.get(host).is_some_and(|heard| matches!(heard.answer, Answer::Held(_) | Answer::Nobody))
    }
    fn is_quorum(&self, is_ours: impl Fn(&Heard) -> bool) -> bool {
        is_quorum(&self.hosts, |host| self.heard.get(host).is_some_and(&is_ours))
    }
    /// Whether this one may have a quorum: with all hosts that do not say otherwise.
    fn may_be_done(&self, other: &Holder) -> bool {
        let has = |heard: &Heard| matches!(&heard.answer, Answer::Held(holder) if holder.token == other.token);
        self.is_quorum(has)
    }
    fn others(&self) -> impl Iterator<Item = &Holder> {
        self.hosts.iter().filter_map(|host| match &self.heard.get(host)?.answer {
            Answer::Held(holder) => Some(holder),
            Answer::Ours | Answer::Nobody | Answer::Silent(_) => None,
        })
    }
    fn held_by(&self, holder: &Holder) -> Decision {
        let has = |host: &&HostName| matches!(self.heard.get(*host), Some(Heard { answer: Answer::Held(other), .. }) if other.token == holder.token);
        Decision::Held(Box::new(holder.clone()), self.hosts.iter().filter(has).cloned().collect())
    }
    /// Hosts that have told of another holder.
    fn not_ours(&self) -> Vec<HostName> {
        let told = |host: &&HostName| matches!(self.heard.get(*host), Some(Heard { answer: Answer::Held(_), .. }));
        self.hosts.iter().filter(told).cloned().collect()
    }
    fn ours(&self) -> usize {
        self.heard.values().filter(|heard| heard.answer == Answer::Ours).count()
    }
    fn silent(&self) -> Vec<(HostName, String)> {
        let why = |host: &HostName| match &self.heard.get(host)?.answer {
            Answer::Silent(why) => Some((host.clone(), why.clone())),
            Answer::Nobody => Some((host.clone(), "its lease was broken".to_owned())),
            Answer::Ours | Answer::Held(_) => None,
        };
        self.hosts.iter().filter_map(why).collect()
    }
}

impl Heard {
    fn is_sure(&self, now: Duration) -> bool {
        self.ours.is_some_and(|sent| now.saturating_sub(sent) < SURE)
    }
}

/// Whether these are enough of all hosts to keep everybody else from having enough: more than half, or half with the first by name. By name,
/// so that two configurations that list the same hosts in another order agree.
pub fn is_quorum(all: &[HostName], is_ours: impl Fn(&HostName) -> bool) -> bool {
    let ours = all.iter().filter(|host| is_ours(host)).count();
    2 * ours > all.len() || 2 * ours == all.len() && all.iter().min().is_some_and(is_ours)
}

#[cfg(test)]
mod tests;
