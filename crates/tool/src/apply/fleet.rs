//! All hosts of a plan, wave after wave: each at its own pace, but for hooks, where they wait for each other.
//!
//! Before the first wave everything is put on all hosts, so what fails there (a full disk, a lost link) has changed nothing anywhere.

mod slot;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use edeliver_core::{
    config::Migrate,
    event::EventKind,
    name::{HostName, Version},
    notice::Wave,
    plan::Plan,
    strategy::Rollout,
};
use tokio::task::JoinSet;

pub(super) use self::slot::Slot;
use super::{
    Shared, Site, StepError, healthy,
    hook::Runner,
    host::{HostTask, Pause},
    migrations::Migrator,
    outcome::End,
};
use crate::{cancel::Cancel, ctx::Ctx, error::Kind, report::Reporter};

/// The hosts, in the plan's order.
pub(super) struct Fleet {
    pub(super) hosts: Vec<HostName>,
    /// One for each of them.
    pub(super) slots: Vec<Slot>,
    pub(super) rollout: Rollout,
    /// What is put on them.
    pub(super) release: Option<Version>,
    pub(super) reporter: Reporter,
    pub(super) cancel: Cancel,
    /// What is asked between waves, where it is.
    sites: Vec<(HostName, Option<Site>)>,
    /// Why no further wave is begun, where a hook before it says so, the migrations, or want of hosts that serve.
    pub(super) stopped: Option<String>,
    pub(super) migrations_failed: Option<Kind>,
}

/// How far hosts go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// What only puts something beside what is there.
    Prepared,
    /// The next hook, or the end.
    Hook,
}

impl Fleet {
    /// The hosts before their first step. `ready`: why nothing may be begun, if that is so.
    pub(super) fn new(
        ctx: &Ctx,
        plan: &Plan,
        sites: &mut HashMap<HostName, Site>,
        shared: &Arc<Shared>,
        ready: Result<(), String>,
    ) -> Self {
        let sites_asked = || plan.hosts.iter().map(|host| (host.host.clone(), sites.get(&host.host).cloned())).collect();
        let sites_asked = if plan.rollout.healthy.is_some() { sites_asked() } else { Vec::new() };
        let slot = |host| Slot::new(ctx, host, sites, shared, &ready);
        Self {
            hosts: plan.hosts.iter().map(|host| host.host.clone()).collect(),
            slots: plan.hosts.iter().map(slot).collect(),
            rollout: plan.rollout.clone(),
            release: plan.release.as_ref().map(|release| release.version.clone()),
            reporter: ctx.reporter.clone(),
            cancel: ctx.cancel.clone(),
            sites: sites_asked,
            stopped: None,
            migrations_failed: None,
        }
    }

    /// Brings every host to its end.
    pub(super) async fn work(&mut self, ctx: &Ctx, hooks: &mut Runner<'_>, migrator: &mut Migrator<'_>) {
        if self.rollout.prepares_first() {
            self.go_on(None, Until::Prepared).await;
        }
        self.migrate(Migrate::Before, migrator).await;
        let waves = self.waves();
        for (at, wave) in waves.iter().enumerate() {
            if self.is_over() || self.stopped.is_some() || (at > 0 && self.lacks_hosts().await) {
                break;
            }
            self.begin(ctx, at + 1, waves.len(), wave).await;
            if self.stopped.is_some() {
                break;
            }
            self.one(wave, hooks).await;
            self.end(ctx, at + 1, waves.len(), wave).await;
            if at == 0 {
                self.migrate(Migrate::AfterFirstWave, migrator).await;
            }
        }
        self.migrate(Migrate::After, migrator).await;
        self.leave_the_rest();
    }

    /// Why migrations failed, if they did.
    pub(super) fn migrations_failed(&self) -> Option<Kind> {
        self.migrations_failed
    }

    /// Whether too few hosts serve for more of them to be changed. It is told.
    async fn lacks_hosts(&mut self) -> bool {
        let Some(healthy) = self.rollout.healthy.clone().filter(|_| !self.cancel.is_requested()) else { return false };
        self.stopped = healthy.lacks(&healthy::unwell(&self.sites, &healthy).await);
        self.stopped.iter().for_each(|why| self.reporter.warn(format!("no further wave is begun: {why}"), Vec::new()));
        self.stopped.is_some()
    }

    /// Whether a hook, migrations, or want of hosts that serve, have kept hosts from being begun.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// How it ended, host by host.
    pub(super) fn into_ends(self) -> Vec<End> {
        self.slots.into_iter().filter_map(Slot::into_end).collect()
    }

    /// A plan without waves has all hosts in one.
    fn waves(&self) -> Vec<HashSet<HostName>> {
        match self.rollout.waves.is_empty() {
            true => vec![self.hosts.iter().cloned().collect()],
            false => self.rollout.waves.iter().map(|wave| wave.iter().cloned().collect()).collect(),
        }
    }

    /// Brings the hosts of one wave to their ends.
    async fn one(&mut self, wave: &HashSet<HostName>, hooks: &mut Runner<'_>) {
        loop {
            self.go_on(Some(wave), Until::Hook).await;
            let Some(name) = self.next_hook() else { return };
            self.meet(&name, hooks).await;
        }
    }

