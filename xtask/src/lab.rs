//! `cargo xtask lab ...`: the program of crates/lab, built first.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::process::{Command, ExitCode};

/// Throw-away Linux hosts on this machine: `lab up 3`, `lab ssh prod1`, `lab down`; see `lab --help`
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Passed on to edeliver-lab
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
}

pub(crate) fn run(Args { args }: Args) -> Result<ExitCode, Box<dyn Error>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Cargo passes on the program's own status, 77 ("this machine cannot") included.
    let status = Command::new(cargo).args(["run", "--quiet", "--package", "edeliver-lab", "--"]).args(args).status()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
