//! Whether the code in the nodes is that of the releases they say they run.

use std::collections::{BTreeMap, BTreeSet};

use edeliver_core::name::Version;

use crate::{
    error::Error,
    node::{
        Answer, Modules,
        code::{self, Compared},
    },
    store::{self, Store},
};

/// Modules that are named in full when they differ; a node that runs another release than it says has hundreds of them.
const NAMED: usize = 5;

/// The code of some releases, as far as the store has them.
pub(super) struct Releases(BTreeMap<Version, Modules>);

impl Releases {
    /// Reads the `.beam` files of these versions.
    pub(super) async fn read(store: Store, versions: BTreeSet<Version>) -> Result<Self, Error> {
        let read = move || {
            let known =
                versions.into_iter().filter_map(|version| Some((version.clone(), code::of_release(&store, &version).ok()?)));
            Ok::<_, store::StoreError>(Self(known.collect()))
        };
        Ok(store::blocking(read).await?)
    }
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
