//! What is wrong with a relup that can be read: what `release_handler` would only notice when it is too late, or not at all.

use super::{Direction, Instruction, Place, Relup, Suspend, hooks};
use crate::term::{Atom, Term};
use crate::vsn::Vsn;
use std::collections::BTreeSet;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct Finding {
    /// Where.
    pub at: Place,
    /// What.
    pub problem: Problem,
}

/// What can be wrong with a script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The relup belongs to another release.
    #[error("the relup belongs to release {0}")]
    OtherRelease(Vsn),
    /// A way that is needed.
    #[error("there is no such way in the relup")]
    NoWay,
    /// Only the first way between two releases is ever used.
    #[error("there is a way before it between the same releases, this one is never used")]
    SecondWay,
    /// Code paths are switched at this instruction, and errors are harmless before it.
    #[error("point_of_no_return stands {0} times in the script, it must stand there once")]
    PointsOfNoReturn(usize),
    /// `check_install_release` carries it out on the running node, without installing anything.
    #[error("{0} before point_of_no_return is carried out when the release is only checked")]
    TooEarly(&'static str),
    /// A missing file would be noticed when there is no way back.
    #[error("load_object_code must stand before point_of_no_return")]
    TooLate,
    /// `release_handler` has not read it.
    #[error("module {0} is loaded, but no load_object_code before it names it")]
    NotRead(Atom),
    /// `release_handler` forgets code when it has loaded it.
    #[error("module {0} is loaded twice")]
    LoadedTwice(Atom),
    /// Nothing resumes its processes.
    #[error("module {0} is suspended and never resumed")]
    NeverResumed(Atom),
    /// It does nothing.
    #[error("module {0} is resumed, but it is not suspended here")]
    NotSuspended(Atom),
    /// Its state would stay as it is, without a word.
    #[error("code_change of module {0}, which is not suspended here")]
    CodeChangeWhileRunning(Atom),
    /// `release_handler` walks the tree of supervisors again, which a suspended one does not answer.
    #[error("a second suspend while other modules are suspended; suspend all of them at once")]
    SecondSuspend,
    /// The callback is told the wrong direction.
    #[error("code_change {told} in a script that goes {goes}")]
    WrongMode {
        /// What the callback is told.
        told: Direction,
        /// Where the script goes.
        goes: Direction,
    },
    /// A call of edeliver's agent that belongs to the way between other releases.
    #[error("{0} is told other versions than those of this way")]
    OtherVersions(Atom),
    /// Nothing starts its processes again.
    #[error("module {0} is stopped and never started")]
    NeverStarted(Atom),
    /// There is nothing to start.
    #[error("module {0} is started, but it is not stopped before")]
    NotStopped(Atom),
    /// Needs heart and OTP's own start program, which releases of mix and rebar3 don't have: the node would stay down.
    #[error("{0} restarts the node, and only where OTP's own start program and heart run it; deploy with a restart instead")]
    Restarts(&'static str),
}

impl Relup {
    /// What is wrong with it as the relup of release `to` with ways between it and each of `others`.
    #[must_use]
    pub fn check(&self, to: &Vsn, others: &[Vsn]) -> Vec<Finding> {
        [Direction::Up, Direction::Down].into_iter().flat_map(|direction| self.check_ways(direction, to, others)).collect()
    }

    fn check_ways(&self, direction: Direction, to: &Vsn, others: &[Vsn]) -> Vec<Finding> {
        let about = |other: &Vsn, problem| Finding { at: place(direction, other, None), problem };
        let foreign = others.iter().filter(|_| self.vsn != *to).map(|other| about(other, Problem::OtherRelease(self.vsn.clone())));
        let missing = others.iter().filter(|other| self.way(direction, other).is_none()).map(|other| about(other, Problem::NoWay));
        let mut findings: Vec<Finding> = foreign.chain(missing).collect();
        let mut seen = BTreeSet::new();
        for way in self.ways(direction) {
            if !seen.insert(&way.other) {
                findings.push(about(&way.other, Problem::SecondWay));
            }
            let found = check_script(direction, &way.script).into_iter();
            let found = found.chain(check_versions(self.travel(direction, &way.other), &way.script));
            findings.extend(found.map(|(number, problem)| Finding { at: place(direction, &way.other, number), problem }));
        }
        findings
    }

    /// Where a way begins, and where it ends.
    fn travel<'a>(&'a self, direction: Direction, other: &'a Vsn) -> [&'a Vsn; 2] {
        match direction {
            Direction::Up => [other, &self.vsn],
            Direction::Down => [&self.vsn, other],
        }
    }
}

fn place(direction: Direction, other: &Vsn, instruction: Option<usize>) -> Place {
    Place { direction, other: other.to_string(), instruction }
}

