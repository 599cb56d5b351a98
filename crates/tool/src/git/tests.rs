use std::path::Path;

use edeliver_core::{name::Revision, plan::build::ModuleFrom};
use edeliver_lab::samples::{self, Sample};

use super::*;

async fn opened(sample: &Sample) -> Repository {
    Repository::open(&sample.dir).await.unwrap()
}

fn name(text: &str) -> Revision {
    text.parse().unwrap()
}

#[tokio::test]
async fn revisions_tags_and_branches_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let sample = samples::elixir(dir.path(), "0.1.0").unwrap();
    let first = sample.git(&["rev-parse", "HEAD"]).unwrap();
    let second = sample.set_version("0.2.0").unwrap();
    sample.git(&["branch", "old", "v0.1.0"]).unwrap();
    let repository = opened(&sample).await;
    let commit = async |wanted: Wanted| repository.choose(&wanted).await.unwrap();
    assert_eq!(commit(Wanted::Head).await.commit.as_str(), second);
    assert_eq!(commit(Wanted::Head).await.branch.as_deref(), Some("main"));
    assert_eq!(commit(Wanted::Tag(name("v0.1.0"))).await.commit.as_str(), first);
    assert_eq!(commit(Wanted::Revision(name("HEAD~1"))).await.commit.as_str(), first);
    assert_eq!(commit(Wanted::Revision(name(&first[..8]))).await.commit.as_str(), first);
    let old = commit(Wanted::Branch(name("old"))).await;
    assert_eq!((old.commit.as_str(), old.branch.as_deref(), old.unix), (first.as_str(), Some("old"), 1_767_225_600));
}

#[tokio::test]
async fn a_branch_that_only_the_origin_has_is_found_in_a_clone() {
    let dir = tempfile::tempdir().unwrap();
    let sample = samples::elixir(&dir.path().join("origin"), "0.1.0").unwrap();
    sample.git(&["branch", "release"]).unwrap();
    let origin = format!("file://{}", sample.dir.display());
    samples::git(dir.path(), &["clone", "--quiet", "--depth=1", "--no-single-branch", &origin, "clone"]).unwrap();
    let clone = Repository::open(&dir.path().join("clone")).await.unwrap();
    assert_eq!(clone.choose(&Wanted::Branch(name("release"))).await.unwrap().branch.as_deref(), Some("release"));
}

#[tokio::test]
async fn what_does_not_exist_is_told_with_what_does() {
    let dir = tempfile::tempdir().unwrap();
    let sample = samples::elixir(dir.path(), "0.1.0").unwrap();
    let repository = opened(&sample).await;
    let error = repository.choose(&Wanted::Tag(name("v0.1.1"))).await.unwrap_err();
    assert_eq!(error.to_string(), r#"there is no tag "v0.1.1" in this repository"#);
    let GitError::NoSuch { similar, shallow, .. } = error else { panic!("{error:?}") };
    assert_eq!((similar, shallow), (vec!["v0.1.0".to_owned()], false));
    assert!(repository.choose(&Wanted::Branch(name("v0.1.0"))).await.is_err(), "a tag is no branch");
    assert!(repository.choose(&Wanted::Tag(name("main"))).await.is_err(), "a branch is no tag");
    assert!(repository.choose(&Wanted::Branch(name("main~0"))).await.is_err(), "nothing in a branch's name is an operator");
    assert!(repository.choose(&Wanted::Revision(name("HEAD:mix.exs"))).await.is_err(), "a file is no commit");
}

#[tokio::test]
async fn hostile_names_never_reach_git_as_options_or_shell_words() {
    for hostile in ["--upload-pack=touch x", "-x", "$(touch x)", "a;touch x", "a\nb", "a..b", "`id`", "a b", ""] {
        assert!(hostile.parse::<Revision>().is_err(), "{hostile:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let sample = samples::elixir(dir.path(), "0.1.0").unwrap();
    // git itself allows a branch with such a name.
    sample.git(&["update-ref", "refs/heads/ä{x}", "HEAD"]).unwrap();
    let chosen = opened(&sample).await.choose(&Wanted::Branch(name("ä{x}"))).await.unwrap();
    assert_eq!(chosen.branch.as_deref(), Some("ä{x}"));
}

#[tokio::test]
async fn a_folder_without_a_repository_and_a_repository_without_a_commit() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Repository::open(dir.path()).await, Err(GitError::NoRepository { .. })));
    samples::git(dir.path(), &["init", "--quiet"]).unwrap();
    let empty = Repository::open(dir.path()).await.unwrap();
    assert!(matches!(empty.choose(&Wanted::Head).await, Err(GitError::Empty)));
}

