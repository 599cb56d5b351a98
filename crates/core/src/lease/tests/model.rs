//! Operators, hosts and the links between them, of which anything may fail at any time: never are two operators sure at once.
//!
//! Operators do what `tool::lease` does, hosts what `lease.sh` does. Clocks are set anyhow and differ in rate; messages are late, or lost;
//! links are cut; operators stand still, sleep or die; hosts boot.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// Seconds of real time that pass at once.
const TICK: f64 = 0.25;

struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
    fn between(&mut self, least: f64, most: f64) -> f64 {
        least + self.next() * (most - least)
    }
    fn once_in(&mut self, seconds: f64) -> bool {
        self.next() < TICK / seconds
    }
}

/// A host, as `lease.sh` has it.
struct Host {
    rate: f64,
    booted: f64,
    life: u32,
    lease: Option<Lying>,
}

#[derive(Clone)]
struct Lying {
    token: Token,
    life: u32,
    beat: u64,
    settled: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Word {
    Take,
    Renew,
    Settled,
    Drop,
}

impl Host {
    fn uptime(&self, real: f64) -> u64 {
        ((real - self.booted) * self.rate) as u64
    }
    fn hears(&mut self, token: &Token, word: Word, real: f64) -> Answer {
        let now = self.uptime(real);
        let is_over = |lying: &Lying, life| {
            let age = if lying.life == life && lying.beat <= now { now - lying.beat } else { now };
            age > LASTS.as_secs()
        };
        let free = self.lease.as_ref().is_none_or(|lying| lying.token == *token || is_over(lying, self.life));
        let ours = self.lease.as_ref().is_some_and(|lying| lying.token == *token);
        match (word, &self.lease) {
            (Word::Take, _) if free => {}
            (Word::Renew | Word::Settled, _) if ours => {}
            (Word::Drop, _) => {
                if ours {
                    self.lease = None;
                }
                return Answer::Nobody;
            }
            (_, None) => return Answer::Nobody,
            (_, Some(lying)) => return Answer::Held(holder(lying.token.as_str(), lying.settled)),
        }
        let settled = word == Word::Settled || word == Word::Renew && self.lease.as_ref().is_some_and(|lying| lying.settled);
        self.lease = Some(Lying { token: token.clone(), life: self.life, beat: now, settled });
        Answer::Ours
    }
}

struct Operator {
    rate: f64,
    set: f64,
    /// Until when it does nothing at all, though its clock goes on.
    asleep: f64,
    claim: Option<Claim>,
    began: f64,
    settled: bool,
    spoke: Vec<f64>,
    ends: f64,
    count: u32,
}

impl Operator {
    fn clock(&self, real: f64) -> Duration {
        Duration::from_secs_f64(self.set + real * self.rate)
    }
    fn is_sure(&self, real: f64) -> bool {
        self.settled && self.asleep <= real && self.claim.as_ref().is_some_and(|claim| claim.is_sure(self.clock(real)))
    }
}

struct Message {
    at: f64,
    from: usize,
    host: usize,
    token: Token,
    sent: Duration,
    word: Word,
    /// On its way back.
    answer: Option<Answer>,
}

struct World {
    chance: Chance,
    real: f64,
    names: Vec<HostName>,
    hosts: Vec<Host>,
    operators: Vec<Operator>,
    /// Until when the link from an operator to a host is cut.
    cut: Vec<Vec<f64>>,
    on_the_way: Vec<Message>,
    /// How often somebody was sure.
    sure: u32,
    calm: bool,
}

impl World {
    fn new(seed: u64, hosts: usize, operators: usize, calm: bool) -> Self {
        let mut chance = Chance(seed | 1);
        // Clocks whose rates differ by less than a third of each other.
        let mut rate = || chance.between(0.85, 1.15);
        let host = |rate| Host { rate, booted: -1000.0, life: 0, lease: None };
        let hosts_made = (0..hosts).map(|_| host(rate())).collect();
        let rates: Vec<f64> = (0..operators).map(|_| rate()).collect();
        let operator = |rate| Operator {
            rate,
            set: 0.0,
            asleep: 0.0,
            claim: None,
            began: 0.0,
            settled: false,
            spoke: vec![0.0; hosts],
            ends: 0.0,
            count: 0,
        };
        let mut operators: Vec<Operator> = rates.into_iter().map(operator).collect();
        for operator in &mut operators {
            operator.set = chance.between(0.0, 1e6);
            operator.ends = if calm { 0.0 } else { chance.between(0.0, 5.0) };
        }
        let cut = vec![vec![0.0; hosts]; operators.len()];
        let names = super::hosts(hosts);
        Self { chance, real: 0.0, names, hosts: hosts_made, operators, cut, on_the_way: Vec::new(), sure: 0, calm }
    }

    fn run(&mut self, seconds: f64) {
        while self.real < seconds {
            self.real += TICK;
            if !self.calm {
                self.misfortune();
            }
            self.deliver();
            (0..self.operators.len()).for_each(|at| self.operate(at));
            let sure = self.operators.iter().filter(|operator| operator.is_sure(self.real)).count();
            assert!(sure <= 1, "{sure} are sure at {}", self.real);
            self.sure += u32::try_from(sure).unwrap();
        }
    }

