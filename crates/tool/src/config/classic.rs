//! Letting bash read a config of edeliver 1.x, once.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use edeliver_core::{
    config::{
        Around, Origin, Place, Problem, Problems,
        classic::{self, LISTENED, STRONGER_THAN_CONFIG, Script},
        secret, settle,
    },
    hint::Hint,
};

use super::{ConfigError, Form, Loaded, Loading, Parked, Parking, RawVariable};
use crate::hook::shell::{Shell, ShellError, Sourced, Start, Variable};

/// A config that asks a slow network for something still gets its answer; one that hangs does not keep us for ever.
const LONGEST: Duration = Duration::from_secs(60);

impl Loading<'_> {
    pub(super) fn classic(&self, path: &str) -> Result<Loaded, ConfigError> {
        let text = String::from_utf8_lossy(&self.read(path)?).into_owned();
        check_syntax(self.project, path, &text)?;
        let file = self.project.join(path);
        let start = Start { project: self.project, file: &file, variables: &self.flags.variables(), timeout: LONGEST };
        let (shell, sourced) = Shell::start(&start).map_err(|source| ConfigError::Script { path: path.to_owned(), source })?;
        self.sourced_syntax(&sourced)?;
        let script = self.script(path, &text, &sourced);
        let mut loaded = self.meaning(path, &text, &script)?;
        loaded.warnings.extend(sourced.said.iter().filter_map(|line| warning(path, line)));
        let raw = |variable: &Variable| RawVariable { name: variable.name.clone(), values: variable.values.clone() };
        loaded.raw_variables = set_by_config(&sourced).map(raw).collect();
        loaded.shell = Parking(Arc::new(Mutex::new(Some(Parked { shell, functions: sourced.functions }))));
        Ok(loaded)
    }
    fn script(&self, path: &str, text: &str, sourced: &Sourced) -> Script {
        let mut variables: Vec<classic::Variable> = set_by_config(sourced).map(|set| assigned(path, text, set)).collect();
        for name in LISTENED {
            self.listen(name, &mut variables);
        }
        let functions = sourced.functions.iter().map(|function| {
            let path = function.file.strip_prefix(self.project).unwrap_or(&function.file).to_string_lossy().into_owned();
            classic::Function { name: function.name.clone(), origin: Origin::File { path, line: Some(function.line) } }
        });
        Script {
            path: path.to_owned(),
            variables,
            functions: functions.collect(),
            project: self.project.to_string_lossy().into_owned(),
            user: (self.env)("USER").or_else(|| (self.env)("LOGNAME")),
            home: (self.env)("HOME"),
        }
    }
    /// The environment speaks where the config is silent, and for a few names even where it is not.
    fn listen(&self, name: &str, variables: &mut Vec<classic::Variable>) {
        let Some(value) = (self.env)(name).filter(|value| !value.is_empty()) else { return };
        let origin = Origin::Env { name: name.to_owned() };
        let variable = classic::Variable { name: name.to_owned(), values: vec![value], origin };
        match variables.iter().position(|variable| variable.name == name) {
            Some(at) if STRONGER_THAN_CONFIG.contains(&name) => variables[at] = variable,
            Some(_) => {}
            None => variables.push(variable),
        }
    }
    fn meaning(&self, path: &str, text: &str, script: &Script) -> Result<Loaded, ConfigError> {
        let classic::Meaning { mut table, warnings, mut problems } = classic::meaning(script);
        table.set("hooks", path, &Place::file(path));
        let folder = self.folder();
        let around = Around { flags: &self.flags.table, env: self.env, folder: &folder, home: script.home.as_deref() };
        let settled = match settle(&table, &around) {
            Ok(settled) if problems.is_empty() => Ok(settled),
            Ok(_) => Err(problems),
            Err(more) => {
                problems.extend(more);
                Err(problems)
            }
        };
        let (settings, origins) = settled.map_err(|problems| Problems::new(problems, &[(path, text)]))?;
        let stronger_variables = stronger(script).chain(self.flags.variables()).collect();
        let form = Form::Classic;
        Ok(Loaded { origins, form, warnings, stronger_variables, ..Loaded::from_settings(settings, self.project) })
    }
    /// A syntax error in a file that the config sources: bash says it and goes on without the file, which we don't.
    fn sourced_syntax(&self, sourced: &Sourced) -> Result<(), ConfigError> {
        let told = sourced.said.iter().filter(|line| line.contains("syntax error") || line.contains("unexpected EOF"));
        let Some((path, line, message)) = told.filter_map(|line| bash_message(line)).next() else { return Ok(()) };
        let inside = Path::new(&path).strip_prefix(self.project);
        let path = inside.map_or(path.clone(), |path| path.to_string_lossy().into_owned());
        let text = self.read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        Err(syntax_problem(&path, line, &message, &text))
    }
}

