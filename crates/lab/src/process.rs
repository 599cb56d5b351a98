//! Processes as /proc shows them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// When a process was started, in clock ticks since boot; none if there is no live process of that number. With it, a
/// process can be told from a later one of the same number.
pub(crate) fn start_time(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command's name stands in brackets and may hold anything: fields are counted after the last bracket.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    match fields.next()? {
        "Z" | "X" => None,
        _ => fields.nth(18)?.parse().ok(),
    }
}

/// The numbers of all processes in our /proc.
pub(crate) fn all() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.collect()
}

/// All processes of the host whose PID 1 is `init`, as our /proc numbers them.
pub(crate) fn members(init: i32) -> Vec<i32> {
    let namespace = |pid: i32| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let Some(own) = namespace(init) else {
        return Vec::new();
    };
    let mut pids = all();
    pids.retain(|pid| namespace(*pid).as_ref() == Some(&own));
    pids
}

/// The files of the host whose PID 1 is `init`, once it has entered its own root; none before. Until then its link leads
/// to the machine's root, where an sshd of the machine's may have left its `sshd.pid` and /etc/hosts is not the lab's.
pub(crate) fn root(init: i32) -> Option<PathBuf> {
    let place = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    let root = PathBuf::from(format!("/proc/{init}/root"));
    let theirs = place(&root)?;
    (Some(theirs) != place(Path::new("/"))).then_some(root)
}

/// The process's number in its own PID namespace.
pub(crate) fn inner_pid(pid: i32) -> Option<i32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    line.split_ascii_whitespace().last()?.parse().ok()
}

/// The program's name, at most 15 bytes of it.
pub(crate) fn name(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end().to_owned()
}

/// Whether the process was started with that `NAME=value` in its environment.
pub(crate) fn has_environment(pid: i32, entry: &str) -> bool {
    let environment = fs::read(Path::new("/proc").join(pid.to_string()).join("environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|found| found == entry.as_bytes())
}
