//! `edeliver doctor [TARGET]`: everything that a build, a deploy and a node need, looked at on this machine, the build host and each host.

use std::{pin::Pin, sync::Arc};

use edeliver_core::{
    config::{HookSource, HostStore, RemoteStore, TargetSettings},
    doctor::{self, Deployed, Finding, Grade},
    event::EventKind,
    facts::{HostFacts, Unseen},
    name::TargetName,
    release::Manifest,
    unit::Unit,
};
use indexmap::IndexMap;
use tokio::task::JoinSet;

use super::{build, fleet::Fleet};
use crate::{
    build::Build,
    cli::options::{PlanArgs, TargetArgs},
    ctx::Ctx,
    doctor::{fetching, here, vitals},
    error::{Error, Kind},
    inventory,
    node::Place,
    store::{Store, StoreError, blocking},
    transport::{Transport, quote},
};

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Looks at this machine (programs, the store), at the build host (what a build of the commit that is checked out would be refused for) and \
at every host: login, start-up files that print, clock, programs, rights, disk, whether the newest release of the store can run there, \
leftovers, the node and its unit, its cookie, and ports that are open to every address. Nothing is changed. Each finding comes with what \
to do about it; `--verbose` shows those too that are as they should be.

  edeliver doctor
  edeliver doctor production

Exits with 0 if nothing stands in the way, with 4 if something does, with 6 if a host can't be reached.")]
pub struct Args {
    /// Only the hosts of this target; without it, those of all
    #[arg(value_name = "TARGET")]
    pub target: Option<TargetName>,
}

/// A place, what was found there, and whether it could be reached.
struct Examined {
    place: String,
    findings: Vec<Finding>,
    reached: bool,
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let targets = targets(ctx, args.target).await?;
    let mut all = vec![of_this_machine(ctx).await?];
    let (build, hosts) = tokio::join!(of_build_host(ctx), of_targets(ctx, &targets));
    all.extend(build?);
    all.extend(hosts?);
    tell(ctx, &all);
    Ok(exit_code(&all))
}

async fn targets(ctx: &Ctx, named: Option<TargetName>) -> Result<Vec<TargetSettings>, Error> {
    let names = named.map_or_else(|| Ok::<_, Error>(ctx.settings()?.targets.keys().cloned().collect()), |named| Ok(vec![named]))?;
    let mut targets = Vec::new();
    for name in names {
        targets.push(ctx.target(&TargetArgs::all_of(name)).await?);
    }
    Ok(targets)
}

fn tell(ctx: &Ctx, all: &[Examined]) {
    let mut told: Vec<(&Finding, Vec<String>)> = Vec::new();
    for (place, finding) in all.iter().flat_map(|one| one.findings.iter().map(|finding| (&one.place, finding))) {
        match told.iter_mut().find(|(known, _)| *known == finding) {
            Some((_, places)) => places.push(place.clone()),
            None => told.push((finding, vec![place.clone()])),
        }
    }
    for (finding, places) in told {
        ctx.reporter.send(EventKind::Examined { places, finding: finding.clone() });
    }
    ctx.answer_rows(all.iter().map(row).collect(), "there is nothing to look at");
}

fn row(Examined { place, findings, .. }: &Examined) -> IndexMap<String, String> {
    let checks = |grade| {
        let mut names: Vec<&str> = findings.iter().filter(|one| one.grade == grade).map(|one| one.check.as_str()).collect();
        names.dedup();
        names.join(", ")
    };
    let cells = [
        ("where", place.clone()),
        ("trouble", checks(Grade::Trouble)),
        ("warnings", checks(Grade::Warning)),
        ("fine", checks(Grade::Fine)),
    ];
    cells.into_iter().map(|(column, cell)| (column.to_owned(), cell)).collect()
}

fn exit_code(all: &[Examined]) -> u8 {
    let in_trouble = |one: &Examined| one.findings.iter().any(|finding| finding.grade == Grade::Trouble);
    if all.iter().any(|one| !one.reached) {
        Kind::Unreachable.exit_code()
    } else if all.iter().any(in_trouble) {
        Kind::Blocked.exit_code()
    } else {
        0
    }
}

async fn of_this_machine(ctx: &Ctx) -> Result<Examined, Error> {
    let (store, hooks) = (ctx.store()?, !matches!(ctx.settings()?.hooks, HookSource::None));
    let root = store.root().to_owned();
    let mut findings = doctor::here(&blocking(move || Ok::<_, StoreError>(here(&root, hooks))).await?);
    findings.extend(elsewhere(store).await);
    Ok(Examined { place: "this machine".to_owned(), findings, reached: true })
}

/// Where releases are kept elsewhere, whether that place can be used.
async fn elsewhere(store: Store) -> Option<Finding> {
    const CHECK: &str = "store elsewhere";
    let place = store.elsewhere()?;
    Some(match blocking(move || store.reach()).await {
        Ok(()) => Finding::fine(CHECK, format!("{place} can be read")),
        Err(error) => failed(CHECK, error.into()),
    })
}

