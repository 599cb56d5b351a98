//! What must hold after a round, judged from what was looked at.

use edeliver_core::event::HostResult;

use super::{
    look::View,
    operator::Ending,
    recipe::{BAD, Fault, GOOD, Operation, Recipe, host},
};

/// A round that is over: what there was, what was said, and what there is.
pub(super) struct Case<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) before: &'a [View],
    pub(super) first: &'a Ending,
    /// Of a second operator, and what it was about.
    pub(super) second: Option<&'a Ending>,
    pub(super) after: &'a [View],
}

/// Exit codes that a run on hosts may have. 1 is an error of ours, 2 and 3 were ones of this harness.
const CODES: [i32; 8] = [0, 4, 5, 6, 8, 9, 11, INTERRUPTED];

/// By Ctrl-C.
const INTERRUPTED: i32 = 130;

impl Case<'_> {
    /// Everything that does not hold.
    pub(super) fn breaches(&self) -> Vec<String> {
        let mut all = self.endings();
        all.extend(self.before.iter().zip(self.after).flat_map(|(before, after)| self.host(before, after)));
        all
    }

    fn endings(&self) -> Vec<String> {
        let mut wrong = self.ending(self.first, self.is_killed() || self.is_ended_at_its_beginning());
        wrong.extend(self.second.into_iter().flat_map(|second| self.ending(second, false)));
        wrong
    }
    fn ending(&self, ending: &Ending, may_be_killed: bool) -> Vec<String> {
        let mut wrong = Vec::new();
        match ending.code {
            Some(code) if CODES.contains(&code) => {}
            None if may_be_killed => {}
            code => wrong.push(format!("an operation ended with {code:?}")),
        }
        if ending.err.contains("panicked") || ending.out.contains("panicked") {
            wrong.push("edeliver panicked".to_owned());
        }
        let all_done = !ending.rows.is_empty() && ending.rows.iter().all(|row| row.result == HostResult::Done);
        if ending.code == Some(0) && !all_done {
            wrong.push("exit code 0, and not every host is done in the last table".to_owned());
        }
        wrong
    }

    fn host(&self, before: &View, after: &View) -> Vec<String> {
        let mut wrong: Vec<String> = after.damage.iter().take(5).map(|what| format!("lost: {what}")).collect();
        let allowed = self.allowed(before);
        if !allowed.contains(&after.boots) {
            wrong.push(format!("{:?} boots, which is none of {allowed:?}", after.boots));
        }
        if after.nodes > 1 {
            wrong.push(format!("{} nodes run", after.nodes));
        }
        if after.nodes > 0 && !allowed.contains(&after.serves) && !allowed.contains(&Some(BAD.to_owned())) {
            wrong.push(format!("a node runs and serves {:?}, which is none of {allowed:?}", after.serves));
        }
        if after.nodes == 0 && !self.may_be_down(before) {
            wrong.push("no node runs, and nobody has ended it".to_owned());
        }
        if self.second.is_none() {
            wrong.extend(self.row(before, after));
        }
        wrong.iter().map(|what| format!("{}: {what}", after.host)).collect()
    }

    /// Whether what the last table says of the host is so.
    fn row(&self, before: &View, after: &View) -> Option<String> {
        let result = self.first.of(&after.host)?;
        let new = goal(self.recipe.operation, before);
        // Nobody but edeliver knows which.
        new.as_ref()?;
        let served = if matches!(self.recipe.operation, Operation::Place(_)) { before.serves.clone() } else { new.clone() };
        let (boots, serves) = match result {
            HostResult::Done => (new.clone(), served),
            // It went well, and then not back: its line says so.
            HostResult::Failed if self.first.says(&after.host, "it was not taken back") => (new.clone(), served),
            HostResult::Failed | HostResult::TakenBack | HostResult::Skipped => (before.boots.clone(), before.serves.clone()),
            HostResult::Unknown | HostResult::Broken => return None,
        };
        // It falls by itself, some seconds after it was called done by somebody who did not wait.
        let falls = result == HostResult::Done && new.as_deref() == Some(BAD) && self.first.code == Some(INTERRUPTED);
        let down = falls && after.serves.is_none() || after.nodes == 0 && self.is_struck(&after.host, Fault::ends_node);
        // Interrupted between what boots and what runs: its line says so.
        let half =
            self.first.code == Some(INTERRUPTED) && result == HostResult::Failed && self.allowed(before).contains(&after.boots);
        let true_row = (half || after.boots == boots) && (down || after.serves == serves);
        (!true_row).then(|| {
            format!(
                "its row says {result:?}, so {boots:?} boots and {serves:?} serves; but {:?} boots, {:?} serves",
                after.boots, after.serves
            )
        })
    }

    /// Versions that the host may have now.
    fn allowed(&self, before: &View) -> Vec<Option<String>> {
        let mut allowed = vec![before.boots.clone(), goal(self.recipe.operation, before)];
        if allowed.contains(&None) {
            allowed.extend(GOOD.map(|version| Some(version.to_owned())));
        }
        for planned in &self.recipe.faults {
            if let Fault::SecondOperator(operation) = planned.fault {
                allowed.push(goal(operation, before));
                // It may have begun when the first one was done.
                allowed.extend((operation == Operation::Rollback).then(|| before.boots.clone()));
            }
        }
        allowed
    }
    /// Whether there may be no node: something ended it, or it was under way from one to another when its operator was lost, and the host has no
    /// room to go back by itself.
    fn may_be_down(&self, before: &View) -> bool {
        let falls = self.allowed(before).contains(&Some(BAD.to_owned()));
        let is_stuck = self.is_struck(&before.host, |fault| fault == Fault::DiskFull) && self.is_half_way(&before.host);
        falls || self.is_struck(&before.host, Fault::ends_node) || is_stuck
    }
    /// Nobody was there to start what was stopped, and nobody says otherwise.
    fn is_half_way(&self, name: &str) -> bool {
        let unknown = |ending: &Ending| matches!(ending.of(name), Some(HostResult::Unknown | HostResult::Broken));
        self.is_killed() || unknown(self.first) || self.second.is_some_and(unknown)
    }
    /// By a Ctrl-C that came before the program was ready for one, and for anything else.
    fn is_ended_at_its_beginning(&self) -> bool {
        self.first.out.is_empty() && self.recipe.has(|planned| planned.fault == Fault::CtrlC)
    }
    fn is_killed(&self) -> bool {
        self.recipe.has(|planned| matches!(planned.fault, Fault::OperatorKilled | Fault::CtrlCTwice))
    }
    fn is_struck(&self, name: &str, by: impl Fn(Fault) -> bool) -> bool {
        self.recipe.has(|planned| host(planned.host) == name && by(planned.fault))
    }
}

