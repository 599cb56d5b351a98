//! The command line: words become a [`Command`], the command gets a [`Ctx`], its result becomes the exit code.
//!
//! Everything up to [`execute`] is cheap and pure: `--help`, completions and a wrong word read no file and ask nobody.

pub mod help;
mod hidden;
pub mod options;
mod session;
pub mod words;

use std::{ffi::OsString, path::Path, process::ExitCode};

use clap::{CommandFactory as _, FromArgMatches as _};
use edeliver_core::{name::TargetName, plan::NodeAction, resume::Which};

use crate::{cmd, ctx::Ctx, error::Error, ui};
use options::Global;

/// Builds Erlang and Elixir releases, keeps them in a store, deploys them to hosts and runs nodes there
#[derive(Debug, clap::Parser)]
#[command(
    name = "edeliver",
    version,
    disable_help_subcommand = true,
    disable_version_flag = true,
    subcommand_value_name = "COMMAND",
    max_term_width = 100,
    after_help = "The words `to` and `on` may be put in front of a target. Without a target, `staging` is meant.\n\
                  `edeliver help COMMAND` explains a command, `edeliver help exit-codes` the exit codes."
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// Print the version
    #[arg(short = 'v', long, action = clap::ArgAction::Version)]
    version: Option<bool>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// The same in words.
    #[arg(skip)]
    pub words: Words,
}

/// The words of a command: `deploy release`, and the target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// The command's.
    pub command: Vec<String>,
    /// The target's name, if the command has one.
    pub target: Option<String>,
}

impl Words {
    fn of(matches: &clap::ArgMatches) -> Self {
        let mut command = Vec::new();
        let mut at = matches;
        while let Some((name, below)) = at.subcommand() {
            command.push(name.to_owned());
            at = below;
        }
        let target = at.try_get_one::<TargetName>("target").ok().flatten();
        Self { command, target: target.map(ToString::to_string) }
    }
}

/// The verbs. A new one is a variant here, an arm in [`Command::run`], and a file in `cmd/` that looks like its neighbours.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Write the first edeliver.toml of a project
    Init(cmd::init::Args),
    /// Look at everything that builds, deploys and nodes need, here and on every host
    Doctor(cmd::doctor::Args),
    /// Build releases on the build host
    #[command(subcommand)]
    Build(cmd::build::Command),
    /// Deploy releases to the hosts of a target
    #[command(subcommand)]
    Deploy(cmd::deploy::Command),
    /// Build, and upgrade running nodes without a restart
    Upgrade(cmd::upgrade::Args),
    /// Build, deploy, and restart nodes into the new release
    Update(cmd::update::Args),
    /// Try an upgrade on the build host first
    #[command(subcommand)]
    Rehearse(cmd::rehearse::Command),
    /// Go back to the release that served before
    Rollback(cmd::rollback::Args),
    /// Finish a run that failed or was killed: its command once more, for the hosts that are left
    Resume(cmd::resume::Args),
    /// The same for the hosts that failed
    Retry(cmd::resume::RetryArgs),
    /// Start nodes, and wait until they are up
    Start(cmd::node::Args),
    /// Stop nodes, and wait until they are gone
    Stop(cmd::node::Args),
    /// Stop nodes and start them again, into the release that boots
    Restart(cmd::node::Args),
    /// Have systemd run the nodes of a target: write their unit
    Setup(cmd::setup::Args),
    /// Say which nodes are up
    Ping(cmd::node::AskArgs),
    /// Show how nodes are: state, release, uptime, memory, processes; once or all the time
    Status(cmd::status::Args),
    /// Say which release each node runs
    Version(cmd::node::AskArgs),
    /// Show what each host has, runs and boots next
    Releases(cmd::releases::Args),
    /// Show at one look what differs between the hosts of a target, and from what was deployed
    Fleet(cmd::drift::Args),
    /// Call a function of the nodes
    Rpc(cmd::rpc::Args),
    /// Evaluate code on the nodes
    Eval(cmd::eval::Args),
    /// Run a function that does something, such as MyApp.Release.migrate, as a recorded run
    Task(cmd::task::Args),
    /// Open a remote shell of one node: IEx, or Erlang's
    Console(cmd::console::Args),
    /// Run a shell command on each host
    Exec(cmd::exec::Args),
    /// Show what nodes print
    Logs(cmd::logs::Args),
    /// Migrate databases by Ecto, on one host of a target
    Migrate(cmd::migrate::Args),
    /// Who changes a target, and keeping deployers out of it
    #[command(subcommand)]
    Lock(cmd::lock::Command),
    /// Show migrations; also `show migrations`
    #[command(hide = true)]
    Migrations(cmd::migrate::ShowArgs),
    /// Show what is in the release store, and migrations
    #[command(subcommand)]
    Show(cmd::show::Command),
    /// Say what differs between two releases, and whether a running node can go that way
    Diff(cmd::diff::Args),
    /// Change what is in the release store by hand
    #[command(subcommand)]
    Edit(cmd::edit::Command),
    /// Bring a release, an upgrade or a file to the release store on another host or in S3
    Upload(cmd::exchange::Args),
    /// Fetch a release, an upgrade or a file from the release store on another host or in S3
    Download(cmd::exchange::Args),
    /// Earlier runs: list them, show one again; `run MyApp.Release.migrate` runs a task
    #[command(subcommand)]
    Run(cmd::run::Command),
    /// Write a recorded run as a page to look at: one HTML file
    Report(cmd::report::Args),
    /// Show the runs on a target as they happen, also those of other terminals
    Watch(cmd::watch::Args),
    /// Count the versions up in the sources of an Erlang project
    Increase(cmd::increase::Args),
    /// Write a release of the store into a folder, to look into it or to change it
    #[command(subcommand)]
    Unpack(cmd::pack::Command),
    /// Put what was unpacked and changed into the store again
    #[command(subcommand)]
    Pack(cmd::pack::Command),
    /// Check a release in the store, or the configuration
    #[command(subcommand)]
    Check(cmd::check::Command),
    /// The configuration: what it says and where, or from edeliver 1.x
    #[command(subcommand)]
    Config(cmd::config::Command),
    /// Print a completion script for a shell
    Completions(cmd::completions::Args),
    /// Explain a command or a topic
    Help(help::Args),
    /// A command that the project brings along
    #[command(name = words::OWN, hide = true)]
    Own(cmd::own::strategy::Args),
}

