//! `edeliver fleet TARGET`: whether the hosts of a target are alike, and as they were deployed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use edeliver_core::{
    config::TargetSettings,
    drift::{self, Alike, Code, HostDrift, Look, Observed},
    event::EventKind,
    name::Version,
    plan::{SetupRequest, setup},
    unit::Unit,
};
use indexmap::IndexMap;

use super::fleet;
use crate::{
    cli::options::TargetArgs,
    ctx::Ctx,
    error::{Error, Kind},
    inventory::{Close, Closely, gather_closely},
    node::{Modules, code},
    store::{StoreError, blocking},
    ui::words,
};

/// Arguments of `fleet`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Per host: the node's state, what runs and what boots, and whether these are what most hosts have; whether its configuration files, its node's \
code and its systemd unit are as they were deployed; whether it has the cookie that the others have (which is never shown, and does not \
travel); what interrupted runs have left. What differs is told with what to do about it. Of more than 10 hosts, those that are alike and as \
deployed share a line; with --json every host has its own. Nothing is changed.

  edeliver fleet production
  edeliver fleet production --on @web

Exits with 0 if the fleet is one, with 8 if some host differs or is not as deployed, with 6 if all but hosts that can't be reached are.")]
pub struct Args {
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// On a fleet of more hosts, those that are alike share a line.
const FEW: usize = 10;

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let target = ctx.target(&args.target).await?;
    let what = format!("looking at {}", words::count(target.hosts.len(), "host"));
    let hosts = target.hosts.iter().map(|host| host.name.clone()).collect();
    ctx.reporter.send(EventKind::Asking { what, hosts });
    let looks = look(ctx, &target).await?;
    let (_, hosts) = drift::judge(&target, &looks);
    tell(ctx, &target, &hosts);
    Ok(exit_code(&hosts))
}

async fn look(ctx: &Ctx, target: &TargetSettings) -> Result<Vec<Look>, Error> {
    let app = &ctx.settings()?.app;
    let request = Unit::of(target, app).map(|unit| SetupRequest { app: app.clone(), unit, force: true, kind: None });
    let found = gather_closely(&Closely::new(fleet::question(ctx)?, target), ctx.limits()?).await;
    let running = found.iter().filter_map(|(_, close)| close.as_ref().ok()?.seen.node.version.clone()).collect();
    let releases = read_code(ctx, running).await?;
    let observe = |close: Close| observed(close, &releases, request.as_ref(), target);
    Ok(found.into_iter().map(|(host, close)| Look { host, observed: close.map(observe) }).collect::<Vec<Look>>())
}

/// The code of these releases, as far as the store has them.
async fn read_code(ctx: &Ctx, versions: BTreeSet<Version>) -> Result<Arc<BTreeMap<Version, Modules>>, Error> {
    let store = ctx.store()?.here();
    let read = move || {
        let known = versions.into_iter().filter_map(|version| Some((version.clone(), code::of_release(&store, &version).ok()?)));
        Ok::<_, StoreError>(Arc::new(known.collect()))
    };
    Ok(blocking(read).await?)
}

fn observed(
    close: Close,
    releases: &BTreeMap<Version, Modules>,
    request: Option<&SetupRequest>,
    target: &TargetSettings,
) -> Observed {
    let Close { seen, closer, modules, setup: found } = close;
    let compared = modules.as_ref().zip(seen.node.version.as_ref().and_then(|version| releases.get(version)));
    let code = compared.map(|(loaded, release)| code::compare(loaded, release));
    let code = code.map(|code::Compared { loaded, others }| Code { loaded, others });
    let unit = request.zip(found).and_then(|(request, found)| setup::differences(request, target, &seen, &found));
    Observed { seen, closer, code, unit }
}

fn tell(ctx: &Ctx, target: &TargetSettings, hosts: &[HostDrift]) {
    let few = if ctx.global.json { usize::MAX } else { FEW };
    let rows = drift::alike(hosts, few).iter().map(row).collect();
    ctx.answer_rows(rows, "the target has no hosts");
    for (places, finding) in drift::told(target, hosts) {
        let places = places.iter().map(ToString::to_string).collect();
        ctx.reporter.send(EventKind::Examined { places, finding });
    }
    ctx.reporter.info(summary(hosts));
}

fn summary(hosts: &[HostDrift]) -> String {
    let all = words::count(hosts.len(), "host");
    match hosts.iter().filter(|host| host.drifts()).count() {
        0 => format!("the fleet is one: {all}, as deployed"),
        differ => {
            format!("the fleet is not one: {differ} of {all} can't be reached, or differ from the others or from what was deployed")
        }
    }
}

type Row = IndexMap<String, String>;

fn row(alike: &Alike<'_>) -> Row {
    let host = alike.like;
    let text = |version: &Option<Version>| version.as_ref().map(ToString::to_string).unwrap_or_default();
    let name = match &alike.hosts[..] {
        [one] => one.to_string(),
        several => words::count(several.len(), "host"),
    };
    let words = &host.words;
    let cells = [
        ("host", name),
        ("node", host.state.map_or("not reached", edeliver_core::facts::NodeState::word).to_owned()),
        ("runs", text(&host.runs)),
        ("boots next", text(&host.permanent)),
        ("erts", host.erts.clone().unwrap_or_default()),
        ("config", words.config.clone()),
        ("cookie", words.cookie.clone()),
        ("code", words.code.clone()),
        ("unit", words.unit.clone()),
        ("drift", host.checks().join(", ")),
    ];
    cells.into_iter().map(|(column, cell)| (column.to_owned(), cell)).collect()
}

fn exit_code(hosts: &[HostDrift]) -> u8 {
    let (reached, missing): (Vec<_>, Vec<_>) = hosts.iter().partition(|host| host.is_reached());
    if reached.into_iter().any(HostDrift::drifts) {
        Kind::Stopped.exit_code()
    } else if missing.is_empty() {
        0
    } else {
        Kind::Unreachable.exit_code()
    }
}
