//! `config import`: from a `.deliver/config` of edeliver 1.x to an edeliver.toml and a file with its hooks.
//!
//! What is written is read again before it is kept: it must mean the same settings and the same functions.

mod hooks;
mod toml;

use std::{fs, io, path::Path};

use edeliver_core::{
    config::{HookSource, RemoteStore, Settings},
    hint::Hint,
};

use super::{CLASSIC, ConfigError, Flags, Form, Loaded, RawVariable, TOML, load};
use crate::hook::shell::ShellError;

/// Where the hooks go.
pub const HOOKS: &str = ".deliver/hooks.sh";

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is one already.
    #[error("{0} exists already")]
    Exists(&'static str),
    /// There is nothing to import.
    #[error("there is no {CLASSIC} to import")]
    NothingThere,
    /// It can't be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// bash does not answer.
    #[error("can't ask bash for the functions")]
    Shell(#[from] ShellError),
    /// What was written would not mean the same.
    #[error("the {what} would not mean the same")]
    Differs {
        /// `settings` or `hooks`.
        what: &'static str,
        /// The first difference.
        #[source]
        difference: Difference,
    },
    /// A file can't be written.
    #[error("can't write {path}")]
    Write {
        /// The file.
        path: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Where two things differ.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Difference(String);

impl ImportError {
    /// What to do about it.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::Exists(path) => vec![Hint::text(format!("move {path} away if it is to be written anew"))],
            Self::NothingThere => vec![Hint::command(
                "an edeliver.toml can begin as a copy of the defaults",
                format!("edeliver config default > {TOML}"),
            )],
            Self::Config(error) => error.hints(),
            Self::Differs { .. } => vec![Hint::text(format!("keep {CLASSIC} as it is, and please report this"))],
            Self::Shell(_) | Self::Write { .. } => Vec::new(),
        }
    }
}

/// What an import gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The text of the edeliver.toml.
    pub toml: String,
    /// The text of the hooks file, if there are any hooks.
    pub hooks: Option<String>,
    /// What the user should look at.
    pub warnings: Vec<(String, Vec<Hint>)>,
}

/// Reads the classic config of a project and writes what it means.
///
/// # Errors
/// When there is nothing to import, when something is there already, and when the result would not mean the same.
pub fn import(project: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Imported, ImportError> {
    for path in [TOML, HOOKS] {
        if project.join(path).exists() {
            return Err(ImportError::Exists(path));
        }
    }
    let imported = texts(project, &env)?;
    if let Some(hooks) = &imported.hooks {
        write(project, HOOKS, hooks)?;
    }
    let written = write(project, TOML, &imported.toml);
    if written.is_err() {
        let _ = fs::remove_file(project.join(HOOKS)); // half an import is worse than none
    }
    written.map(|()| imported)
}

fn write(project: &Path, path: &'static str, text: &str) -> Result<(), ImportError> {
    fs::write(project.join(path), text).map_err(|source| ImportError::Write { path, source })
}

/// The texts, without writing them.
///
/// # Errors
/// As [`import`], except that nothing needs to be written.
pub fn texts(project: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Imported, ImportError> {
    // What the environment says today does not belong into a file. Who and where we are is needed to understand the config.
    let here = |name: &str| ["HOME", "USER", "LOGNAME", "APP_CONFIG"].contains(&name).then(|| env(name)).flatten();
    let loaded = load(project, &Flags::default(), here)?;
    if loaded.form != Form::Classic {
        return Err(ImportError::NothingThere);
    }
    let script = classic_text(project, &loaded);
    let hooks = hooks::text(&loaded)?;
    let toml = toml::text(&loaded, hooks.is_some());
    same_settings(&loaded, &toml, env)?;
    let mut warnings = loaded.warnings.clone();
    warnings.extend(computed(&loaded.raw_variables, &script));
    Ok(Imported { toml, hooks, warnings })
}

fn classic_text(project: &Path, loaded: &Loaded) -> String {
    let HookSource::Bash { file } = &loaded.settings.hooks else { return String::new() };
    fs::read(project.join(file)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// Reads the TOML as a project without anything else would, and compares.
fn same_settings(loaded: &Loaded, toml: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<(), ImportError> {
    let home = env("HOME");
    let around = edeliver_core::config::Around {
        flags: &edeliver_core::config::raw::Table::default(),
        env: &|_| None,
        folder: &loaded.project.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        home: home.as_deref(),
    };
    let (read, _) = edeliver_core::config::settle_toml(TOML, toml, &around).map_err(ConfigError::from)?;
    let (read, wanted) = (comparable(&read), comparable(&loaded.settings));
    if read == wanted {
        return Ok(());
    }
    let (read, wanted) = (format!("{read:#?}"), format!("{wanted:#?}"));
    let line = wanted.lines().zip(read.lines()).find(|(wanted, read)| wanted != read);
    let difference = line
        .map_or_else(|| "one has more settings".to_owned(), |(wanted, read)| format!("{} became {}", wanted.trim(), read.trim()));
    Err(ImportError::Differs { what: "settings", difference: Difference(difference) })
}

/// Without what an import changes on purpose: where the hooks are, the target `local`, which needs no configuration, and keys, which have no
/// place in the file.
fn comparable(settings: &Settings) -> Settings {
    let mut settings = Settings { hooks: HookSource::None, ..settings.clone() };
    if let Some(RemoteStore::S3(store)) = &mut settings.remote_store {
        store.keys = None;
    }
    settings.targets.retain(|name, _| name.as_str() != "local");
    settings
}

/// Values that the script computed have become fixed; who wrote them may want to know.
fn computed(variables: &[RawVariable], script: &str) -> Option<(String, Vec<Hint>)> {
    let lines: Vec<&str> = script.lines().collect();
    let computed = variables.iter().filter(|variable| {
        let line = edeliver_core::config::classic::lines::assignment(script, &variable.name);
        line.is_none_or(|line| lines.get(line - 1).is_some_and(|code| is_computed(code)))
    });
    let names: Vec<&str> = computed.map(|variable| variable.name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let hint =
        Hint::text("look at them: an environment variable like EDELIVER_BUILD_BRANCH can set what changes from time to time");
    Some((format!("these were computed by {CLASSIC} and have now the value of this moment: {}", names.join(", ")), vec![hint]))
}

/// Whether a line substitutes commands, outside single quotes.
fn is_computed(code: &str) -> bool {
    let mut outside = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for c in code.chars() {
        match c {
            '\'' if !escaped => quoted = !quoted,
            c if !quoted => outside.push(c),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    outside.contains("$(") || outside.contains('`')
}

#[cfg(test)]
mod tests;