impl Command {
    async fn run(self, ctx: &Ctx) -> Result<u8, Error> {
        match self {
            Self::Init(args) => cmd::init::run(ctx, args).await,
            Self::Doctor(args) => cmd::doctor::run(ctx, args).await,
            Self::Build(command) => cmd::build::run(ctx, command).await,
            Self::Deploy(command) => cmd::deploy::run(ctx, command).await,
            Self::Upgrade(args) => cmd::upgrade::run(ctx, args).await,
            Self::Update(args) => cmd::update::run(ctx, args).await,
            Self::Rehearse(command) => cmd::rehearse::run(ctx, command).await,
            Self::Rollback(args) => cmd::rollback::run(ctx, args).await,
            Self::Resume(args) => cmd::resume::run(ctx, args, Which::Left).await,
            Self::Retry(args) => cmd::resume::run(ctx, args.run, Which::Failed).await,
            Self::Start(args) => cmd::node::run(ctx, NodeAction::Start, args).await,
            Self::Stop(args) => cmd::node::run(ctx, NodeAction::Stop, args).await,
            Self::Restart(args) => cmd::node::run(ctx, NodeAction::Restart, args).await,
            Self::Setup(args) => cmd::setup::run(ctx, args).await,
            Self::Ping(args) => cmd::node::ping(ctx, args).await,
            Self::Status(args) => cmd::status::run(ctx, args).await,
            Self::Version(args) => cmd::node::version(ctx, args).await,
            Self::Releases(args) => cmd::releases::run(ctx, args).await,
            Self::Fleet(args) => cmd::drift::run(ctx, args).await,
            Self::Rpc(args) => cmd::rpc::run(ctx, args).await,
            Self::Eval(args) => cmd::eval::run(ctx, args).await,
            Self::Task(args) => cmd::task::run(ctx, args).await,
            Self::Console(args) => cmd::console::run(ctx, args).await,
            Self::Exec(args) => cmd::exec::run(ctx, args).await,
            Self::Logs(args) => cmd::logs::run(ctx, args).await,
            Self::Migrate(args) => cmd::migrate::run(ctx, args).await,
            Self::Lock(command) => cmd::lock::run(ctx, command).await,
            Self::Migrations(args) => cmd::migrate::show(ctx, args).await,
            Self::Show(command) => cmd::show::run(ctx, command).await,
            Self::Diff(args) => cmd::diff::run(ctx, args).await,
            Self::Edit(command) => cmd::edit::run(ctx, command).await,
            Self::Upload(args) => cmd::exchange::upload(ctx, args).await,
            Self::Download(args) => cmd::exchange::download(ctx, args).await,
            Self::Run(command) => cmd::run::run(ctx, &command),
            Self::Report(args) => cmd::report::run(ctx, &args),
            Self::Watch(args) => cmd::watch::run(ctx, args).await,
            Self::Increase(args) => cmd::increase::run(ctx, args).await,
            Self::Unpack(command) => cmd::pack::unpack(ctx, command).await,
            Self::Pack(command) => cmd::pack::pack(ctx, command).await,
            Self::Check(command) => cmd::check::run(ctx, command).await,
            Self::Config(command) => cmd::config::run(ctx, &command).await,
            Self::Completions(args) => cmd::completions::run(ctx, &args),
            Self::Help(args) => help::run(ctx, &args).await,
            Self::Own(args) => cmd::own::strategy::run(ctx, args).await,
        }
    }
}

