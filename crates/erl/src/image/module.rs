//! What deciding about a module needs to know of it.

use crate::beam::{Function, Import, Md5};
use crate::term::{Atom, Term};
use std::collections::{BTreeMap, BTreeSet};

/// A module as its file describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Module {
    /// Name.
    pub name: Atom,
    /// What `module_info(md5)` returns once this file is loaded.
    pub md5: Md5,
    /// The same without the chunk `Meta`, which some build tools strip.
    pub md5_without_meta: Md5,
    /// Its version, the attribute `vsn`: what `code_change` of the next version is told.
    pub vsn: Vec<Term>,
    /// What it is to its processes and to the upgrade.
    pub kind: Kind,
    /// Behaviours it declares.
    pub behaviours: BTreeSet<Atom>,
    /// Functions that others may call.
    pub exports: BTreeSet<Function>,
    /// Functions of others that it calls by name.
    pub imports: BTreeSet<Import>,
    /// Fields of the struct it defines, in no order.
    pub struct_fields: Option<BTreeSet<Atom>>,
    /// Structs whose literals it holds or whose names stand in its code: modules whose processes may have such a struct in their state.
    /// Modules of Elixir that define no struct may be among them.
    pub mentions_structs: BTreeSet<Atom>,
    /// Tuples that look like records, by tag: how many elements they have, the tag included, all sizes that were seen in literals, in tests
    /// and where tuples are made. A guess: messages and results look the same.
    pub records: BTreeMap<Atom, BTreeSet<usize>>,
    /// Native functions.
    pub nif: Option<Nif>,
    /// Runs code of its own when it is loaded.
    pub on_load: Known,
    /// Has a receive that its processes stay in: one in a function that comes back to itself by calls inside of the module, or one that
    /// waits without a limit of time for something else than the answer to a request. Such processes go on in the old code. A callback of a
    /// behaviour that waits like that is busy, and over when it has ended.
    pub receives: Known,
    /// Makes funs that may live on in states and messages: all but those that are made for a function which only calls them.
    pub keeps_funs: Known,
    /// Has a `code_change` that gives every state back as it came, which is what Elixir's `use GenServer` writes.
    pub keeps_states: Known,
    /// Functions of others that its `start/2` may call: all that the module calls, where its instructions could not be read.
    pub start_calls: BTreeSet<Import>,
}

impl Module {
    /// Whether its code is that of the other one. Where only one of both still has the chunk `Meta`, it does not count.
    #[must_use]
    pub fn has_code_of(&self, other: &Self) -> bool {
        let whole = |module: &Self| module.md5 != module.md5_without_meta;
        match whole(self) == whole(other) {
            true => self.md5 == other.md5,
            false => self.md5_without_meta == other.md5_without_meta,
        }
    }

    /// Whether someone has written the version by hand. The compiler makes one up out of a digest otherwise.
    pub fn has_own_vsn(&self) -> bool {
        !self.vsn.iter().all(|vsn| matches!(vsn, Term::Integer(number) if number.to_i64().is_none()))
    }
}

/// Something the code says, as far as its instructions could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Known {
    /// It is so.
    Yes,
    /// It is not so.
    No,
    /// There are instructions that this reader does not know.
    #[default]
    Unknown,
}

/// Native functions of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nif {
    /// Only loading the module loads its library: `on_load` does, or functions that it alone can call. Whether the library can be replaced
    /// while it is in use (its `upgrade` callback) can't be seen from here.
    pub on_load_only: bool,
}

/// What a module is, as far as an upgrade is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Functions only.
    Plain,
    /// A callback module of a process (gen_server, gen_statem, gen_event, special process) that exports `code_change` or
    /// `system_code_change`.
    Process,
    /// A callback module of a process by its behaviours, without `code_change`.
    ProcessWithoutCodeChange,
    /// A supervisor with an `init/1` of its own.
    Supervisor,
    /// The callback module of an application (`start/2`).
    Application {
        /// Its `start/2` calls `Supervisor.start_link` with a list of children (Elixir): no supervisor of its own to update.
        starts_list: bool,
    },
    /// An Elixir protocol.
    Protocol {
        /// Its implementations are built in.
        consolidated: bool,
    },
    /// An implementation of a protocol.
    Implementation {
        /// The protocol.
        of: Option<Atom>,
        /// For which type or struct.
        for_type: Option<Atom>,
    },
}