#[tokio::test]
async fn uncommitted_changes_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let sample = samples::elixir(dir.path(), "0.1.0").unwrap();
    let repository = opened(&sample).await;
    let uncommitted = async || repository.uncommitted(&sample.dir.join(".deliver")).await.unwrap();
    assert_eq!(uncommitted().await, 0);
    sample.set_marker("changed").unwrap();
    sample.write("new file", "x").unwrap();
    sample.write(".deliver/store/x", "x").unwrap();
    assert_eq!(uncommitted().await, 2, "the store's own files are nothing to tell");
}

async fn source(dir: &Path) -> edeliver_core::plan::build::Source {
    let repository = Repository::open(dir).await.unwrap();
    let chosen = repository.choose(&Wanted::Head).await.unwrap();
    repository.source(&chosen, "hotapp").await.unwrap()
}

#[tokio::test]
async fn the_commits_files_say_how_it_is_built() {
    let dir = tempfile::tempdir().unwrap();
    let (elixir, erlang) = (dir.path().join("a"), dir.path().join("b"));
    samples::elixir(&elixir, "0.1.0").unwrap();
    samples::erlang(&erlang, "0.1.0").unwrap();
    let (elixir, erlang) = (source(&elixir).await, source(&erlang).await);
    assert!(elixir.files.mix && elixir.files.names_release && !elixir.files.needs_hex && !elixir.files.rebar);
    assert!(erlang.files.rebar && !erlang.files.mix);
    assert_eq!(elixir.tags.len(), 1);
    assert_eq!(elixir.folder, None);
}

#[tokio::test]
async fn a_project_in_a_folder_of_a_larger_repository() {
    let dir = tempfile::tempdir().unwrap();
    let whole = samples::elixir(dir.path(), "0.1.0").unwrap();
    whole.write("backend/rebar.config", "{deps, []}.").unwrap();
    whole.commit("backend").unwrap();
    let source = source(&dir.path().join("backend")).await;
    assert_eq!(source.folder.unwrap().as_str(), "backend");
    assert!(source.files.rebar && !source.files.mix);
}

#[tokio::test]
async fn submodules_are_found_here_nested_ones_too() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let (inner, middle, outer) = (
        samples::erlang(&at("inner"), "0.1.0").unwrap(),
        samples::erlang(&at("middle"), "0.1.0").unwrap(),
        samples::elixir(&at("outer"), "0.1.0").unwrap(),
    );
    middle.git(&["submodule", "--quiet", "add", inner.dir.to_str().unwrap(), "deep/inner"]).unwrap();
    middle.commit("with inner").unwrap();
    outer.git(&["submodule", "--quiet", "add", middle.dir.to_str().unwrap(), "libs/middle"]).unwrap();
    outer.git(&["submodule", "--quiet", "update", "--init", "--recursive"]).unwrap();
    outer.commit("with middle").unwrap();
    let modules = source(&outer.dir).await.submodules;
    let paths: Vec<_> = modules.iter().map(|module| module.path.as_str()).collect();
    assert_eq!(paths, ["libs/middle", "libs/middle/deep/inner"]);
    assert!(modules.iter().all(|module| matches!(module.from, ModuleFrom::Here { .. })), "{modules:?}");

    // In a fresh clone they are not here, and nothing can be known of inner ones.
    samples::git(dir.path(), &["clone", "--quiet", outer.dir.to_str().unwrap(), "clone"]).unwrap();
    let modules = source(&at("clone")).await.submodules;
    assert_eq!(modules.len(), 1);
    assert_eq!(modules[0].from, ModuleFrom::Url(middle.dir.to_str().unwrap().to_owned()));
}

#[test]
fn contents_of_several_blobs_are_told_apart() {
    let bytes = b"1111 blob 3\na\nb\n2222 blob 0\n\n3333 missing\n";
    assert_eq!(batch(bytes), [b"a\nb".to_vec(), Vec::new()]);
}
