//! Where the pages of runs are written.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use edeliver_core::name::RunId;

use super::RunsError;

/// The end of a page's file name.
pub(super) const PAGE: &str = ".html";

/// Who may read a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// As the journal: its owner.
    Owner,
    /// Whoever the user's umask lets.
    AsUsual,
}

/// The page beside this run's journal.
pub fn page_of(dir: &Path, run: &RunId) -> PathBuf {
    dir.join(format!("{run}{PAGE}"))
}

/// Writes a page: all of it, or what was there before stays. A pipe or a device is written as it stands.
///
/// # Errors
/// When it can't be written.
pub fn write_page(file: &Path, page: &str, access: Access) -> Result<(), RunsError> {
    let is_special = fs::metadata(file).is_ok_and(|is| !is.is_file() && !is.is_dir());
    let written = if is_special { into(file, page) } else { in_place_of(file, page, access) };
    written.map_err(|source| RunsError::Write { path: file.to_owned(), source })
}

fn into(file: &Path, page: &str) -> io::Result<()> {
    OpenOptions::new().write(true).open(file)?.write_all(page.as_bytes())
}

fn in_place_of(file: &Path, page: &str, access: Access) -> io::Result<()> {
    // Where the name is a link, what it leads to is renewed.
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mode = match access {
        Access::Owner => 0o600,
        Access::AsUsual => 0o666,
    };
    let mut new = tempfile::Builder::new().prefix(".report-").permissions(Permissions::from_mode(mode)).tempfile_in(dir)?;
    new.write_all(page.as_bytes())?;
    new.persist(&file).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(file: &Path) -> u32 {
        fs::metadata(file).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_page_beside_a_journal_is_its_owners_and_takes_the_place_of_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let file = page_of(dir.path(), &"20260101-000000-aaaa".parse().unwrap());
        for text in ["one", "two"] {
            write_page(&file, text, Access::Owner).unwrap();
            assert_eq!((fs::read_to_string(&file).unwrap().as_str(), mode(&file)), (text, 0o600));
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn what_a_link_leads_to_is_renewed_and_the_link_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("of today.html"), dir.path().join("latest.html"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink("of today.html", &link).unwrap();
        write_page(&link, "new", Access::AsUsual).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        write_page(Path::new("/dev/null"), "new", Access::AsUsual).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn where_it_cannot_be_written_the_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        for file in [dir.path().join("nowhere/report.html"), dir.path().to_owned()] {
            let error = write_page(&file, "x", Access::AsUsual).unwrap_err();
            assert_eq!(error.to_string(), format!("can't write {}", file.display()));
        }
    }
}
