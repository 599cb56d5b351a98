//! The project's habits, as `cargo xtask VERB`. One file per verb; a new one needs its module and its line in `Habit`.

mod bench;
mod book;
mod cargo;
mod chaos;
mod demo;
mod dist;
mod lab;
mod load;
mod matrix;
mod packages;
mod scenarios;
mod test;

use std::process::ExitCode;

use clap::Parser;

/// The habits of this project.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Habit {
    Book(book::Args),
    Chaos(chaos::Args),
    Demo(demo::Args),
    Dist(dist::Args),
    Test(test::Args),
    Bench(bench::Args),
    Lab(lab::Args),
    Matrix(matrix::Args),
    Packages(packages::Args),
    Scenarios(scenarios::Args),
}

fn main() -> ExitCode {
    let done = match Habit::parse() {
        Habit::Book(args) => book::run(args),
        Habit::Chaos(args) => chaos::run(args),
        Habit::Demo(args) => demo::run(args),
        Habit::Dist(args) => dist::run(&args),
        Habit::Test(args) => test::run(args),
        Habit::Bench(args) => bench::run(args),
        Habit::Lab(args) => lab::run(args),
        Habit::Matrix(args) => matrix::run(args),
        Habit::Packages(args) => packages::run(args),
        Habit::Scenarios(args) => scenarios::run(args),
    };
    done.unwrap_or_else(|error| {
        eprintln!("xtask: {error}");
        ExitCode::FAILURE
    })
}
