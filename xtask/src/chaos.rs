//! `cargo xtask chaos`: bad days at random on real hosts, from a printed seed; what must hold always is looked at after every round.
//!
//! A round is an operation on a fleet that serves, one or two faults at a random moment of it, and then, with everything mended, a look at every host
//! that believes nothing edeliver says. Its recipe is made of the seed and its number alone, so it can be run again by itself.

mod beginning;
mod dice;
mod field;
mod judge;
mod look;
mod mishap;
mod operator;
mod recipe;
mod report;
mod round;

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{cargo, packages};
use field::Field;
use recipe::Recipe;
use report::Report;
use round::Ended;

/// Give a fleet bad days at random, and look after each whether everything holds that must
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// So many rounds
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// What all chance comes from; default: another one every time, which is printed
    #[arg(long)]
    seed: Option<u64>,
    /// Begin no round after so many minutes
    #[arg(long)]
    minutes: Option<u64>,
    /// Only what `cargo xtask test` has time for: ten minutes, always with the same seed
    #[arg(long, conflicts_with_all = ["rounds", "seed", "minutes", "only_round", "first"])]
    short: bool,
    /// Only this round of the seed
    #[arg(long, value_name = "K", requires = "seed", conflicts_with = "rounds")]
    only_round: Option<u32>,
    /// Begin with this round of the seed
    #[arg(long, value_name = "K", default_value_t = 1, conflicts_with = "only_round")]
    first: u32,
    /// This edeliver instead of the one of this checkout
    #[arg(long)]
    program: Option<PathBuf>,
    /// Show the recipes and do nothing
    #[arg(long)]
    list: bool,
    /// Write the summary to docs/chaos.md
    #[arg(long, conflicts_with_all = ["only_round", "list"])]
    write: bool,
}

/// The seed of a short run, the most rounds that it may have, and after how many minutes none is begun any more.
const SHORT: (u64, u32, u64) = (1, 1000, 10);

impl Args {
    fn numbers(&self) -> std::ops::Range<u32> {
        match self.only_round {
            Some(only) => only..only + 1,
            None if self.short => 1..1 + SHORT.1,
            None => self.first..self.first + self.rounds,
        }
    }
    fn is_over(&self, began: Instant) -> bool {
        let minutes = self.minutes.or(self.short.then_some(SHORT.2));
        minutes.is_some_and(|minutes| began.elapsed() >= Duration::from_secs(60 * minutes))
    }
}

/// Plays rounds until all are played, the time is over, or something did not hold.
///
/// # Errors
/// If this machine can't hold a lab, or the releases can't be built.
pub(crate) fn run(args: Args) -> Result<ExitCode, Box<dyn Error>> {
    let seed = if args.short { SHORT.0 } else { args.seed.unwrap_or_else(of_the_clock) };
    println!("xtask: seed {seed}");
    if args.list {
        args.numbers().for_each(|number| println!("{}", Recipe::new(seed, number)));
        return Ok(ExitCode::SUCCESS);
    }
    packages::ensure()?;
    let edeliver = match &args.program {
        Some(program) => program.canonicalize()?,
        None => cargo::build_program("edeliver")?,
    };
    let (mut report, mut holds) = (Report::new(seed), true);
    let mut field = Field::up(edeliver.clone(), Recipe::new(seed, args.numbers().start).from)?;
    let began = Instant::now();
    for number in args.numbers() {
        if args.is_over(began) {
            break;
        }
        let recipe = Recipe::new(seed, number);
        println!("{recipe}");
        let ended = round::play(&field, &recipe)?;
        println!("  {ended}");
        report.add(&recipe, &ended);
        // After each round: somebody may have no time for the others.
        if args.write {
            std::fs::write(cargo::workspace().join("docs/chaos.md"), report.text())?;
        }
        if !ended.breaches.is_empty() {
            tell(&field, seed, number, &ended)?;
            // As a test of live nodes that fails is asked once more: what else goes on beside it decides about its moments.
            holds = args.short && again(&edeliver, &recipe)?;
            if !holds {
                break;
            }
            field = Field::up(edeliver.clone(), Recipe::new(seed, number + 1).from)?;
        }
    }
    println!("\n{}", report.text());
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plays a round in which something did not hold once more, on hosts of its own. Whether it holds now.
fn again(edeliver: &Path, recipe: &Recipe) -> Result<bool, Box<dyn Error>> {
    let ended = round::play(&Field::up(edeliver.to_owned(), recipe.from)?, recipe)?;
    println!("  played once more: {ended}");
    Ok(ended.breaches.is_empty())
}

/// A breach: what it was, all that was said, and how to have it once more.
fn tell(field: &Field, seed: u64, number: u32, ended: &Ended) -> Result<(), Box<dyn Error>> {
    let folder = cargo::target_dir().join("chaos").join(format!("{seed}-{number}"));
    std::fs::create_dir_all(&folder)?;
    for (name, text) in &ended.said {
        std::fs::write(folder.join(name), text)?;
    }
    field.keep_journals(&folder);
    for breach in &ended.breaches {
        eprintln!("BREACH {breach}");
    }
    eprintln!("all that was said: {}", folder.display());
    eprintln!("once more: cargo xtask chaos --seed {seed} --only-round {number}");
    Ok(())
}

fn of_the_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64 % 1_000_000_000)
}
