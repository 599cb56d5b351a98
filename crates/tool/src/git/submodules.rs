//! The submodules of a commit, nested ones too, and whether their content is here.

use std::path::{Path, PathBuf};

use edeliver_core::{
    name::CommitId,
    plan::build::{ModuleFrom, Submodule},
    release::{Digest, RelPath},
};

use super::{GitError, Repository, command, last_words, project::TreeEntry, project::parse_tree};

/// Nesting deeper than this is taken for a mistake, or for malice.
const DEEPEST: usize = 8;

/// A repository that has submodules: the project's own, or one of its submodules.
struct Outer {
    /// Folders in which git keeps the repositories of its submodules.
    dirs: Vec<PathBuf>,
    /// Its place in the worktree: empty, or ending in `/`.
    at: String,
    commit: String,
    depth: usize,
}

/// What `.gitmodules` says of one submodule.
#[derive(Debug, Default, Clone)]
struct Declared {
    name: String,
    path: String,
    url: String,
}

impl Repository {
    /// All submodules of a commit whose files are `tree`, outer ones before inner ones.
    ///
    /// # Errors
    /// [`GitError::Submodule`]: one that is written so that it can't be used.
    pub(super) async fn submodules(&self, commit: &CommitId, tree: &[TreeEntry]) -> Result<Vec<Submodule>, GitError> {
        let dirs = vec![self.git_dir.clone(), self.common_dir.clone()];
        let mut waiting = vec![(Outer { dirs, at: String::new(), commit: commit.to_string(), depth: 0 }, tree.to_vec())];
        let mut all = Vec::new();
        while let Some((outer, tree)) = waiting.pop() {
            for (module, git_dir) in self.direct(&outer, &tree).await? {
                if let Some(git_dir) = git_dir {
                    let inner = Outer {
                        at: format!("{}/", module.path),
                        commit: module.commit.to_string(),
                        depth: outer.depth + 1,
                        dirs: vec![git_dir.clone()],
                    };
                    let listed = in_repository(&git_dir, &["ls-tree", "-r", "-z", "--full-tree", &inner.commit]).await?;
                    waiting.push((inner, parse_tree(&listed)));
                }
                all.push(module);
            }
        }
        // Outer before inner: a path is shorter than those below it.
        all.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(all)
    }

    /// The submodules right inside of one repository, each with its own repository on this machine if that has the commit.
    async fn direct(&self, outer: &Outer, tree: &[TreeEntry]) -> Result<Vec<(Submodule, Option<PathBuf>)>, GitError> {
        let links: Vec<&TreeEntry> = tree.iter().filter(|entry| entry.is_submodule()).collect();
        let mut found = Vec::new();
        if links.is_empty() {
            return Ok(found);
        }
        let declared = declared(&outer.dirs[0], &outer.commit).await?;
        for link in links {
            let no = |why: &str| GitError::Submodule { path: format!("{}{}", outer.at, link.path), why: why.to_owned() };
            if outer.depth >= DEEPEST {
                return Err(no("it is nested too deep"));
            }
            let declared =
                declared.iter().find(|module| module.path == link.path).ok_or_else(|| no(".gitmodules does not name it"))?;
            let path =
                checked_path(&format!("{}{}", outer.at, link.path)).ok_or_else(|| no("its path is not one inside the worktree"))?;
            let commit: CommitId = link.id.parse().map_err(|_| no("its commit id can't be read"))?;
            let git_dir = self.here(outer, declared, &commit).await?;
            let from = match &git_dir {
                Some(git_dir) => ModuleFrom::Here { git_dir: git_dir.clone() },
                None => ModuleFrom::Url(
                    url(outer, declared).await?.ok_or_else(|| no("its URL can't be told, and it is not checked out here"))?,
                ),
            };
            found.push((Submodule { module: module_name(&path), path, commit, from }, git_dir));
        }
        Ok(found)
    }

