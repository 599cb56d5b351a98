//! Two ways to the migrator: the running node, or a VM of its own.

use std::{sync::Arc, time::Duration};

use edeliver_core::name::Version;
use edeliver_erl::Term;

use super::{Action, MigrateError, Order, Said, error::Cause, said::Lines};
use crate::{
    node::{
        Environment, Link, Place, find,
        link::{self, CallError, LinkError, Mfa},
    },
    transport::{Call, Output, Script, Transport, TransportError},
};

/// For both ways the same.
const MIGRATOR: &str = include_str!("migrator.exs");

const EVAL: Script = Script {
    name: "migrate",
    text: concat!(
        include_str!("../node/process.sh"),
        include_str!("../node/permanent.sh"),
        include_str!("../node/environment.sh"),
        include_str!("relx.sh"),
        include_str!("eval.sh")
    ),
};

/// How long a node that is up takes at most to answer.
const TO_CONNECT: Duration = Duration::from_secs(10);

/// The host that migrates.
#[derive(Clone)]
pub struct Site {
    /// The open connection.
    pub host: Arc<dyn Transport>,
    /// The release root and its node.
    pub place: Place,
    /// The release that migrates; `None`: the one that boots.
    pub release: Option<Version>,
    /// What nodes are started with.
    pub environment: Environment,
    /// Longest time for one order.
    pub patience: Duration,
}

/// How the migrator is reached.
pub enum Way {
    /// On the running node.
    Node(Box<dyn Link>),
    /// In a VM of its own; why, in words.
    Files(String),
}

impl Way {
    /// The node, if it runs the release that boots; otherwise that release's files.
    ///
    /// # Errors
    /// The node is there and can't be called.
    pub async fn find(site: &Site) -> Result<Self, MigrateError> {
        let found = find::find(&*site.host, &site.place).await?;
        let boots = found.as_ref().and_then(|found| found.permanent.as_ref());
        if let Some(release) = site.release.as_ref().filter(|release| boots != Some(release)) {
            return Ok(Self::Files(format!("{release} does not run yet")));
        }
        let Some(found) = found else { return Ok(Self::Files("no node runs".to_owned())) };
        if let (Some(booted), Some(permanent)) = (&found.booted, &found.permanent)
            && booted != permanent
        {
            return Ok(Self::Files(format!("the node runs {booted}, and {permanent} boots next")));
        }
        match link::open_found(&site.host, &site.place, &found, TO_CONNECT).await {
            Ok(link) => Ok(Self::Node(link)),
            Err(LinkError::NoDistribution) => Ok(Self::Files("the node runs without distribution".to_owned())),
            Err(error) => Err(MigrateError::Link(error)),
        }
    }

