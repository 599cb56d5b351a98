//! How sources come to the build host.

use super::*;

#[tokio::test]
async fn a_build_path_with_a_space_and_worse() {
    let host = Host::named("it's a $(touch x) \"folder\"");
    let outcome = Build::of(&host.elixir(), &host).run().await;
    outcome.manifest();
    assert!(!Path::new("x").exists());
}

#[tokio::test]
async fn a_shallow_clone_is_built_and_the_next_commit_too() {
    let host = Host::new();
    let sample = host.elixir();
    sample.set_version("0.2.0").unwrap();
    let url = format!("file://{}", sample.dir.display());
    samples::git(host.dir.path(), &["clone", "--quiet", "--depth=1", &url, "shallow"]).unwrap();
    let shallow = sample.at(&host.dir.path().join("shallow"));
    assert_eq!(Build::of(&shallow, &host).run().await.manifest().title(), "hotapp 0.2.0");
    shallow.set_marker("more").unwrap();
    shallow.commit("more").unwrap();
    Build::of(&shallow, &host).run().await.manifest();
    // The whole history can be pushed over it.
    sample.set_version("0.3.0").unwrap();
    assert_eq!(Build::of(&sample, &host).run().await.manifest().title(), "hotapp 0.3.0");
}

#[tokio::test]
async fn clones_of_different_depth_share_a_build_folder() {
    let host = Host::new();
    let sample = host.elixir();
    for version in ["0.2.0", "0.3.0"] {
        sample.set_version(version).unwrap();
    }
    let url = format!("file://{}", sample.dir.display());
    let clone = |depth: &str, name: &str| {
        samples::git(host.dir.path(), &["clone", "--quiet", depth, &url, name]).unwrap();
        sample.at(&host.dir.path().join(name))
    };
    let (shallow, deeper) = (clone("--depth=1", "shallow"), clone("--depth=2", "deeper"));
    assert_eq!(Build::of(&shallow, &host).run().await.manifest().title(), "hotapp 0.3.0");
    // The build host has the tip and believes that nothing lies below it; this branch begins below it.
    deeper.git(&["checkout", "--quiet", "-b", "side", "HEAD~1"]).unwrap();
    deeper.set_marker("side").unwrap();
    deeper.commit("side").unwrap();
    assert_eq!(Build::of(&deeper, &host).run().await.manifest().title(), "hotapp 0.2.0");
    assert_eq!(Build::of(&sample, &host).run().await.manifest().title(), "hotapp 0.3.0");
}

#[tokio::test]
async fn a_commit_is_pushed_once_and_only_new_tags_follow() {
    let host = Host::new();
    let sample = host.elixir();
    let pushed = |outcome: &Outcome| outcome.notes.iter().any(|note| note.starts_with("push"));
    assert!(pushed(&Build::of(&sample, &host).run().await));
    assert!(!pushed(&Build::of(&sample, &host).run().await));
    sample.git(&["tag", "later"]).unwrap();
    assert!(pushed(&Build::of(&sample, &host).run().await));
    let repo = host.at.join(".edeliver/hotapp/repo.git");
    assert_eq!(samples::git(&repo, &["tag", "--list"]).unwrap(), "later\nv0.1.0");
}

/// The Elixir sample with a submodule that has a submodule; both give a line to the application.
fn with_submodules(host: &Host) -> Sample {
    let at = |name: &str| host.dir.path().join(name);
    let inner = samples::erlang(&at("inner"), "0.1.0").unwrap();
    let middle = samples::erlang(&at("middle"), "0.1.0").unwrap();
    inner.write("word.txt", "inner").unwrap();
    inner.commit("word").unwrap();
    middle.git(&["submodule", "--quiet", "add", inner.dir.to_str().unwrap(), "deep/inner"]).unwrap();
    middle.commit("with inner").unwrap();
    let sample = host.elixir();
    sample.git(&["submodule", "--quiet", "add", middle.dir.to_str().unwrap(), "libs/middle"]).unwrap();
    sample.git(&["submodule", "--quiet", "update", "--init", "--recursive"]).unwrap();
    let reads = "defmodule Words do\n  @word File.read!(\"libs/middle/deep/inner/word.txt\")\n  def word, do: @word\nend\n";
    sample.write("lib/words.ex", reads).unwrap();
    sample.commit("with submodules").unwrap();
    sample
}

