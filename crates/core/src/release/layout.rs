//! Where the paths of a release lie on a host.
//!
//! A release root on a host serves several releases. Most of a release lies in directories that carry a version in their name,
//! and each of these is put into place as a whole, beside those of other releases. The rest, the *top files*, exists once per
//! root and changes when a release is activated.

use super::RelPath;
use crate::name::Version;

/// The folder below a release root that is edeliver's own; no release may have files there.
pub const OWN: &str = ".edeliver";

/// Where a path of a release lies. In this order they are put into place: what comes later relies on what comes before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place<'a> {
    /// In this library: `lib/app-0.1.0`.
    Lib(&'a str),
    /// In this runtime system: `erts-13.1.5`.
    Erts(&'a str),
    /// A top file: `bin/*`, `erts-*/bin/*.boot`, `releases/COOKIE`, `releases/start_erl.data`, and whatever else lies around.
    Top,
    /// In the directory of the release itself: `releases/0.1.0`.
    Release(&'a str),
}

impl<'a> Place<'a> {
    /// The place of a path in a release of this version.
    pub fn of(path: &'a RelPath, version: &Version) -> Self {
        let mut parts = path.parts();
        match (parts.next(), parts.next()) {
            (Some("lib"), Some(_)) => Self::Lib(path.top(2)),
            // reltool puts its `start_clean.boot` there, which names the release's applications and so differs from release to release.
            (Some(erts), Some("bin")) if erts.starts_with("erts-") && path.as_str().ends_with(".boot") => Self::Top,
            (Some(erts), _) if erts.starts_with("erts-") => Self::Erts(erts),
            (Some("releases"), Some(name)) if name == version.as_str() => Self::Release(path.top(2)),
            _ => Self::Top,
        }
    }
    /// The directory; `None` for top files.
    pub fn dir(self) -> Option<&'a str> {
        match self {
            Self::Lib(dir) | Self::Erts(dir) | Self::Release(dir) => Some(dir),
            Self::Top => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_lies_in_a_versioned_directory_or_on_top() {
        let version = "0.1.0".parse().unwrap();
        let place = |path: &str| {
            let path: RelPath = path.parse().unwrap();
            format!("{:?}", Place::of(&path, &version))
        };
        assert_eq!(place("lib/app-1/ebin/app.beam"), r#"Lib("lib/app-1")"#);
        assert_eq!(place("erts-13.1.5/bin/beam.smp"), r#"Erts("erts-13.1.5")"#);
        assert_eq!(place("releases/0.1.0/consolidated/x.beam"), r#"Release("releases/0.1.0")"#);
        for top in
            ["bin/app", "erts-13.1.5/bin/start_clean.boot", "releases/COOKIE", "releases/app.rel", "etc/app.conf", "README", "lib"]
        {
            assert_eq!(place(top), "Top", "{top}");
        }
    }
}
