//! What is in the commit, as far as building it goes.

use edeliver_core::{
    build_tool::{Own, ProjectFiles},
    name::CommitId,
    plan::build::{Source, Tag},
    release::{Digest, RelPath},
};

use super::{Chosen, GitError, Repository};

/// Files whose content decides which dependencies are fetched, by their name in any folder.
const DECIDE_DEPS: [&str; 7] =
    ["mix.exs", "mix.lock", "rebar.config", "rebar.config.script", "rebar.lock", "relx.config", ".tool-versions"];

/// One file or submodule of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TreeEntry {
    pub(super) mode: String,
    pub(super) id: String,
    /// From the top of the repository.
    pub(super) path: String,
}

impl TreeEntry {
    pub(super) fn is_submodule(&self) -> bool {
        self.mode == "160000"
    }
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// Reads `git ls-tree -r -z`: `MODE TYPE ID`, tab, path, NUL. A path that is not UTF-8 is of no file that we look for.
pub(super) fn parse_tree(listed: &[u8]) -> Vec<TreeEntry> {
    let entry = |line: &[u8]| {
        let line = String::from_utf8_lossy(line);
        let (head, path) = line.split_once('\t')?;
        let mut words = head.split(' ');
        let (mode, id) = (words.next()?.to_owned(), words.nth(1)?.to_owned());
        Some(TreeEntry { mode, id, path: path.to_owned() })
    };
    listed.split(|byte| *byte == 0).filter_map(entry).collect()
}

impl Repository {
    /// Everything that planning a build needs to know of a commit. `app` is the release that is wanted.
    ///
    /// # Errors
    /// [`GitError`].
    pub async fn source(&self, chosen: &Chosen, app: &str) -> Result<Source, GitError> {
        let commit = &chosen.commit;
        let listed = self.git(["ls-tree", "-r", "-z", "--full-tree", commit.as_str()]).await?;
        let tree = parse_tree(&listed);
        let tags = self.tags(commit).await?;
        Ok(Source {
            commit: commit.clone(),
            unix: chosen.unix,
            branch: chosen.branch.clone(),
            folder: self.folder()?,
            files: self.project_files(&tree, app).await?,
            deps: deps_digest(&tree),
            submodules: self.submodules(commit, &tree).await?,
            shallow: self.is_shallow(),
            tags,
        })
    }

    /// The content of a file of the project in a commit, if it is there.
    ///
    /// # Errors
    /// [`GitError`].
    pub async fn file(&self, commit: &CommitId, name: &str) -> Result<Option<Vec<u8>>, GitError> {
        let path = format!("{commit}:{}{name}", self.prefix);
        match self.ask(["rev-parse", "--verify", "--quiet", "--end-of-options", &path]).await? {
            Some(id) => Ok(self.blobs(&[&id]).await?.pop()),
            None => Ok(None),
        }
    }

    fn folder(&self) -> Result<Option<RelPath>, GitError> {
        match self.prefix.trim_end_matches('/') {
            "" => Ok(None),
            folder => folder.parse().map(Some).map_err(|error: edeliver_core::name::NameError| GitError::NoRepository {
                project: self.project.clone(),
                why: error.to_string(),
            }),
        }
    }

    /// Tags whose commits are part of this commit's history.
    async fn tags(&self, commit: &CommitId) -> Result<Vec<Tag>, GitError> {
        let merged = format!("--merged={commit}");
        let listed = self.git(["for-each-ref", &merged, "--format=%(objectname) %(refname)", "refs/tags"]).await?;
        let tag = |line: &str| line.split_once(' ').map(|(object, name)| Tag { name: name.to_owned(), object: object.to_owned() });
        Ok(String::from_utf8_lossy(&listed).lines().filter_map(tag).collect())
    }

    async fn project_files(&self, tree: &[TreeEntry], app: &str) -> Result<ProjectFiles, GitError> {
        let below = |entry: &&TreeEntry| entry.path.starts_with(&self.prefix);
        let entries: Vec<&TreeEntry> = tree.iter().filter(below).collect();
        let named = |name: &str| entries.iter().find(|entry| entry.path[self.prefix.len()..] == *name).copied();
        let has = |name: &str| named(name).is_some();
        let executable = |name: &str| named(name).is_some_and(|entry| entry.mode == "100755");
        let text = self.texts(&entries, named("mix.exs")).await?;
        let app_src = |entry: &&TreeEntry| {
            let path = &entry.path[self.prefix.len()..];
            path.ends_with(".app.src") && (path.starts_with("src/") || path.starts_with("apps/"))
        };
        Ok(ProjectFiles {
            mix: has("mix.exs"),
            rebar: has("rebar.config"),
            relx: has("relx.config"),
            distillery: has("rel/config.exs"),
            erlang: has("rel/reltool.config") || executable("rebar") || entries.iter().any(app_src),
            own: Own { rebar3: executable("rebar3"), rebar: executable("rebar"), relx: executable("relx") },
            names_release: text.project.as_deref().is_some_and(|text| names_release(text, app)),
            needs_hex: text.locks.iter().any(|lock| lock.contains("{:hex,"))
                || text.locks.is_empty() && text.projects.iter().any(|text| has_hex_dep(text)),
            needs_rebar3: text.locks.iter().any(|lock| lock.contains(":rebar3"))
                || has("mix.exs") && entries.iter().any(|entry| entry.name() == "rebar.config"),
        })
    }

