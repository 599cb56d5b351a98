//! What a round is made of: everything that chance decides, from the seed and the round's number alone.

use std::fmt;

use super::dice::Dice;

/// Production hosts of the fleet, from 0.
pub(super) const HOSTS: usize = 4;

/// The first hosts have a small disk, which does not outlive a reboot; the others can be rebooted.
pub(super) const SMALL_DISKS: usize = 2;

/// Releases that are well.
pub(super) const GOOD: [&str; 2] = ["0.1.0", "0.2.0"];

/// The one that falls some seconds after its start.
pub(super) const BAD: &str = "0.2.2";

/// A round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recipe {
    pub(super) number: u32,
    /// What every host serves when it begins.
    pub(super) from: &'static str,
    pub(super) operation: Operation,
    /// Flags that say how it goes over the hosts.
    pub(super) how: String,
    pub(super) faults: Vec<Planned>,
    /// Whether the same command is tried again, before [`Recipe::to`].
    pub(super) again: bool,
    /// What every host is brought to at the end.
    pub(super) to: &'static str,
}

/// What an operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// `deploy release --start-deploy`
    Deploy(&'static str),
    /// The same without a start.
    Place(&'static str),
    Upgrade(&'static str),
    Rollback,
    Restart,
}

/// A fault, when and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) fault: Fault,
    pub(super) host: usize,
    /// After so many words of edeliver about steps…
    pub(super) told: u32,
    /// … and so many milliseconds.
    pub(super) wait_ms: u32,
    /// Until it is mended; `None`: when the operation is over.
    pub(super) lasts_ms: Option<u32>,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    LinkCut,
    SessionsKilled,
    SshdKilled,
    Rebooted,
    DiskFull,
    HostFrozen,
    NodeStopped,
    NodeKilled,
    HealthRed,
    OperatorKilled,
    CtrlC,
    CtrlCTwice,
    SecondOperator(Operation),
}

impl Recipe {
    /// The round with this number.
    pub(super) fn new(seed: u64, number: u32) -> Self {
        let from = if number <= 1 { GOOD[0] } else { Self::end(seed, number - 1) };
        let mut dice = Dice::new(seed, number);
        let to = last(&mut dice);
        let operation = operation(&mut dice, from);
        let how = if operation == Operation::Rollback { String::new() } else { how(&mut dice, operation) };
        let mut faults = vec![planned(&mut dice, from)];
        if dice.once_in(3) {
            let second = planned(&mut dice, from);
            faults.extend((!second.is_about_operator() || !faults[0].is_about_operator()).then_some(second));
        }
        Self { number, from, operation, how, faults, again: dice.once_in(3), to }
    }
    /// What all hosts serve after it.
    fn end(seed: u64, number: u32) -> &'static str {
        last(&mut Dice::new(seed, number))
    }
    /// The command.
    pub(super) fn line(&self) -> String {
        format!("{}{}", self.operation.line(), self.how)
    }
    /// Whether there is one of a kind.
    pub(super) fn has(&self, is: impl Fn(&Planned) -> bool) -> bool {
        self.faults.iter().any(is)
    }
}

/// Thrown first, so that the round that follows can know it.
fn last(dice: &mut Dice) -> &'static str {
    GOOD[dice.below(2) as usize]
}

impl Operation {
    /// edeliver's words for it.
    pub(super) fn line(self) -> String {
        match self {
            Self::Deploy(version) => format!("deploy release to production --version={version} --start-deploy --force"),
            Self::Place(version) => format!("deploy release to production --version={version} --force"),
            Self::Upgrade(version) => format!("deploy upgrade to production --version={version} --force"),
            Self::Rollback => "rollback production".to_owned(),
            Self::Restart => "restart production".to_owned(),
        }
    }
    /// For the tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Deploy(BAD) => "deploy and start a release that falls",
            Self::Deploy(_) => "deploy and start",
            Self::Place(_) => "deploy without a start",
            Self::Upgrade(BAD) => "hot upgrade to a release that falls",
            Self::Upgrade(_) => "hot upgrade",
            Self::Rollback => "rollback",
            Self::Restart => "restart",
        }
    }
    /// The version it is about, if that does not depend on hosts.
    pub(super) fn version(self) -> Option<&'static str> {
        match self {
            Self::Deploy(version) | Self::Place(version) | Self::Upgrade(version) => Some(version),
            Self::Rollback | Self::Restart => None,
        }
    }
}

impl Planned {
    fn is_about_operator(&self) -> bool {
        self.fault.is_about_operator()
    }
}

impl Fault {
    /// Whether it happens to a person, and to no host.
    pub(super) fn is_about_operator(self) -> bool {
        matches!(self, Self::OperatorKilled | Self::CtrlC | Self::CtrlCTwice | Self::SecondOperator(_))
    }
    /// Whether no node may run after it.
    pub(super) fn ends_node(self) -> bool {
        matches!(self, Self::Rebooted | Self::NodeKilled)
    }
    /// For the tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::LinkCut => "link cut",
            Self::SessionsKilled => "sessions of sshd killed",
            Self::SshdKilled => "sshd killed",
            Self::Rebooted => "host rebooted",
            Self::DiskFull => "disk full",
            Self::HostFrozen => "host hangs",
            Self::NodeStopped => "node hangs (SIGSTOP)",
            Self::NodeKilled => "node killed",
            Self::HealthRed => "health check red",
            Self::OperatorKilled => "operator killed (SIGKILL)",
            Self::CtrlC => "Ctrl-C once",
            Self::CtrlCTwice => "Ctrl-C twice",
            Self::SecondOperator(_) => "a second operator",
        }
    }
}

