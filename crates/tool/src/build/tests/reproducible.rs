//! The same commit gives the same manifest, wherever it is built.

use super::*;

#[tokio::test]
async fn two_folders_give_one_manifest() {
    for make in [samples::elixir, samples::erlang] {
        let (one, two) = (Host::new(), Host::named("another place/mit ümlaut"));
        let sample = make(&one.dir.path().join("source"), "0.1.0").unwrap();
        let first = Build::of(&sample, &one).run().await.kept();
        assert_eq!(first.leaks, [""; 0]);
        let (first, second) = (first.manifest, Build::of(&sample, &two).run().await.manifest());
        let differ: Vec<_> = second.files.iter().filter(|entry| !first.files.contains(entry)).collect();
        assert!(differ.is_empty(), "{differ:?}");
        assert_same(&first, &second);
    }
}

#[tokio::test]
async fn an_incremental_build_is_the_same_as_one_from_nothing() {
    for make in [samples::elixir, samples::erlang] {
        let (one, two) = (Host::new(), Host::new());
        let sample = make(&one.dir.path().join("source"), "0.1.0").unwrap();
        Build::of(&sample, &one).run().await.manifest();
        sample.set_version("0.2.0").unwrap();
        let (incremental, whole) = (Build::of(&sample, &one).run().await, Build::of(&sample, &two).run().await);
        assert_same(&incremental.manifest(), &whole.manifest());
    }
}

#[tokio::test]
async fn the_users_compiler_options_are_kept_beside_ours() {
    let host = Host::new();
    let sample = host.erlang();
    sample.edit("src/relapp_version.erl", "    \"0.1.0\".", "    ?MARK.").unwrap();
    sample.commit("marked").unwrap();
    let mut build = Build::of(&sample, &host);
    build.settings.env.insert("ERL_COMPILER_OPTIONS".to_owned(), "[{d,'MARK',\"from the environment\"}]".to_owned());
    assert_eq!(build.run().await.kept().leaks, [""; 0]);
}

#[tokio::test]
async fn a_cookie_that_mix_made_up_is_noticed_and_stays_between_builds() {
    let host = Host::new();
    let sample = host.elixir();
    sample.edit("mix.exs", "cookie: \"hotapp-sample-cookie\"", "strip_beams: true").unwrap();
    sample.commit("no cookie").unwrap();
    let first = Build::of(&sample, &host).run().await;
    assert!(first.random_cookie);
    let again = Build::of(&sample, &host).run().await.manifest();
    let first = first.manifest();
    assert_eq!(again.id(), first.id());
    let mut clean = Build::of(&sample, &host);
    clean.caches = Caches::Removed;
    assert_ne!(clean.run().await.manifest().cookie(), first.cookie());

    sample.set_version("0.2.0").unwrap();
    assert!(!Build::of(&sample, &host).run().await.random_cookie, "a fixed cookie is nothing to tell");
}

#[tokio::test]
async fn files_that_name_the_build_folder_are_found() {
    let host = Host::new();
    let sample = host.elixir();
    sample.write("lib/leak.ex", "defmodule Leak do\n  def where, do: unquote(__DIR__)\nend\n").unwrap();
    sample.commit("a leak").unwrap();
    let kept = Build::of(&sample, &host).run().await.kept();
    assert_eq!(kept.leaks, ["lib/hotapp-0.1.0/ebin/Elixir.Leak.beam"]);
}
