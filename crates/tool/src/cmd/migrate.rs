//! `edeliver migrate [TARGET] [up|down]` and `edeliver show migrations TARGET`: by one host of the target.

use std::{collections::HashMap, sync::Arc, time::Instant};

use async_trait::async_trait;
use edeliver_core::{
    config::{HostSpec, TargetSettings},
    event::{EventKind, HostOutcome, HostResult, Outcome},
    hint::Hint,
    name::{AppName, HostName, Version},
};
use indexmap::IndexMap;

use super::own::{Meant, instead};
use crate::{
    apply::Migrations,
    cancel::Level,
    cli::options::{LockWait, TargetArgs},
    ctx::{Ctx, Journal},
    error::{Error, Kind},
    flow,
    lease::{Lease, Voter, Wanted},
    migrate::{Action, Hold, MigrateError, Migration, Order, Said, Site, Status, Way},
    node::{Environment, Place},
    report::Reporter,
    transport::{self, Transport},
    ui::words,
};

/// Arguments of `migrate`.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "edeliver migrate [OPTIONS] [[on] TARGET] [up|down]",
    after_help = "Ecto's migrator runs on the node of the target's first host, or another one that `--host` names; where no node runs the \
                  release that boots next, in a VM of its own with that release's files. `down` takes back one migration, or with \
                  --version all from that one on. An application without Ecto has a function called that the setting \
                  `migrate` names.\n\nExamples:\n  edeliver migrate production\n  edeliver migrate staging down --version=20240131120000"
)]
pub struct Args {
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
    /// `up` carries out what is pending, `down` takes back the last one
    #[arg(long, value_enum, default_value = "up", hide = true)]
    pub direction: Direction,
    /// The last migration to carry out, or the first to take back, with all that came after it
    #[arg(long, value_name = "N", value_parser = number)]
    pub version: Option<u64>,
    /// This repository only; default: all of the release's applications
    #[arg(long, value_name = "MODULE", value_parser = module)]
    pub repo: Option<String>,
    /// Show what would be done and stop
    #[arg(long)]
    pub plan: bool,
    /// Wait while somebody else changes that host, at most this long; without a time for as long as it takes
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = LockWait::FOREVER)]
    pub lock_wait: Option<LockWait>,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Direction {
    /// Carry out.
    Up,
    /// Take back.
    Down,
}

/// Arguments of `show migrations`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  edeliver show migrations on production")]
pub struct ShowArgs {
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
    /// This repository only; default: all of the release's applications
    #[arg(long, value_name = "MODULE", value_parser = module)]
    pub repo: Option<String>,
}

fn number(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "a migration has a number like 20240131120000")
}

/// It becomes an atom on the node.
fn module(text: &str) -> Result<String, String> {
    let is_word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_uppercase()) && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match text.split('.').all(is_word) {
        true => Ok(text.to_owned()),
        false => Err("a module is written like MyApp.Repo".to_owned()),
    }
}

/// `migrate`.
pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let (app, mut target) = (ctx.settings()?.app.clone(), ctx.target(&args.target).await?);
    if let Some(code) = instead(ctx, &mut target, Meant { action: "migrate", changes: true, only_shown: args.plan }).await? {
        return Ok(code);
    }
    let action = if args.direction == Direction::Down { Action::Down } else { Action::Up };
    let order = Order::new(&app, action, args.version, args.repo, &target);
    check(&order, &target)?;
    let host = first(&target)?;
    ctx.begin(title(&order, &target, host), if args.plan { Journal::None } else { Journal::Kept })?;
    let site = open(ctx, &app, &target, host).await?;
    let reporter = ctx.reporter.for_host(&host.name);
    let asked = if args.plan { Asked::Shown } else { Asked::Confirmed(args.lock_wait) };
    let work = Work { ctx, site: &site, order: &order, target: &target, host, reporter, asked };
    let ended = match work.run().await {
        Ok(summary) => Ok(work.finish(&summary).await),
        Err(error) => Err(error),
    };
    site.host.close().await;
    ended
}

/// What a rollout does once, at its time: by one of its hosts, over the connections of the run.
pub(super) struct InRollout<'a> {
    pub(super) ctx: &'a Ctx,
    pub(super) target: TargetSettings,
    pub(super) open: HashMap<HostName, Arc<dyn Transport>>,
}

#[async_trait]
impl Migrations for InRollout<'_> {
    async fn run(&mut self, host: &HostName, release: Option<&Version>) -> Result<(), Error> {
        let (ctx, target) = (self.ctx, &self.target);
        let again = || Hint::command("to run them by themselves", format!("edeliver migrate {}", target.name));
        let gone = || Error::new(Kind::Stopped, "there is no connection to the host that is to migrate");
        let spec = target.hosts.iter().find(|spec| spec.name == *host).ok_or_else(gone)?;
        let transport = self.open.get(host).cloned().ok_or_else(gone)?;
        let app = &ctx.settings()?.app;
        let order = Order::new(app, Action::Up, None, None, target);
        let site = Site { release: release.cloned(), ..site(app, target, spec, transport) };
        let reporter = ctx.reporter.for_host(host);
        let work = Work { ctx, site: &site, order: &order, target, host: spec, reporter: reporter.clone(), asked: Asked::Before };
        let summary = work.run().await.map_err(|error| error.hint(again()))?;
        reporter.info(format!("migrations: {summary}"));
        Ok(())
    }
}