/// Calls of our agent that are told other versions, as after copying from another way.
fn check_versions([from, to]: [&Vsn; 2], script: &[Instruction]) -> Vec<(Option<usize>, Problem)> {
    let expected = [Term::string(from.as_str()), Term::string(to.as_str())];
    let wrong = |instruction: &Instruction| match instruction {
        Instruction::Apply(call) if instruction.calls_agent() && !call.args.starts_with(&expected) => Some(call.function.clone()),
        Instruction::Apply(call) if instruction.loads_agent() && *instruction != hooks::load_agent(to) => Some(call.module.clone()),
        _ => None,
    };
    let numbered = script.iter().zip(1..);
    numbered.filter_map(|(instruction, number)| Some((Some(number), Problem::OtherVersions(wrong(instruction)?)))).collect()
}

/// What is wrong with a script, with the number of the instruction (from 1) where it is one.
#[must_use]
pub fn check_script(direction: Direction, script: &[Instruction]) -> Vec<(Option<usize>, Problem)> {
    let mut walk = Walk { direction, ..Walk::new() };
    for (instruction, number) in script.iter().zip(1..) {
        walk.number = number;
        walk.step(instruction);
    }
    walk.end()
}

/// What a script has done so far.
struct Walk {
    direction: Direction,
    number: usize,
    points: usize,
    read: BTreeSet<Atom>,
    loaded: BTreeSet<Atom>,
    suspended: Vec<(Atom, usize)>,
    stopped: Vec<(Atom, usize)>,
    found: Vec<(Option<usize>, Problem)>,
}

impl Walk {
    fn new() -> Self {
        let (read, loaded) = (BTreeSet::new(), BTreeSet::new());
        let (suspended, stopped, found) = (Vec::new(), Vec::new(), Vec::new());
        Self { direction: Direction::Up, number: 0, points: 0, read, loaded, suspended, stopped, found }
    }

    fn find(&mut self, problem: Problem) {
        self.found.push((Some(self.number), problem));
    }

    fn step(&mut self, instruction: &Instruction) {
        self.check_side(instruction);
        match instruction {
            Instruction::PointOfNoReturn => self.points += 1,
            Instruction::LoadObjectCode { modules, .. } => self.read.extend(modules.iter().cloned()),
            Instruction::Load { module, .. } => self.load(module),
            Instruction::Suspend(modules) => self.suspend(modules),
            Instruction::Resume(modules) => self.take(modules, |walk| &mut walk.suspended, Problem::NotSuspended),
            Instruction::CodeChange { mode, modules } => self.code_change(mode.unwrap_or(Direction::Up), modules),
            Instruction::Stop(modules) => {
                let number = self.number;
                self.stopped.extend(modules.iter().map(|module| (module.clone(), number)));
            }
            Instruction::Start(modules) => self.take(modules, |walk| &mut walk.stopped, Problem::NotStopped),
            Instruction::RestartEmulator | Instruction::RestartNewEmulator => self.find(Problem::Restarts(instruction.name())),
            Instruction::Remove { .. } | Instruction::Purge(_) | Instruction::SyncNodes { .. } | Instruction::Apply(_) => {}
        }
    }

    /// Stands it on the right side of the point of no return?
    fn check_side(&mut self, instruction: &Instruction) {
        match instruction {
            Instruction::LoadObjectCode { .. } if self.points > 0 => self.find(Problem::TooLate),
            Instruction::LoadObjectCode { .. } | Instruction::PointOfNoReturn => {}
            // found by themselves
            Instruction::RestartEmulator | Instruction::RestartNewEmulator => {}
            other if self.points == 0 && !other.loads_agent() => self.find(Problem::TooEarly(other.name())),
            _ => {}
        }
    }

    fn load(&mut self, module: &Atom) {
        if !self.read.contains(module) {
            self.find(Problem::NotRead(module.clone()));
        }
        if !self.loaded.insert(module.clone()) {
            self.find(Problem::LoadedTwice(module.clone()));
        }
    }

    fn suspend(&mut self, modules: &[Suspend]) {
        if !self.suspended.is_empty() {
            self.find(Problem::SecondSuspend);
        }
        let number = self.number;
        self.suspended.extend(modules.iter().map(|suspend| (suspend.module.clone(), number)));
    }

    fn take(&mut self, modules: &[Atom], held: fn(&mut Self) -> &mut Vec<(Atom, usize)>, missing: fn(Atom) -> Problem) {
        for module in modules {
            let before = held(self).len();
            held(self).retain(|(name, _)| name != module);
            if held(self).len() == before {
                self.find(missing(module.clone()));
            }
        }
    }

    fn code_change(&mut self, mode: Direction, modules: &[(Atom, Term)]) {
        if mode != self.direction {
            self.find(Problem::WrongMode { told: mode, goes: self.direction });
        }
        for (module, _) in modules {
            if self.suspended.iter().all(|(name, _)| name != module) {
                self.find(Problem::CodeChangeWhileRunning(module.clone()));
            }
        }
    }

    fn end(mut self) -> Vec<(Option<usize>, Problem)> {
        let suspended = self.suspended.into_iter().map(|(module, number)| (Some(number), Problem::NeverResumed(module)));
        let stopped = self.stopped.into_iter().map(|(module, number)| (Some(number), Problem::NeverStarted(module)));
        self.found.extend(suspended.chain(stopped));
        if self.points != 1 {
            self.found.push((None, Problem::PointsOfNoReturn(self.points)));
        }
        self.found
    }
}
