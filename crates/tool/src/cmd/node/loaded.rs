//! Whether the code in the nodes is that of the releases they say they run.

use std::collections::BTreeMap;

use edeliver_core::name::Version;
use tokio::task::JoinHandle;

use crate::{
    error::{Error, Kind},
    node::{
        Answer, Modules,
        code::{self, Compared},
    },
    store::Store,
};

/// Modules that are named in full when they differ; a node that runs another release than it says has hundreds of them.
const NAMED: usize = 5;

/// The code of some releases, as far as the store has them.
pub(super) struct Releases(BTreeMap<Version, Modules>);

/// Releases whose `.beam` files are being read, while hosts are waited for.
pub(super) struct Reading {
    store: Store,
    begun: BTreeMap<Version, JoinHandle<Option<Modules>>>,
}

impl Reading {
    pub(super) fn from(store: Store) -> Self {
        Self { store, begun: BTreeMap::new() }
    }
    /// Begins to read this version, unless that has been done.
    pub(super) fn begin(&mut self, version: &Version) {
        let read = || {
            let (store, version) = (self.store.clone(), version.clone());
            tokio::task::spawn_blocking(move || code::of_release(&store, &version).ok())
        };
        self.begun.entry(version.clone()).or_insert_with(read);
    }
    /// Waits for the end of it.
    pub(super) async fn finish(self) -> Result<Releases, Error> {
        let mut releases = BTreeMap::new();
        for (version, reading) in self.begun {
            let modules = reading.await.map_err(|error| Error::new(Kind::Internal, error))?;
            releases.extend(modules.map(|modules| (version, modules)));
        }
        Ok(Releases(releases))
    }
}

impl Releases {
    fn compared(&self, answer: &Answer) -> Option<Compared> {
        Some(code::compare(answer.code.as_ref()?, self.0.get(answer.node.version.as_ref()?)?))
    }
    /// As it stands in the table: `as built`, `3 modules differ`, or nothing where there is nothing to compare with.
    pub(super) fn word(&self, answer: &Answer) -> String {
        match self.compared(answer) {
            None => String::new(),
            Some(compared) if compared.others.is_empty() => "as built".to_owned(),
            Some(compared) if compared.others.len() == 1 => "1 module differs".to_owned(),
            Some(compared) => format!("{} modules differ", compared.others.len()),
        }
    }
    /// Says which modules differ, if some do.
    pub(super) fn disagreement(&self, answer: &Answer) -> Option<String> {
        let Compared { loaded, others } = self.compared(answer).filter(|compared| !compared.others.is_empty())?;
        let named = others.iter().take(NAMED).map(|name| name.trim_start_matches("Elixir.")).collect::<Vec<_>>().join(", ");
        let more =
            others.len().checked_sub(NAMED).filter(|more| *more > 0).map_or(String::new(), |more| format!(" and {more} more"));
        let version = answer.node.version.as_ref().map_or("", Version::as_str);
        Some(format!("{} of {loaded} loaded modules are not those of {version}: {named}{more}", others.len()))
    }
}
