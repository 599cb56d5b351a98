//! Finding and loading the configuration of a project: edeliver.toml, or `.deliver/config` of edeliver 1.x, with the environment and the flags
//! over it.
//!
//! Reads files and lets bash run; what the texts mean is decided in [`edeliver_core::config`].

mod classic;
mod error;
mod flags;
pub mod import;

use std::{
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use edeliver_core::{
    config::{
        Around, BuildSettings, HookSource, Origins, Place, Problem, Problems, Settings, TargetSettings, TrafficProgram, raw,
        settle_toml,
    },
    hint::Hint,
};

use crate::hook::shell::{Function, Shell};

pub use self::{error::ConfigError, flags::Flags};

/// What edeliver's own configuration is called.
pub const TOML: &str = "edeliver.toml";
/// What the configuration of edeliver 1.x is called.
pub const CLASSIC: &str = ".deliver/config";

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
    /// The shell that has read the hooks, waiting to run them.
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
    /// The shell that has read the hooks already, if nobody has it.
    pub(crate) fn take_shell(&self) -> Option<Parked> {
        self.shell.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }
    /// Keeps a shell for those who ask for it next.
    pub(crate) fn put_shell(&self, parked: Parked) {
        *self.shell.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(parked);
    }
    /// Values that must not be shown: those of variables whose names say so.
    pub fn secrets(&self) -> Vec<String> {
        let raw = self.raw_variables.iter().flat_map(|variable| variable.values.iter().map(move |value| (&variable.name, value)));
        let targets = self.settings.targets.values().flat_map(|target| &target.env);
        let build = self.settings.build.iter().flat_map(|build| &build.env);
        let all = raw.chain(targets).chain(build);
        let named = all.filter(|(name, value)| is_secret(name, value)).map(|(_, value)| value.clone());
        named.chain(self.settings.notify.iter().map(|notify| notify.webhook.reveal().to_owned())).collect()
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
    match find(project, env) {
        Found::Toml(path) => loading.toml(&path),
        Found::Classic(path) => loading.classic(&path),
        Found::None => loading.settled_toml(TOML, "", Form::None),
    }
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
        self.check_run_hooks(path, &text, &loaded)?;
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
    /// Whether the programs of the run's hooks are there and can be run.
    fn check_run_hooks(&self, path: &str, text: &str, loaded: &Loaded) -> Result<(), ConfigError> {
        let mut problems = Vec::new();
        let hooks =
            loaded.settings.run_hooks.programs.iter().map(|(moment, program)| (format!("run_hooks.{}", moment.key()), program));
        for (key, program) in hooks.chain(loaded.settings.targets.values().flat_map(traffic_programs)) {
            let Some((title, label)) = not_runnable(&self.project.join(program)) else { continue };
            let place = loaded.origins.get(&key).map_or_else(|| Place::file(path), |setting| Place::of(setting.origin.clone()));
            problems.push(Problem::new(format!("`{key}`: {} {title}", program.display()), place).label(label));
        }
        if problems.is_empty() { Ok(()) } else { Err(Problems::new(problems, &[(path, text)]).into()) }
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

/// The project's programs that take a target's hosts out of the traffic and back, by their keys.
fn traffic_programs(target: &TargetSettings) -> Vec<(String, &PathBuf)> {
    let Some(traffic) = &target.rollout.traffic else { return Vec::new() };
    let programs = [("drain", &traffic.drain), ("resume", &traffic.resume)];
    let here = programs.into_iter().filter_map(|(word, program)| match program {
        TrafficProgram::Here(path) => Some((word, path)),
        TrafficProgram::OnHost(_) => None,
    });
    here.map(|(word, path)| (format!("targets.{}.rollout.{word}", target.name), path)).collect()
}

/// Why a file can't be run as a program.
fn not_runnable(program: &Path) -> Option<(&'static str, &'static str)> {
    match std::fs::metadata(program) {
        Err(_) => Some(("does not exist", "write its path, from the project's folder")),
        Ok(found) if !found.is_file() => Some(("is no file", "write the path of an executable file")),
        Ok(found) if found.permissions().mode() & 0o111 == 0 => Some(("is not executable", "chmod +x")),
        Ok(_) => None,
    }
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
