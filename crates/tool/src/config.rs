//! Finding and loading the configuration of a project: edeliver.toml, or `.deliver/config` of edeliver 1.x, with the environment and the flags
//! over it.
//!
//! Reads files and lets bash run; what the texts mean is decided in [`edeliver_core::config`].

mod classic;
pub mod import;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use edeliver_core::{
    config::{
        Around, BuildSettings, HookSource, Origin, Origins, Place, Problem, Problems, Settings,
        raw::{self, Table},
        settle_toml,
    },
    hint::Hint,
};

use crate::{
    cli::{Words, options::Verbosity},
    hook::shell::{Function, Shell, ShellError},
};

/// What edeliver's own configuration is called.
pub const TOML: &str = "edeliver.toml";
/// What the configuration of edeliver 1.x is called.
pub const CLASSIC: &str = ".deliver/config";

/// Why there is no valid configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is none.
    #[error("there is no {TOML} and no {CLASSIC} in {}", project.display())]
    Missing {
        /// Where it was looked for.
        project: PathBuf,
    },
    /// A file can't be read.
    #[error("can't read {path}")]
    Read {
        /// The file as the user would write it.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It says something wrong.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// bash could not run it to its end.
    #[error("can't read {path}, which is a bash script")]
    Script {
        /// The file as the user would write it.
        path: String,
        /// Why.
        #[source]
        source: ShellError,
    },
    /// Something is to be built, and nobody said where.
    #[error("no build host is configured")]
    NoBuildHost {
        /// What kind of configuration there is.
        form: Form,
    },
}

impl ConfigError {
    /// What to do about it.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::Missing { .. } => vec![
                Hint::text("go to the project's folder, or name it with --project"),
                Hint::command(
                    "a new configuration can begin as a copy of the defaults",
                    format!("edeliver config default > {TOML}"),
                ),
            ],
            Self::NoBuildHost { form: Form::Classic } => {
                vec![Hint::text(format!("set BUILD_HOST, BUILD_USER and BUILD_AT in {CLASSIC}"))]
            }
            Self::NoBuildHost { .. } => vec![Hint::text(format!("add [build] with host and path to {TOML}"))],
            Self::Script { source: ShellError::Start(_), .. } => {
                vec![
                    Hint::text("install bash"),
                    Hint::command("or write an edeliver.toml, which needs none", "edeliver config import"),
                ]
            }
            Self::Script { .. } | Self::Read { .. } | Self::Invalid(_) => Vec::new(),
        }
    }
}

/// What kind of configuration was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// An edeliver.toml.
    Toml,
    /// A bash script of edeliver 1.x.
    Classic,
    /// None: defaults, environment and flags.
    None,
}

/// What the command line says about settings, and what a classic config may ask about the command.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    table: Table,
    context: Vec<(String, String)>,
}

impl Flags {
    /// What edeliver 1.x told configs and hooks about the command.
    pub fn of_command(words: &Words, verbosity: Verbosity) -> Self {
        let mut flags = Self::default();
        let word = |index: usize| words.command.get(index).cloned().unwrap_or_default();
        flags.context("COMMAND", word(0));
        flags.context("COMMAND_INFO", word(1));
        if verbosity > Verbosity::Compact {
            flags.context("VERBOSE", "true");
            flags.context("MODE", if verbosity == Verbosity::Debug { "debug" } else { "verbose" });
        }
        if let Some(target) = &words.target {
            flags.context("DEPLOY_ENVIRONMENT", target);
            flags.context("NODE_ENVIRONMENT", target);
            flags.context("NODE_ACTION", word(0));
        }
        flags
    }
    /// `flag` (`--mix-env`) gives the setting at a key path (`build.mix_env`) this value.
    pub fn set(&mut self, key: &str, value: &str, flag: &str) {
        self.table.set(key, value, &Place::of(Origin::Flag { flag: flag.to_owned() }));
    }
    /// A variable that a classic config sees while it is read: `COMMAND`, `DEPLOY_ENVIRONMENT`, `VERBOSE` …
    pub fn context(&mut self, variable: &str, value: impl Into<String>) {
        self.context.push((variable.to_owned(), value.into()));
    }
    /// Everything a classic config sees: the context, and variables that mean what flags say.
    fn variables(&self) -> Vec<(String, String)> {
        let flags = self.table.words().into_iter();
        let named = flags.filter_map(|(key, value)| Some((edeliver_core::config::classic::variable_of(&key)?.to_owned(), value)));
        self.context.iter().cloned().chain(named).collect()
    }
}

