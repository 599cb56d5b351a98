//! The program: `edeliver-lab VERB`. Everything is in the library, so that tests can reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    edeliver_lab::cli::main()
}