    fn misfortune(&mut self) {
        for from in 0..self.operators.len() {
            for host in 0..self.hosts.len() {
                if self.chance.once_in(40.0) {
                    self.cut[from][host] = self.real + self.chance.between(1.0, 60.0);
                }
            }
            if self.chance.once_in(80.0) {
                self.operators[from].asleep = self.real + self.chance.between(0.5, 60.0);
            }
            if self.chance.once_in(120.0) {
                // It dies, and its hosts are not told.
                let operator = &mut self.operators[from];
                (operator.claim, operator.settled) = (None, false);
                operator.ends = self.real + self.chance.between(0.0, 10.0);
            }
        }
        for host in &mut self.hosts {
            if self.chance.once_in(200.0) {
                (host.booted, host.life) = (self.real, host.life + 1);
            }
        }
    }

    fn say(&mut self, from: usize, host: usize, word: Word) {
        let operator = &mut self.operators[from];
        let Some(claim) = &operator.claim else { return };
        operator.spoke[host] = self.real;
        let (token, sent) = (claim.token().clone(), operator.clock(self.real));
        self.send(Message { at: 0.0, from, host, token, sent, word, answer: None });
    }

    /// Whatever is sent comes late, or never.
    fn send(&mut self, mut message: Message) {
        if !self.calm && self.chance.next() < 0.05 {
            return;
        }
        let late = if self.calm || self.chance.next() < 0.9 { 0.5 } else { 20.0 };
        message.at = self.real + self.chance.between(0.0, late);
        self.on_the_way.push(message);
    }

    fn deliver(&mut self) {
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.on_the_way).into_iter().partition(|m| m.at <= self.real);
        self.on_the_way = later;
        for mut message in due {
            let until = self.cut[message.from][message.host];
            if until > self.real {
                // TCP tries again, for a while.
                if self.chance.next() < 0.5 {
                    message.at = until;
                    self.on_the_way.push(message);
                }
                continue;
            }
            match message.answer.take() {
                None => {
                    let answer = self.hosts[message.host].hears(&message.token, message.word, self.real);
                    message.answer = Some(answer);
                    self.send(message);
                }
                Some(answer) if message.word != Word::Drop => {
                    let (operator, host) = (&mut self.operators[message.from], &self.names[message.host]);
                    if let Some(claim) = operator.claim.as_mut().filter(|claim| *claim.token() == message.token) {
                        claim.hear(host, message.sent, answer);
                    }
                }
                Some(_) => {}
            }
        }
    }

    fn operate(&mut self, at: usize) {
        let (real, all) = (self.real, self.hosts.len());
        let operator = &mut self.operators[at];
        if operator.asleep > real {
            return;
        }
        let Some(claim) = &mut operator.claim else {
            if operator.ends <= real {
                operator.count += 1;
                // Tokens come in no order.
                let name = format!("{:x}-{at}-{}", (self.chance.next() * 1e9) as u64, operator.count);
                operator.claim = Some(Claim::new(token(&name), self.names.clone()));
                (operator.began, operator.ends) = (real, real + self.chance.between(5.0, 90.0));
                (0..all).for_each(|host| self.say(at, host, Word::Take));
            }
            return;
        };
        if operator.settled {
            let ours: Vec<usize> = (0..all).filter(|host| claim.is_ours(&self.names[*host])).collect();
            let due: Vec<usize> = ours.into_iter().filter(|host| real - operator.spoke[*host] >= RENEWED.as_secs_f64()).collect();
            match operator.ends <= real {
                true => self.let_go(at),
                false if claim.is_lost(Duration::from_secs_f64(operator.set + real * operator.rate)) => {}
                false => due.into_iter().for_each(|host| self.say(at, host, Word::Renew)),
            }
            return;
        }
        if real - operator.began > 12.0 {
            let silent: Vec<_> = self.names.iter().filter(|host| !claim.has_heard(host)).cloned().collect();
            silent.into_iter().for_each(|host| claim.hear(&host, Duration::ZERO, down()));
        }
        if !claim.is_answered() {
            return;
        }
        match claim.decide(Duration::from_secs_f64(real - operator.began)) {
            Decision::Proceed => {
                operator.settled = true;
                (0..all).for_each(|host| self.say(at, host, Word::Settled));
            }
            Decision::Again(hosts) => {
                for host in 0..all {
                    let (word, pause) = match hosts.contains(&self.names[host]) {
                        true => (Word::Take, 0.4),
                        false => (Word::Renew, RENEWED.as_secs_f64()),
                    };
                    if self.real - self.operators[at].spoke[host] >= pause {
                        self.say(at, host, word);
                    }
                }
            }
            Decision::Held(..) | Decision::TooFew { .. } => self.let_go(at),
        }
    }

    fn let_go(&mut self, at: usize) {
        (0..self.hosts.len()).for_each(|host| self.say(at, host, Word::Drop));
        let operator = &mut self.operators[at];
        (operator.claim, operator.settled) = (None, false);
        operator.ends = self.real + self.chance.between(0.5, 20.0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn two_operators_are_never_sure_at_once_whatever_fails(seed: u64, hosts in 1usize..6, operators in 2usize..4) {
        World::new(seed, hosts, operators, false).run(300.0);
    }
    #[test]
    fn of_operators_who_begin_at_once_on_a_healthy_fleet_one_gets_it(seed: u64, hosts in 1usize..6, operators in 2usize..4) {
        let mut world = World::new(seed, hosts, operators, true);
        world.run(5.0);
        prop_assert!(world.sure > 0);
    }
}

#[test]
fn the_model_is_not_so_unlucky_that_nobody_ever_gets_to_work() {
    let sure: u32 = (1..20)
        .map(|seed| {
            let mut world = World::new(seed * 7919, 3, 2, false);
            world.run(300.0);
            world.sure
        })
        .sum();
    assert!(sure > 2000, "{sure}");
}
