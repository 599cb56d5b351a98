//! The page about a run.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use super::{recipe::Recipe, round::Ended};

/// What is told of a run.
pub(super) struct Report {
    seed: u64,
    rounds: u32,
    operations: BTreeMap<&'static str, Counted>,
    faults: BTreeMap<&'static str, u32>,
    down: usize,
    took: Duration,
    breaches: Vec<String>,
}

/// How often, and with which exit codes.
#[derive(Default)]
struct Counted {
    times: u32,
    codes: BTreeMap<Option<i32>, u32>,
}

impl Report {
    pub(super) fn new(seed: u64) -> Self {
        let (operations, faults) = (BTreeMap::new(), BTreeMap::new());
        Self { seed, rounds: 0, operations, faults, down: 0, took: Duration::ZERO, breaches: Vec::new() }
    }
    pub(super) fn add(&mut self, recipe: &Recipe, ended: &Ended) {
        self.rounds += 1;
        let counted = self.operations.entry(recipe.operation.name()).or_default();
        counted.times += 1;
        *counted.codes.entry(ended.code).or_default() += 1;
        recipe.faults.iter().for_each(|planned| *self.faults.entry(planned.fault.name()).or_default() += 1);
        self.down += ended.down;
        self.took += ended.took;
        let told = |breach: &String| format!("{recipe}: {breach}").replace('\n', " ");
        self.breaches.extend(ended.breaches.iter().map(told));
    }
    /// The page.
    pub(super) fn text(&self) -> String {
        let mut out = INTRODUCTION.to_owned();
        let breaches = self.breaches.len();
        let _ =
            writeln!(out, "Seed {}, {} rounds, {} min, {breaches} breaches.\n", self.seed, self.rounds, self.took.as_secs() / 60);
        out.push_str("| operation | rounds | exit codes |\n|---|--:|---|\n");
        for (name, counted) in &self.operations {
            let codes: Vec<String> = counted.codes.iter().map(|(code, times)| format!("{} ({times})", word(*code))).collect();
            let _ = writeln!(out, "| {name} | {} | {} |", counted.times, codes.join(", "));
        }
        out.push_str("\n| fault | times |\n|---|--:|\n");
        self.faults.iter().for_each(|(name, times)| out.push_str(&format!("| {name} | {times} |\n")));
        let _ =
            writeln!(out, "\nHosts on which no node ran when all was mended, and `edeliver start` brought it up: {}.", self.down);
        self.breaches.iter().for_each(|breach| out.push_str(&format!("\n- **BREACH** {breach}\n")));
        out
    }
}

fn word(code: Option<i32>) -> String {
    code.map_or("killed".to_owned(), |code| code.to_string())
}

const INTRODUCTION: &str = "# Chaos

Made by `cargo xtask chaos --write`. In each round an operation is done on four real hosts of the lab that serve, with one or two faults at a random
moment of it. Then everything is mended, and every host is looked at from outside, by its files, its processes and what its node answers:

- the release that boots is complete, every file by its digest, and is the old or the new one;
- one node runs, serves the old or the new release, and all code loaded in it is as built. None may run where its host was rebooted or where it was killed,
  or where a disk is full: `edeliver start` has to bring it up then. Where the operator was lost between stop and start the host must have gone back by itself;
- the last table was true, row by row, and so was the exit code;
- the same command again (where it is tried), and then a deploy without faults, end in one version everywhere, and nothing is left: no processes, no staged files,
  no private folders.

`cargo xtask chaos --seed S --only-round K` plays one round of a seed again. `cargo xtask test` plays ten minutes of seed 1 beside everything else; a round in which
something did not hold is played once more there, on hosts of its own, and fails the test only if it does not hold then either.

";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_counts_and_names_every_breach() {
        let mut report = Report::new(5);
        let recipe = Recipe::new(5, 1);
        report.add(&recipe, &Ended { code: Some(9), ..Ended::default() });
        report.add(&recipe, &Ended { code: None, breaches: vec!["prod1: lost".to_owned()], ..Ended::default() });
        let text = report.text();
        assert!(text.contains("Seed 5, 2 rounds") && text.contains("| 2 | killed (1), 9 (1) |"), "{text}");
        assert!(text.contains("- **BREACH** round 1:") && text.contains("prod1: lost") && report.breaches.len() == 1, "{text}");
    }
}
