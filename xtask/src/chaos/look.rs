//! What a host is really like, looked at from outside: its files and processes, and what its node answers. edeliver is not asked.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use edeliver_core::release::{Digest, EntryKind, Manifest};

use super::{
    field::{APPS, Field, PORT},
    recipe::{HOSTS, host},
};

/// A host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct View {
    pub(super) host: String,
    /// The version that boots next.
    pub(super) boots: Option<String>,
    /// The one that served before it, as the host remembers.
    pub(super) previous: Option<String>,
    /// Files of the release that boots which are not what they should be.
    pub(super) damage: Vec<String>,
    /// Runtime systems that run.
    pub(super) nodes: usize,
    /// The version of the code that answers.
    pub(super) serves: Option<String>,
    /// Whether the host watches over a restart that nobody has confirmed yet.
    pub(super) guarded: bool,
    /// What runs of us still.
    pub(super) strays: Vec<String>,
    /// What an interrupted run has left: staged files, private folders.
    pub(super) leftovers: Vec<String>,
}

/// All hosts.
///
/// # Errors
/// The lab does not answer.
pub(super) fn fleet(field: &Field) -> Result<Vec<View>, Box<dyn Error>> {
    let mut answers = answers(field)?;
    let mut views = Vec::new();
    for name in (0..HOSTS).map(host) {
        let root = field.lab.host_root(&name)?;
        views.push(View { serves: answers.remove(&name), ..one(&name, &root) });
    }
    Ok(views)
}

fn one(name: &str, root: &Path) -> View {
    let app = root.join(APPS.trim_start_matches('/')).join("hotapp");
    let boots = word(&app.join("releases/start_erl.data"), 1);
    let processes = processes(root);
    View {
        host: name.to_owned(),
        damage: boots.as_ref().map_or_else(|| vec!["no release boots".to_owned()], |version| damage(&app, version)),
        boots,
        previous: word(&app.join(".edeliver/previous"), 0),
        nodes: processes.iter().filter(|(name, _)| name == "beam.smp").count(),
        serves: None,
        guarded: app.join(".edeliver/guard").exists(),
        strays: processes
            .into_iter()
            .filter(|process| !belongs(process))
            .map(|(name, line)| format!("still runs: {name} ({line})"))
            .collect(),
        leftovers: leftovers(root, &app),
    }
}

/// Whether a process is of a host on which nothing goes on: its first process, sshd without a session, a node.
fn belongs((name, line): &(String, String)) -> bool {
    match name.as_str() {
        "sshd" | "sshd-session" | "sshd-auth" => line.contains("[listener]"),
        "sh" | "bash" | "dash" => line.contains("/run/init") || line.contains("/erts"),
        "sleep" => line.starts_with("sleep 1000000"),
        name => NODES.contains(&name),
    }
}

/// Programs of a node.
const NODES: [&str; 5] = ["beam.smp", "epmd", "erl_child_setup", "inet_gethost", "run_erl"];

/// Name and command line of all processes of a host, without those that have ended.
fn processes(root: &Path) -> Vec<(String, String)> {
    let numbers = fs::read_dir(root.join("proc")).into_iter().flatten().flatten();
    let numbers = numbers.filter(|entry| entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()));
    numbers.filter_map(|entry| process(&entry.path())).collect()
}

fn process(folder: &Path) -> Option<(String, String)> {
    let name = fs::read_to_string(folder.join("comm")).ok()?.trim().to_owned();
    let line = fs::read(folder.join("cmdline")).ok()?;
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    (!line.is_empty()).then(|| (name, line.chars().take(200).collect()))
}

fn word(path: &Path, number: usize) -> Option<String> {
    fs::read_to_string(path).ok()?.split_whitespace().nth(number).map(str::to_owned)
}

/// What is wrong with an installed release, file by file.
fn damage(app: &Path, version: &str) -> Vec<String> {
    let path = app.join(".edeliver/manifests").join(format!("{version}.json"));
    let manifest = fs::read(&path).map_err(|why| format!("no manifest of {version}: {why}"));
    match manifest.and_then(|bytes| Manifest::from_json(&bytes).map_err(|why| format!("the manifest of {version}: {why}"))) {
        Ok(manifest) => manifest.files.iter().filter_map(|file| wrong(app, file.path.as_str(), &file.kind)).collect(),
        Err(why) => vec![why],
    }
}