    /// Lets every host that can work come to its next hook or its end, no more of them at a time than may. Where too many have failed, those
    /// that have not been begun wait for ever.
    async fn go_on(&mut self, wave: Option<&HashSet<HostName>>, until: Until) {
        let mut waiting: VecDeque<usize> = self.ready(wave).collect();
        let at_once = if until == Until::Prepared { None } else { self.rollout.at_once };
        let mut tasks = JoinSet::new();
        loop {
            while at_once.is_none_or(|limit| tasks.len() < limit)
                && let Some(at) = waiting.pop_front()
            {
                if let Some(mut task) = self.take(at, until) {
                    tasks.spawn(async move {
                        let pause = match until {
                            Until::Prepared => task.prepare().await,
                            Until::Hook => task.go_on().await,
                        };
                        (at, task, pause)
                    });
                }
            }
            let Some(done) = tasks.join_next().await else { return };
            let (at, task, pause) = done.expect("a host's task does not panic and is not aborted");
            self.slots[at] = match pause {
                Pause::Prepared => Slot::Ready(task),
                Pause::Hook(name) => Slot::At(task, name),
                Pause::Over(end) => Slot::Over(end),
            };
        }
    }

    fn ready(&self, wave: Option<&HashSet<HostName>>) -> impl Iterator<Item = usize> {
        let is_meant = move |at: usize| wave.is_none_or(|wave| wave.contains(&self.hosts[at]));
        self.slots.iter().enumerate().filter(move |(at, slot)| matches!(slot, Slot::Ready(_)) && is_meant(*at)).map(|(at, _)| at)
    }

    /// The host's task, if it may go on: one that has been changed always may, for half way is the worst place to be.
    fn take(&mut self, at: usize, until: Until) -> Option<Box<HostTask>> {
        let over = until == Until::Hook && self.is_over();
        match std::mem::replace(&mut self.slots[at], Slot::Busy) {
            Slot::Ready(task) if !over || task.is_changed() => Some(task),
            other => {
                self.slots[at] = other;
                None
            }
        }
    }

    /// Whether no further host is begun.
    pub(super) fn is_over(&self) -> bool {
        self.rollout.ends_after(self.failed(|_| true).count())
    }

    /// Hosts that have failed, or nobody knows.
    fn failed(&self, which: impl Fn(&HostName) -> bool) -> impl Iterator<Item = &End> {
        let ends = self.slots.iter().filter_map(Slot::end);
        ends.filter(move |end| end.is_failure() && which(&end.row.host))
    }

    /// The hosts that nobody begins any more.
    fn leave_the_rest(&mut self) {
        let failed: Vec<String> = self.failed(|_| true).map(|end| end.row.host.to_string()).collect();
        let why = match &failed[..] {
            _ if self.stopped.is_some() => self.stopped.clone().unwrap_or_default(),
            [] => "it belongs to no wave".to_owned(),
            [one] => format!("{one} failed"),
            [one, others @ ..] => format!("{one} and {} failed", crate::ui::words::count(others.len(), "other host")),
        };
        for slot in &mut self.slots {
            *slot = match std::mem::replace(slot, Slot::Busy) {
                Slot::Ready(task) => Slot::Over(task.leave(&why)),
                other => other,
            };
        }
    }

    /// The hook that the first host in the plan's order waits for.
    fn next_hook(&self) -> Option<String> {
        self.slots.iter().find_map(|slot| match slot {
            Slot::At(_, name) => Some(name.clone()),
            Slot::Ready(_) | Slot::Over(_) | Slot::Busy => None,
        })
    }

    /// Runs a hook, once, for all hosts that wait for it.
    async fn meet(&mut self, name: &str, hooks: &mut Runner<'_>) {
        // Once the user has interrupted, the hosts go on to their end only.
        if !self.cancel.is_requested() {
            self.waiting_for(name).for_each(HostTask::hook_begins);
            let why = match hooks.run(name).await {
                Ok(()) => None,
                Err(StepError::Hook(failure)) => Some(crate::error::chain(&failure).join(": ")),
                Err(other) => Some(other.to_string()),
            };
            if !self.cancel.is_requested() || why.is_none() {
                self.waiting_for(name).for_each(|task| task.hook_ended(why.as_deref()));
            }
        }
        for slot in &mut self.slots {
            match std::mem::replace(slot, Slot::Busy) {
                Slot::At(task, waits_for) if waits_for == name => *slot = Slot::Ready(task),
                other => *slot = other,
            }
        }
    }

    fn waiting_for(&mut self, name: &str) -> impl Iterator<Item = &mut HostTask> {
        self.slots.iter_mut().filter_map(move |slot| match slot {
            Slot::At(task, waits_for) if *waits_for == name => Some(&mut **task),
            Slot::At(..) | Slot::Ready(_) | Slot::Over(_) | Slot::Busy => None,
        })
    }

    /// One wave of all hosts is not worth a word.
    async fn begin(&mut self, ctx: &Ctx, number: usize, of: usize, wave: &HashSet<HostName>) {
        if of > 1 {
            let told = self.told(number, of, wave);
            let hosts = told.hosts.clone();
            match ctx.before_wave(told).await {
                Ok(()) => self.reporter.send(EventKind::WaveStarted { number, of, hosts }),
                Err(error) => self.stopped = Some(error.causes().join(": ")),
            }
        }
    }

    async fn end(&self, ctx: &Ctx, number: usize, of: usize, wave: &HashSet<HostName>) {
        if of > 1 {
            let failed = self.failed(|host| wave.contains(host)).count();
            self.reporter.send(EventKind::WaveFinished { number, of, failed });
            ctx.after_wave(self.told(number, of, wave)).await;
        }
    }

    fn told(&self, number: usize, of: usize, wave: &HashSet<HostName>) -> Wave {
        let hosts = self.hosts.iter().filter(|host| wave.contains(*host)).cloned().collect();
        Wave { number, of, hosts, done: self.slots.iter().filter_map(Slot::end).map(|end| end.row.clone()).collect() }
    }
}