fn assigned(path: &str, text: &str, variable: &Variable) -> classic::Variable {
    let line = classic::lines::assignment(text, &variable.name);
    let origin = Origin::File { path: path.to_owned(), line };
    classic::Variable { name: variable.name.clone(), values: variable.values.clone(), origin }
}

/// What hooks must see although the config assigned something else: the few variables of the environment that win over it.
fn stronger(script: &Script) -> impl Iterator<Item = (String, String)> {
    let wins = |variable: &&classic::Variable| {
        matches!(variable.origin, Origin::Env { .. }) && STRONGER_THAN_CONFIG.contains(&variable.name.as_str())
    };
    script.variables.iter().filter(wins).map(|variable| (variable.name.clone(), variable.values.concat()))
}

/// Variables that are new, or other than before the config was read.
fn set_by_config(sourced: &Sourced) -> impl Iterator<Item = &Variable> {
    /// What a shell keeps about itself changes without anybody's wish.
    const OWN: &[&str] = &[
        "PWD", "OLDPWD", "SHLVL", "COLUMNS", "LINES", "REPLY", "UID", "EUID", "HOSTNAME", "HOSTTYPE", "MACHTYPE", "OSTYPE", "TERM",
    ];
    let before = &sourced.before;
    sourced.after.iter().filter(move |variable| !OWN.contains(&variable.name.as_str()) && !before.contains(variable))
}

/// Lets bash read the file without running it.
///
/// # Errors
/// The first syntax error, at its line.
pub(super) fn check_syntax(project: &Path, path: &str, text: &str) -> Result<(), ConfigError> {
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-n"]).arg(project.join(path)).current_dir(project).stdin(Stdio::null());
    bash.env("LC_ALL", "C").env_remove("BASH_ENV").env_remove("SHELLOPTS").env_remove("BASHOPTS").env_remove("POSIXLY_CORRECT");
    let not_started = |source| ConfigError::Script { path: path.to_owned(), source: ShellError::Start(source) };
    let checked = bash.output().map_err(not_started)?;
    if checked.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&checked.stderr).into_owned();
    let first = told.lines().find_map(bash_message);
    let (_, line, message) = first.unwrap_or_else(|| (String::new(), 1, "bash does not accept it".to_owned()));
    Err(syntax_problem(path, line, &message, text))
}

fn syntax_problem(path: &str, line: usize, message: &str, text: &str) -> ConfigError {
    let line = line.min(text.lines().count().max(1)); // at the end of the file bash names the line after it
    let place = Place::of(Origin::File { path: path.to_owned(), line: Some(line) });
    let problem = Problem::new(message, place).label("bash stops here");
    let problem = problem.remedy("a quote or bracket that is not closed may stand further up");
    Problems::new(vec![problem], &[(path, text)]).into()
}

/// `FILE: line N: MESSAGE`.
fn bash_message(line: &str) -> Option<(String, usize, String)> {
    let (path, rest) = line.split_once(": line ")?;
    let (number, message) = rest.split_once(": ")?;
    Some((path.to_owned(), number.parse().ok()?, message.to_owned()))
}

/// What bash or the config printed while it was read. Traces of `set -x` are not told: they show values.
fn warning(path: &str, line: &str) -> Option<(String, Vec<Hint>)> {
    let line = secret::masked_source(line.trim());
    if line.is_empty() || line.starts_with("+ ") || line.starts_with("++") {
        return None;
    }
    Some(match bash_message(&line) {
        Some((_, number, message)) => (format!("{path}:{number}: {message}"), Vec::new()),
        None => (format!("{path} says: {line}"), Vec::new()),
    })
}
