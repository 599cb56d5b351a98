//! What a user should know of a release that was built, although it stops nothing.

use edeliver_core::{
    hint::Hint,
    release::{Manifest, ReleaseKind},
};

use super::{keep::Kept, site::Assembled};

/// A warning and what can be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) text: String,
    pub(super) hints: Vec<Hint>,
}

/// All that there is to be told. `before` is the newest other release in the store.
pub(super) fn told(assembled: &Assembled, kept: &Kept, before: Option<&Manifest>) -> Vec<Told> {
    if kept.already {
        return Vec::new();
    }
    let random = assembled.described.random_cookie;
    let told = [cookie(&kept.manifest, before, random), leaks(&kept.leaks), runtime(&kept.manifest)];
    told.into_iter().flatten().collect()
}

/// Nodes with different cookies don't talk to each other.
fn cookie(manifest: &Manifest, before: Option<&Manifest>, random: bool) -> Option<Told> {
    let changed = before.filter(|before| before.cookie().is_some() && before.cookie() != manifest.cookie());
    let text = match (changed, random) {
        (Some(before), true) => {
            format!("the cookie is a new one that mix made up; nodes of {} don't talk to nodes of this release", before.version)
        }
        (Some(before), false) => format!("the cookie has changed: nodes of {} don't talk to nodes of this release", before.version),
        (None, true) => "the cookie is one that mix made up: a clean build will have another, and is another release".to_owned(),
        (None, false) => return None,
    };
    let fix = match manifest.kind {
        ReleaseKind::Mix => format!("set `cookie:` in mix.exs: `releases: [{}: [cookie: \"…\"]]`", manifest.app),
        ReleaseKind::Distillery => "set the cookie in rel/config.exs".to_owned(),
        ReleaseKind::Relx => "set the cookie in vm.args".to_owned(),
    };
    Some(Told { text, hints: vec![Hint::text(fix)] })
}

fn leaks(files: &[String]) -> Option<Told> {
    let first = files.first()?;
    let more = if files.len() > 1 { format!(" and {} more files name", files.len() - 1) } else { " names".to_owned() };
    Some(Told {
        text: format!("{first}{more} the folder it was built in: built elsewhere, the same commit is another release"),
        hints: vec![Hint::text("look for `__DIR__`, `Path.expand` and `File.cwd!` where they are evaluated by the compiler")],
    })
}

fn runtime(manifest: &Manifest) -> Option<Told> {
    if manifest.built_with.erts.is_some() {
        return None;
    }
    let text = format!("the release has no runtime system of its own: hosts need OTP {}", manifest.built_with.otp);
    Some(Told { text, hints: Vec::new() })
}
