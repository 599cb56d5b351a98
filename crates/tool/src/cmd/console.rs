//! `edeliver console TARGET`: a remote shell of one node, on the user's terminal.

use std::{io::IsTerminal as _, process::ExitStatus, time::Duration};

use edeliver_core::{
    config::{HostSpec, TargetSettings},
    event::EventKind,
    hint::Hint,
};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::{
    cli::options::TargetArgs,
    ctx::Ctx,
    error::{Error, Kind},
    node::{Place, link},
    transport::{self, Call, Script, Transport, quote},
};

const PREPARE: Script = Script {
    name: "prepare console",
    text: concat!(
        include_str!("../node/process.sh"),
        include_str!("../node/permanent.sh"),
        include_str!("../node/files.sh"),
        include_str!("console/prepare.sh")
    ),
};
const REMOVE: Script = Script { name: "remove console", text: r#"rm -rf "$1""# };
/// Runs on the terminal.
const SHELL: &str = include_str!("console/shell.sh");

const PATIENCE: Duration = Duration::from_secs(30);

/// Arguments of `console`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
IEx where the release has it, otherwise Erlang's shell, connected to the running node. Ctrl-C twice, or Ctrl-G and q, leave it; the node \
runs on. The cookie stays on the host, in no command line.

  edeliver console staging
  edeliver console on production --host=web1

Exits with 0 after the shell, with 8 if the node can't be called, with 6 if the host can't be reached.")]
pub struct Args {
    /// Which host: of a target with several, one has to be picked.
    #[command(flatten)]
    pub target: TargetArgs,
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    if ctx.global.json || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        let error = Error::usage("a console needs a terminal");
        return Err(error.hint(Hint::command("programs use", "edeliver eval CODE on TARGET --json")));
    }
    let host = pick(ctx, ctx.target(&args.target).await?).await?;
    ctx.reporter.send(EventKind::Waiting { what: format!("connecting to the node on {}", host.name) });
    let transport = transport::open(&host, ctx.limits()?).await?;
    let ended = on_host(ctx, &host, &transport).await;
    transport.close().await;
    match ended?.code() {
        // Ctrl-C and Ctrl-\ are ways to leave it.
        Some(0 | 130 | 131) => Ok(0),
        _ => Err(Error::new(Kind::Stopped, "the shell did not end as it should")),
    }
}

/// The one host.
async fn pick(ctx: &Ctx, target: TargetSettings) -> Result<HostSpec, Error> {
    let names = target.hosts.iter().map(|host| host.name.to_string()).collect();
    let at = match target.hosts.len() {
        1 => Some(0),
        _ => ctx.ui.choose(format!("a console of which host of {}?", target.name), names, "--host=HOST").await?,
    };
    let host = at.and_then(|at| target.hosts.into_iter().nth(at));
    host.ok_or_else(|| Error::new(Kind::Interrupted, "no host was chosen"))
}

async fn on_host(ctx: &Ctx, host: &HostSpec, transport: &std::sync::Arc<dyn Transport>) -> Result<ExitStatus, Error> {
    let place = Place::on(host, &ctx.settings()?.app);
    // Says at once, and in our words, why a node has no shell to give.
    let link = link::open(transport, &place, PATIENCE).await?;
    let node = link.node().to_string();
    link.close().await;
    ctx.reporter.info(format!("{node} on {}; Ctrl-C twice leaves the shell, and the node runs on", host.name));
    let args = place.args().into_iter().chain([node, SHELL.to_owned()]);
    let call = Call::new(PREPARE, args, PATIENCE);
    let folder = transport.run(call).await?.ok(PREPARE)?.text().trim().to_owned();
    let ended = on_terminal(ctx, &**transport, &folder).await;
    // It goes with the shell; this is for a shell that never began.
    let _ = transport.run(Call::new(REMOVE, [folder], PATIENCE)).await;
    ended
}

/// Lends the terminal to the shell until that ends.
async fn on_terminal(ctx: &Ctx, transport: &dyn Transport, folder: &str) -> Result<ExitStatus, Error> {
    let script = format!("{folder}/shell");
    if quote::word(&script) != script {
        return Err(Error::new(Kind::Internal, format!("no login shell takes this path as it stands: {script}")));
    }
    let mut command = transport.terminal(&script).ok_or_else(|| Error::new(Kind::Internal, "this host has no terminals"))?;
    let _room = ctx.ui.make_room().await;
    let _lent = ctx.cancel.lend_terminal();
    // Ctrl-\ would end us, and a shell on this machine with us.
    let _quit = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::quit());
    let before = tcgetattr(std::io::stdin());
    let ended = command.status().await.map_err(|error| Error::new(Kind::Internal, error).context("can't start the shell"));
    if let Ok(before) = before {
        // A shell that was killed leaves the terminal without echo.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, &before);
    }
    ended
}
