//! Releases that edeliver itself builds from a project in git: what shows that those which are composed are like them.

use std::{error::Error, fs, path::Path, process::Command};

use super::{Composed, Workshop, application, md5s};
use crate::scenarios::{
    base::{self, Base, VERSION},
    folder, roads,
    row::{Row, Tool},
    stage::Stage,
};

/// Commits each version of a row, and has edeliver build its release into the stage's store.
///
/// # Errors
/// It does not build.
pub(in crate::scenarios) fn build(
    stage: &Stage,
    base: &Base,
    row: &Row,
    workshop: &mut Workshop,
) -> Result<Vec<Composed>, Box<dyn Error>> {
    let project = stage.project();
    stage.has_build_host()?;
    base::run(Command::new("cp").arg("-a").arg(folder().join("bases").join(base.tool.name()).join(".")).arg(&project))?;
    fs::write(project.join(".gitignore"), ".deliver\n_build\n")?;
    git(&project, &["init", "--quiet", "--initial-branch=main"])?;
    let versions = 1..=row.versions().max(2);
    versions.map(|number| one(stage, base, row, number, workshop)).collect()
}

fn one(stage: &Stage, base: &Base, row: &Row, number: u8, workshop: &mut Workshop) -> Result<Composed, Box<dyn Error>> {
    let (project, version) = (stage.project(), format!("1.{}.0", number - 1));
    sources(&project, base, row, number)?;
    numbered(&project, base.tool, &version)?;
    git(&project, &["add", "--all"])?;
    git(&project, &["commit", "--quiet", "--message", &version])?;
    stage.ok("build release")?;
    let dir = tempfile::TempDir::new_in(crate::scenarios::cache())?;
    let root = dir.path().join("scene");
    roads::unpack(&stage.archive(&version)?, &root, base.tool)?;
    let folders = [format!("lib/scene-{version}/ebin"), format!("releases/{version}/consolidated")];
    let modules = md5s(workshop, &folders.map(|folder| root.join(folder)))?;
    Ok(Composed { version, modules })
}

/// The row's modules, those that all rows have, and the supervisor with the row's children, where the tool looks for them.
fn sources(project: &Path, base: &Base, row: &Row, number: u8) -> Result<(), Box<dyn Error>> {
    for dir in ["lib", "src"] {
        let _ = fs::remove_dir_all(project.join(dir).join("row"));
    }
    let own = row.of(number).filter(|section| application::is_source(&section.path));
    let own = own.map(|section| (section.path.clone(), section.text.clone()));
    let children = row.of(number).filter(|section| section.path == "children");
    let children: Vec<String> = children.flat_map(|section| section.text.lines().map(str::to_owned)).collect();
    let (top, text) = application::top(base.tool, &children);
    let place = if base.tool == Tool::Mix { "lib/scene" } else { "src" };
    fs::write(project.join(place).join(top), text)?;
    for (name, text) in own.chain(base.sources.iter().filter(|(name, _)| name != "scene_app.erl").cloned()) {
        let dir = project.join(if name.ends_with(".ex") { "lib" } else { "src" }).join("row");
        fs::create_dir_all(&dir)?;
        fs::write(dir.join(name), text)?;
    }
    Ok(())
}

/// Gives the project this version.
fn numbered(project: &Path, tool: Tool, version: &str) -> Result<(), Box<dyn Error>> {
    let files: &[&str] = if tool == Tool::Mix { &["mix.exs"] } else { &["rebar.config", "src/scene.app.src"] };
    for file in files {
        let text = fs::read_to_string(folder().join("bases").join(tool.name()).join(file))?;
        fs::write(project.join(file), text.replace(VERSION, version))?;
    }
    Ok(())
}

fn git(project: &Path, words: &[&str]) -> Result<(), Box<dyn Error>> {
    let who = ["-c", "user.name=Scenes", "-c", "user.email=scenes@localhost"];
    base::run(Command::new("git").arg("-C").arg(project).args(who).args(words))
}
