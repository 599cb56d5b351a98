//! A row tried on a node, and what was not as it should be.

use std::{error::Error, thread, time::Duration};

use super::{
    compose::Composed,
    look::{Identity, Look, differences},
    node::Node,
    row::{Outcome, Row, When},
    stage::Done,
};
use crate::load::{Mark, Served};

/// What came of a row with one engine.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// What was not as expected, in the order it was noticed. None: as expected.
    pub(super) faults: Vec<String>,
    /// Requests while the node was upgraded and downgraded.
    pub(super) served: Served,
    /// How long processes stood still at the first upgrade, as edeliver tells it.
    pub(super) suspended: Option<String>,
    /// All that edeliver said.
    pub(super) said: String,
}

/// A row on a node that runs its first version.
pub(super) struct Trial<'a, 'n> {
    pub(super) node: &'a mut Node<'n>,
    pub(super) row: &'a Row,
    pub(super) old: &'a Composed,
    pub(super) found: Found,
    /// How long the last upgrade took.
    pub(super) takes: Duration,
}

/// An attempt to get to another version: the node before it, and what edeliver did.
pub(super) struct Attempt {
    was: Identity,
    pub(super) done: Done,
}

impl<'a, 'n> Trial<'a, 'n> {
    pub(super) fn new(node: &'a mut Node<'n>, row: &'a Row, old: &'a Composed) -> Self {
        Self { node, row, old, found: Found::default(), takes: Duration::ZERO }
    }
    pub(super) fn fault(&mut self, what: impl Into<String>) {
        self.found.faults.push(what.into());
    }
    pub(super) fn is_fine(&self) -> bool {
        self.found.faults.is_empty()
    }
    fn expected(&self) -> &'a Outcome {
        self.row.expected.of(self.node.engine)
    }

    /// Up and down; or the one attempt where it should not come to a new version.
    ///
    /// # Errors
    /// The node is not there any more.
    pub(super) fn up_and_down(&mut self, new: &Composed) -> Result<(), Box<dyn Error>> {
        self.seed()?;
        let before = self.node.look()?;
        let mark = self.node.load.mark();
        self.first_time(new, &before)?;
        if self.is_fine() && self.is_hot() {
            self.down(&before)?;
        }
        self.count(mark);
        Ok(())
    }
    /// Requests since then, of which none may be lost where the node is not restarted.
    pub(super) fn count(&mut self, mark: Mark) {
        self.found.served = self.node.load.since(mark);
        if self.found.served.lost > 0 && !matches!(self.expected(), Outcome::Restarted(_)) {
            let Served { asked, lost, .. } = self.found.served;
            self.fault(format!("{lost} of {asked} requests were lost"));
        }
    }
    /// Processes that need not be the same afterwards.
    pub(super) fn restarted(&self) -> Vec<String> {
        self.row.restarted.iter().cloned().chain([HANDLER.to_owned()]).collect()
    }
    pub(super) fn is_hot(&self) -> bool {
        self.expected().is_hot()
    }

    /// State worth keeping.
    ///
    /// # Errors
    /// The node does not answer.
    pub(super) fn seed(&mut self) -> Result<(), Box<dyn Error>> {
        for seed in &self.row.seeds {
            self.node.eval(seed)?;
        }
        self.holds(When::Version(1), "before")
    }

    /// The first attempt, and whether it came out as expected.
    ///
    /// # Errors
    /// The node is not there any more.
    pub(super) fn first_time(&mut self, new: &Composed, before: &Look) -> Result<(), Box<dyn Error>> {
        let attempt = self.attempt(&format!("deploy upgrade to TARGET --version={}", new.version))?;
        self.found.suspended = suspended(&attempt.done.said);
        self.words(&attempt);
        match self.expected() {
            Outcome::Hot | Outcome::Warned(_) => self.is_upgraded(&attempt, new, before, When::Version(2)),
            Outcome::Restart(_) | Outcome::Refused(_) | Outcome::Reverted(_) => self.is_as_before(&attempt, before),
            Outcome::Restarted(_) => self.is_restarted(&attempt),
        }
    }
    /// Up once more, with state of the first version.
    ///
    /// # Errors
    /// The node is not there any more.
    pub(super) fn up(&mut self, new: &Composed, before: &Look) -> Result<(), Box<dyn Error>> {
        let attempt = self.attempt(&format!("deploy upgrade to TARGET --version={}", new.version))?;
        self.is_upgraded(&attempt, new, before, When::Version(2))
    }
    /// Back to the first version.
    ///
    /// # Errors
    /// The node is not there any more.
    pub(super) fn down(&mut self, before: &Look) -> Result<(), Box<dyn Error>> {
        let attempt = self.attempt("rollback TARGET")?;
        self.is_back(&attempt, before, When::Back)
    }
    /// The node runs an earlier version as the same node, and looks as it did.
    pub(super) fn is_back(&mut self, attempt: &Attempt, before: &Look, when: When) -> Result<(), Box<dyn Error>> {
        if attempt.done.code != 0 {
            self.fault(format!("not back, exit code {}: {}", attempt.done.code, tail(&attempt.done.said)));
        }
        self.same_start(attempt)?;
        if self.is_fine() {
            self.looks_as(before, "after the way back")?;
            self.holds(when, "after the way back")?;
        }
        Ok(())
    }

    pub(super) fn attempt(&mut self, words: &str) -> Result<Attempt, Box<dyn Error>> {
        let was = self.node.started()?;
        let done = self.node.edeliver(words)?;
        self.found.said.push_str(&format!(
            "$ edeliver {}\n{}(exit code {}, {:.2} s)\n",
            self.node.on_target(words),
            done.said,
            done.code,
            done.took.as_secs_f64()
        ));
        Ok(Attempt { was, done })
    }

    /// Whether edeliver said what it should.
    pub(super) fn words(&mut self, attempt: &Attempt) {
        let words = self.expected().words().unwrap_or_default().to_lowercase();
        if !self.found.said.to_lowercase().contains(&words) {
            self.fault(format!("nothing was said of {words:?}: {}", tail(&attempt.done.said)));
        }
        if *self.expected() == Outcome::Hot
            && let Some(warning) = self.found.said.lines().find(|line| line.starts_with("warning: "))
        {
            self.fault(format!("a {warning}"));
        }
    }

    /// The node runs the new version as the same node, with all it had.
    pub(super) fn is_upgraded(
        &mut self,
        attempt: &Attempt,
        new: &Composed,
        before: &Look,
        when: When,
    ) -> Result<(), Box<dyn Error>> {
        if attempt.done.code != 0 {
            self.fault(format!("not upgraded, exit code {}: {}", attempt.done.code, tail(&attempt.done.said)));
            return self.same_start(attempt);
        }
        self.is_there(attempt, new, before, when)
    }
    /// The same, whoever brought it there.
    pub(super) fn is_there(&mut self, attempt: &Attempt, new: &Composed, before: &Look, when: When) -> Result<(), Box<dyn Error>> {
        self.same_start(attempt)?;
        self.stands_still()?;
        self.holds(when, "after the upgrade")?;
        let look = self.node.look()?;
        let mut modules = before.portrait.clone();
        modules.retain(|name, _| name.starts_with("module ") && !self.old.modules.contains_key(&name["module ".len()..]));
        modules.extend(new.modules.iter().map(|(module, md5)| (format!("module {module}"), md5.clone())));
        let is = look.portrait.into_iter().filter(|(name, _)| name.starts_with("module ")).collect();
        self.all("after the upgrade", differences(&modules, &is, &ours()));
        let kept = look.pids.iter().filter(|(path, _)| before.pids.contains_key(*path));
        let kept = kept.map(|(path, pid)| (path.clone(), pid.clone())).collect();
        let gone = |path: &&String| look.pids.contains_key(*path);
        let was = before.pids.iter().filter(|(path, _)| gone(path)).map(|(path, pid)| (path.clone(), pid.clone())).collect();
        let restarted = self.restarted();
        self.all("after the upgrade", differences(&was, &kept, &restarted));
        Ok(())
    }
    /// Nothing at all has changed.
    fn is_as_before(&mut self, attempt: &Attempt, before: &Look) -> Result<(), Box<dyn Error>> {
        self.is_as_it_was(attempt, before)?;
        self.holds(When::Back, "after the attempt")
    }
    /// The same, whichever version it runs.
    pub(super) fn is_as_it_was(&mut self, attempt: &Attempt, before: &Look) -> Result<(), Box<dyn Error>> {
        if attempt.done.code == 0 {
            self.fault("it was upgraded");
        }
        self.same_start(attempt)?;
        self.looks_as(before, "after the attempt")
    }
    /// The node has started again, with the old release, and is well.
    fn is_restarted(&mut self, attempt: &Attempt) -> Result<(), Box<dyn Error>> {
        if attempt.done.code == 0 {
            self.fault("it was upgraded");
        }
        let now = self.node.started()?;
        if now.is(&attempt.was) {
            self.fault(format!("it has not been restarted: {}", tail(&attempt.done.said)));
        }
        self.node.aim()?;
        let look = self.node.look()?;
        let is = |name: &str| look.portrait.get(&format!("module {name}"));
        let wrong: Vec<_> =
            self.old.modules.iter().filter(|(module, md5)| is(module) != Some(*md5)).map(|(module, _)| module.clone()).collect();
        if !wrong.is_empty() {
            self.fault(format!("modules that are not those of the old release: {wrong:?}"));
        }
        self.stands_still()
    }

    pub(super) fn same_start(&mut self, attempt: &Attempt) -> Result<(), Box<dyn Error>> {
        let now = self.node.started()?;
        if !now.is(&attempt.was) {
            self.fault(format!("the node has been restarted: {}", tail(&attempt.done.said)));
            self.node.aim()?;
        }
        Ok(())
    }
    pub(super) fn stands_still(&mut self) -> Result<(), Box<dyn Error>> {
        let mut stuck = self.node.stuck()?;
        if !stuck.is_empty() {
            // The emulator suspends processes of its own for a moment.
            thread::sleep(Duration::from_millis(200));
            let still = self.node.stuck()?;
            stuck.retain(|process| still.contains(process));
        }
        if !stuck.is_empty() {
            self.fault(format!("processes are still suspended: {stuck:?}"));
        }
        Ok(())
    }
    /// The node is what it was, process by process.
    pub(super) fn looks_as(&mut self, before: &Look, when: &str) -> Result<(), Box<dyn Error>> {
        self.stands_still()?;
        let look = self.node.look()?;
        self.all(when, differences(&before.portrait, &look.portrait, &ours()));
        let restarted = self.restarted();
        self.all(when, differences(&before.pids, &look.pids, &restarted));
        Ok(())
    }
    /// A node that was started from the files is what the upgraded one was.
    pub(super) fn boots_as(&mut self, hot: &Look) -> Result<(), Box<dyn Error>> {
        let cold = self.node.look()?;
        self.all("after a cold start, other than upgraded", differences(&hot.portrait, &cold.portrait, &ours()));
        Ok(())
    }
    /// What the row says of this version.
    pub(super) fn holds(&mut self, version: When, when: &str) -> Result<(), Box<dyn Error>> {
        for check in self.row.checks(version) {
            let value = self.node.eval(&check.expression)?;
            if value != check.value {
                self.fault(format!("{when}, {} is {value} and not {}", check.expression, check.value));
            }
        }
        Ok(())
    }
    fn all(&mut self, when: &str, differences: Vec<String>) {
        const SHOWN: usize = 5;
        let more = differences.len().saturating_sub(SHOWN);
        let shown = differences.into_iter().take(SHOWN).map(|one| format!("{when}: {one}"));
        self.found.faults.extend(shown);
        if more > 0 {
            self.fault(format!("{when}: {more} more"));
        }
    }
}

/// OTP's release handler is started again by edeliver, so that it reads what it wrote for it.
const HANDLER: &str = "sasl/release_handler";

/// Modules that tools put into a node, which are no part of a release.
fn ours() -> Vec<String> {
    ["scenes_probe", "edeliver_agent"].map(str::to_owned).to_vec()
}

/// `suspended for 2.6 ms`, as edeliver tells it.
fn suspended(said: &str) -> Option<String> {
    let after = &said[said.find("suspended for ")? + "suspended for ".len()..];
    let mut words = after.split([' ', ',', ')', '\n']);
    Some(format!("{} {}", words.next()?, words.next()?)).filter(|text| text.starts_with(|c: char| c.is_ascii_digit()))
}

/// The last lines, where the reason is.
pub(super) fn tail(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(6)..].join(" / ")
}
