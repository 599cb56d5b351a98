//! One command from its context to its exit code: the runtime, the signals, the renderers, and what is said when it fails.

use std::{ffi::OsString, process::ExitCode, time::Duration};

use edeliver_core::event::{EventKind, Outcome};
use tokio::signal::unix::{SignalKind, signal};

use super::Cli;
use crate::{
    cancel::{self, Interrupter, Level},
    config::Flags,
    ctx::Ctx,
    error::{Error, Kind},
    report::Reporter,
    ui,
};

/// How long a command may take to put itself in order after the second Ctrl-C.
const LAST_GRACE: Duration = Duration::from_secs(5);

/// Runs the command.
pub(super) fn execute(cli: Cli, argv: &[OsString]) -> ExitCode {
    let (reporter, drafts) = Reporter::new();
    let (handle, dispatcher) = ui::start(drafts, &cli.global);
    let work = || in_runtime(command(cli, argv, reporter.clone(), handle));
    // Whatever happens, what was told so far is told to its end: the journal, the last table.
    let code = match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => tell(&reporter, &error),
        Err(_) => {
            tell(&reporter, &Error::new(Kind::Internal, "this is a fault of edeliver; please report it with the lines above"))
        }
    };
    dispatcher.finish(code);
    ExitCode::from(code)
}

fn in_runtime(command: impl Future<Output = u8>) -> Result<u8, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::new(Kind::Internal, error).context("can't start the runtime"))?;
    let code = runtime.block_on(command);
    // A question nobody answers or a stuck name server must not keep us from leaving.
    runtime.shutdown_timeout(Duration::from_millis(200));
    Ok(code)
}

async fn command(cli: Cli, argv: &[OsString], reporter: Reporter, handle: ui::Handle) -> u8 {
    let (interrupter, cancel) = cancel::pair();
    if let Err(error) = listen(interrupter) {
        return tell(&reporter, &error);
    }
    let project = match project(&cli) {
        Ok(project) => project,
        Err(error) => return tell(&reporter, &error),
    };
    let flags = Flags::of_command(&cli.words, cli.global.verbosity());
    cli.global.without_meaning.reasons().into_iter().for_each(|reason| reporter.warn(reason, Vec::new()));
    let ctx = Ctx::new(project, cli.global, reporter, handle, cancel).with_command(argv, &cli.words).with_flags(flags);
    let done = tokio::select! {
        done = cli.command.run(&ctx) => done,
        () = given_up(&ctx) => Err(Error::new(Kind::Interrupted, "interrupted")),
    };
    ctx.leases.ended().await;
    match done {
        Ok(code) => code,
        Err(error) => {
            let code = tell(&ctx.reporter, &error);
            if ctx.run().is_some() {
                let interrupted = error.kind == Kind::Interrupted;
                ctx.told.keep_causes(error.causes());
                ctx.finish(Outcome { hosts: Vec::new(), exit_code: code, interrupted }).await;
            }
            code
        }
    }
}

fn project(cli: &Cli) -> Result<std::path::PathBuf, Error> {
    let dir = cli.global.project.clone().unwrap_or_else(|| ".".into());
    std::fs::canonicalize(&dir)
        .map_err(|error| Error::usage(error).context(format!("can't find the project folder {}", dir.display())))
}

/// Says what went wrong; gives the exit code.
fn tell(reporter: &Reporter, error: &Error) -> u8 {
    reporter.send(EventKind::Error { class: error.kind.word().to_owned(), causes: error.causes(), hints: error.hints.clone() });
    error.kind.exit_code()
}

/// Waits until the command is to be dropped: at the first signal, unless it ends by itself or has a step in hand; then at the second, or a
/// while after it.
async fn given_up(ctx: &Ctx) {
    ctx.cancel.reached(Level::Finish).await;
    if ctx.ends_by_itself() {
        ctx.cancel.reached(Level::Kill).await;
    } else if ctx.has_step_in_hand() {
        ctx.reporter.warn("interrupted: what has begun is finished, nothing else is begun; Ctrl-C again ends it", Vec::new());
        ctx.cancel.reached(Level::Kill).await;
        ctx.reporter.warn("interrupted again: ending what runs on the hosts; Ctrl-C again leaves at once", Vec::new());
        tokio::time::sleep(LAST_GRACE).await;
    }
}

/// Turns signals into levels of urgency, from now on.
fn listen(interrupter: Interrupter) -> Result<(), Error> {
    let watch = |kind| signal(kind).map_err(|error| Error::new(Kind::Internal, error).context("can't watch for signals"));
    let (mut int, mut term, mut hup) =
        (watch(SignalKind::interrupt())?, watch(SignalKind::terminate())?, watch(SignalKind::hangup())?);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = int.recv() => if interrupter.has_lent_terminal() { continue },
                _ = term.recv() => {}
                _ = hup.recv() => {}
            }
            if interrupter.interrupt() == Level::Exit {
                leave();
            }
        }
    });
    Ok(())
}

/// The third signal: the user does not want to wait for anything.
#[expect(
    clippy::exit,
    reason = "the command may be stuck in a call that never returns, so there is nobody to return an exit code to"
)]
fn leave() -> ! {
    std::process::exit(i32::from(Kind::Interrupted.exit_code()));
}
