//! Appups between two releases, where the original edeliver has them: `appup/OLD-NEW/APP.appup`. They are for people: what edeliver wrote
//! itself says nothing that it would not do anyway, so only those that somebody has changed count.

use std::{fs, path::PathBuf};

use edeliver_core::{
    name::{AppName, Version},
    release::Digest,
};

use super::{Store, StoreError, durable, entries};

/// Begin of the line by which a file that nobody has changed is known: the digest of what follows it.
const MARK: &str = "%% Written by edeliver. Once it is changed, it counts as if the application shipped it. sha256 ";
/// How the files' names end.
const EXTENSION: &str = "appup";

/// An appup between two releases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAppup {
    /// The application that it is of.
    pub app: AppName,
    /// Where it lies.
    pub path: PathBuf,
    /// What it says, without the mark of edeliver's own.
    pub text: String,
    /// Who wrote it.
    pub author: Author,
}

/// Who wrote an appup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// edeliver: it has the mark, and nobody has changed it since.
    Edeliver,
    /// Somebody.
    User,
}

impl Store {
    /// The appups between two releases, by application; none where nobody made them.
    ///
    /// # Errors
    /// They can't be read.
    pub fn appups(&self, from: &Version, to: &Version) -> Result<Vec<StoredAppup>, StoreError> {
        let paths = entries(&self.appups_dir().join(format!("{from}-{to}")))?;
        let mut appups = Vec::new();
        for path in paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == EXTENSION)) {
            let Some(app) = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok()) else { continue };
            let file = fs::read_to_string(&path).map_err(|source| StoreError::read(&path, source))?;
            let (author, text) = without_mark(&file);
            appups.push(StoredAppup { app, text: text.to_owned(), author, path });
        }
        Ok(appups)
    }

    /// Which releases there are appups between: pairs of versions that the store has, in the order of their folders' names.
    ///
    /// # Errors
    /// The folder or the list of releases can't be read.
    pub fn appup_pairs(&self) -> Result<Vec<(Version, Version)>, StoreError> {
        let versions: Vec<Version> = self.list()?.stored.into_iter().map(|stored| stored.version).collect();
        let known = |text: &str| versions.iter().find(|version| version.as_str() == text).cloned();
        let pair = |name: &str| name.match_indices('-').find_map(|(at, _)| Some((known(&name[..at])?, known(&name[at + 1..])?)));
        Ok(entries(&self.appups_dir())?.iter().filter_map(|path| pair(path.file_name()?.to_str()?)).collect())
    }

    /// Keeps an appup, in place of an older one.
    ///
    /// # Errors
    /// It can't be written; what was there before is whole.
    pub fn put_appup(
        &self,
        between: (&Version, &Version),
        app: &AppName,
        text: &str,
        author: Author,
    ) -> Result<PathBuf, StoreError> {
        let path = self.appup_path(between, app);
        let file = match author {
            Author::Edeliver => format!("{MARK}{}\n{text}", Digest::of(text.as_bytes())),
            Author::User => text.to_owned(),
        };
        let _lock = self.lock_file()?;
        let temp = self.temp_dir();
        durable::make_dir(&temp)?;
        durable::write(&path, file.as_bytes(), &temp, true)?;
        Ok(path)
    }

    /// Where the appup of an application lies.
    pub fn appup_path(&self, (from, to): (&Version, &Version), app: &AppName) -> PathBuf {
        self.appups_dir().join(format!("{from}-{to}")).join(format!("{app}.{EXTENSION}"))
    }

    fn appups_dir(&self) -> PathBuf {
        self.root.join("appup")
    }
}

/// Who wrote a file, and what it says.
fn without_mark(file: &str) -> (Author, &str) {
    let Some((digest, text)) = file.strip_prefix(MARK).and_then(|rest| rest.split_once('\n')) else { return (Author::User, file) };
    let own = digest == Digest::of(text.as_bytes()).to_string();
    (if own { Author::Edeliver } else { Author::User }, text)
}

#[cfg(test)]
mod tests {
    use edeliver_core::config::StoreSettings;

    use super::*;

    #[test]
    fn an_appup_is_the_users_from_its_first_change_on() {
        let dir = tempfile::tempdir().unwrap();
        let app: AppName = "hotapp".parse().unwrap();
        let store = Store::open(&StoreSettings { path: dir.path().to_owned(), archive: false }, &app).unwrap();
        let (from, to): (Version, Version) = ("0.1.0-rc".parse().unwrap(), "0.2.0".parse().unwrap());
        assert!(store.appups(&from, &to).unwrap().is_empty());
        let path = store.put_appup((&from, &to), &app, "{\"0.2.0\",[],[]}.\n", Author::Edeliver).unwrap();
        assert_eq!(path, dir.path().join("appup/0.1.0-rc-0.2.0/hotapp.appup"), "the place of the original");
        let stored = |author, text: &str| StoredAppup { app: app.clone(), path: path.clone(), text: text.to_owned(), author };
        assert_eq!(store.appups(&from, &to).unwrap(), [stored(Author::Edeliver, "{\"0.2.0\",[],[]}.\n")]);
        let file = fs::read_to_string(&path).unwrap();
        fs::write(&path, file.replace(",[]}.", ",[] }.")).unwrap();
        assert_eq!(store.appups(&from, &to).unwrap(), [stored(Author::User, "{\"0.2.0\",[],[] }.\n")]);
    }
}
