//! `edeliver eval 'expression' [on] TARGET`: any code on the nodes.

use super::rpc::{How, ask_for_values, shown, target_in_words};
use crate::{
    ask::code::{Code, Language},
    cli::options::TargetArgs,
    ctx::Ctx,
    error::Error,
};

/// Arguments of `eval`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The code is evaluated on every running node of the target, not beside it. It is Elixir where the release has Elixir, otherwise Erlang; \
its value is shown in the same language, and equal values are told once. What it prints is shown while it runs.

  edeliver eval 'Application.get_env(:shop, :pool_size)' on production
  edeliver eval --erlang '[N || N <- nodes(), N =/= node()].' production

Exits with 0 if every node gave a value, with 8 if one did not (it is down, hangs, or the code raised), with 11 if nobody knows \
whether it was evaluated (the link was lost, or no answer came in time), with 6 if a host can't be \
reached, with 2 if the code can't be read.")]
pub struct Args {
    /// The code: one expression, or several
    #[arg(value_name = "CODE")]
    pub code: String,
    /// It is Erlang, also where the release has Elixir
    #[arg(long)]
    pub erlang: bool,
    /// How long, and how much.
    #[command(flatten)]
    pub how: How,
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    if args.code.trim().is_empty() {
        return Err(Error::usage("there is no code to evaluate"));
    }
    let what = format!("{} on {}", shown(&args.code), target_in_words(ctx, &args.target).await?);
    let (source, target) = (args.code, ctx.target(&args.target).await?);
    let code = move |has_elixir: bool| {
        let language = if has_elixir && !args.erlang { Language::Elixir } else { Language::Erlang };
        Code { language, source: source.clone() }
    };
    ask_for_values(ctx, &target, what, args.how, code).await
}