/// The program.
pub fn main() -> ExitCode {
    let argv: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = hidden::run(&argv) {
        return code;
    }
    match parse_with(argv.clone(), &|word| cmd::own::strategy::file(Path::new("."), word).is_some()) {
        Ok(cli) => session::execute(cli, &argv),
        Err(refused) => ui::print_refused(refused),
    }
}

/// Why a command line was not accepted, or that it asks for nothing but a help page.
#[derive(Debug)]
pub enum Refused {
    /// clap's verdict, help pages among them.
    Clap(clap::Error),
    /// Ours.
    Words(Error),
}

/// The command line as a value.
///
/// # Errors
/// [`Refused`]; its exit code is 2 unless a help page was asked for.
pub fn parse(argv: Vec<OsString>) -> Result<Cli, Refused> {
    parse_with(argv, &|_| false)
}

/// The same, where the project may bring commands along. It is asked about words that are none of ours only.
fn parse_with(argv: Vec<OsString>, is_own: &dyn Fn(&str) -> bool) -> Result<Cli, Refused> {
    let mut tree = Cli::command();
    tree.build();
    let argv = match words::canonical(argv.clone(), &tree) {
        Err(words::WordError::Unknown { path, word, .. }) if path.is_empty() && is_own(&word) => words::own(argv, &word, &tree),
        read => read.map_err(|error| Refused::Words(error.into()))?,
    };
    let matches = Cli::command().try_get_matches_from(argv).map_err(Refused::Clap)?;
    let cli = Cli::from_arg_matches(&matches).map_err(Refused::Clap)?;
    Ok(Cli { words: Words::of(&matches), ..cli })
}

#[cfg(test)]
mod tests {
    use super::*;
    use options::Verbosity;

    fn global(line: &str) -> Global {
        parse(line.split(' ').map(OsString::from).collect()).unwrap().global
    }

    /// D15: the original looked for `-P` anywhere in the text of the arguments.
    #[test]
    fn an_option_is_a_whole_argument() {
        assert!(!global("edeliver run list --project=x-Prod").plain);
        assert!(!global("edeliver run show -- -P").plain);
        assert!(global("edeliver run list -P").plain);
        assert!(global("edeliver -VP run list").plain);
    }

    #[test]
    fn the_last_word_on_verbosity_counts() {
        assert_eq!(global("edeliver run list").verbosity(), Verbosity::Compact);
        assert_eq!(global("edeliver -V run list").verbosity(), Verbosity::Verbose);
        assert_eq!(global("edeliver run list -D").verbosity(), Verbosity::Debug);
        assert_eq!(global("edeliver -V run list -C").verbosity(), Verbosity::Compact);
    }

    #[test]
    fn the_command_tree_is_sound() {
        Cli::command().debug_assert();
    }
}
