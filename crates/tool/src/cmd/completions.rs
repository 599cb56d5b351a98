//! `edeliver completions SHELL`.

use clap::CommandFactory as _;

use crate::{ctx::Ctx, error::Error};

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell the script is for
    pub shell: clap_complete::Shell,
}

pub(crate) fn run(ctx: &Ctx, args: &Args) -> Result<u8, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::cli::Cli::command(), "edeliver", &mut script);
    ctx.answer_text(String::from_utf8_lossy(&script));
    Ok(0)
}
