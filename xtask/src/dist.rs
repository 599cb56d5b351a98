//! `cargo xtask dist`: what is published of a version: an archive with the program, its man pages, completions and documents, a Debian
//! package of the same, and their checksums.

mod pack;
mod prove;
mod stage;

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use crate::{cargo, packages};

/// Make what is published: a static program in an archive and a Debian package, with man pages, completions and checksums
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What the program is built for; default: this machine's processor, static (musl) where Rust can be had for it
    #[arg(long)]
    target: Option<String>,
    /// Where it goes
    #[arg(long, default_value = "target/dist")]
    to: PathBuf,
    /// Then install both in a bare Debian of this suite and use them there (root, debootstrap)
    #[arg(long, value_name = "SUITE", num_args = 0..=1, default_missing_value = "trixie")]
    prove: Option<String>,
}

/// One version for one kind of machine.
struct Dist {
    version: String,
    target: String,
}

impl Dist {
    /// The archive's name, and that of the folder in it.
    fn name(&self) -> String {
        format!("edeliver-{}-{}", self.version, self.target)
    }
}

/// Builds, packs and, if wished, proves.
///
/// # Errors
/// The first step that fails.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Box<dyn Error>> {
    packages::ensure()?;
    let target = args.target.clone().map_or_else(best_target, Ok)?;
    let dist = Dist { version: env!("CARGO_PKG_VERSION").to_owned(), target };
    let program = build(&dist.target)?;
    let to = cargo::workspace().join(&args.to);
    let tree = to.join(dist.name());
    remove(&to)?;
    stage::stage(&program, &tree)?;
    pack::pack(&dist, &tree, &to)?;
    fs::remove_dir_all(&tree)?;
    for entry in fs::read_dir(&to)? {
        println!("{}", entry?.path().display());
    }
    if let Some(suite) = &args.prove {
        prove::prove(&dist, &to, suite)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A program that needs no library of the machine it runs on, if Rust has what that takes or can get it.
fn best_target() -> Result<String, Box<dyn Error>> {
    let musl = format!("{}-unknown-linux-musl", env::consts::ARCH);
    let added = Command::new("rustup").args(["target", "add", &musl]).status();
    if installed(&musl)? || added.is_ok_and(|status| status.success()) {
        return Ok(musl);
    }
    let own = host()?;
    println!("xtask: Rust has no {musl} here, so the program is for {own}: it needs a libc as new as this machine's");
    Ok(own)
}

/// Whether Rust's libraries for a target are there.
fn installed(target: &str) -> Result<bool, Box<dyn Error>> {
    let root = rustc(&["--print", "sysroot"])?;
    Ok(Path::new(root.trim()).join("lib/rustlib").join(target).join("lib").is_dir())
}

fn host() -> Result<String, Box<dyn Error>> {
    let told = rustc(&["-vV"])?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("rustc does not say what it builds for")?.to_owned())
}

fn rustc(args: &[&str]) -> Result<String, Box<dyn Error>> {
    let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).args(args).output()?;
    Ok(String::from_utf8(output.stdout)?)
}

fn build(target: &str) -> Result<PathBuf, Box<dyn Error>> {
    cargo::run(&["build", "--release", "--locked", "--package", "edeliver", "--target", target])?;
    Ok(cargo::target_dir().join(target).join("release/edeliver"))
}

/// Runs a program to its end.
fn done(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let status = command.status().map_err(|error| format!("{} can't be started: {error}", command.get_program().display()))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}

fn remove(folder: &Path) -> std::io::Result<()> {
    if folder.exists() { fs::remove_dir_all(folder) } else { Ok(()) }
}