/// What a host has when the operation has come to its end there; `None`: it has forgotten what it had before.
fn goal(operation: Operation, before: &View) -> Option<String> {
    match operation {
        Operation::Rollback => before.previous.clone(),
        Operation::Restart => before.boots.clone(),
        Operation::Deploy(version) | Operation::Place(version) | Operation::Upgrade(version) => Some(version.to_owned()),
    }
}

/// What is not so although everything was brought to one version.
pub(super) fn together(views: &[View], version: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for view in views {
        let version = Some(version.to_owned());
        if view.boots != version || view.serves != version || view.nodes != 1 {
            wrong.push(format!("{}: {:?} boots, {:?} serves, {} nodes run", view.host, view.boots, view.serves, view.nodes));
        }
        wrong.extend(view.guarded.then(|| format!("{}: a restart is not confirmed", view.host)));
        let rest = view.damage.iter().take(5).chain(&view.strays).chain(&view.leftovers);
        wrong.extend(rest.map(|what| format!("{}: {what}", view.host)));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use edeliver_core::event::HostOutcome;

    use super::*;
    use crate::chaos::recipe::Planned;

    fn recipe(operation: Operation, fault: Fault) -> Recipe {
        let planned = Planned { fault, host: 0, told: 0, wait_ms: 0, lasts_ms: None };
        Recipe { number: 1, from: GOOD[0], operation, how: String::new(), faults: vec![planned], again: false, to: GOOD[0] }
    }
    fn view(boots: &str, serves: Option<&str>) -> View {
        let serves = serves.map(str::to_owned);
        View {
            host: host(0),
            boots: Some(boots.to_owned()),
            previous: Some(GOOD[1].to_owned()),
            nodes: usize::from(serves.is_some()),
            serves,
            ..View::default()
        }
    }
    fn ending(code: i32, result: HostResult) -> Ending {
        let row = HostOutcome { host: host(0).parse().unwrap(), result, summary: String::new() };
        Ending { code: Some(code), rows: vec![row], ..Ending::default() }
    }
    fn breaches(recipe: &Recipe, first: &Ending, after: View) -> Vec<String> {
        let before = [view(GOOD[0], Some(GOOD[0]))];
        Case { recipe, before: &before, first, second: None, after: &[after] }.breaches()
    }

    #[test]
    fn nobody_ends_by_a_signal_who_has_begun() {
        let recipe = recipe(Operation::Deploy(GOOD[1]), Fault::CtrlC);
        let silent = Ending::default();
        assert_eq!(breaches(&recipe, &silent, view(GOOD[0], Some(GOOD[0]))), [""; 0]);
        let begun = Ending { out: "{}".to_owned(), ..Ending::default() };
        assert_eq!(breaches(&recipe, &begun, view(GOOD[0], Some(GOOD[0]))).len(), 1);
    }

    #[test]
    fn a_host_that_is_done_serves_the_new_release_and_one_that_failed_the_old_one() {
        let recipe = recipe(Operation::Deploy(GOOD[1]), Fault::LinkCut);
        let (old, new) = (view(GOOD[0], Some(GOOD[0])), view(GOOD[1], Some(GOOD[1])));
        let (done, failed) = (ending(0, HostResult::Done), ending(9, HostResult::Failed));
        assert_eq!(breaches(&recipe, &done, new.clone()), [""; 0]);
        assert_eq!(breaches(&recipe, &failed, old.clone()), [""; 0]);
        assert_eq!(breaches(&recipe, &done, old.clone()).len(), 1);
        assert_eq!(breaches(&recipe, &failed, new.clone()).len(), 1);
        let mut not_back = ending(8, HostResult::Failed);
        not_back.rows[0].summary = "0.2.0 running; it was not taken back: the host can't be reached".to_owned();
        assert_eq!(breaches(&recipe, &not_back, new.clone()), [""; 0]);
        for either in [old, new] {
            assert_eq!(breaches(&recipe, &ending(8, HostResult::Unknown), either), [""; 0]);
        }
    }

    #[test]
    fn a_host_without_a_node_needs_somebody_who_ended_it() {
        let none = || view(GOOD[0], None);
        let operation = Operation::Upgrade(GOOD[1]);
        assert_eq!(breaches(&recipe(operation, Fault::Rebooted), &ending(9, HostResult::Failed), none()), [""; 0]);
        for (fault, code, result) in [(Fault::DiskFull, 9, HostResult::Failed), (Fault::LinkCut, 8, HostResult::Unknown)] {
            let wrong = breaches(&recipe(operation, fault), &ending(code, result), none());
            assert!(wrong.iter().any(|what| what.contains("no node runs")), "{wrong:?}");
        }
        assert_eq!(breaches(&recipe(operation, Fault::DiskFull), &ending(8, HostResult::Unknown), none()), [""; 0]);
    }

    #[test]
    fn what_is_lost_or_a_third_release_is_a_breach_whatever_was_said() {
        let recipe = recipe(Operation::Restart, Fault::OperatorKilled);
        let killed = Ending::default();
        let damaged = View { damage: vec!["bin/hotapp is missing".to_owned()], ..view(GOOD[0], Some(GOOD[0])) };
        assert_eq!(breaches(&recipe, &killed, damaged), ["prod1: lost: bin/hotapp is missing"]);
        assert_eq!(breaches(&recipe, &killed, view(GOOD[1], Some(GOOD[1]))).len(), 2);
        assert_eq!(breaches(&recipe, &killed, view(GOOD[0], Some(GOOD[0]))), [""; 0]);
    }

    #[test]
    fn an_interrupted_host_serves_the_old_release_and_may_boot_the_new_one() {
        let recipe = recipe(Operation::Deploy(GOOD[1]), Fault::CtrlC);
        let half = || view(GOOD[1], Some(GOOD[0]));
        assert_eq!(breaches(&recipe, &ending(130, HostResult::Failed), half()), [""; 0]);
        assert_eq!(breaches(&recipe, &ending(9, HostResult::Failed), half()).len(), 1);
        assert_eq!(breaches(&recipe, &ending(130, HostResult::Failed), view(GOOD[1], Some(GOOD[1]))).len(), 1);
    }

    #[test]
    fn a_host_that_has_forgotten_what_it_had_goes_back_to_any_good_release() {
        let recipe = recipe(Operation::Rollback, Fault::DiskFull);
        let before = [View { previous: None, ..view(GOOD[0], Some(GOOD[0])) }];
        let (first, after) = (ending(0, HostResult::Done), [view(GOOD[1], Some(GOOD[1]))]);
        assert_eq!(Case { recipe: &recipe, before: &before, first: &first, second: None, after: &after }.breaches(), [""; 0]);
    }

    #[test]
    fn errors_of_ours_and_untrue_exit_codes_are_breaches() {
        let recipe = recipe(Operation::Restart, Fault::LinkCut);
        let same = || view(GOOD[0], Some(GOOD[0]));
        assert_eq!(breaches(&recipe, &ending(1, HostResult::Failed), same()).len(), 1);
        assert_eq!(breaches(&recipe, &ending(0, HostResult::Failed), same()).len(), 1);
        assert_eq!(breaches(&recipe, &Ending::default(), same()), ["an operation ended with None"]);
    }

    #[test]
    fn at_the_end_all_are_the_same_and_nothing_is_left() {
        assert_eq!(together(&[view(GOOD[0], Some(GOOD[0]))], GOOD[0]), [""; 0]);
        let left = View { leftovers: vec!["staging/x".to_owned()], ..view(GOOD[0], Some(GOOD[0])) };
        assert_eq!(together(&[left], GOOD[0]), ["prod1: staging/x"]);
        assert_eq!(together(&[view(GOOD[1], Some(GOOD[0]))], GOOD[0]).len(), 1);
    }
}
