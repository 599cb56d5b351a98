//! A folder with a file for each host.

use std::path::Path;

use super::AskError;

/// The TOML files of a folder, sorted by name; each with its name in messages. Hidden ones are those of editors.
pub(super) fn files(project: &Path, dir: &Path) -> Result<Vec<(String, String)>, AskError> {
    let shown = dir.to_string_lossy().trim_end_matches('/').to_owned();
    let failed = |source| AskError::Read { path: shown.clone(), source };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(project.join(dir)).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let name = name.into_string().map_err(|_| AskError::NoText { what: format!("the name of a file in {shown}") })?;
        if name.ends_with(".toml") && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    names.into_iter().map(|name| file(project, &format!("{shown}/{name}"))).collect()
}

fn file(project: &Path, path: &str) -> Result<(String, String), AskError> {
    let bytes = std::fs::read(project.join(path)).map_err(|source| AskError::Read { path: path.to_owned(), source })?;
    let text = String::from_utf8(bytes).map_err(|_| AskError::NoText { what: path.to_owned() })?;
    Ok((path.to_owned(), text))
}
