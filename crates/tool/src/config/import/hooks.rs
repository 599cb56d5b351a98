//! The hooks file of an import: the functions as they were written, with their comments, and the variables they may use.

use std::{collections::HashSet, fs, path::Path, time::Duration};

use edeliver_core::config::classic::LISTENED;

use super::{CLASSIC, Difference, ImportError};
use crate::{
    config::{Loaded, RawVariable},
    hook::{
        shell::{Function, Shell, Start},
        vars,
    },
    transport::quote,
};

/// The text, if there are functions at all.
pub(super) fn text(loaded: &Loaded) -> Result<Option<String>, ImportError> {
    let Some(mut parked) = loaded.take_shell() else { return Ok(None) };
    if parked.functions.is_empty() {
        return Ok(None);
    }
    parked.functions.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    let exported = exported(&parked.shell.ask("exports", "")?);
    let mut reader = Reader::start(loaded)?;
    let mut functions = Vec::new();
    for function in &parked.functions {
        let body = parked.shell.ask("body", &function.name)?;
        let text = reader.as_written(function, &body)?.unwrap_or_else(|| body.clone());
        functions.push(Written { name: &function.name, text, body });
    }
    let texts: Vec<&str> = functions.iter().map(|function| function.text.as_str()).collect();
    let text = format!("{}\n{}\n", head(&variables(loaded), &exported), texts.join("\n\n"));
    for Written { name, body, .. } in &functions {
        if reader.reads(&text, name)? != *body {
            return Err(ImportError::Differs { what: "hooks", difference: Difference(format!("the function {name}")) });
        }
    }
    Ok(Some(text))
}

struct Written<'a> {
    name: &'a str,
    /// As it goes into the file.
    text: String,
    /// As bash prints it.
    body: String,
}

/// A bash that has read nothing, and says what it would read.
struct Reader {
    shell: Shell,
    /// The functions it has anyway.
    own: String,
}

impl Reader {
    fn start(loaded: &Loaded) -> Result<Self, ImportError> {
        let start =
            Start { project: &loaded.project, file: Path::new("/dev/null"), variables: &[], timeout: Duration::from_secs(30) };
        let (mut shell, _) = Shell::start(&start)?;
        let own = shell.ask("functions", "")?;
        Ok(Self { shell, own })
    }
    /// The body of a function, were this text read.
    fn reads(&mut self, text: &str, name: &str) -> Result<String, ImportError> {
        Ok(self.shell.ask("reads", &format!("{text}\n{name}"))?)
    }
    /// The function as its author wrote it, if that can be found: a text that defines it, and nothing else.
    fn as_written(&mut self, function: &Function, body: &str) -> Result<Option<String>, ImportError> {
        let Some(text) = source(function) else { return Ok(None) };
        let more = self.shell.ask("functions", &text)?;
        let own: HashSet<&str> = self.own.lines().collect();
        let others = more.lines().filter(|line| !own.contains(line)).any(|line| !line.ends_with(&format!(" {}", function.name)));
        let same = !others && self.reads(&text, &function.name)? == body;
        Ok(same.then_some(text))
    }
}

fn head(variables: &[&RawVariable], exported: &HashSet<String>) -> String {
    let mut head = format!(
        "#!/usr/bin/env bash\n# Hooks of edeliver, taken from {CLASSIC} by `edeliver config import`. Settings are in edeliver.toml; the variables that\n# edeliver 1.x had for them (APP, BUILD_AT, …) are still seen here.\n"
    );
    if !variables.is_empty() {
        head.push_str("\n# Other variables of the old config.\n");
    }
    for RawVariable { name, values } in variables {
        let export = if exported.contains(name) { "export " } else { "" };
        let line = match values.as_slice() {
            [value] => format!("{export}{name}={}\n", quote::word(value)),
            values => format!("{export}{name}=({})\n", quote::words(values.iter().map(String::as_str))),
        };
        head.push_str(&line);
    }
    head
}

/// Variables without a setting that stands for them.
fn variables(loaded: &Loaded) -> Vec<&RawVariable> {
    let of_settings: HashSet<String> = vars::of_settings(&loaded.settings).into_iter().map(|(name, _)| name).collect();
    let is_setting =
        |name: &str| of_settings.contains(name) || LISTENED.contains(&name) || ["TARGET_MIX_ENV", "SSH_TIMEOUT"].contains(&name);
    loaded.raw_variables.iter().filter(|variable| !is_setting(&variable.name)).collect()
}

/// Names in the output of `export -p`.
fn exported(listed: &str) -> HashSet<String> {
    let names = listed.lines().filter_map(|line| line.strip_prefix("declare -")?.split_once(' '));
    names.map(|(_, rest)| rest.split('=').next().unwrap_or(rest).to_owned()).collect()
}

/// The lines of a function in its file, with the comment in front of it.
fn source(function: &Function) -> Option<String> {
    let text = String::from_utf8_lossy(&fs::read(&function.file).ok()?).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    let end = end(&lines, function)?;
    let first = function.line - 1;
    let comments = lines[..first].iter().rev().take_while(|line| line.starts_with('#') && !line.starts_with("#!")).count();
    Some(lines[first - comments..=end].join("\n"))
}

/// Its last line: itself, or the first closing brace with the same indentation.
fn end(lines: &[&str], function: &Function) -> Option<usize> {
    let first = function.line.checked_sub(1)?;
    let start = lines.get(first)?;
    if !start.contains(&function.name) {
        return None; // bash counts differently here, for example behind a here-document
    }
    if start.trim_end().ends_with('}') {
        return Some(first);
    }
    let indent = &start[..start.len() - start.trim_start().len()];
    let closing = |line: &&str| line.strip_prefix(indent).is_some_and(|rest| rest.trim_end() == "}");
    lines.iter().skip(first + 1).position(closing).map(|offset| first + 1 + offset)
}
