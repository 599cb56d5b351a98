//! One host's lease: taken, renewed, let go of.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use edeliver_core::{
    lease::{Answer, RENEWED},
    name::HostName,
};
use tokio::{
    io::{AsyncWriteExt, DuplexStream},
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    board::{Board, now},
    script::{self, Claimant, Hearing, LEASE, LONGEST, failed},
};
use crate::{
    node::Place,
    transport::{Call, Input, Output, Transport, TransportError},
};

/// The pause before a host is asked again whether somebody has given way.
const AGAIN: Duration = Duration::from_millis(400);

/// What the run wants of its keepers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Get the lease where that disturbs nobody; it is not known yet whether it will be needed.
    Early,
    /// Get the lease, and keep it.
    Get,
    /// The run has the target: say so, and keep it.
    Keep,
    /// Let go of it.
    LetGo,
}

/// Keeps the lease of one host.
pub(super) struct Keeper {
    pub(super) host: HostName,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) place: Place,
    pub(super) claimant: Claimant,
    pub(super) board: Arc<Board>,
    pub(super) orders: watch::Receiver<Order>,
}

/// Why a session came to its end.
enum End {
    /// As it was told.
    LetGo,
    /// Somebody else has the lease.
    Refused,
    /// It can't be had yet.
    NotYet,
    /// The session broke, or the script can't do it.
    Broken(Answer),
    /// The host has room for one session, and others need it.
    MadeWay,
}

impl Keeper {
    /// Works until it is told to let go. Whether nothing is left on the host.
    pub(super) async fn work(mut self) -> bool {
        let mut broke = false;
        while *self.orders.borrow() != Order::LetGo {
            let (had, early) = (self.has_it(), *self.orders.borrow() == Order::Early);
            match self
                .session(if had {
                    "resume"
                } else if early {
                    "early"
                } else {
                    "take"
                })
                .await
            {
                End::LetGo => return true,
                End::NotYet => {
                    let _ = self.orders.wait_for(|order| *order != Order::Early).await;
                    continue;
                }
                // A lease that was lost is never taken a second time: others may have changed the hosts in between.
                End::Refused if had || *self.orders.borrow() == Order::Keep => return true,
                End::Refused => broke = false,
                // A session may break where the connection has not.
                End::Broken(answer) if broke || !had => {
                    self.board.hear(&self.host, now(), answer);
                    return false;
                }
                End::Broken(_) => broke = true,
                End::MadeWay => return self.now_and_then().await,
            }
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                _ = self.orders.wait_for(|order| *order == Order::LetGo) => {}
            }
        }
        !broke
    }

    fn has_it(&self) -> bool {
        self.board.claim().is_ours(&self.host)
    }

    /// One script on the host, from its start to its end.
    async fn session(&mut self, verb: &str) -> End {
        let (word, heard) = tokio::io::duplex(1024);
        let (tell, mut told) = mpsc::unbounded_channel();
        let mut hearing = Hearing::default();
        let mut lines = |line: &str| {
            if let Some(answer) = hearing.line(line) {
                let _ = tell.send(answer);
            }
        };
        let args = self.claimant.args(&self.place, verb);
        let call = Call {
            script: LEASE,
            args,
            input: Input::Stream(Box::new(heard)),
            output: Output::Lines(&mut lines),
            timeout: LONGEST,
            before: Vec::new(),
        };
        let (transport, mut sent) = (self.transport.clone(), VecDeque::from([now()]));
        let mut running = std::pin::pin!(transport.run(call));
        let mut talk = Talk { word, sent: &mut sent, settled: false, left: false, early: verb == "early" };
        let mut ticks = interval(RENEWED);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.reset();
        loop {
            tokio::select! {
                biased;
                Some(answer) = told.recv() => if let Some(end) = self.heard(&mut talk, answer).await { return end },
                ended = &mut running => {
                    // What it said last may still be in the channel.
                    while let Ok(answer) = told.try_recv() {
                        if let Some(end) = self.heard(&mut talk, answer).await {
                            return end;
                        }
                    }
                    return match ended {
                        _ if talk.early => End::NotYet,
                        Ok(reply) if talk.left && reply.status == 0 => End::MadeWay,
                        Ok(reply) if *self.orders.borrow() == Order::LetGo && reply.status == 0 => End::LetGo,
                        Ok(reply) => End::Broken(failed(&reply)),
                        Err(error) => End::Broken(Answer::Silent(why(&error))),
                    };
                },
                // A run that has not said that it is settled has nothing to lose yet.
                _ = ticks.tick() => if self.transport.is_single() {
                    talk.left = true;
                    talk.say("leave").await;
                } else if !talk.settled || !self.board.claim().is_lost(now()) { talk.say("renew").await },
                Ok(()) = self.orders.changed() => {
                    let order = *self.orders.borrow_and_update();
                    match order {
                        Order::LetGo => talk.say("done").await,
                        Order::Keep => talk.settle().await,
                        Order::Early | Order::Get => {}
                    }
                }
            }
        }
    }

    /// Renews between the calls of others, each time by a script of its own. While one of theirs takes longer than a lease lasts, it is ours
    /// only as long as nobody else comes.
    async fn now_and_then(&mut self) -> bool {
        loop {
            let _ = timeout(RENEWED, self.orders.wait_for(|order| *order == Order::LetGo)).await;
            let parting = *self.orders.borrow() == Order::LetGo;
            let verb = if parting { "drop" } else { "settled" };
            if !parting && self.board.claim().is_lost(now()) {
                continue;
            }
            let sent = now();
            let renew = script::call(script::args(&self.place, verb, &self.claimant.token));
            let answer = script::answer(self.transport.run(renew).await);
            if parting {
                return answer == Answer::Nobody;
            }
            let is_over = answer != Answer::Ours;
            self.board.hear(&self.host, sent, answer);
            if is_over {
                return false;
            }
        }
    }

    /// An answer belongs to the first word that none has come to yet.
    async fn heard(&self, talk: &mut Talk<'_>, answer: Answer) -> Option<End> {
        let sent = talk.sent.pop_front().unwrap_or_default();
        let ours = answer == Answer::Ours;
        if *self.orders.borrow() == Order::LetGo {
            return None;
        }
        if std::mem::take(&mut talk.early) && !ours {
            return Some(End::NotYet);
        }
        self.board.hear(&self.host, sent, answer);
        if ours && *self.orders.borrow() == Order::Keep {
            talk.settle().await;
        }
        (!ours).then_some(End::Refused)
    }
}

/// What goes to the script.
struct Talk<'a> {
    word: DuplexStream,
    /// When each word was said that no answer has come to yet.
    sent: &'a mut VecDeque<Duration>,
    settled: bool,
    /// It has not said yet whether it could be had early.
    early: bool,
    /// It was told to leave the lease as it is.
    left: bool,
}

impl Talk<'_> {
    async fn say(&mut self, word: &str) {
        self.sent.push_back(now());
        // Where nobody hears it any more the call has ended, or is about to.
        let _ = timeout(Duration::from_millis(50), self.word.write_all(format!("{word}\n").as_bytes())).await;
    }
    /// Says once that it is decided.
    async fn settle(&mut self) {
        if !std::mem::replace(&mut self.settled, true) {
            self.say("settled").await;
        }
    }
}

fn why(error: &TransportError) -> String {
    crate::error::chain(error).join(": ")
}
