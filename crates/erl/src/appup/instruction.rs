//! High-level instructions.

use crate::rel::StartType;
use crate::relup::{Instruction, Purge, Timeout};
use crate::term::{Atom, Term};

/// An instruction of an appup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Loads a module while the processes that have it in their child specifications are suspended.
    Update {
        /// Module.
        module: Atom,
        /// When its processes change their state on the way down.
        kind: ModuleType,
        /// How long each process may take to be suspended.
        timeout: Timeout,
        /// Whether the processes change their state.
        change: Change,
        /// What is done before with processes that run its old code.
        pre: Purge,
        /// What is done afterwards with processes that run the code that is old then.
        post: Purge,
        /// Modules that it depends on.
        needs: Vec<Atom>,
    },
    /// Loads a module.
    LoadModule {
        /// Module.
        module: Atom,
        /// As in [`Step::Update`].
        pre: Purge,
        /// As in [`Step::Update`].
        post: Purge,
        /// Modules that it depends on.
        needs: Vec<Atom>,
    },
    /// Loads a module that is new.
    AddModule {
        /// Module.
        module: Atom,
        /// Modules that it depends on.
        needs: Vec<Atom>,
    },
    /// Removes a module.
    DeleteModule {
        /// Module.
        module: Atom,
        /// Modules that it depends on.
        needs: Vec<Atom>,
    },
    /// Loads the modules of an application and starts it.
    AddApplication {
        /// Application.
        app: Atom,
        /// How it is started.
        start: StartType,
    },
    /// Stops an application and removes its modules.
    RemoveApplication(Atom),
    /// Stops an application, loads all its modules, and starts it.
    RestartApplication(Atom),
    /// A low-level instruction.
    Low(Instruction),
}

/// When a process changes its state on the way down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModuleType {
    /// After the old code is loaded; supervisors are like that.
    Static,
    /// Before it, in the new code, which knows both states.
    Dynamic,
}

/// What becomes of the states of processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// They stay as they are.
    Soft,
    /// `code_change` is called with this term as `Extra`.
    Advanced(Term),
}

impl ModuleType {
    /// The word in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Dynamic => "dynamic",
        }
    }
}

impl Step {
    /// The module it is about, if it is one of the instructions that are ordered by what depends on what.
    #[must_use]
    pub fn module(&self) -> Option<&Atom> {
        match self {
            Self::Update { module, .. }
            | Self::LoadModule { module, .. }
            | Self::AddModule { module, .. }
            | Self::DeleteModule { module, .. } => Some(module),
            _ => None,
        }
    }

    /// The modules that its module depends on.
    #[must_use]
    pub fn needs(&self) -> &[Atom] {
        match self {
            Self::Update { needs, .. }
            | Self::LoadModule { needs, .. }
            | Self::AddModule { needs, .. }
            | Self::DeleteModule { needs, .. } => needs,
            _ => &[],
        }
    }

    /// The term, in its longest form.
    #[must_use]
    pub fn to_term(&self) -> Term {
        let module = |module: &Atom| Term::Atom(module.clone());
        let modules = |modules: &[Atom]| Term::list(modules.iter().map(module));
        match self {
            Self::Update { module: name, kind, timeout, change, pre, post, needs } => Term::tuple([
                Term::atom("update"),
                module(name),
                Term::atom(kind.as_str()),
                timeout.to_term(),
                change.to_term(),
                Term::atom(pre.as_str()),
                Term::atom(post.as_str()),
                modules(needs),
            ]),
            Self::LoadModule { module: name, pre, post, needs } => {
                let purges = [Term::atom(pre.as_str()), Term::atom(post.as_str())];
                Term::tuple([Term::atom("load_module"), module(name)].into_iter().chain(purges).chain([modules(needs)]))
            }
            Self::AddModule { module: name, needs } => Term::tuple([Term::atom("add_module"), module(name), modules(needs)]),
            Self::DeleteModule { module: name, needs } => Term::tuple([Term::atom("delete_module"), module(name), modules(needs)]),
            Self::AddApplication { app, start } => {
                Term::tuple([Term::atom("add_application"), module(app), Term::atom(start.as_str())])
            }
            Self::RemoveApplication(app) => Term::tuple([Term::atom("remove_application"), module(app)]),
            Self::RestartApplication(app) => Term::tuple([Term::atom("restart_application"), module(app)]),
            Self::Low(instruction) => instruction.to_term(),
        }
    }
}

impl Change {
    pub(super) fn to_term(&self) -> Term {
        match self {
            Self::Soft => Term::atom("soft"),
            Self::Advanced(extra) => Term::tuple([Term::atom("advanced"), extra.clone()]),
        }
    }
}