/// `show migrations`.
pub(crate) async fn show(ctx: &Ctx, args: ShowArgs) -> Result<u8, Error> {
    let (app, mut target) = (ctx.settings()?.app.clone(), ctx.target(&args.target).await?);
    if let Some(code) = instead(ctx, &mut target, Meant { action: "migrations", changes: false, only_shown: false }).await? {
        return Ok(code);
    }
    let order = Order::new(&app, Action::Show, None, args.repo, &target);
    let host = first(&target)?;
    let site = open(ctx, &app, &target, host).await?;
    let shown = listed(&site, &order, &ctx.reporter.for_host(&host.name)).await;
    site.host.close().await;
    ctx.answer_rows(shown?.migrations.iter().map(row).collect(), "the release has no migrations");
    Ok(0)
}

async fn listed(site: &Site, order: &Order, reporter: &Reporter) -> Result<Said, MigrateError> {
    let mut way = Way::find(site).await?;
    let said = asked(&mut way, site, order, reporter).await;
    way.close().await;
    said
}

/// What a question logs is told only if it fails: it has the reason for which a database can't be reached.
async fn asked(way: &mut Way, site: &Site, order: &Order, reporter: &Reporter) -> Result<Said, MigrateError> {
    let mut log = Vec::new();
    let said = way.carry_out(site, order, &mut |line| log.push(line.to_owned())).await;
    if said.is_err() {
        log.iter().for_each(|line| tell(reporter, line));
    }
    said
}

/// A console's log has empty lines between entries.
fn tell(reporter: &Reporter, line: &str) {
    match crate::report::printable(line) {
        line if line.is_empty() => {}
        line => reporter.info(line),
    }
}

fn row(migration: &Migration) -> IndexMap<String, String> {
    let state = if migration.status == Status::Up { "up" } else { "pending" };
    let cells = [
        ("repository", migration.repo.clone()),
        ("version", migration.version.to_string()),
        ("state", state.to_owned()),
        ("name", migration.name.clone()),
    ];
    cells.into_iter().map(|(column, cell)| (column.to_owned(), cell)).collect()
}

/// What a function of the user's can't be told.
fn check(order: &Order, target: &TargetSettings) -> Result<(), Error> {
    if order.action == Action::Down && order.task.is_none() && target.migrate.is_some() {
        let error = Error::new(Kind::Config, "the target has a function for `migrate`, and none for `migrate down`");
        return Err(
            error.hint(Hint::text("name it with `migrate_down = \"MyApp.Release.rollback\"`; it is given the version, or nil"))
        );
    }
    match order.task.is_some() && order.action == Action::Up && order.version.is_some() {
        true => Err(Error::usage("the function that `migrate` calls takes no version")),
        false => Ok(()),
    }
}

/// Databases are the fleet's, so one host does it, always the same.
fn first(target: &TargetSettings) -> Result<&HostSpec, Error> {
    target.hosts.first().ok_or_else(|| Error::new(Kind::Config, "the target has no hosts"))
}

fn title(order: &Order, target: &TargetSettings, host: &HostSpec) -> String {
    let direction = if order.action == Action::Down { " down" } else { "" };
    format!("migrate {}{direction}, by {}", target.name, host.name)
}

async fn open(ctx: &Ctx, app: &AppName, target: &TargetSettings, host: &HostSpec) -> Result<Site, Error> {
    Ok(site(app, target, host, transport::open(host, ctx.limits()?).await?))
}

fn site(app: &AppName, target: &TargetSettings, host: &HostSpec, transport: Arc<dyn Transport>) -> Site {
    let variables = target.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    Site {
        host: transport,
        place: Place::on(host, app),
        release: None,
        environment: Environment { profile: target.profile.clone(), variables, kept_away: &[] },
        patience: target.step_timeout,
    }
}

/// The number of the step: in a rollout the host has steps of its own.
const STEP: usize = 1000;

/// One order, from its plan to its end.
struct Work<'a> {
    ctx: &'a Ctx,
    site: &'a Site,
    order: &'a Order,
    target: &'a TargetSettings,
    host: &'a HostSpec,
    reporter: Reporter,
    asked: Asked,
}

/// What the user has said about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// They only want to see it.
    Shown,
    /// They are asked, where that is due, and want to wait for others this long.
    Confirmed(Option<LockWait>),
    /// They were, when the run began.
    Before,
}

