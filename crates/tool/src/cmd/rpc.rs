//! `edeliver rpc 'Module.function(args)' [on] TARGET`: a function of the nodes.

pub(super) mod call;

use std::time::Duration;

use edeliver_core::{config::TargetSettings, hint::Hint};

use crate::{
    ask::{
        self, Shelf,
        code::{Amount, Code},
    },
    cli::options::{TargetArgs, time},
    ctx::Ctx,
    error::Error,
    ui::words,
};

/// Arguments of `rpc`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The call is made on every node of the target. An Elixir call is answered in Elixir, an Erlang call in Erlang; equal answers are told once. \
What the function prints is shown while it runs. Call and target may stand in any order.

  edeliver rpc 'Node.list(:hidden)' on production
  edeliver rpc 'erlang:memory(total)' production --host=web1

Exits with 0 if every node returned a value, with 8 if one did not (it is down, hangs, or the function raised), with 11 if nobody \
knows whether it was called (the link was lost, or no answer came in time), with 6 if a host can't be reached, with 2 if the call can't be \
read.")]
pub struct Args {
    /// The call: Module.function(arguments) of Elixir, or module:function(Arguments) of Erlang
    #[arg(value_name = "CALL")]
    pub code: String,
    /// How long, and how much.
    #[command(flatten)]
    pub how: How,
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// How nodes are asked.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct How {
    /// Give up on a node after this time; what was called there goes on
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "30s")]
    pub timeout: Duration,
    /// Show values to their end, however long they are
    #[arg(long)]
    pub full: bool,
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let code = call::parse(&args.code).ok_or_else(|| no_call(&args.code))?;
    let what = format!("{} on {}", shown(&args.code), target_in_words(ctx, &args.target).await?);
    ask_for_values(ctx, &ctx.target(&args.target).await?, what, args.how, move |_| code.clone()).await
}

/// The error for a text that calls no function.
pub(super) fn no_call(text: &str) -> Error {
    Error::usage(format!("`{text}` is not the call of a function"))
        .hint(Hint::text("write Module.function(arguments) for Elixir, module:function(Arguments) for Erlang"))
        .hint(Hint::command("other expressions are for", "edeliver eval"))
}

/// Evaluates something on every node, and tells the values. `code` is told whether the release has Elixir.
pub(super) async fn ask_for_values(
    ctx: &Ctx,
    target: &TargetSettings,
    what: String,
    how: How,
    code: impl Fn(bool) -> Code + Clone + Send + Sync + 'static,
) -> Result<u8, Error> {
    let shelf = Shelf::default();
    let answered = ask::every(ctx, target, what, ask::AT_A_TIME, move |site| {
        let (code, shelf) = (code.clone(), shelf.clone());
        async move {
            let (found, mut link) = site.link(how.timeout).await?;
            let amount = if how.full { Amount::All } else { Amount::Readable };
            // While the link lives, no other node's long value is read in place of this one.
            let text = match code(found.elixir).evaluate(&site, &mut *link, how.timeout, amount).await {
                Ok(value) => shelf.put(value.text).await,
                Err(error) => Err(error.into()),
            };
            link.close().await;
            text
        }
    })
    .await?;
    ask::tell_answers(ctx, &answered).await?;
    ask::tell_trouble(ctx, &answered);
    Ok(ask::exit_code(&answered, |_| true))
}

/// `3 hosts`.
pub(super) async fn target_in_words(ctx: &Ctx, args: &TargetArgs) -> Result<String, Error> {
    Ok(words::count(ctx.target(args).await?.hosts.len(), "host"))
}

/// The code as one line that is not too long.
pub(super) fn shown(code: &str) -> String {
    crate::ui::table::fit(&crate::report::printable(&code.replace('\n', " ")), 40)
}