fn operation(dice: &mut Dice, from: &'static str) -> Operation {
    let other = if from == GOOD[0] { GOOD[1] } else { GOOD[0] };
    dice.of(&[
        (6, Operation::Deploy(other)),
        (2, Operation::Deploy(BAD)),
        (1, Operation::Place(other)),
        (7, Operation::Upgrade(other)),
        (2, Operation::Upgrade(BAD)),
        (3, Operation::Rollback),
        (2, Operation::Restart),
    ])
}

fn how(dice: &mut Dice, operation: Operation) -> String {
    let order = dice.of(&[(3, ""), (3, " --waves=1,rest"), (2, " --batch=1"), (2, " --batch=50%"), (1, " --max-unavailable=1")]);
    let failures = dice.of(&[(4, ""), (1, " --max-failures=1")]);
    let then = dice.of(&[(2, ""), (2, " --on-failure=stop"), (4, " --on-failure=rollback"), (2, " --on-failure=continue")]);
    // It falls after 5 s.
    let soak = if operation.version() == Some(BAD) { " --soak=8s" } else { "" };
    format!("{order}{failures}{then}{soak}")
}

fn planned(dice: &mut Dice, from: &'static str) -> Planned {
    let second = operation(dice, from);
    let fault = dice.of(&[
        (3, Fault::LinkCut),
        (3, Fault::SessionsKilled),
        (2, Fault::SshdKilled),
        (3, Fault::Rebooted),
        (3, Fault::DiskFull),
        (2, Fault::HostFrozen),
        (3, Fault::NodeStopped),
        (3, Fault::NodeKilled),
        (3, Fault::HealthRed),
        (3, Fault::OperatorKilled),
        (2, Fault::CtrlC),
        (2, Fault::CtrlCTwice),
        (3, Fault::SecondOperator(second)),
    ]);
    let any = dice.below(HOSTS as u32) as usize;
    let host = match fault {
        Fault::DiskFull => any % SMALL_DISKS,
        Fault::Rebooted => SMALL_DISKS + any % (HOSTS - SMALL_DISKS),
        _ => any,
    };
    let lasts_ms = if dice.once_in(4) { None } else { Some(500 + dice.below(6_000)) };
    Planned { fault, host, told: dice.below(TOLD), wait_ms: dice.below(600), lasts_ms }
}

/// About so many words an operation has for its steps.
const TOLD: u32 = 56;

/// The name of a host.
pub(super) fn host(number: usize) -> String {
    format!("prod{}", number + 1)
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "round {}: all serve {}; edeliver {}", self.number, self.from, self.line())?;
        self.faults.iter().try_for_each(|planned| write!(f, "\n  {planned}"))?;
        write!(f, "\n  {}then to {}", if self.again { "the same again, " } else { "" }, self.to)
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.fault.name())?;
        match self.fault {
            Fault::SecondOperator(operation) => write!(f, " (edeliver {})", operation.line())?,
            fault if fault.is_about_operator() => {}
            _ => write!(f, " on {}", host(self.host))?,
        }
        write!(f, ", {} ms after word {}", self.wait_ms, self.told)?;
        match self.lasts_ms {
            _ if self.is_about_operator() => Ok(()),
            Some(ms) => write!(f, ", for {ms} ms"),
            None => write!(f, ", until it is over"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_round_is_the_same_whenever_it_is_played_and_follows_from_the_one_before() {
        for number in 1..200 {
            let recipe = Recipe::new(42, number);
            assert_eq!(recipe, Recipe::new(42, number));
            assert_eq!(Recipe::new(42, number + 1).from, recipe.to);
        }
        assert_ne!(Recipe::new(42, 3), Recipe { number: 3, ..Recipe::new(42, 4) });
    }

    #[test]
    fn every_fault_and_operation_comes_and_where_it_can_be_had() {
        let (mut faults, mut operations) = (BTreeSet::new(), BTreeSet::new());
        for recipe in (1..500).map(|number| Recipe::new(1, number)) {
            operations.insert(recipe.operation.name());
            assert!((1..=2).contains(&recipe.faults.len()));
            for planned in &recipe.faults {
                faults.insert(planned.fault.name());
                match planned.fault {
                    Fault::DiskFull => assert!(planned.host < SMALL_DISKS),
                    Fault::Rebooted => assert!((SMALL_DISKS..HOSTS).contains(&planned.host)),
                    _ => assert!(planned.host < HOSTS),
                }
            }
            let operators = recipe.faults.iter().filter(|planned| planned.is_about_operator()).count();
            assert!(operators <= 1, "{recipe}");
        }
        assert_eq!((faults.len(), operations.len()), (13, 7));
    }
}
