//! The version that a build gets: what its rule is made of, and the files of the project that say it.

use edeliver_core::{
    auto_version::{Origin, Recipe, VersionRule, erlang},
    name::{AppName, CommitId},
    plan::build::VersionChange,
    release::RelPath,
};

use super::BuildError;
use crate::{
    error::Error,
    git::{Chosen, Repository},
};

/// Another version than the project states, if the rule wants one.
///
/// # Errors
/// A file that says the version can't be given another one.
pub(super) async fn change(
    repository: &Repository,
    chosen: &Chosen,
    app: &AppName,
    rule: &VersionRule,
    mix_env: &str,
) -> Result<Option<VersionChange>, Error> {
    if rule.changes_nothing() {
        return Ok(None);
    }
    let (revision, commits, commits_of_branch) = repository.counted(&chosen.commit).await?;
    let now = jiff::Zoned::now();
    let origin = Origin {
        revision,
        commits,
        commits_of_branch,
        branch: chosen.branch.clone(),
        date: now.strftime("%Y%m%d").to_string(),
        time: now.strftime("%H%M%S").to_string(),
        mix_env: mix_env.to_owned(),
    };
    let recipe = rule.recipe(&origin);
    let files = rewritten(repository, &chosen.commit, app, &recipe).await?;
    Ok(Some(VersionChange { recipe, files }))
}

/// Files of an Erlang project. A mix project says its version in `mix.exs`, which nobody but mix can read; its `rebar.config`, if it has
/// one, is somebody else's business.
async fn rewritten(
    repository: &Repository,
    commit: &CommitId,
    app: &AppName,
    recipe: &Recipe,
) -> Result<Vec<(RelPath, String)>, Error> {
    let mut files = Vec::new();
    if repository.file(commit, "mix.exs").await?.is_some() {
        return Ok(files);
    }
    let apps = [format!("src/{app}.app.src"), format!("apps/{app}/src/{app}.app.src")];
    for name in apps.iter().map(String::as_str).chain(["rebar.config", "relx.config", "rel/reltool.config"]) {
        let Some(content) = repository.file(commit, name).await? else { continue };
        let written = match name.ends_with(".app.src") {
            true => erlang::app_src(&content, recipe),
            false => erlang::release(&content, app.as_str(), recipe),
        };
        let written = written.map_err(|source| BuildError::Version { file: name.to_owned(), source })?;
        files.extend(written.map(|text| (name.parse().expect("these names are paths"), text)));
    }
    Ok(files)
}
