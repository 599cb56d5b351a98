//! What earlier builds left is used, and rightly so.

use std::{collections::BTreeMap, fs, time::SystemTime};

use super::*;

/// Compiled modules of the application and when they were written.
fn beams(outcome: &Outcome, dir: &str) -> BTreeMap<String, SystemTime> {
    let dir = Path::new(&outcome.slot).join(dir);
    let beam = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        name.ends_with(".beam").then(|| (name, entry.metadata().unwrap().modified().unwrap()))
    };
    std::fs::read_dir(dir).unwrap().filter_map(beam).collect()
}

fn rewritten(before: &BTreeMap<String, SystemTime>, after: &BTreeMap<String, SystemTime>) -> Vec<String> {
    after.iter().filter(|(name, time)| before.get(*name) != Some(time)).map(|(name, _)| name.clone()).collect()
}

#[tokio::test]
async fn a_one_line_change_recompiles_that_module_alone() {
    let elixir = (samples::elixir as Make, "hotapp/_build/prod/lib/hotapp/ebin", "Elixir.Hotapp.Version.beam");
    let erlang = (samples::erlang as Make, "relapp/_build/default/lib/relapp/ebin", "relapp_version.beam");
    for (make, ebin, module) in [elixir, erlang] {
        let host = Host::new();
        let sample: Sample = make(&host.dir.path().join("source"), "0.1.0").unwrap();
        let first = Build::of(&sample, &host).run().await;
        let before = beams(&first, ebin);
        let first = first.manifest();
        sample.set_marker("another").unwrap();
        sample.commit("one line").unwrap();
        let second = Build::of(&sample, &host).run().await;
        assert_eq!(rewritten(&before, &beams(&second, ebin)), [module]);
        assert!(
            second.notes.iter().any(|note| note.starts_with("fetch dependencies") && note.ends_with(": unchanged")),
            "{:?}",
            second.notes
        );
        let second = second.manifest();
        let changed: Vec<_> =
            second.files.iter().filter(|entry| !first.files.contains(entry)).map(|entry| entry.path.as_str()).collect();
        assert_eq!(changed, [format!("lib/{}-0.1.0/ebin/{module}", sample.app)]);
    }
}

#[tokio::test]
async fn going_back_to_an_older_commit_gives_the_older_release() {
    let host = Host::new();
    let sample = host.elixir();
    let first = Build::of(&sample, &host).run().await.manifest();
    sample.set_version("0.2.0").unwrap();
    let second = Build::of(&sample, &host).run().await.manifest();
    assert_eq!(second.title(), "hotapp 0.2.0");
    assert!(
        !paths(&second).iter().any(|path| path.contains("hotapp-0.1.0") || path.contains("releases/0.1.0")),
        "{:?}",
        paths(&second)
    );
    let mut back = Build::of(&sample, &host);
    back.wanted = Wanted::Tag("v0.1.0".parse().unwrap());
    assert_same(&back.run().await.manifest(), &first);
}

#[tokio::test]
async fn a_module_that_was_removed_is_not_in_the_next_release() {
    for make in [samples::elixir, samples::erlang] {
        let host = Host::new();
        let sample = make(&host.dir.path().join("source"), "0.1.0").unwrap();
        let (file, text, beam) = match sample.app {
            "hotapp" => ("lib/gone.ex", "defmodule Gone do\nend\n", "Elixir.Gone.beam"),
            _ => ("src/gone.erl", "-module(gone).\n", "gone.beam"),
        };
        sample.write(file, text).unwrap();
        sample.commit("a module").unwrap();
        let with = Build::of(&sample, &host).run().await.manifest();
        assert!(paths(&with).iter().any(|path| path.ends_with(beam)));
        sample.git(&["rm", "--quiet", file]).unwrap();
        sample.commit("gone").unwrap();
        let without = Build::of(&sample, &host).run().await.manifest();
        assert!(!paths(&without).iter().any(|path| path.ends_with(beam)), "{:?}", paths(&without));
    }
}

#[tokio::test]
async fn clean_builds_from_nothing() {
    let host = Host::new();
    let sample = host.elixir();
    let first = Build::of(&sample, &host).run().await.manifest();
    let again = Build::of(&sample, &host).run().await;
    assert!(again.compiled().is_empty(), "{:?}", again.compiled());
    let mut clean = Build::of(&sample, &host);
    clean.caches = Caches::Removed;
    let clean = clean.run().await;
    assert_eq!(clean.compiled(), ["Compiling 5 files (.ex)"], "{:?}", clean.output);
    assert!(
        clean.output.contains(&"All dependencies are up to date".to_owned()),
        "dependencies were not asked for: {:?}",
        clean.output
    );
    assert_same(&clean.manifest(), &first);
}

