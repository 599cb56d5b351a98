//! What sftp fetches from the store's host.
//!
//! sftp, because no word of it meets a shell there, and because a login can be restricted to reading files by it.

use edeliver_core::config::HostSpec;

use super::BLOBS;

/// What `by_sftp` is told to do: to fetch these to paths below the folder that it runs in, from names of content. `most`: seconds.
pub(crate) fn batch<'a>(store: &HostSpec, files: impl Iterator<Item = (&'a str, &'a str)>, most: u64) -> String {
    let port = store.port.map(|port| port.to_string()).unwrap_or_default();
    let gets = files.map(|(path, place)| format!("get {} {}\n", quoted(place), quoted(path)));
    format!("# {most} {} {port}\ncd {}\n{}", login(store), quoted(store.path.join(BLOBS).as_str()), gets.collect::<String>())
}

/// With brackets an address of IPv6 is no host and a path. Without a user the name is that of the login that fetches.
fn login(store: &HostSpec) -> String {
    let host = store.address.as_ref().unwrap_or(&store.name).as_str();
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    store.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default() + &host
}

/// A word as sftp reads it. In quotes a backslash can't stand last, and what it means to a pattern depends on what comes next.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() || "/._-".contains(c);
    text.chars().flat_map(|c| (!is_plain(c)).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::Write as _,
        os::unix::fs::PermissionsExt as _,
        path::Path,
        process::{Command, Stdio},
        time::{Duration, Instant},
    };

    use edeliver_core::config::TransportKind;
    use proptest::prelude::*;

    use super::*;

    const SERVER: &str = "/usr/lib/openssh/sftp-server";

    fn store(name: &str, path: &str) -> HostSpec {
        HostSpec::new(name.parse().unwrap(), TransportKind::Ssh, path.parse().unwrap())
    }

    #[test]
    fn the_first_line_is_for_the_script() {
        let first = |store: &HostSpec| batch(store, [].into_iter(), 130).lines().next().unwrap().to_owned();
        let shelf = store("shelf", "releases");
        assert_eq!(first(&shelf), "# 130 shelf ");
        let all = HostSpec { user: Some("store".parse().unwrap()), port: Some(2222), ..store("fe80::1%eth0", "releases") };
        assert_eq!(first(&all), "# 130 store@[fe80::1%eth0] 2222");
        assert_eq!(first(&HostSpec { address: Some("10.0.0.1".parse().unwrap()), ..shelf }), "# 130 10.0.0.1 ");
    }

    /// What `by_sftp` of this shell says, and whether it succeeds, with this in place of sftp.
    fn by_sftp(shell: &[&str], dir: &Path, sftp: &str, told: &str) -> (String, bool) {
        let program = dir.join("sftp");
        fs::write(&program, format!("#!/bin/sh\n{sftp}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", dir.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).args(["-c", concat!(include_str!("sftp.sh"), "by_sftp")]);
        command.env("PATH", path).env("SSH_AUTH_SOCK", "/run/agent").current_dir(dir);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(told.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        (String::from_utf8(done.stdout).unwrap().trim_end().to_owned(), done.status.success())
    }

    #[test]
    fn nothing_is_asked_and_no_agent_used_and_what_hangs_is_ended() {
        for shell in [&["dash"][..], &["bash"], &["busybox", "sh"]] {
            let dir = tempfile::tempdir().unwrap();
            let notes = "printf '%s\\n' \"$@\" \"agent=${SSH_AUTH_SOCK-none}\" >args; cat >told";
            let done = by_sftp(shell, dir.path(), notes, "# 5 corp\\me@shelf 2222\ncd a\\ b\nget c d\n");
            assert_eq!(done, (String::new(), true), "{shell:?}");
            assert_eq!(fs::read_to_string(dir.path().join("told")).unwrap(), "cd a\\ b\nget c d\n", "{shell:?}");
            let args = fs::read_to_string(dir.path().join("args")).unwrap();
            for words in ["-P\n2222\n", "-oBatchMode=yes\n", "-oStrictHostKeyChecking=yes\n", "-oForwardAgent=no\n"] {
                assert!(args.contains(words), "{shell:?} {args}");
            }
            assert!(args.ends_with("--\ncorp\\me@shelf\nagent=none\n"), "{shell:?} {args}");
            let refused = "printf 'Permission denied (publickey).\\r\\nConnection closed.  \\r\\n' >&2; exit 255";
            let done = by_sftp(shell, dir.path(), refused, "# 5 shelf \n");
            assert_eq!(done, ("Permission denied (publickey)".to_owned(), false), "{shell:?}");
            let began = Instant::now();
            let done = by_sftp(shell, dir.path(), "exec sleep 30", "# 1 shelf \n");
            assert_eq!(done, ("sftp failed, or was not done in 1 s".to_owned(), false), "{shell:?}");
            assert!(began.elapsed() < Duration::from_secs(15), "{shell:?}");
        }
    }

    /// What sftp fetches of a store of this name into files of these names.
    fn fetched(folder: &str, names: &[String]) -> Vec<Option<String>> {
        let dir = tempfile::tempdir().unwrap();
        let (shelf, here) = (dir.path().join(folder), dir.path().join("here"));
        fs::create_dir_all(shelf.join(BLOBS).join("ab")).unwrap();
        fs::create_dir(&here).unwrap();
        let place = |at: usize| format!("ab/abc{at}");
        for at in 0..names.len() {
            fs::write(shelf.join(BLOBS).join(place(at)), at.to_string()).unwrap();
        }
        let files: Vec<(String, String)> = names.iter().enumerate().map(|(at, name)| (name.clone(), place(at))).collect();
        let files = files.iter().map(|(name, place)| (name.as_str(), place.as_str()));
        fs::write(dir.path().join("batch"), batch(&store("shelf", shelf.to_str().unwrap()), files, 9)).unwrap();
        let mut sftp = Command::new("sftp");
        let done = sftp.args(["-D", SERVER, "-b", "../batch"]).current_dir(&here).env("LC_ALL", "C").output().unwrap();
        assert!(done.status.success(), "{names:?} {}", String::from_utf8_lossy(&done.stderr));
        names.iter().map(|name| fs::read_to_string(here.join(name)).ok()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        /// Read by the real program.
        #[test]
        fn a_hostile_name_is_one_name_for_sftp(
            folder in r##"[ -~äß€]{1,12}"##,
            names in prop::collection::btree_set(r##"[ "'\\*?\[\]#!~{}$`;&|@:=a-cä-]{1,8}"##, 1..8),
        ) {
            prop_assume!(Path::new(SERVER).exists());
            let folder = folder.replace(['/', '.'], "_");
            let names: Vec<String> = names.into_iter().collect();
            let wanted: Vec<_> = (0..names.len()).map(|at| Some(at.to_string())).collect();
            prop_assert_eq!(fetched(&folder, &names), wanted);
        }
    }
}
