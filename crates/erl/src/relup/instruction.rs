//! Low-level instructions, those that `release_handler` carries out.

use super::Direction;
use crate::term::{Atom, Term};

/// An instruction of a relup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instruction {
    /// Reads the object code of modules from a library's directory. Reading fails before anything has changed.
    LoadObjectCode {
        /// Application.
        app: Atom,
        /// Version of the application, as the release has it.
        vsn: String,
        /// Modules.
        modules: Vec<Atom>,
    },
    /// From here on a failure makes `release_handler` restart the node.
    PointOfNoReturn,
    /// Makes code that was read the current one.
    Load {
        /// Module.
        module: Atom,
        /// What is done before with processes that run its old code.
        pre: Purge,
        /// What is done afterwards with processes that run the code that is old then.
        post: Purge,
    },
    /// Makes the current code of a module the old one, so that the module is gone for new calls.
    Remove {
        /// Module.
        module: Atom,
        /// As in [`Instruction::Load`].
        pre: Purge,
        /// As in [`Instruction::Load`].
        post: Purge,
    },
    /// Removes old code of modules, and ends the processes that run it.
    Purge(Vec<Atom>),
    /// Suspends the processes whose child specifications name one of these modules.
    Suspend(Vec<Suspend>),
    /// Lets processes go on that were suspended under these modules.
    Resume(Vec<Atom>),
    /// Calls `code_change` in the suspended processes.
    CodeChange {
        /// What the processes are told; none means up.
        mode: Option<Direction>,
        /// Modules, each with the term that its callback is given as `Extra`.
        modules: Vec<(Atom, Term)>,
    },
    /// Ends the processes whose child specifications name one of these modules.
    Stop(Vec<Atom>),
    /// Starts again what was stopped under these modules.
    Start(Vec<Atom>),
    /// Waits for other nodes to come to the same place.
    SyncNodes {
        /// What the nodes are to have in common.
        id: Term,
        /// Which.
        nodes: Nodes,
    },
    /// Calls a function; its result does not matter.
    Apply(Mfa),
    /// Restarts the emulator, with a new ERTS, kernel, stdlib and sasl, and goes on afterwards.
    RestartNewEmulator,
    /// Restarts the emulator at the end.
    RestartEmulator,
}

/// What is done with processes that run old code of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purge {
    /// The installation fails if there are any.
    Soft,
    /// They are ended.
    #[default]
    Brutal,
}

/// A module whose processes are suspended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspend {
    /// Module.
    pub module: Atom,
    /// How long each process may take; none leaves it to the options of the installation.
    pub timeout: Option<Timeout>,
}

/// How long a process may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// What `sys` has: five seconds.
    Default,
    /// For ever.
    Infinity,
    /// Milliseconds, more than 0.
    Millis(u64),
}

/// A function with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mfa {
    /// Module.
    pub module: Atom,
    /// Function.
    pub function: Atom,
    /// Arguments.
    pub args: Vec<Term>,
}

/// Nodes to wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nodes {
    /// These.
    List(Vec<Atom>),
    /// Those that a function returns.
    Call(Mfa),
}

impl Purge {
    /// The word in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Soft => "soft_purge",
            Self::Brutal => "brutal_purge",
        }
    }
}

impl From<Atom> for Suspend {
    fn from(module: Atom) -> Self {
        Self { module, timeout: None }
    }
}

impl Suspend {
    fn to_term(&self) -> Term {
        let module = Term::Atom(self.module.clone());
        match self.timeout {
            None => module,
            Some(timeout) => Term::tuple([module, timeout.to_term()]),
        }
    }
}

impl Timeout {
    pub(crate) fn to_term(self) -> Term {
        match self {
            Self::Default => Term::atom("default"),
            Self::Infinity => Term::atom("infinity"),
            Self::Millis(millis) => Term::from(i64::try_from(millis).unwrap_or(i64::MAX)),
        }
    }
}

impl Mfa {
    /// `{Module, Function, Args}`.
    #[must_use]
    pub fn to_term(&self) -> Term {
        Term::tuple([self.module.clone().into(), self.function.clone().into(), Term::List(self.args.clone())])
    }
}

impl Instruction {
    /// A load as `systools` makes it by default.
    #[must_use]
    pub fn load(module: Atom) -> Self {
        Self::Load { module, pre: Purge::Brutal, post: Purge::Brutal }
    }

    /// A removal as `systools` makes it.
    #[must_use]
    pub fn remove(module: Atom) -> Self {
        Self::Remove { module, pre: Purge::Brutal, post: Purge::Brutal }
    }

    /// A call of a function known when this program is written.
    #[must_use]
    pub fn apply(module: &'static str, function: &'static str, args: impl IntoIterator<Item = Term>) -> Self {
        let (module, function) = (Atom::literal(module), Atom::literal(function));
        Self::Apply(Mfa { module, function, args: args.into_iter().collect() })
    }

    /// The name in the file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::LoadObjectCode { .. } => "load_object_code",
            Self::PointOfNoReturn => "point_of_no_return",
            Self::Load { .. } => "load",
            Self::Remove { .. } => "remove",
            Self::Purge(_) => "purge",
            Self::Suspend(_) => "suspend",
            Self::Resume(_) => "resume",
            Self::CodeChange { .. } => "code_change",
            Self::Stop(_) => "stop",
            Self::Start(_) => "start",
            Self::SyncNodes { .. } => "sync_nodes",
            Self::Apply(_) => "apply",
            Self::RestartNewEmulator => "restart_new_emulator",
            Self::RestartEmulator => "restart_emulator",
        }
    }

    /// The term in the file.
    #[must_use]
    pub fn to_term(&self) -> Term {
        let named = |rest: Vec<Term>| Term::tuple([Term::atom(self.name())].into_iter().chain(rest));
        match self {
            Self::LoadObjectCode { app, vsn, modules } => {
                named(vec![Term::tuple([app.clone().into(), Term::string(vsn), atoms(modules)])])
            }
            Self::Load { module, pre, post } | Self::Remove { module, pre, post } => {
                named(vec![Term::tuple([module.clone().into(), Term::atom(pre.as_str()), Term::atom(post.as_str())])])
            }
            Self::Purge(modules) | Self::Resume(modules) | Self::Stop(modules) | Self::Start(modules) => {
                named(vec![atoms(modules)])
            }
            Self::Suspend(modules) => named(vec![Term::list(modules.iter().map(Suspend::to_term))]),
            Self::CodeChange { mode, modules } => {
                let pair = |(module, extra): &(Atom, Term)| Term::tuple([module.clone().into(), extra.clone()]);
                let mode = mode.map(|mode| Term::atom(mode.as_str()));
                named(mode.into_iter().chain([Term::list(modules.iter().map(pair))]).collect())
            }
            Self::SyncNodes { id, nodes: Nodes::List(nodes) } => named(vec![id.clone(), atoms(nodes)]),
            Self::SyncNodes { id, nodes: Nodes::Call(mfa) } => named(vec![id.clone(), mfa.to_term()]),
            Self::Apply(mfa) => named(vec![mfa.to_term()]),
            Self::PointOfNoReturn | Self::RestartNewEmulator | Self::RestartEmulator => Term::atom(self.name()),
        }
    }
}

fn atoms(names: &[Atom]) -> Term {
    Term::list(names.iter().cloned().map(Term::Atom))
}