    /// The submodule's repository on this machine, if it has the commit.
    async fn here(&self, outer: &Outer, declared: &Declared, commit: &CommitId) -> Result<Option<PathBuf>, GitError> {
        let name = safe_name(&declared.name);
        let mut places: Vec<PathBuf> = outer.dirs.iter().filter_map(|dir| Some(dir.join("modules").join(name?))).collect();
        if outer.at.is_empty() {
            // Before git 1.7.8, or where somebody cloned it by hand.
            places.push(self.top().join(&declared.path).join(".git"));
        }
        for place in places {
            let object = format!("{commit}^{{commit}}");
            if place.is_dir() && in_repository(&place, &["cat-file", "-e", &object]).await.is_ok() {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// The top folder of the working tree.
    fn top(&self) -> &Path {
        let up = Path::new(&self.prefix).components().count();
        self.project.ancestors().nth(up).unwrap_or(&self.project)
    }
}

async fn in_repository(git_dir: &Path, words: &[&str]) -> Result<Vec<u8>, GitError> {
    let mut git = command(git_dir);
    git.arg("--git-dir").arg(git_dir).args(words);
    let output = git.output().await.map_err(GitError::Start)?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(GitError::Failed { what: words[0].to_owned(), why: last_words(&output.stderr) }),
    }
}

/// What `.gitmodules` of the commit declares; without the file, nothing.
async fn declared(git_dir: &Path, commit: &str) -> Result<Vec<Declared>, GitError> {
    let blob = format!("--blob={commit}:.gitmodules");
    let listed = in_repository(git_dir, &["config", &blob, "-z", "--get-regexp", r"^submodule\..*\.(path|url)$"]).await;
    Ok(listed.map(|listed| parse_declared(&String::from_utf8_lossy(&listed))).unwrap_or_default())
}

/// Reads `git config -z`: key, newline, value, NUL.
fn parse_declared(listed: &str) -> Vec<Declared> {
    let mut modules: Vec<Declared> = Vec::new();
    for entry in listed.split('\0') {
        let Some((key, value)) = entry.split_once('\n') else { continue };
        let Some((name, what)) = key.strip_prefix("submodule.").and_then(|key| key.rsplit_once('.')) else { continue };
        if !modules.iter().any(|module| module.name == name) {
            modules.push(Declared { name: name.to_owned(), ..Declared::default() });
        }
        let module = modules.iter_mut().find(|module| module.name == name).expect("it was pushed if it was not there");
        match what {
            "path" => module.path = value.to_owned(),
            "url" => module.url = value.to_owned(),
            _ => {}
        }
    }
    modules
}

/// The URL the build host can fetch from: what this machine has configured, or the declared one made absolute. `None` if there is
/// none, or none that git should ever see.
async fn url(outer: &Outer, declared: &Declared) -> Result<Option<String>, GitError> {
    let configured = |key: String| async move {
        let found = in_repository(&outer.dirs[0], &["config", "--get", &key]).await.ok()?;
        Some(String::from_utf8_lossy(&found).trim_end().to_owned())
    };
    let relative = declared.url.starts_with("./") || declared.url.starts_with("../");
    let url = match configured(format!("submodule.{}.url", declared.name)).await {
        Some(url) => Some(url),
        None if relative => configured("remote.origin.url".to_owned()).await.and_then(|base| resolve(&base, &declared.url)),
        None => Some(declared.url.clone()),
    };
    Ok(url.filter(|url| !url.is_empty() && !url.starts_with('-') && !url.chars().any(char::is_control)))
}

/// A relative URL, from the URL of the repository that names it (`git help submodule`: "./" or "../").
fn resolve(base: &str, relative: &str) -> Option<String> {
    let (mut base, mut rest) = (base.trim_end_matches('/'), relative);
    loop {
        if let Some(next) = rest.strip_prefix("../") {
            let cut = base.rfind(['/', ':'])?;
            base = &base[..cut + usize::from(base[cut..].starts_with(':'))];
            rest = next;
        } else if let Some(next) = rest.strip_prefix("./") {
            rest = next;
        } else {
            let glue = if base.ends_with(':') { "" } else { "/" };
            return Some(format!("{base}{glue}{rest}"));
        }
    }
}

/// A name that stays below `modules/`.
fn safe_name(name: &str) -> Option<&str> {
    name.parse::<RelPath>().is_ok().then_some(name)
}

/// A path inside the worktree, and not inside of git's own folder.
fn checked_path(path: &str) -> Option<RelPath> {
    let path: RelPath = path.parse().ok()?;
    let own = path.parts().any(|part| part.eq_ignore_ascii_case(".git"));
    (!own && !path.as_str().starts_with('-')).then_some(path)
}

/// A file name for the submodule's repository on the build host: readable, and its own for every path.
fn module_name(path: &RelPath) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let readable: String = path.as_str().chars().map(safe).take(60).collect();
    let digest = Digest::of(path.as_str().as_bytes()).to_string();
    format!("{}-{}", readable.trim_start_matches(['.', '-']), &digest[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_urls_count_from_the_origin() {
        assert_eq!(resolve("https://x.org/a/b.git", "../c.git").unwrap(), "https://x.org/a/c.git");
        assert_eq!(resolve("git@x.org:a/b.git", "../../c/d.git").unwrap(), "git@x.org:c/d.git");
        assert_eq!(resolve("git@x.org:b.git", "../c.git").unwrap(), "git@x.org:c.git");
        assert_eq!(resolve("/srv/git/b", "./c").unwrap(), "/srv/git/b/c");
    }

    #[test]
    fn hostile_declarations_lead_nowhere() {
        assert_eq!(safe_name("../../../etc"), None);
        assert_eq!(safe_name("/abs"), None);
        assert_eq!(checked_path(".git/hooks"), None);
        assert_eq!(checked_path("a/.GIT/x"), None);
        assert_eq!(checked_path("-x"), None);
        assert_eq!(checked_path("a\nb"), None);
        let name = module_name(&"libs/$(id)".parse().unwrap());
        assert!(name.starts_with("libs___id_-"), "{name}");
        assert_ne!(module_name(&"a/b".parse().unwrap()), module_name(&"a_b".parse().unwrap()));
    }

    #[test]
    fn gitmodules_with_dots_in_names() {
        let listed = "submodule.a.b.path\nlibs/a\0submodule.a.b.url\nhttps://x/a\0submodule.c.path\nc\0";
        let declared = parse_declared(listed);
        assert_eq!(declared.len(), 2);
        assert_eq!(
            (declared[0].name.as_str(), declared[0].path.as_str(), declared[0].url.as_str()),
            ("a.b", "libs/a", "https://x/a")
        );
    }
}