impl Work<'_> {
    /// Gives the summary. Who waits for others looks at what is to be done when these have finished.
    async fn run(&self) -> Result<String, Error> {
        let Asked::Confirmed(wait @ Some(_)) = self.asked else { return self.run_now().await };
        let lease = self.take_lease(wait).await?;
        let ended = self.run_now().await;
        lease.release().await;
        ended
    }
    async fn run_now(&self) -> Result<String, Error> {
        let mut way = Way::find(self.site).await?;
        if let Way::Files(why) = &way {
            let who = if self.site.release.is_some() { "it" } else { "the release that boots" };
            self.reporter.info(format!("{why}: {who} migrates in a VM of its own"));
        }
        let ended = self.by(&mut way).await;
        way.close().await;
        ended
    }
    async fn by(&self, way: &mut Way) -> Result<String, Error> {
        if !self.worth_it(way).await? || self.asked == Asked::Shown {
            return Ok("nothing was changed".to_owned());
        }
        if let Asked::Confirmed(wait) = self.asked {
            self.confirm().await?;
            if wait.is_none() {
                let lease = self.take_lease(wait).await?;
                let ended = self.carry_out_alone(way).await;
                lease.release().await;
                return ended;
            }
        }
        self.carry_out_alone(way).await
    }
    /// Keeps deployers away from this host, and with it, while they can reach it, from the target.
    async fn take_lease(&self, wait: Option<LockWait>) -> Result<Lease, Error> {
        let site = Ok((self.site.host.clone(), self.site.place.clone()));
        let voter = Voter { host: self.host.name.clone(), site };
        let wanted = Wanted { target: &self.target.name, what: title(self.order, self.target, self.host), wait };
        Ok(Lease::take(self.ctx, &[voter], &wanted, None).await?)
    }
    async fn carry_out_alone(&self, way: &mut Way) -> Result<String, Error> {
        // A migration in hand is brought to its end: nobody could say how far it came otherwise.
        let _guard = self.ctx.step_in_hand();
        let hold = Hold::take(&self.site.host, &self.site.place).await?;
        let done = tokio::select! {
            done = self.carry_out(way) => done.map_err(Error::from),
            () = self.ctx.cancel.reached(Level::Kill) => Err(interrupted()),
        };
        hold.release().await;
        Ok(summary(self.order, &done?))
    }
    /// Tells what is going to be done; whether there is something.
    async fn worth_it(&self, way: &mut Way) -> Result<bool, Error> {
        if let Some(task) = &self.order.task {
            self.reporter.info(format!("calls {task}"));
            return Ok(true);
        }
        let said = asked(way, self.site, &self.order.to_show(), &self.reporter).await?;
        let repos = self.order.undecided(&said.migrations);
        if !repos.is_empty() {
            return Err(MigrateError::Several { repos }.into());
        }
        for Migration { version, repo, .. } in self.order.passed_over(&said.migrations) {
            let text = format!("{version} ({repo}) stays: the release that boots has no file of it");
            self.reporter.warn(text, vec![Hint::text("deploy the release that has it, and take it back with that one")]);
        }
        let concerned = self.order.concerns(&said.migrations);
        let verb = if self.order.action == Action::Down { "takes back" } else { "carries out" };
        for migration in &concerned {
            self.reporter.info(format!("{verb} {} {} ({})", migration.version, migration.name, migration.repo));
        }
        Ok(!concerned.is_empty())
    }
    async fn confirm(&self) -> Result<(), Error> {
        let (ctx, target) = (self.ctx, self.target);
        if !flow::needs_a_yes(ctx, target) {
            return Ok(());
        }
        let question = format!("{}?", title(self.order, target, self.host));
        match ctx.ui.confirm(question, Some(target.name.as_str().to_uppercase())).await? {
            true => Ok(()),
            false => Err(Error::new(Kind::Interrupted, "not confirmed; nothing was changed")),
        }
    }
    async fn carry_out(&self, way: &mut Way) -> Result<Said, MigrateError> {
        let (what, began) = (format!("migrate {}", self.order.action.word()), Instant::now());
        self.reporter.send(EventKind::StepStarted { index: STEP, what: what.clone() });
        let said = way.carry_out(self.site, self.order, &mut |line| tell(&self.reporter, line)).await?;
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.reporter.send(EventKind::StepFinished { index: STEP, what, took_ms, note: None });
        Ok(said)
    }
    async fn finish(&self, summary: &str) -> u8 {
        let (result, summary) = (HostResult::Done, summary.to_owned());
        self.reporter.send(EventKind::HostFinished { result, summary: summary.clone() });
        let row = HostOutcome { host: self.host.name.clone(), result, summary };
        self.ctx.finish(Outcome { hosts: vec![row], exit_code: 0, interrupted: false }).await
    }
}

fn interrupted() -> Error {
    let error = Error::new(Kind::Interrupted, "interrupted in the middle: how far the migrations came is not known");
    error.hint(Hint::text("look at it with `edeliver show migrations TARGET`; a node may go on with what it has begun"))
}

fn summary(order: &Order, said: &Said) -> String {
    let done = words::count(said.done.len(), "migration");
    match (&order.task, order.action) {
        (Some(task), _) => format!("{task} was called"),
        (None, Action::Down) => format!("{done} taken back"),
        (None, _) => format!("{done} carried out"),
    }
}