/// What a build of the commit that is checked out would need. Not having a build host is no trouble for who deploys what others build.
async fn of_build_host(ctx: &Ctx) -> Result<Option<Examined>, Error> {
    let Some(settings) = &ctx.settings()?.build else { return Ok(None) };
    let place = format!("{} (builds)", settings.host.name);
    let how = PlanArgs { plan: true, exit_code: false, ..PlanArgs::default() };
    let request = build::request(ctx, &build::Source::default(), how)?;
    let examined = async { Build::choose(ctx, request).await?.examine(ctx).await };
    Ok(Some(match examined.await {
        Ok((plan, vitals)) => {
            let findings = [doctor::build(&plan), doctor::machine(&vitals)].concat();
            Examined { place, findings, reached: true }
        }
        Err(error) => {
            let reached = error.kind != Kind::Unreachable;
            Examined { place, findings: vec![failed(if reached { "build" } else { "login" }, error)], reached }
        }
    }))
}

fn failed(check: &str, error: Error) -> Finding {
    Finding { check: check.to_owned(), grade: Grade::Trouble, text: error.causes().join(": "), hints: error.hints }
}

/// All at once.
fn of_targets<'a>(
    ctx: &'a Ctx,
    targets: &'a [TargetSettings],
) -> Pin<Box<dyn Future<Output = Result<Vec<Examined>, Error>> + Send + 'a>> {
    Box::pin(async move {
        let Some((first, others)) = targets.split_first() else { return Ok(Vec::new()) };
        let (first, others) = tokio::join!(of_target(ctx, first.clone()), of_targets(ctx, others));
        Ok([first?, others?].into_iter().flatten().collect())
    })
}

async fn of_target(ctx: &Ctx, target: TargetSettings) -> Result<Vec<Examined>, Error> {
    let store = ctx.store()?;
    let newest = Arc::new(blocking(move || Ok::<_, StoreError>(newest(&store))).await?);
    let fleet = Fleet::ask(ctx, target).await?;
    let app = &ctx.settings()?.app;
    let unit = Arc::new(Unit::of(&fleet.target, app));
    let fetched = fetched(ctx)?;
    let mut tasks = JoinSet::new();
    for (at, facts) in fleet.facts.iter().cloned().enumerate() {
        let (open, place) = (fleet.transport(&facts.host), Place::on(&fleet.target.hosts[at], app));
        let (target, unit, newest, fetched) = (fleet.target.clone(), unit.clone(), newest.clone(), fetched.clone());
        tasks.spawn(async move {
            let deployed = Deployed { target: &target, unit: (*unit).as_ref(), newest: (*newest).as_ref(), word };
            (at, of_host(facts, open, &place, &deployed, fetched.as_ref()).await)
        });
    }
    let mut examined = tasks.join_all().await;
    examined.sort_by_key(|(at, _)| *at);
    fleet.close().await;
    Ok(examined.into_iter().map(|(_, examined)| examined).collect())
}

/// The store on a host that hosts fetch from by themselves, if they do.
fn fetched(ctx: &Ctx) -> Result<Option<HostStore>, Error> {
    Ok(match &ctx.settings()?.remote_store {
        Some(RemoteStore::Host(store)) if store.is_fetched_from() => Some(store.clone()),
        _ => None,
    })
}

/// The newest release of the store that it has by content.
fn newest(store: &Store) -> Option<Manifest> {
    let stored = store.list().ok()?.stored;
    let stored = stored.iter().rev().find(|stored| stored.id.is_some())?;
    store.manifest(&stored.version).ok()
}

async fn of_host(
    facts: HostFacts,
    open: Option<Arc<dyn Transport>>,
    place: &Place,
    deployed: &Deployed<'_>,
    fetched: Option<&HostStore>,
) -> Examined {
    let host = facts.host.to_string();
    let examined = async {
        let (seen, open) = (facts.seen?, open.expect("the connection to a host that has answered is open"));
        let vitals = vitals(&*open, place).await.map_err(inventory::unseen)?;
        let mut findings = doctor::host(&seen, &vitals, deployed);
        if let Some(store) = fetched {
            findings.push(fetching(&*open, store).await.map_err(inventory::unseen)?);
        }
        Ok::<_, Unseen>(findings)
    };
    match examined.await {
        Ok(findings) => Examined { place: host, findings, reached: true },
        Err(unseen) => {
            let finding = Finding { check: "login".to_owned(), grade: Grade::Trouble, text: unseen.why, hints: unseen.hints };
            Examined { place: host, findings: vec![finding], reached: false }
        }
    }
}

fn word(text: &str) -> String {
    quote::word(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn a_folder_with_a_blank_is_quoted_in_the_remedy() {
        let root = r"'/srv/my apps/it'\''s'";
        assert_eq!((word("/srv/my apps/it's"), word("deploy")), (root.to_owned(), "deploy".to_owned()));
    }
}
