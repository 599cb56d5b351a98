//! Which tools build a project, and the commands of each stage.
//!
//! Decided from the names of the commit's files and from settings; an explicit setting always wins over what was detected.

mod commands;

use serde::{Deserialize, Serialize};

pub use commands::{Commands, Profile};

use crate::config::{BuildTool, MixRelease};

/// What the commit's files say about how it is built.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectFiles {
    /// `mix.exs`.
    pub mix: bool,
    /// `rebar.config`.
    pub rebar: bool,
    /// `relx.config`.
    pub relx: bool,
    /// `rel/config.exs`, Distillery's configuration.
    pub distillery: bool,
    /// `rel/reltool.config`, an own `rebar` or `src/*.app.src`: what a rebar 2 project without `rebar.config` has.
    pub erlang: bool,
    /// Programs that the project brings along, in its top folder.
    pub own: Own,
    /// `mix.exs` gives this application's name to a release: `mix release` is told it, because there may be several.
    pub names_release: bool,
    /// Some dependency comes from hex.pm.
    pub needs_hex: bool,
    /// Some dependency of a mix project is built by rebar3.
    pub needs_rebar3: bool,
}

/// Build programs that lie in the project's top folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Own {
    /// `./rebar3`.
    pub rebar3: bool,
    /// `./rebar`.
    pub rebar: bool,
    /// `./relx`.
    pub relx: bool,
}

/// What assembles the release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Assembler {
    /// `mix release` of Elixir.
    Mix,
    /// `mix distillery.release`.
    Distillery,
    /// `relx release`.
    Relx,
    /// `rebar3 release`.
    Rebar3,
    /// `rebar generate`.
    Rebar,
}

/// The two tools of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tools {
    /// Fetches dependencies and compiles.
    pub build: BuildTool,
    /// Makes the release.
    pub assemble: Assembler,
}

/// Why no tools can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ToolsError {
    /// Nothing that a build tool would know.
    #[error("the commit has no mix.exs, rebar.config or relx.config")]
    NoProject,
    /// Settings that exclude each other.
    #[error("{} can't assemble what {} compiles", mix_release_word(*.assemble), build_word(*.build))]
    Unfit {
        /// The explicit build tool.
        build: BuildTool,
        /// The explicit release builder.
        assemble: MixRelease,
    },
}

fn build_word(tool: BuildTool) -> &'static str {
    match tool {
        BuildTool::Mix => "mix",
        BuildTool::Rebar3 => "rebar3",
        BuildTool::Rebar => "rebar",
    }
}

fn mix_release_word(tool: MixRelease) -> &'static str {
    match tool {
        MixRelease::Native => "mix release",
        MixRelease::Distillery => "distillery",
        MixRelease::Relx => "relx",
    }
}

impl Tools {
    /// Chooses. The table is that of edeliver 1.9, except that a project with `mix.exs` alone is assembled by `mix release`
    /// (edeliver ran Distillery's task there) and that an explicit choice is not overridden by a file.
    ///
    /// # Errors
    /// [`ToolsError`]: nothing to go by, or settings that don't fit together.
    pub fn choose(files: &ProjectFiles, build: Option<BuildTool>, assemble: Option<MixRelease>) -> Result<Self, ToolsError> {
        let build = match (build, assemble) {
            (Some(build), _) => build,
            (None, Some(MixRelease::Native | MixRelease::Distillery)) => BuildTool::Mix,
            (None, _) => detect(files).ok_or(ToolsError::NoProject)?,
        };
        let assemble = match (build, assemble) {
            (BuildTool::Mix, Some(MixRelease::Native)) => Assembler::Mix,
            (BuildTool::Mix, Some(MixRelease::Distillery)) => Assembler::Distillery,
            (_, Some(MixRelease::Relx)) => Assembler::Relx,
            (build, Some(assemble)) => return Err(ToolsError::Unfit { build, assemble }),
            (BuildTool::Mix, None) if files.relx => Assembler::Relx,
            (BuildTool::Mix, None) if files.distillery => Assembler::Distillery,
            (BuildTool::Mix, None) => Assembler::Mix,
            (BuildTool::Rebar, None) if files.relx => Assembler::Relx,
            (BuildTool::Rebar, None) => Assembler::Rebar,
            (BuildTool::Rebar3, None) => Assembler::Rebar3,
        };
        Ok(Self { build, assemble })
    }
}

fn detect(files: &ProjectFiles) -> Option<BuildTool> {
    let &ProjectFiles { mix, rebar, relx, erlang, .. } = files;
    match (rebar, relx, mix) {
        (true, false, _) => Some(BuildTool::Rebar3),
        (_, _, true) => Some(BuildTool::Mix),
        (_, true, false) => Some(BuildTool::Rebar),
        (false, false, false) => erlang.then_some(BuildTool::Rebar),
    }
}

#[cfg(test)]
mod tests;