fn wrong(app: &Path, path: &str, kind: &EntryKind) -> Option<String> {
    let place = app.join(path);
    match kind {
        // A host has a cookie, a list of releases and a word for what boots of its own.
        _ if ["releases/COOKIE", "releases/start_erl.data", "releases/RELEASES"].contains(&path) => {
            (!place.exists()).then(|| format!("{path} is missing"))
        }
        EntryKind::File { size, sha256, .. } => match fs::read(&place) {
            Ok(bytes) if bytes.len() as u64 == *size && Digest::of(&bytes) == *sha256 => None,
            Ok(bytes) => Some(format!("{path} has other content ({} bytes of {size})", bytes.len())),
            Err(why) => Some(format!("{path}: {why}")),
        },
        EntryKind::Link { target } => match fs::read_link(&place) {
            Ok(found) if found == Path::new(target) => None,
            _ => Some(format!("{path} is no link to {target}")),
        },
        EntryKind::EmptyDir { .. } => (!place.is_dir()).then(|| format!("{path} is no folder")),
    }
}

fn leftovers(root: &Path, app: &Path) -> Vec<String> {
    let own = app.join(".edeliver");
    // No lock: that of a process that has gone is taken over by the next change.
    let mut found: Vec<PathBuf> = entries(&own.join("staging"));
    for folder in ["dev/shm", "tmp"] {
        found.extend(entries(&root.join(folder)).into_iter().filter(|path| path.to_string_lossy().contains("/edeliver.")));
    }
    let short = |path: PathBuf| path.strip_prefix(root).map(|path| format!("left: {}", path.display())).unwrap_or_default();
    found.into_iter().map(short).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// The version that each host's application names in its answer, of those that answer.
fn answers(field: &Field) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let mut command = field.lab.command("bash");
    command.args(["-c", ASK, "bash", &PORT.to_string()]);
    command.args(field.lab.status()?.hosts.iter().map(|row| format!("{}={}", row.host, row.address)));
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().filter_map(answer).collect())
}

/// `$1` port, then each host as `NAME=ADDRESS`: all are asked at the same time.
const ASK: &str = "port=$1; shift
for host; do (
  exec 2>/dev/null
  line=$(timeout 5 bash -c 'exec 3<>/dev/tcp/$0/$1 && printf \"GET / HTTP/1.0\\r\\n\\r\\n\" >&3 && tail -n 1 <&3' \"${host#*=}\" \"$port\")
  [ -n \"$line\" ] && printf '%s %s\\n' \"${host%%=*}\" \"$line\"
) & done
wait";

/// Host and version of a line `prod1 hotapp 0.1.0 says hello`.
fn answer(line: &str) -> Option<(String, String)> {
    let (name, text) = line.split_once(' ')?;
    let is_version = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.')
        .find(is_version)
        .map(|version| (name.to_owned(), version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{answer, belongs};

    #[test]
    fn sessions_and_scripts_are_no_part_of_a_quiet_host() {
        let of = |name: &str, line: &str| belongs(&(name.to_owned(), line.to_owned()));
        assert!(
            of("sh", "/bin/sh /run/init ") && of("sshd", "sshd: /usr/sbin/sshd [listener] 0 of 10") && of("beam.smp", "beam.smp")
        );
        assert!(of("sh", "sh -c /home/deploy/apps/hotapp/releases/0.1.0/../../erts-13/bin/erl"));
        assert!(!of("sh", "sh -s") && !of("sshd", "sshd: deploy@notty") && !of("sleep", "sleep 1"));
    }

    #[test]
    fn an_answer_names_its_version() {
        assert_eq!(answer("prod2 hotapp 0.1.0: hello"), Some(("prod2".to_owned(), "0.1.0".to_owned())));
        assert_eq!(answer("prod2 "), None);
    }
}
