//! The archive, the Debian package and their checksums. The same files give the same bytes, whenever and by whomever they are packed.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Dist, done, remove};
use crate::cargo;

/// Writes them beside the tree.
///
/// # Errors
/// A program that packs is missing or fails.
pub(super) fn pack(dist: &Dist, tree: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    let when = commit_time()?;
    let mut made = vec![archive(dist, to, &when)?];
    made.extend(debian(dist, tree, to, &when)?);
    checksums(&made, to)
}

/// What `SOURCE_DATE_EPOCH` says, or when the commit was made.
fn commit_time() -> Result<String, Box<dyn Error>> {
    if let Ok(when) = env::var("SOURCE_DATE_EPOCH") {
        return Ok(when);
    }
    let output = Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(cargo::workspace()).output()?;
    let when = String::from_utf8(output.stdout)?.trim().to_owned();
    if when.is_empty() { Err("git does not say when the commit was made; set SOURCE_DATE_EPOCH".into()) } else { Ok(when) }
}

fn archive(dist: &Dist, to: &Path, when: &str) -> Result<PathBuf, Box<dyn Error>> {
    let path = to.join(format!("{}.tar.gz", dist.name()));
    let mut tar = Command::new("tar");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=go=rX,u+w", "--format=gnu"]);
    tar.arg(format!("--mtime=@{when}")).args(["-C".as_ref(), to.as_os_str(), "-cf".as_ref(), "-".as_ref()]);
    let mut tar = tar.arg(dist.name()).stdout(Stdio::piped()).spawn()?;
    let packed = tar.stdout.take().expect("it is a pipe");
    done(Command::new("gzip").args(["-9", "-n"]).stdin(packed).stdout(fs::File::create(&path)?))?;
    let status = tar.wait()?;
    if status.success() { Ok(path) } else { Err(format!("tar: {status}").into()) }
}

/// The same below `/usr`; nothing where there is no dpkg-deb, or Debian has no such machines.
fn debian(dist: &Dist, tree: &Path, to: &Path, when: &str) -> Result<Option<PathBuf>, Box<dyn Error>> {
    let Some(machine) = debian_machine(&dist.target) else { return Ok(None) };
    let root = to.join("debian");
    fs::create_dir_all(root.join("DEBIAN"))?;
    done(Command::new("cp").arg("-a").arg(tree).arg(root.join("usr")))?;
    let zsh = root.join("usr/share/zsh");
    fs::create_dir_all(zsh.join("vendor-completions"))?;
    fs::rename(zsh.join("site-functions/_edeliver"), zsh.join("vendor-completions/_edeliver"))?;
    fs::remove_dir(zsh.join("site-functions"))?;
    fs::write(root.join("DEBIAN/control"), control(&dist.version, machine))?;
    let package = to.join(format!("edeliver_{}_{machine}.deb", debian_version(&dist.version)));
    let built = Command::new("dpkg-deb")
        .env("SOURCE_DATE_EPOCH", when)
        .args(["--root-owner-group", "-Zxz", "--build"])
        .arg(&root)
        .arg(&package)
        .stdout(Stdio::null())
        .status();
    remove(&root)?;
    match built {
        Ok(status) if status.success() => Ok(Some(package)),
        Ok(status) => Err(format!("dpkg-deb: {status}").into()),
        Err(_) => {
            println!("xtask: there is no dpkg-deb here, so there is no Debian package");
            Ok(None)
        }
    }
}

fn debian_machine(target: &str) -> Option<&'static str> {
    match target.split('-').next() {
        Some("x86_64") => Some("amd64"),
        Some("aarch64") => Some("arm64"),
        _ => None,
    }
}

/// `2.0.0-dev` comes before `2.0.0`, and what follows a dash is something else in Debian.
fn debian_version(version: &str) -> String {
    version.replacen('-', "~", 1).replace('-', ".")
}

fn control(version: &str, machine: &str) -> String {
    format!(
        "Package: edeliver\nVersion: {}\nArchitecture: {machine}\nMaintainer: the authors of edeliver <edeliver@localhost>\nSection: devel\n\
         Priority: optional\nRecommends: openssh-client, git, bash\nDescription: deploys Erlang and Elixir releases to fleets\n \
         Builds releases on a build host, keeps them in a release store, deploys them to\n hosts over ssh and upgrades running nodes \
         without a restart.\n",
        debian_version(version)
    )
}

/// As `sha256sum -c` reads them.
fn checksums(files: &[PathBuf], to: &Path) -> Result<(), Box<dyn Error>> {
    let names = files.iter().map(|file| file.file_name().expect("it is a file"));
    done(Command::new("sha256sum").current_dir(to).args(names).stdout(fs::File::create(to.join("SHA256SUMS"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_before_a_release_comes_before_it_in_debian_too() {
        assert_eq!(debian_version("2.0.0"), "2.0.0");
        assert_eq!(debian_version("2.0.0-rc.1"), "2.0.0~rc.1");
        let older = Command::new("dpkg").args(["--compare-versions", &debian_version("2.0.0-rc.1"), "lt", "2.0.0"]).status();
        assert!(older.map_or(true, |status| status.success()));
    }

    #[test]
    fn the_same_files_give_the_same_archive_and_package_at_any_time() {
        let dist = Dist { version: "1.2.3".to_owned(), target: "x86_64-unknown-linux-musl".to_owned() };
        let sums = || {
            let folder = tempfile::tempdir().unwrap();
            let tree = folder.path().join(dist.name());
            for (path, text) in [("bin/edeliver", "program"), ("share/zsh/site-functions/_edeliver", "words")] {
                fs::create_dir_all(tree.join(path).parent().unwrap()).unwrap();
                fs::write(tree.join(path), text).unwrap();
            }
            pack(&dist, &tree, folder.path()).unwrap();
            done(Command::new("sha256sum").args(["--quiet", "-c", "SHA256SUMS"]).current_dir(folder.path())).unwrap();
            fs::read_to_string(folder.path().join("SHA256SUMS")).unwrap()
        };
        let first = sums();
        // Files have times in whole seconds.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        assert_eq!(sums(), first);
        assert_eq!(
            first.lines().count(),
            if Command::new("dpkg-deb").arg("--version").output().is_ok() { 2 } else { 1 },
            "{first}"
        );
    }
}
