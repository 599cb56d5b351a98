//! Appups between two releases of the store: what a user may change before the relup is made of it.

use std::collections::BTreeMap;

use edeliver_core::{name::AppName, release::Manifest};
use edeliver_erl::{
    appup::{Appup, AppupError},
    changes::{AppChange, Changes},
    relup::{Direction, generate},
    term::Atom,
};

use super::MakeError;
use crate::{
    image::{self, ImageError},
    store::{AppupAuthor, Store},
};

/// What is wrong with an appup.
#[derive(Debug, thiserror::Error)]
pub enum AppupProblem {
    /// It is none.
    #[error(transparent)]
    Appup(#[from] AppupError),
    /// It belongs to another version.
    #[error("it is for version {found} of the application, not for {wanted}")]
    Version {
        /// The version in the file.
        found: String,
        /// That of the application.
        wanted: String,
    },
    /// It says nothing about the other version.
    #[error("it says nothing about the way {direction}, version {other}")]
    NoEntry {
        /// Up or down.
        direction: Direction,
        /// The other version of the application.
        other: String,
    },
    /// The releases don't have the application under two versions.
    #[error("application {0} does not go from one version to another")]
    NotUpgraded(AppName),
    /// No relup can be made with it.
    #[error(transparent)]
    Generate(#[from] generate::GenerateError),
    /// The releases can't be read.
    #[error(transparent)]
    Image(#[from] ImageError),
}

/// What differs between two releases, with the appups that somebody has changed in place of those that the applications ship; and whose
/// those are.
pub(super) fn changes(store: &Store, from: &Manifest, to: &Manifest) -> Result<(Changes, Vec<AppName>), MakeError> {
    let mut changes = image::changes(store, from, to)?;
    let changed = store.appups(&from.version, &to.version)?.into_iter().filter(|appup| appup.author == AppupAuthor::User);
    let mut used = Vec::new();
    for appup in changed {
        if ships(&mut changes, &appup.app, &appup.text) {
            used.push(appup.app);
        }
    }
    Ok((changes, used))
}

/// As if the application shipped this appup; false if it does not go from one version to another.
fn ships(changes: &mut Changes, app: &AppName, text: &str) -> bool {
    let app = changes.apps.values_mut().find(|change| change.name.as_str() == app.as_str());
    let Some(AppChange { before: Some(before), after: Some(after), .. }) = app else { return false };
    if before.vsn == after.vsn {
        return false;
    }
    after.appup = Some(text.as_bytes().to_vec());
    true
}

/// The appups for the way between two releases: those that applications ship for it, and generated ones for all others.
///
/// # Errors
/// A release can't be read.
pub fn appups(store: &Store, from: &Manifest, to: &Manifest) -> Result<BTreeMap<AppName, String>, MakeError> {
    let changes = image::changes(store, from, to)?;
    let mut texts = BTreeMap::new();
    for (app, appup) in generate::appups(&changes) {
        let text = match shipped(&changes, &app) {
            Some(shipped) => shipped,
            None => appup.to_file()?,
        };
        if let Ok(name) = app.as_str().parse() {
            texts.insert(name, text);
        }
    }
    Ok(texts)
}

/// The appup that an application ships, if it is for this way.
fn shipped(changes: &Changes, app: &Atom) -> Option<String> {
    let change = changes.apps.get(app)?;
    let text = change.after.as_ref()?.appup.as_ref()?;
    let script = Appup::parse(text).ok()?.script(Direction::Up, change.before.as_ref()?.vsn.as_str()).ok()?.map(<[_]>::len);
    script.and_then(|_| String::from_utf8(text.clone()).ok())
}

/// Whether an appup can be used for the way between two releases: it is read, and a relup is made with it.
///
/// # Errors
/// [`AppupProblem`].
pub fn check(store: &Store, (from, to): (&Manifest, &Manifest), app: &AppName, text: &str) -> Result<(), AppupProblem> {
    let appup = Appup::parse(text.as_bytes())?;
    let mut changes = image::changes(store, from, to)?;
    if !ships(&mut changes, app, text) {
        return Err(AppupProblem::NotUpgraded(app.clone()));
    }
    let change = changes.apps.values().find(|change| change.name.as_str() == app.as_str());
    let state = |side: fn(&AppChange) -> &Option<edeliver_erl::changes::AppState>| {
        change.and_then(|change| side(change).as_ref()).map(|state| state.vsn.to_string()).unwrap_or_default()
    };
    let (other, wanted) = (state(|change| &change.before), state(|change| &change.after));
    if appup.vsn != wanted {
        return Err(AppupProblem::Version { found: appup.vsn, wanted });
    }
    for direction in [Direction::Up, Direction::Down] {
        let script = appup.script(direction, &other).map_err(|source| generate::GenerateError::Pattern {
            app: Atom::new(app.as_str()).expect("it is the name of an application of the release"),
            source,
        })?;
        if script.is_none() {
            return Err(AppupProblem::NoEntry { direction, other });
        }
    }
    generate::generate(&changes)?;
    Ok(())
}