#[tokio::test]
async fn nested_submodules_that_are_here_are_pushed() {
    let host = Host::new();
    let sample = with_submodules(&host);
    // Nothing may be fetched from where they came.
    std::fs::remove_dir_all(host.dir.path().join("inner")).unwrap();
    std::fs::remove_dir_all(host.dir.path().join("middle")).unwrap();
    let first = Build::of(&sample, &host).run().await;
    let tree = Path::new(&first.slot).join("hotapp");
    assert!(first.notes.iter().any(|note| note.contains("libs/middle, libs/middle/deep/inner")), "{:?}", first.notes);
    first.manifest();
    let again = Build::of(&sample, &host).run().await;
    assert!(!again.notes.iter().any(|note| note.starts_with("push")), "{:?}", again.notes);
    again.manifest();

    // Without them, they are gone from the worktree.
    sample.git(&["rm", "--quiet", "-f", "libs/middle"]).unwrap();
    sample.git(&["rm", "--quiet", "lib/words.ex"]).unwrap();
    sample.commit("without").unwrap();
    Build::of(&sample, &host).run().await.manifest();
    assert!(!tree.join("libs").exists());
}

#[tokio::test]
async fn a_submodule_that_is_not_here_is_refused_from_a_file_and_told() {
    let host = Host::new();
    let sample = with_submodules(&host);
    samples::git(host.dir.path(), &["clone", "--quiet", sample.dir.to_str().unwrap(), "clone"]).unwrap();
    let clone = sample.at(&host.dir.path().join("clone"));
    let outcome = Build::of(&clone, &host).run().await;
    let stopped = outcome.result.unwrap_err();
    let causes = crate::error::chain(&stopped.error).join("; ");
    let crate::transport::TransportError::Failed { tail, .. } = (match &stopped.error {
        crate::build::BuildError::Transport(error) => error,
        other => panic!("{other:?}"),
    }) else {
        panic!("{causes}")
    };
    assert!(tail.last().unwrap().contains("submodule libs/middle could not be fetched from"), "{tail:?}");
}

#[tokio::test]
async fn the_project_may_be_a_folder_of_the_repository() {
    let host = Host::new();
    let whole = host.erlang();
    let inner = samples::elixir(&whole.dir.join("backend"), "0.1.0").unwrap();
    std::fs::remove_dir_all(inner.dir.join(".git")).unwrap();
    whole.commit("with a backend").unwrap();
    let outcome = Build::of(&inner, &host).run().await;
    assert_eq!(outcome.manifest().title(), "hotapp 0.1.0");
}

#[tokio::test]
async fn the_profile_is_read_by_bash_before_a_command() {
    let host = Host::new();
    let sample = host.elixir();
    sample.edit("config/config.exs", "greeting: \"hello\"", "greeting: System.fetch_env!(\"GREETING\")").unwrap();
    sample.write("lib/env.ex", "IO.inspect(System.get_env(\"SECRET\"))\nIO.inspect(System.get_env(\"EDELIVER_ENV_1\"))\n").unwrap();
    sample.commit("greeting").unwrap();
    let profile = host.dir.path().join("profile with a space");
    let lines = "words=(one 'two words')\nexport GREETING=${words[1]} SECRET=weak\necho noise\nset -- lost arguments\n";
    std::fs::write(&profile, lines).unwrap();
    let mut build = Build::of(&sample, &host);
    build.settings.env.insert("SECRET".to_owned(), "two\nlines, \"quoted\" $HOME".to_owned());
    build.settings.profile = profile.to_str().unwrap().to_owned();
    let outcome = build.run().await;
    let config = Path::new(&outcome.slot).join("hotapp/_build/prod/rel/hotapp/releases/0.1.0/sys.config");
    let config = std::fs::read_to_string(config).unwrap();
    assert!(config.contains("{greeting,<<116,119,111,32,119,111,114,100,115>>}"), "{config}");
    let said = |line: &str| outcome.output.iter().any(|said| said == line);
    assert!(!said("noise"));
    assert!(said(r#""two\nlines, \"quoted\" $HOME""#) && said("nil"), "{:?}", outcome.output);
    outcome.manifest();
}
