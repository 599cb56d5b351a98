//! The project's habits, as `cargo xtask VERB`. One file per verb; a new one needs its module and its line in `Habit`.

mod lab;
mod packages;

use std::process::ExitCode;

use clap::Parser;

/// The habits of this project.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Habit {
    Lab(lab::Args),
    Packages(packages::Args),
}

fn main() -> ExitCode {
    let done = match Habit::parse() {
        Habit::Lab(args) => lab::run(args),
        Habit::Packages(args) => packages::run(args),
    };
    done.unwrap_or_else(|error| {
        eprintln!("xtask: {error}");
        ExitCode::FAILURE
    })
}