    /// Reads the project files of mix, wherever they lie (in an umbrella each application has one).
    async fn texts(&self, entries: &[&TreeEntry], project: Option<&TreeEntry>) -> Result<Texts, GitError> {
        let all =
            |name: &str| entries.iter().filter(|entry| entry.name() == name).map(|entry| entry.id.as_str()).collect::<Vec<_>>();
        let (projects, locks) = (all("mix.exs"), all("mix.lock"));
        let ids: Vec<&str> = projects.iter().chain(&locks).copied().collect();
        if ids.is_empty() {
            return Ok(Texts::default());
        }
        let mut texts: Vec<String> =
            self.blobs(&ids).await?.iter().map(|blob| String::from_utf8_lossy(blob).into_owned()).collect();
        let at = project.and_then(|entry| projects.iter().position(|id| *id == entry.id));
        let locks = texts.split_off(projects.len().min(texts.len()));
        Ok(Texts { project: at.and_then(|at| texts.get(at).cloned()), projects: texts, locks })
    }
}

#[derive(Debug, Default)]
struct Texts {
    /// The project's own `mix.exs`.
    project: Option<String>,
    /// All `mix.exs`.
    projects: Vec<String>,
    /// All `mix.lock`.
    locks: Vec<String>,
}

fn deps_digest(tree: &[TreeEntry]) -> Digest {
    let decides = |entry: &&TreeEntry| DECIDE_DEPS.contains(&entry.name()) || entry.is_submodule();
    let lines: String = tree.iter().filter(decides).map(|entry| format!("{} {}\n", entry.id, entry.path)).collect();
    Digest::of(lines.as_bytes())
}

/// Whether `mix.exs` seems to define a release of this name: a list under that key, somewhere behind `releases:`. mix refuses a name that
/// no release has, and without a name it refuses to choose between several.
fn names_release(mix_exs: &str, app: &str) -> bool {
    let Some((_, rest)) = mix_exs.split_once("releases:") else { return false };
    let key = format!("{app}:");
    rest.match_indices(&key).any(|(at, _)| {
        let starts_word = !rest[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        starts_word && rest[at + key.len()..].trim_start().starts_with('[')
    })
}

/// Whether a `mix.exs` has a dependency with a version requirement, `{:plug, "~> 1.0"`: only Hex knows versions.
fn has_hex_dep(mix_exs: &str) -> bool {
    mix_exs.match_indices("{:").any(|(at, found)| {
        let rest = &mix_exs[at + found.len()..];
        let name = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        name.len() < rest.len() && name.strip_prefix(',').is_some_and(|rest| rest.trim_start().starts_with('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_named_only_where_mix_exs_names_it() {
        let one = "releases: [\n  my_app: [\n    strip_beams: true\n  ]\n]";
        assert!(names_release(one, "my_app"));
        assert!(!names_release(one, "app"), "only whole words count");
        assert!(names_release("releases: releases(),\n defp releases, do: [my_app: []]", "my_app"));
        assert!(!names_release("releases: [other: [applications: [my_app: :permanent]]]", "my_app"));
        assert!(!names_release("deps: [my_app: []]", "my_app"));
    }

    #[test]
    fn a_version_requirement_needs_hex() {
        assert!(has_hex_dep(r#"[{:plug, "~> 1.0"}]"#));
        assert!(!has_hex_dep(r#"[{:own, path: "../own"}, {:git_one, git: "https://x"}]"#));
        assert!(!has_hex_dep("[]"));
    }

    #[test]
    fn only_project_and_lock_files_and_submodules_decide_about_dependencies() {
        let entry =
            |mode: &str, id: &str, path: &str| TreeEntry { mode: mode.to_owned(), id: id.to_owned(), path: path.to_owned() };
        let tree = vec![entry("100644", "1", "mix.exs"), entry("100644", "2", "lib/a.ex")];
        let mut source_changed = tree.clone();
        source_changed[1].id = "3".to_owned();
        assert_eq!(deps_digest(&tree), deps_digest(&source_changed));
        let with = |extra: TreeEntry| deps_digest(&[tree.clone(), vec![extra]].concat());
        assert_ne!(deps_digest(&tree), with(entry("100644", "4", "apps/one/mix.exs")));
        assert_ne!(deps_digest(&tree), with(entry("160000", "5", "vendor/x")));
    }
}