    /// Has the migrator carry an order out. Lines for people go to `tell` as they come.
    ///
    /// # Errors
    /// What failed, or that nobody knows.
    pub async fn carry_out(
        &mut self,
        site: &Site,
        order: &Order,
        tell: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Said, MigrateError> {
        let (said, status, log) = match self {
            Self::Node(link) => (by_node(&mut **link, site, order, tell).await?, 0, Vec::new()),
            Self::Files(_) => by_files(site, order, tell).await?,
        };
        judge(order.action, said, status, log)
    }

    /// Ends the connection to the node.
    pub async fn close(self) {
        if let Self::Node(link) = self {
            link.close().await;
        }
    }
}

async fn by_node(
    link: &mut dyn Link,
    site: &Site,
    order: &Order,
    tell: &mut (dyn FnMut(&str) + Send),
) -> Result<Said, MigrateError> {
    if let Some(erlang) = order.task.as_ref().filter(|task| task.contains(':')) {
        return by_function(link, site, order, erlang, tell).await;
    }
    let arguments = Term::list(order.arguments().iter().map(|argument| Term::binary(argument.as_bytes())));
    let bindings = Term::list([Term::tuple([Term::atom("arguments"), arguments])]);
    let call = Mfa::literal("Elixir.Code", "eval_string", [Term::binary(MIGRATOR.as_bytes()), bindings]);
    let (mut said, mut lines) = (Said::default(), Lines::default());
    let mut take = |line: &str| {
        if let Some(line) = said.line(line) {
            tell(line);
        }
    };
    let called = link.call(&call, site.patience, &mut |piece| lines.take(piece, &mut take)).await;
    lines.finish(&mut take);
    match called {
        Ok(_) => Ok(said),
        Err(CallError::Timeout { after }) => Err(MigrateError::Unknown { after }),
        Err(CallError::Undefined { function }) if function.starts_with("Code.eval_string") => Ok(Said { no_ecto: true, ..said }),
        Err(error) => Err(MigrateError::Call(error)),
    }
}

/// A function of an Erlang release, in which there is nobody who understands the migrator.
async fn by_function(
    link: &mut dyn Link,
    site: &Site,
    order: &Order,
    function: &str,
    tell: &mut (dyn FnMut(&str) + Send),
) -> Result<Said, MigrateError> {
    let (module, name) = function.split_once(':').unwrap_or((function, ""));
    let version =
        || order.version.map_or_else(|| Term::atom("undefined"), |version| Term::from(i64::try_from(version).unwrap_or(i64::MAX)));
    let arguments = if order.action == Action::Down { vec![version()] } else { Vec::new() };
    let call = Mfa::new(module, name, arguments).map_err(|_| MigrateError::NoEcto)?;
    let mut lines = Lines::default();
    let called = link.call(&call, site.patience, &mut |piece| lines.take(piece, &mut *tell)).await;
    lines.finish(tell);
    match called {
        Ok(value) if is_error(&value) => Ok(Said { failed: vec![format!("it returned {value}")], ..Said::default() }),
        Ok(_) => Ok(Said { ended: true, ..Said::default() }),
        Err(CallError::Timeout { after }) => Err(MigrateError::Unknown { after }),
        Err(error) => Err(MigrateError::Call(error)),
    }
}

fn is_error(value: &Term) -> bool {
    value.is_atom("error") || value.as_tuple().and_then(<[Term]>::first).is_some_and(|first| first.is_atom("error"))
}

async fn by_files(
    site: &Site,
    order: &Order,
    tell: &mut (dyn FnMut(&str) + Send),
) -> Result<(Said, i32, Vec<String>), MigrateError> {
    let mut args = site.place.args();
    let release = site.release.as_ref().map(Version::to_string).unwrap_or_default();
    args.extend([site.environment.profile.clone(), MIGRATOR.to_owned(), order.arguments().join("\n"), release]);
    args.extend(site.environment.variables.iter().map(|(name, value)| format!("{name}={value}")));
    let mut said = Said::default();
    let mut take = |line: &str| {
        if let Some(line) = said.line(line) {
            tell(line);
        }
    };
    let call = Call { output: Output::Lines(&mut take), ..Call::new(EVAL, args, site.patience) };
    match site.host.run(call).await {
        Ok(reply) => Ok((said, reply.status, reply.tail)),
        Err(error @ (TransportError::LinkLost { .. } | TransportError::Timeout { .. })) if order.action != Action::Show => {
            Err(MigrateError::Lost(error))
        }
        Err(error) => Err(error.into()),
    }
}

/// What came of it. Only the migrator's own last word counts as success.
fn judge(action: Action, said: Said, status: i32, log: Vec<String>) -> Result<Said, MigrateError> {
    match () {
        () if !said.failed.is_empty() => {
            let cause = Cause { lines: said.failed };
            Err(if action == Action::Show { MigrateError::NotListed(cause) } else { MigrateError::Migration(cause) })
        }
        () if said.no_ecto => Err(MigrateError::NoEcto),
        () if said.no_repositories => Err(MigrateError::NoRepositories),
        () if !said.several.is_empty() => Err(MigrateError::Several { repos: said.several }),
        () if said.ended => Ok(said),
        () if status == 61 => Err(MigrateError::NoWay { version: "the release that boots".to_owned() }),
        () if status == 23 => Err(MigrateError::NothingDeployed),
        () => Err(MigrateError::Ended { status, log }),
    }
}
