//! Migrating databases with Ecto's own migrator: on the running node, or from the files of the release where there is no node.
//!
//! What is migrated is always the release that boots next. A node that still runs another one does not have that release's code, so it
//! is passed over.

mod error;
mod hold;
mod said;
mod way;

use edeliver_core::{config::TargetSettings, name::AppName};

pub use error::MigrateError;
pub use hold::Hold;
pub use said::{Migration, Said, Status};
pub use way::{Site, Way};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Tell which migrations there are.
    Show,
    /// Carry out those that were not.
    Up,
    /// Take back the last one, or all from a version on.
    Down,
}

impl Action {
    /// As users type it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Show => "show",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// A question or an order to the migrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The application whose `ecto_repos` come first; those of the release's other applications follow.
    pub app: AppName,
    /// What is to be done.
    pub action: Action,
    /// Where it ends: the last migration that is carried out, or the last that is taken back.
    pub version: Option<u64>,
    /// These repositories only.
    pub repos: Vec<String>,
    /// Call this function instead of Ecto's migrator.
    pub task: Option<String>,
}

impl Order {
    /// An order as the configuration and the command line have it.
    pub fn new(app: &AppName, action: Action, version: Option<u64>, repo: Option<String>, settings: &TargetSettings) -> Self {
        let task = match action {
            Action::Show => None,
            Action::Up => settings.migrate.clone(),
            Action::Down => settings.migrate_down.clone(),
        };
        let repos = repo.map_or_else(|| settings.ecto_repos.clone(), |repo| vec![repo]);
        Self { app: app.clone(), action, version, repos, task }
    }
    /// The same, to ask which migrations there are.
    #[must_use]
    pub fn to_show(&self) -> Self {
        Self { action: Action::Show, version: None, task: None, ..self.clone() }
    }
    /// What `migrator.exs` is given.
    fn arguments(&self) -> Vec<String> {
        let action = match (&self.task, self.action) {
            (Some(_), Action::Down) => "task-down",
            (Some(_), _) => "task",
            (None, action) => action.word(),
        };
        let version = self.version.map(|version| version.to_string()).unwrap_or_default();
        vec![self.app.to_string(), action.to_owned(), version, self.repos.join(","), self.task.clone().unwrap_or_default()]
    }
    /// The repositories, if the order has to name one of them: the last migration of several is not one.
    pub fn undecided(&self, migrations: &[Migration]) -> Vec<String> {
        let mut repos: Vec<String> = Vec::new();
        for migration in migrations {
            if !repos.contains(&migration.repo) {
                repos.push(migration.repo.clone());
            }
        }
        if self.action == Action::Down && repos.len() > 1 { repos } else { Vec::new() }
    }
    /// Of these, those that the order would take back and can't, for want of their files. Ecto passes over them.
    pub fn passed_over<'a>(&self, migrations: &'a [Migration]) -> Vec<&'a Migration> {
        let oldest = self.concerns(migrations).last().map(|migration| migration.version);
        let newer = |migration: &Migration| self.version.is_some() || oldest.is_none_or(|oldest| migration.version > oldest);
        let passed_over = |migration: &&Migration| self.reaches_back(migration) && migration.is_without_file() && newer(migration);
        migrations.iter().filter(passed_over).collect()
    }
    fn reaches_back(&self, migration: &Migration) -> bool {
        self.action == Action::Down && migration.status == Status::Up && self.version.is_none_or(|to| migration.version >= to)
    }
    /// Of these, those that the order is about, in the order in which it takes them.
    pub fn concerns<'a>(&self, migrations: &'a [Migration]) -> Vec<&'a Migration> {
        let within = |migration: &&Migration| match self.action {
            Action::Show => true,
            Action::Up => migration.status == Status::Down && self.version.is_none_or(|to| migration.version <= to),
            Action::Down => self.reaches_back(migration) && !migration.is_without_file(),
        };
        let mut concerned: Vec<&Migration> = migrations.iter().filter(within).collect();
        if self.action == Action::Down {
            concerned.reverse();
            concerned.truncate(if self.version.is_none() { 1 } else { usize::MAX });
        }
        concerned
    }
}

#[cfg(test)]
mod tests;
