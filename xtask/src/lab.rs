//! `cargo xtask lab ...`: the program of crates/lab, built first.

use std::error::Error;
use std::ffi::OsString;
use std::process::ExitCode;

use crate::cargo;

/// Throw-away Linux hosts on this machine: `lab up 3`, `lab ssh prod1`, `lab down`; see `lab --help`
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Passed on to edeliver-lab
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
}

pub(crate) fn run(Args { args }: Args) -> Result<ExitCode, Box<dyn Error>> {
    // Cargo passes on the program's own status, 77 ("this machine cannot") included.
    let status = cargo::here().args(["run", "--quiet", "--package", "edeliver-lab", "--"]).args(args).status()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