/// A variable that a classic config set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawVariable {
    /// Its name.
    pub name: String,
    /// Its value, or an array's items.
    pub values: Vec<String>,
}

/// A configuration that was found and is valid.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The only form the rest of the program sees.
    pub settings: Settings,
    /// Where each value comes from.
    pub origins: Origins,
    /// The project's folder, absolute.
    pub project: PathBuf,
    /// What was found.
    pub form: Form,
    /// What the user should know, with remedies.
    pub warnings: Vec<(String, Vec<Hint>)>,
    /// Every variable that a classic config set, also those without a meaning here: hooks use them.
    pub raw_variables: Vec<RawVariable>,
    /// Variables that hooks see with these values although the config may have set others: what flags said, and what the command is.
    pub stronger_variables: Vec<(String, String)>,
    /// The shell that read a classic config, waiting to run its hooks.
    shell: Parking,
}

/// A shell that has read the config, until somebody takes it.
#[derive(Debug, Clone, Default)]
struct Parking(Arc<Mutex<Option<Parked>>>);

/// A shell that has read the config, and the functions that it knows from there.
#[derive(Debug)]
pub(crate) struct Parked {
    pub(crate) shell: Shell,
    pub(crate) functions: Vec<Function>,
}

impl Loaded {
    /// A configuration made by hand, in tests.
    pub fn from_settings(settings: Settings, project: &Path) -> Self {
        Self {
            settings,
            origins: Origins::default(),
            project: project.to_path_buf(),
            form: Form::None,
            warnings: Vec::new(),
            raw_variables: Vec::new(),
            stronger_variables: Vec::new(),
            shell: Parking::default(),
        }
    }
    /// Where and how to build.
    ///
    /// # Errors
    /// When nobody said it.
    pub fn build(&self) -> Result<&BuildSettings, ConfigError> {
        let missing = || match self.form {
            Form::None => ConfigError::Missing { project: self.project.clone() },
            form => ConfigError::NoBuildHost { form },
        };
        self.settings.build.as_ref().ok_or_else(missing)
    }
    /// The shell that has read the hooks already, the first time it is asked for.
    pub(crate) fn take_shell(&self) -> Option<Parked> {
        self.shell.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }
    /// Values that must not be shown: those of variables whose names say so.
    pub fn secrets(&self) -> Vec<String> {
        let raw = self.raw_variables.iter().flat_map(|variable| variable.values.iter().map(move |value| (&variable.name, value)));
        let targets = self.settings.targets.values().flat_map(|target| &target.env);
        let build = self.settings.build.iter().flat_map(|build| &build.env);
        let all = raw.chain(targets).chain(build);
        all.filter(|(name, value)| is_secret(name, value)).map(|(_, value)| value.clone()).collect()
    }
}

/// Short values would make unrelated output unreadable.
fn is_secret(name: &str, value: &str) -> bool {
    use edeliver_core::config::secret;
    value.len() >= 6 && (secret::is_secret_name(name) || secret::is_secret_value(value))
}

/// Loads the configuration of a project. `env` gives variables of the environment.
///
/// # Errors
/// When a file can't be read, and with everything that is wrong in it.
pub fn load(project: &Path, flags: &Flags, env: impl Fn(&str) -> Option<String>) -> Result<Loaded, ConfigError> {
    let env: &dyn Fn(&str) -> Option<String> = &env;
    let loading = Loading { project, flags, env };
    let mut loaded = match find(project, env) {
        Found::Toml(path) => loading.toml(&path)?,
        Found::Classic(path) => loading.classic(&path)?,
        Found::None => loading.settled_toml(TOML, "", Form::None)?,
    };
    loaded.warnings.extend(not_used(&loaded.origins));
    Ok(loaded)
}

