//! `cargo xtask book`: the book in docs/, as pages of a web site. Whether its links lead somewhere and its sessions are true is what
//! `cargo test -p edeliver --test book` asks; this is about mdBook alone, which takes longer to install than to run.

use std::{
    error::Error,
    path::PathBuf,
    process::{Command, ExitCode},
};

use crate::cargo;

/// The one that the book is known to build with.
const VERSION: &str = "0.5.4";

/// Build the book in docs/ with mdBook, which is installed below target/ if it is not there
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Builds it, into `target/book`.
///
/// # Errors
/// mdBook can't be had, or finds fault with the book.
pub(crate) fn run(_: Args) -> Result<ExitCode, Box<dyn Error>> {
    let built = Command::new(mdbook()?).arg("build").arg(cargo::workspace().join("docs")).output()?;
    let said = String::from_utf8_lossy(&built.stderr);
    // It ends well after a warning, as of a page that is not there.
    if !built.status.success() || said.contains("WARN") || said.contains("ERROR") {
        return Err(format!("mdbook: {}\n{said}", built.status).into());
    }
    println!("{}", cargo::target_dir().join("book/index.html").display());
    Ok(ExitCode::SUCCESS)
}

/// The program, installed once.
fn mdbook() -> Result<PathBuf, Box<dyn Error>> {
    let tools = cargo::target_dir().join("tools");
    let program = tools.join("bin/mdbook");
    if !program.exists() {
        let root = tools.display().to_string();
        let search = ["--no-default-features", "--features", "search"];
        cargo::run(&[&["install", "mdbook", "--version", VERSION, "--locked", "--root", &root][..], &search].concat())?;
    }
    Ok(program)
}