#[tokio::test]
async fn a_changed_dependency_is_compiled_and_so_is_what_uses_it() {
    let host = Host::new();
    let sample = host.elixir();
    let dep = |text: &str| format!("defmodule Greet do\n  defmacro hello, do: {text:?}\nend\n");
    let dep_mix = "defmodule Greet.MixProject do\n  use Mix.Project\n  def project, do: [app: :greet, version: \"1.0.0\"]\nend\n";
    sample.write("libs/greet/mix.exs", dep_mix).unwrap();
    sample.write("libs/greet/lib/greet.ex", &dep("hello")).unwrap();
    sample.edit("mix.exs", "    []\n", "    [{:greet, path: \"libs/greet\"}]\n").unwrap();
    sample.write("lib/uses.ex", "defmodule Uses do\n  require Greet\n  def hello, do: Greet.hello()\nend\n").unwrap();
    sample.commit("with a dependency").unwrap();
    let first = Build::of(&sample, &host).run().await.manifest();
    sample.write("libs/greet/lib/greet.ex", &dep("good day")).unwrap();
    sample.commit("another word").unwrap();
    let second = Build::of(&sample, &host).run().await;
    assert_eq!(second.compiled(), ["Compiling 1 file (.ex)", "Compiling 1 file (.ex)"]);
    let second = second.manifest();
    let changed: Vec<_> =
        second.files.iter().filter(|entry| !first.files.contains(entry)).map(|entry| entry.path.as_str()).collect();
    assert_eq!(changed, ["lib/greet-1.0.0/ebin/Elixir.Greet.beam", "lib/hotapp-0.1.0/ebin/Elixir.Uses.beam"]);
}

#[tokio::test]
async fn untracked_files_go_before_a_build_and_dependencies_stay() {
    let host = Host::new();
    let sample = host.elixir();
    let tree = PathBuf::from(Build::of(&sample, &host).run().await.slot).join("hotapp");
    let leave = |name: &str| {
        std::fs::create_dir_all(tree.join(name).parent().unwrap()).unwrap();
        std::fs::write(tree.join(name), "left").unwrap();
    };
    let all = ["lib/left.txt", "node_modules/x", "assets/node_modules/y", "deps/z"];
    let there = || all.into_iter().filter(|name| tree.join(name).exists()).collect::<Vec<_>>();
    all.into_iter().for_each(leave);
    let mut build = Build::of(&sample, &host);
    build.settings.skip_git_clean = true;
    build.run().await.manifest();
    assert_eq!(there(), all, "--skip-git-clean");
    build.settings.skip_git_clean = false;
    build.run().await.manifest();
    assert_eq!(there(), all[1..]);
    leave(all[0]);
    build.settings.git_clean_paths = Some(vec!["node_modules".to_owned(), "deps".to_owned()]);
    build.run().await.manifest();
    assert_eq!(there(), ["lib/left.txt", "assets/node_modules/y"], "GIT_CLEAN_PATHS");
    build.caches = Caches::Removed;
    build.run().await.manifest();
    assert!(there().is_empty(), "--clean");
}

#[tokio::test]
async fn changed_tracked_files_are_put_back() {
    let host = Host::new();
    let sample = host.elixir();
    let first = Build::of(&sample, &host).run().await;
    let file = Path::new(&first.slot).join("hotapp/lib/hotapp/version.ex");
    std::fs::write(&file, "broken by a hook").unwrap();
    let id = first.manifest().id();
    assert_eq!(Build::of(&sample, &host).run().await.manifest().id(), id);
}

#[tokio::test]
async fn a_checkout_never_falls_into_the_second_in_which_the_last_build_wrote() {
    let host = Host::new();
    let sample = host.erlang();
    let first = Build::of(&sample, &host).run().await;
    let written = Path::new(&first.slot).join("written");
    let second =
        |path: &Path| path.metadata().unwrap().modified().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let told: u64 = fs::read_to_string(&written).unwrap().trim().parse().unwrap();
    assert!(second(&written) - told <= 1, "{told}");
    // As if the last build were cut off this very moment.
    fs::write(&written, "running\n").unwrap();
    let (cut_off, source) = (second(&written), Path::new(&first.slot).join("relapp/rebar.config"));
    sample.set_version("0.2.0").unwrap();
    Build::of(&sample, &host).run().await.manifest();
    assert!(second(&source) > cut_off, "{} of {cut_off}", second(&source));
}