/// Settings that are understood, and do nothing in this version.
fn not_used(origins: &Origins) -> Option<(String, Vec<Hint>)> {
    let setting = origins.get("build.auto_version")?;
    let text = format!("versions get nothing appended yet: build.auto_version ({}) is not used", setting.origin);
    Some((text, vec![Hint::text("the release has the version that the project says")]))
}

/// Which file is the configuration.
enum Found {
    Toml(String),
    Classic(String),
    None,
}

fn find(project: &Path, env: &dyn Fn(&str) -> Option<String>) -> Found {
    match env("APP_CONFIG").filter(|path| !path.is_empty()) {
        Some(path) if Path::new(&path).extension().is_some_and(|extension| extension == "toml") => Found::Toml(path),
        Some(path) => Found::Classic(path),
        None if project.join(TOML).is_file() => Found::Toml(TOML.to_owned()),
        None if project.join(CLASSIC).is_file() => Found::Classic(CLASSIC.to_owned()),
        None => Found::None,
    }
}

struct Loading<'a> {
    project: &'a Path,
    flags: &'a Flags,
    env: &'a dyn Fn(&str) -> Option<String>,
}

impl Loading<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, ConfigError> {
        std::fs::read(self.project.join(path)).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
    }
    fn folder(&self) -> String {
        self.project.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
    fn toml(&self, path: &str) -> Result<Loaded, ConfigError> {
        let text = String::from_utf8(self.read(path)?).map_err(|_| {
            let source = io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text");
            ConfigError::Read { path: path.to_owned(), source }
        })?;
        let mut loaded = self.settled_toml(path, &text, Form::Toml)?;
        self.check_hooks(path, &text, &loaded.settings)?;
        loaded.warnings.extend(self.second_config(&loaded.settings));
        Ok(loaded)
    }
    fn settled_toml(&self, path: &str, text: &str, form: Form) -> Result<Loaded, ConfigError> {
        let home = (self.env)("HOME");
        let around = Around { flags: &self.flags.table, env: self.env, folder: &self.folder(), home: home.as_deref() };
        let (settings, origins) = settle_toml(path, text, &around)?;
        let stronger_variables = self.flags.context.clone();
        Ok(Loaded { origins, form, stronger_variables, ..Loaded::from_settings(settings, self.project) })
    }
    /// Whether the hooks file is there and is bash, said before the first connection.
    fn check_hooks(&self, path: &str, text: &str, settings: &Settings) -> Result<(), ConfigError> {
        let HookSource::Bash { file } = &settings.hooks else { return Ok(()) };
        let hooks = file.to_string_lossy().into_owned();
        if !self.project.join(file).is_file() {
            let place = raw::parse(path, text).0.place("hooks").unwrap_or_else(|| Place::file(path));
            let problem = Problem::new(format!("the hooks file {hooks:?} does not exist"), place).label("there is no such file");
            return Err(Problems::new(vec![problem], &[(path, text)]).into());
        }
        let script = String::from_utf8_lossy(&self.read(&hooks)?).into_owned();
        classic::check_syntax(self.project, &hooks, &script)
    }
    /// The classic config beside an edeliver.toml is not read, unless it is where the hooks are.
    fn second_config(&self, settings: &Settings) -> Option<(String, Vec<Hint>)> {
        let is_hooks = matches!(&settings.hooks, HookSource::Bash { file } if file == Path::new(CLASSIC));
        if is_hooks || !self.project.join(CLASSIC).is_file() {
            return None;
        }
        let hint = Hint::command("remove it if it is not needed any more", format!("git rm {CLASSIC}"));
        Some((format!("{CLASSIC} is not read, because there is an {TOML}"), vec![hint]))
    }
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
