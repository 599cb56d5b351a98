//! Builds that give no release say why.

use super::*;
use crate::{build::BuildError, error::chain};

async fn stopped(build: &Build<'_>) -> Box<Stopped> {
    build.run().await.result.unwrap_err()
}

#[tokio::test]
async fn a_compile_error_is_told_with_the_compilers_words() {
    let host = Host::new();
    let sample = host.elixir();
    sample.write("lib/broken.ex", "defmodule Broken do\n  def x, do: undefined_thing()\nend\n").unwrap();
    sample.commit("broken").unwrap();
    let stopped = stopped(&Build::of(&sample, &host)).await;
    assert!(stopped.step.describe().contains("mix release"));
    let BuildError::Command { status, tail, command } = &stopped.error else { panic!("{stopped:?}") };
    assert_eq!((*status, command.as_str()), (1, "mix release hotapp --overwrite"));
    assert!(tail.iter().any(|line| line.contains("undefined function undefined_thing/0")), "{tail:?}");
}

#[tokio::test]
async fn the_next_build_after_a_failed_one_is_right() {
    let host = Host::new();
    let sample = host.erlang();
    let first = Build::of(&sample, &host).run().await.manifest();
    sample.write("src/broken.erl", "-module(broken).\nbroken").unwrap();
    sample.commit("broken").unwrap();
    stopped(&Build::of(&sample, &host)).await;
    let mut build = Build::of(&sample, &host);
    build.wanted = Wanted::Tag("v0.1.0".parse().unwrap());
    assert_eq!(build.run().await.manifest().id(), first.id());
}

#[tokio::test]
async fn a_program_that_is_missing_blocks_the_plan() {
    let host = Host::new();
    let sample = host.erlang();
    let mut build = Build::of(&sample, &host);
    build.settings.programs.rebar3 = Some("/nowhere/rebar3".to_owned());
    let plan = build.plan().await;
    assert!(plan.plan.is_empty());
    assert_eq!(plan.plan.hosts[0].reasons.last().unwrap(), "the build host has no /nowhere/rebar3");
}

#[tokio::test]
async fn a_release_in_dev_mode_is_refused() {
    let host = Host::new();
    let sample = host.erlang();
    sample.edit("rebar.config", "{mode, prod}", "{mode, dev}").unwrap();
    sample.commit("dev").unwrap();
    let stopped = stopped(&Build::of(&sample, &host)).await;
    assert!(matches!(stopped.error, BuildError::OutsideLink { .. }), "{stopped:?}");
    assert!(chain(&stopped.error)[0].contains("is a link to a place outside of it"));
}

#[tokio::test]
async fn a_release_without_a_runtime_system_is_told_apart() {
    let host = Host::new();
    let sample = host.elixir();
    sample.edit("mix.exs", "include_executables_for: [:unix]", "include_erts: false").unwrap();
    sample.commit("no erts").unwrap();
    let manifest = Build::of(&sample, &host).run().await.manifest();
    assert_eq!((manifest.built_with.erts.as_deref(), manifest.built_with.otp.as_str()), (None, "25"));
}

#[tokio::test]
async fn a_release_elsewhere_is_found_or_can_be_named() {
    let host = Host::new();
    let sample = host.elixir();
    sample.edit("mix.exs", "include_executables_for: [:unix]", "path: \"out/hotapp\"").unwrap();
    sample.commit("elsewhere").unwrap();
    Build::of(&sample, &host).run().await.manifest();
    let mut build = Build::of(&sample, &host);
    build.settings.release_dir = Some("out/hotapp".parse().unwrap());
    build.run().await.manifest();
    build.settings.release_dir = Some("nowhere".parse().unwrap());
    let stopped = stopped(&build).await;
    assert!(matches!(stopped.error, BuildError::NoRelease { .. }), "{stopped:?}");
}

#[tokio::test]
async fn a_file_that_is_none_is_refused_by_name() {
    let host = Host::new();
    let sample = host.elixir();
    let made = "steps: [:assemble, &__MODULE__.pipe/1], include_executables_for: [:unix]";
    sample.edit("mix.exs", "include_executables_for: [:unix]", made).unwrap();
    let pipe = "  def pipe(release) do\n    {_, 0} = System.cmd(\"mkfifo\", [Path.join(release.path, \"pipe\")])\n    release\n  end\n\n  defp deps do";
    sample.edit("mix.exs", "  defp deps do", pipe).unwrap();
    sample.commit("a pipe").unwrap();
    let stopped = stopped(&Build::of(&sample, &host)).await;
    assert_eq!(chain(&stopped.error).last().unwrap(), "pipe is neither a file nor a link nor a folder");
}

#[tokio::test]
async fn a_commit_without_a_project_is_refused_before_anything_is_asked() {
    let host = Host::new();
    let sample = host.elixir();
    sample.git(&["rm", "--quiet", "mix.exs"]).unwrap();
    sample.commit("nothing to build").unwrap();
    let repository = Repository::open(&sample.dir).await.unwrap();
    let chosen = repository.choose(&Wanted::Head).await.unwrap();
    let source = repository.source(&chosen, sample.app).await.unwrap();
    let request = BuildRequest { app: sample.app.parse().unwrap(), source, caches: Caches::Used, version: None };
    let error = plan::commands(&request, &host.settings()).unwrap_err();
    assert_eq!(error.to_string(), "the commit has no mix.exs, rebar.config or relx.config");
}
