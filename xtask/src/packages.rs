//! `cargo xtask packages`, and what other habits call first: the programs of `debian-packages.txt` are there, or it is
//! said what is missing.

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

const LIST: &str = include_str!("../debian-packages.txt");
const INSTALL: &str = include_str!("packages/install.sh");

/// What the packages are wanted for. Looked for where there is no dpkg to ask.
const PROGRAMS: [&str; 20] = [
    "cc",
    "ssh",
    "ssh-keygen",
    "sshd",
    "git",
    "ip",
    "tc",
    "bridge",
    "busybox",
    "curl",
    "rsync",
    "zsh",
    "fish",
    "elixir",
    "mix",
    "rebar",
    "rebar3",
    "erl",
    "erlc",
    "escript",
];

/// Install the Debian packages that are missing; elsewhere say which programs are
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only say what is missing
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(Args { check }: Args) -> Result<ExitCode, Box<dyn Error>> {
    if check {
        let missing = missing()?;
        missing.iter().for_each(|name| println!("{name}"));
        return Ok(if missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    ensure().map(|()| ExitCode::SUCCESS)
}

/// Everything on the list is installed when this returns.
///
/// # Errors
/// On Debian and its like if packages cannot be installed; elsewhere if programs are missing.
pub(crate) fn ensure() -> Result<(), Box<dyn Error>> {
    let missing = missing()?;
    if missing.is_empty() {
        return Ok(());
    }
    if !is_debian() {
        let packages = packages().collect::<Vec<_>>().join(" ");
        return Err(format!("not found: {}\non Debian they are in: {packages}", missing.join(" ")).into());
    }
    eprintln!("xtask: installing {}", missing.join(" "));
    install(&missing)
}

pub(crate) fn packages() -> impl Iterator<Item = &'static str> {
    LIST.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).filter(|name| !name.is_empty())
}

fn is_debian() -> bool {
    on_path("dpkg-query") && on_path("apt-get")
}

/// Packages on Debian and its like, programs elsewhere.
fn missing() -> io::Result<Vec<&'static str>> {
    if !is_debian() {
        return Ok(PROGRAMS.into_iter().filter(|program| !on_path(program)).collect());
    }
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat", "${Package} ${db:Status-Status}\n"]).args(packages());
    // It fails if it does not know one of them, and still prints the others.
    let output = query.stderr(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let installed: Vec<&str> = text.lines().filter_map(|line| line.strip_suffix(" installed")).collect();
    Ok(packages().filter(|name| !installed.contains(name)).collect())
}

/// A user's PATH often lacks the sbin directories, where sshd, ip and tc are.
fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let dirs = env::split_paths(&path).chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(Into::into));
    dirs.into_iter().any(|dir: std::path::PathBuf| dir.join(program).is_file())
}

fn install(names: &[&str]) -> Result<(), Box<dyn Error>> {
    // sudo without a question: habits also run where nobody can answer.
    let mut shell = if is_root() { Command::new("sh") } else { Command::new("sudo") };
    if !is_root() {
        shell.args(["-n", "sh"]);
    }
    let mut child = shell.args(["-s", "--"]).args(names).stdin(Stdio::piped()).spawn()?;
    child.stdin.take().expect("stdin is a pipe").write_all(INSTALL.as_bytes())?;
    let status = child.wait()?;
    if status.success() {
        return Ok(());
    }
    Err(format!("could not install packages ({status}); as root: apt-get install {}", names.join(" ")).into())
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    // The owner of a process's /proc directory is the process's user.
    Path::new("/proc/self").metadata().is_ok_and(|meta| meta.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_names_only() {
        let names: Vec<_> = packages().collect();
        assert!(names.contains(&"openssh-server") && names.contains(&"gcc"), "{names:?}");
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-+.".contains(&byte))));
    }
}
