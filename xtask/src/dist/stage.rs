//! The files as they lie below a prefix such as `/usr/local`.

use std::{
    error::Error,
    fs::{self, File},
    io,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;
use edeliver::cli::Cli;

use crate::cargo;

/// Where each shell looks for completions.
const COMPLETIONS: [(Shell, &str); 3] = [
    (Shell::Bash, "share/bash-completion/completions/edeliver"),
    (Shell::Zsh, "share/zsh/site-functions/_edeliver"),
    (Shell::Fish, "share/fish/vendor_completions.d/edeliver.fish"),
];

/// Puts everything into `tree`, which is made.
///
/// # Errors
/// A file can't be written.
pub(super) fn stage(program: &Path, tree: &Path) -> Result<(), Box<dyn Error>> {
    let man = tree.join("share/man/man1");
    let documents = tree.join("share/doc/edeliver");
    for folder in [&tree.join("bin"), &man, &documents] {
        fs::create_dir_all(folder)?;
    }
    fs::copy(program, tree.join("bin/edeliver"))?;
    fs::set_permissions(tree.join("bin/edeliver"), fs::Permissions::from_mode(0o755))?;
    let mut command = Cli::command();
    command.build();
    pages(&command, &man)?;
    for (shell, path) in COMPLETIONS {
        let path = tree.join(path);
        fs::create_dir_all(path.parent().expect("it has a folder"))?;
        clap_complete::generate(shell, &mut Cli::command(), "edeliver", &mut File::create(path)?);
    }
    for name in ["README.md", "CHANGELOG.md"] {
        fs::copy(cargo::workspace().join(name), documents.join(name))?;
    }
    copy_all(&cargo::workspace().join("docs"), &documents.join("docs"))
}

/// The man page of a command, and those of the commands below it.
fn pages(command: &Command, folder: &Path) -> io::Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        pages(below, folder)?;
    }
    let page = Man::new(command.clone()).source(concat!("edeliver ", env!("CARGO_PKG_VERSION"))).manual("edeliver");
    page.generate_to(folder).map(drop)
}

/// A folder with all that is in it.
fn copy_all(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_all(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(command: &Command, name: &str, found: &mut Vec<String>) {
        found.push(format!("{name}.1"));
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            names(below, &format!("{name}-{}", below.get_name()), found);
        }
    }

    #[test]
    fn every_command_has_a_man_page_and_every_shell_its_completions() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        fs::write(&program, "#!/bin/sh\n").unwrap();
        let tree = folder.path().join("tree");
        stage(&program, &tree).unwrap();
        let mut wanted = Vec::new();
        names(&Cli::command(), "edeliver", &mut wanted);
        assert!(wanted.len() > 20, "{wanted:?}");
        let missing: Vec<_> = wanted.iter().filter(|page| !tree.join("share/man/man1").join(page).is_file()).collect();
        assert!(missing.is_empty(), "{missing:?}");
        let page = fs::read_to_string(tree.join("share/man/man1/edeliver-deploy-release.1")).unwrap();
        assert!(page.contains(concat!("\"edeliver ", env!("CARGO_PKG_VERSION"))), "{page}");
        assert!(page.contains(".SH SYNOPSIS") && page.contains("start\\-deploy"), "{page}");
        for (_, path) in COMPLETIONS {
            assert!(fs::read_to_string(tree.join(path)).unwrap().contains("deploy"), "{path}");
        }
        assert_eq!(fs::metadata(tree.join("bin/edeliver")).unwrap().permissions().mode() & 0o777, 0o755);
    }
}
