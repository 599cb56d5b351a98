//! The command lines of each stage.

use super::{Assembler, Own, Tools};
use crate::{
    config::{BuildTool, Programs},
    name::AppName,
};

/// What the command lines depend on, besides the tools.
#[derive(Debug, Clone)]
pub struct Profile<'a> {
    /// Release name.
    pub app: &'a AppName,
    /// `MIX_ENV`.
    pub mix_env: &'a str,
    /// `REBAR_PROFILE`.
    pub rebar_profile: Option<&'a str>,
    /// Programs as configured.
    pub programs: &'a Programs,
    /// Programs that the project brings along.
    pub own: Own,
    /// Whether `mix release` is told the release's name.
    pub names_release: bool,
    /// `REBAR_CONFIG`. rebar3 reads the variable by itself, rebar 2 takes an option.
    pub rebar_config: Option<&'a str>,
    /// More words for the command that assembles.
    pub release_options: &'a [String],
}

/// The command lines of a build: per stage, the programs to run one after the other.
#[derive(Debug, Clone)]
pub struct Commands<'a> {
    /// What builds.
    pub tools: Tools,
    /// For what.
    pub profile: Profile<'a>,
}

type Line = Vec<String>;

fn line<'a>(words: impl IntoIterator<Item = &'a str>) -> Line {
    words.into_iter().map(str::to_owned).collect()
}

impl Commands<'_> {
    /// The program of the build tool.
    pub fn build_program(&self) -> &str {
        let Profile { programs, own, .. } = &self.profile;
        match self.tools.build {
            BuildTool::Mix => program(programs.mix.as_deref(), false, "mix"),
            BuildTool::Rebar3 => program(programs.rebar3.as_deref(), own.rebar3, "rebar3"),
            BuildTool::Rebar => program(programs.rebar.as_deref(), own.rebar, "rebar"),
        }
    }
    /// The program that assembles.
    pub fn assemble_program(&self) -> &str {
        let Profile { programs, own, .. } = &self.profile;
        match self.tools.assemble {
            Assembler::Relx => program(programs.relx.as_deref(), own.relx, "relx"),
            Assembler::Mix | Assembler::Distillery | Assembler::Rebar3 | Assembler::Rebar => self.build_program(),
        }
    }
    /// Fetches what the lock file names.
    pub fn deps(&self) -> Vec<Line> {
        match self.tools.build {
            BuildTool::Mix => vec![self.build(["deps.get", "--only", self.profile.mix_env])],
            BuildTool::Rebar3 => vec![self.build(["get-deps"])],
            BuildTool::Rebar => vec![self.build(["update-deps", "get-deps"])],
        }
    }
    /// The tool's own clean.
    pub fn clean(&self) -> Vec<Line> {
        match self.tools.build {
            BuildTool::Mix | BuildTool::Rebar3 => vec![self.build(["clean"])],
            BuildTool::Rebar => vec![self.build(["clean", "skip_deps=true"])],
        }
    }
    /// Compiles. relx doesn't do it, so dependencies are compiled explicitly for it.
    pub fn compile(&self) -> Vec<Line> {
        match (self.tools.build, self.tools.assemble) {
            (BuildTool::Mix, Assembler::Relx) => vec![self.build(["do", "deps.compile,", "compile"])],
            _ => vec![self.build(["compile"])],
        }
    }
    /// Makes the release.
    pub fn release(&self) -> Vec<Line> {
        let Profile { app, mix_env, names_release, release_options, .. } = &self.profile;
        let options = release_options.iter().map(String::as_str);
        let words = match self.tools.assemble {
            Assembler::Mix => {
                let name = names_release.then_some(app.as_str());
                self.build(["release"].into_iter().chain(name).chain(["--overwrite"]).chain(options))
            }
            Assembler::Distillery => {
                let (env, name) = (format!("--env={mix_env}"), format!("--name={app}"));
                self.build(["distillery.release", "--verbose", &env, &name].into_iter().chain(options))
            }
            Assembler::Rebar3 => self.build(["release", "-n", app.as_str()].into_iter().chain(options)),
            Assembler::Rebar => self.build(["generate"].into_iter().chain(options)),
            Assembler::Relx => line([self.assemble_program(), "release"].into_iter().chain(options)),
        };
        vec![words]
    }
    /// Whether the command that assembles compiles by itself, so that a stage of its own only costs a start of the tool.
    pub fn release_compiles(&self) -> bool {
        matches!(self.tools.assemble, Assembler::Mix | Assembler::Rebar3)
    }
    /// Where the assembled release lies, below the project; the build tool may be configured otherwise.
    pub fn release_dir(&self) -> String {
        let Profile { app, mix_env, rebar_profile, .. } = &self.profile;
        match self.tools.assemble {
            Assembler::Mix | Assembler::Distillery => format!("_build/{mix_env}/rel/{app}"),
            Assembler::Rebar3 => format!("_build/{}/rel/{app}", rebar3_dir(rebar_profile.unwrap_or("default"))),
            Assembler::Relx => format!("_rel/{app}"),
            Assembler::Rebar => format!("rel/{app}"),
        }
    }
    fn build<'w>(&'w self, words: impl IntoIterator<Item = &'w str>) -> Line {
        let config = match (self.tools.build, self.profile.rebar_config) {
            (BuildTool::Rebar, Some(file)) => vec!["-C", file],
            _ => Vec::new(),
        };
        line([self.build_program()].into_iter().chain(config).chain(words))
    }
}

fn program<'a>(configured: Option<&'a str>, own: bool, name: &'static str) -> &'a str {
    match (configured, own, name) {
        (Some(program), _, _) => program,
        (None, true, "rebar3") => "./rebar3",
        (None, true, "rebar") => "./rebar",
        (None, true, "relx") => "./relx",
        (None, _, name) => name,
    }
}

/// rebar3 applies the default profile first and names its folder after the others: `prod,test` → `prod+test`.
fn rebar3_dir(profiles: &str) -> String {
    let names: Vec<_> = profiles.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "default").collect();
    if names.is_empty() { "default".to_owned() } else { names.join("+") }
}
