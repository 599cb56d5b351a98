//! Configuration: layers, provenance, and errors that point at file:line:column.
//!
//! Three stages, three types: what was written (`raw`, with spans), merged layers, and [`Settings`]: validated, every default filled in,
//! the only form that the rest of the program sees.

pub mod settings;

pub use settings::{
    BuildSettings, BuildTool, HookSource, HostSpec, MixRelease, Programs, Service, Settings, SshSettings, StoreSettings,
    TargetSettings, TransportKind,
};
