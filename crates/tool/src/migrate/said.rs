//! What the migrator says: lines for us, and lines for people.

/// The mark of lines for us.
const MARK: &str = "edeliver-migrate\t";

/// Whether a migration was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It was.
    Up,
    /// It was not, or was taken back.
    Down,
}

/// A migration, as `Ecto.Migrator.migrations/1` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its repository.
    pub repo: String,
    /// Whether it was carried out.
    pub status: Status,
    /// Its version.
    pub version: u64,
    /// Its name, or that its file is gone.
    pub name: String,
}

impl Migration {
    /// Whether it was carried out by another release, and this one lacks its file. Ecto tells so in place of the name.
    pub fn is_without_file(&self) -> bool {
        self.name == "** FILE NOT FOUND **"
    }
}

/// All that the migrator has said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Migrations that there are.
    pub migrations: Vec<Migration>,
    /// Versions that were carried out or taken back, with their repositories.
    pub done: Vec<(String, u64)>,
    /// Why it failed; the first line says it.
    pub failed: Vec<String>,
    /// The release has no Ecto.
    pub no_ecto: bool,
    /// No application has repositories.
    pub no_repositories: bool,
    /// There are several, and one has to be named.
    pub several: Vec<String>,
    /// It came to its end.
    pub ended: bool,
}

impl Said {
    /// Takes a line; gives it back if it is for people.
    pub(super) fn line<'a>(&mut self, line: &'a str) -> Option<&'a str> {
        let Some(fields) = line.strip_prefix(MARK) else { return Some(line) };
        let fields: Vec<&str> = fields.trim_end_matches('\r').split('\t').collect();
        match &fields[..] {
            ["migration", repo, status, version, name] => {
                let status = if *status == "up" { Status::Up } else { Status::Down };
                let version = version.parse().ok();
                let migration = |version| Migration { repo: (*repo).to_owned(), status, version, name: (*name).to_owned() };
                self.migrations.extend(version.map(migration));
            }
            ["done", repo, version] => self.done.extend(version.parse().ok().map(|version| ((*repo).to_owned(), version))),
            ["failed", why @ ..] => self.failed.push(why.join(" ")),
            ["several", repos @ ..] => self.several = repos.iter().map(|repo| (*repo).to_owned()).collect(),
            ["no-ecto"] => self.no_ecto = true,
            ["no-repositories"] => self.no_repositories = true,
            ["end"] => self.ended = true,
            _ => {}
        }
        None
    }
}

/// Makes lines of pieces that end anywhere.
#[derive(Debug, Default)]
pub(super) struct Lines {
    rest: String,
}

impl Lines {
    /// Takes a piece, and gives every line that is complete.
    pub(super) fn take(&mut self, piece: &str, mut line: impl FnMut(&str)) {
        self.rest.push_str(piece);
        while let Some(end) = self.rest.find('\n') {
            line(&self.rest[..end]);
            self.rest.drain(..=end);
        }
    }
    /// What is left in the end.
    pub(super) fn finish(self, mut line: impl FnMut(&str)) {
        if !self.rest.is_empty() {
            line(&self.rest);
        }
    }
}
