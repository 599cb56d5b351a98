//! A release as code: what its files say about its applications, their modules, and the configuration that a node boots with.
//!
//! This is all that deciding about a hot upgrade needs of a release. It is read from the files alone: no VM, no source, no debug
//! information.

mod module;
mod modules;
mod parse;
mod read;

use crate::app::App;
use crate::rel::{Rel, StartType};
use crate::term::{Atom, Term};
use std::collections::BTreeMap;
use std::sync::Arc;

pub use module::{Kind, Known, Module, Nif};
pub use modules::Modules;
pub use read::ImageError;

/// The SHA-256 of a file's content, by which files are told apart.
pub type ContentId = [u8; 32];

/// A release.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Its resource file: name, version, ERTS, applications with their start types.
    pub rel: Rel,
    /// Its applications by name, all that the `.rel` lists. Of those that the release does not bring (`include_erts: false` leaves OTP's
    /// to the host) only the version is known.
    pub apps: BTreeMap<Atom, AppImage>,
    /// Consolidated protocols (and nothing else) by name: `releases/VSN/consolidated/*.beam`. A protocol that is here takes the place of
    /// the unconsolidated one among its application's modules.
    pub consolidated: BTreeMap<Atom, Arc<Module>>,
    /// What a node is configured by.
    pub config: Config,
}

/// An application of a release.
#[derive(Debug, Clone, PartialEq)]
pub struct AppImage {
    /// Its resource file.
    pub app: App,
    /// What the boot script does with it.
    pub start: StartType,
    /// Where it lies below the release root as it was built: `lib/hotapp-0.1.0`.
    pub dir: String,
    /// Its modules: what `ebin/*.beam` holds.
    pub modules: BTreeMap<Atom, Arc<Module>>,
    /// Its files that are neither in `ebin` nor source, by path below [`AppImage::dir`]: `priv/native.so`.
    pub others: BTreeMap<String, ContentId>,
    /// Text of `ebin/APP.appup`, where it ships one.
    pub appup: Option<Vec<u8>>,
}

/// What a node is configured by when it boots.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// `releases/VSN/sys.config`, parsed; none if there is only a `sys.config.src`, which the start script renders.
    pub sys: Option<Term>,
    /// Content of `releases/VSN/sys.config.src`.
    pub sys_src: Option<ContentId>,
    /// Elixir's configuration providers in their order (`elixir.config_provider_init`): module and argument.
    pub providers: Vec<(Atom, Term)>,
    /// Content of other files that decide how the node starts, by name below `releases/VSN`: `runtime.exs`, `vm.args`, `vm.args.src`,
    /// `env.sh`, `remote.vm.args`.
    pub files: BTreeMap<String, ContentId>,
}

#[cfg(test)]
mod tests;
