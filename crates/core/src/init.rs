//! The first configuration of a project: what its files say, and a commented `edeliver.toml`.

use edeliver_erl::{Term, term::text};

use crate::name::{AppName, HostName, HostPath, NameError, TargetName, UserName};

/// A project as its files show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The release's name.
    pub app: String,
    /// What its files say the name from, in words: `the release in mix.exs`.
    pub named_by: &'static str,
    /// Whether anything says how it is built.
    pub known: bool,
}

/// Looks at a project. `read` gives the content of a file of it; `app_sources` are the names of `src/*.app.src`; `folder` is its own name.
pub fn look(read: impl Fn(&str) -> Option<String>, app_sources: &[String], folder: &str) -> Project {
    let found = |app: String, named_by| Project { app, named_by, known: true };
    if let Some(mix) = read("mix.exs") {
        if let Some(app) = first_release(&mix) {
            return found(app, "the release in mix.exs");
        }
        return match after(&mix, "app:").and_then(|rest| rest.trim_start().strip_prefix(':').map(word)) {
            Some(app) if !app.is_empty() => found(app.to_owned(), "the application in mix.exs"),
            _ => found(folder.to_owned(), "the project's folder"),
        };
    }
    for (file, named_by) in [("rebar.config", "the release in rebar.config"), ("relx.config", "the release in relx.config")] {
        if let Some(app) = read(file).as_deref().and_then(relx_release) {
            return found(app, named_by);
        }
    }
    let source = app_sources.first().and_then(|name| name.strip_suffix(".app.src"));
    match source {
        Some(app) => found(app.to_owned(), "the application in src"),
        None => Project { app: folder.to_owned(), named_by: "the project's folder", known: read("rebar.config").is_some() },
    }
}

/// The first name in `releases: [name: [`.
fn first_release(mix: &str) -> Option<String> {
    let list = after(mix, "releases:")?.trim_start().strip_prefix('[')?.trim_start();
    let name = word(list);
    let rest = list[name.len()..].strip_prefix(':')?;
    (!name.is_empty() && rest.trim_start().starts_with('[')).then(|| name.to_owned())
}

fn after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.split_once(key).map(|(_, rest)| rest)
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// The name in `{relx, [{release, {Name, Vsn}, …` or `{release, {Name, Vsn}, …`.
fn relx_release(config: &str) -> Option<String> {
    fn name(term: &Term) -> Option<String> {
        match term.as_tuple()? {
            [key, list] if key.is_atom("relx") => list.as_list()?.iter().find_map(name),
            [key, release, ..] if key.is_atom("release") => Some(release.as_tuple()?.first()?.as_atom()?.as_str().to_owned()),
            _ => None,
        }
    }
    text::consult(config.as_bytes()).ok()?.iter().find_map(name)
}

/// A machine as a user types it: `[user@]host[:path]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// The login.
    pub user: Option<UserName>,
    /// The host.
    pub host: HostName,
    /// The folder there.
    pub path: Option<HostPath>,
}

impl std::str::FromStr for Typed {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let (login, path) = match text.split_once(':') {
            Some((login, path)) => (login, Some(path.parse()?)),
            None => (text, None),
        };
        match login.rsplit_once('@') {
            Some((user, host)) => Ok(Self { user: Some(user.parse()?), host: host.parse()?, path }),
            None => Ok(Self { user: None, host: login.parse()?, path }),
        }
    }
}

impl Typed {
    /// Whether it is this machine.
    pub fn is_local(&self) -> bool {
        ["localhost", "local", "here"].contains(&self.host.as_str())
    }
}

/// What the user said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// The release's name.
    pub app: AppName,
    /// Where releases are built.
    pub build: Typed,
    /// Targets with their hosts.
    pub targets: Vec<(TargetName, Vec<Typed>)>,
    /// Where releases go on hosts for which no path was typed.
    pub path: HostPath,
}

/// The file.
pub fn toml(answers: &Answers) -> String {
    let Answers { app, build, targets, path } = answers;
    let mut text = format!(
        "# How edeliver builds and deploys {app}. All settings with what they mean: edeliver config default\n\n\
         app = {}\n\n\
         # Where releases are built: a machine like those they are for (system, processor, C library).\n[build]\n",
        quoted(app.as_str())
    );
    if build.is_local() {
        text.push_str("host = \"localhost\"\ntransport = \"local\"             # this machine\n");
    } else {
        text.push_str(&format!("host = {}\n", quoted(build.host.as_str())));
    }
    text.push_str(&user(build.user.as_ref()));
    let folder = build.path.as_ref().map_or_else(|| format!("~/edeliver-builds/{app}"), |path| path.as_str().to_owned());
    text.push_str(&format!("path = {}\n", quoted(&folder)));
    text.push_str(
        "# auto_version = \"git-revision\"   # what every build appends to the version\n\n\
         # Running nodes are upgraded without a restart where that is safe (edeliver plan upgrade tells).\n[upgrade]\n\
         # health = { http = \"http://127.0.0.1:4000/health\" }   # what must be well for the upgrade to stay\n",
    );
    for (name, hosts) in targets {
        text.push_str(&target(name, hosts, path));
    }
    if targets.is_empty() {
        let example = format!(
            "\n# [targets.production]\n# user = \"deploy\"\n# path = {}\n# hosts = [\"web1.example.com\"]\n",
            quoted(path.as_str())
        );
        text.push_str(&example);
    }
    text
}

fn target(name: &TargetName, hosts: &[Typed], path: &HostPath) -> String {
    let users: Vec<_> = hosts.iter().map(|host| host.user.as_ref()).collect();
    let shared = users.first().copied().flatten().filter(|first| users.iter().all(|user| *user == Some(*first)));
    let local = hosts.iter().any(Typed::is_local);
    let mut text = format!("\n[targets.{name}]\n{}path = {}\n", user(shared), quoted(path.as_str()));
    let entries: Vec<String> = hosts.iter().map(|host| entry(host, shared.is_some())).collect();
    text.push_str(&format!("hosts = [{}]\n", entries.join(", ")));
    if !local {
        text.push_str("# service = \"systemd\"             # who runs nodes; `edeliver setup` writes the unit\n");
    }
    text
}

fn entry(host: &Typed, user_is_shared: bool) -> String {
    let mut parts = vec![format!("name = {}", quoted(host.host.as_str()))];
    if host.is_local() {
        parts.push("transport = \"local\"".to_owned());
    }
    parts.extend(host.user.as_ref().filter(|_| !user_is_shared).map(|user| format!("user = {}", quoted(user.as_str()))));
    parts.extend(host.path.as_ref().map(|path| format!("path = {}", quoted(path.as_str()))));
    match &parts[..] {
        [_] => quoted(host.host.as_str()),
        parts => format!("{{ {} }}", parts.join(", ")),
    }
}

fn user(user: Option<&UserName>) -> String {
    user.map(|user| format!("user = {}\n", quoted(user.as_str()))).unwrap_or_default()
}

/// A TOML string. Names and paths have no control characters.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// What git must not see of the store.
pub const IGNORED: [&str; 3] = ["/.deliver/store/", "/.deliver/releases/", "/.deliver/runs/"];

/// The lines that a `.gitignore` lacks.
pub fn not_ignored(gitignore: &str) -> Vec<&'static str> {
    let has = |line: &str| {
        let bare = line.trim_matches('/');
        gitignore.lines().map(|have| have.trim().trim_matches('/')).any(|have| have == bare || have == ".deliver")
    };
    IGNORED.into_iter().filter(|line| !has(line)).collect()
}

#[cfg(test)]
mod tests;
