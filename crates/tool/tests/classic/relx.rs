//! Projects that relx assembles: of mix, and of rebar 2. relx has no program of its own in Debian any more, but rebar3 has it in it.

use std::path::Path;

use crate::{
    program::{self, Program},
    run,
    tools::{OLD_APP, Stopped},
};

/// The relx that rebar3 has in it, unpacked into a folder of its own.
const UNPACK: &str = r#"
    {ok, Parts} = escript:extract(os:find_executable("rebar3"), []),
    {ok, _} = zip:unzip(proplists:get_value(archive, Parts), [{cwd, os:getenv("LIBS")}]),
    halt().
"#;

/// It, with the command line of the program that it was.
const RELX: &str = r#"#!/usr/bin/env escript
%%! -env ERL_LIBS LIBS
main(["release"]) ->
    rebar_log:init(command_line, 1),
    {ok, Config} = file:consult("relx.config"),
    {_, {Name, Vsn}, _} = lists:keyfind(release, 1, Config),
    case relx:build_release(#{name => Name, vsn => Vsn}, [{output_dir, filename:absname("_rel")} | Config]) of
        {ok, _} -> ok;
        Error -> io:format("~p~n", [Error]), halt(1)
    end.
"#;

/// Puts `./relx`, `relx.config` and `.deliver/config` into a project.
fn with_relx(program: &Program, app: &str, applications: &str, lib_dirs: &str) {
    let dir = program.project().parent().unwrap().to_owned();
    let libs = dir.join("libs").display().to_string();
    let unpacked = program.command("erl").args(["-noshell", "-eval", UNPACK]).env("LIBS", &libs).output().unwrap();
    assert!(unpacked.status.success(), "{unpacked:?}");
    program.write("relx", &RELX.replace("LIBS LIBS", &format!("LIBS {libs}")));
    let config = format!(
        "{{release, {{{app}, \"0.1.0\"}}, [{applications}]}}.\n{{lib_dirs, [{lib_dirs}]}}.\n{{vm_args, \"vm.args\"}}.\n\
         {{extended_start_script, true}}.\n{{include_src, false}}.\n{{include_erts, true}}.\n{{dev_mode, false}}.\n"
    );
    program.write("relx.config", &config);
    program.write("vm.args", &format!("-sname {app}x{}\n-setcookie relx\n", std::process::id()));
    let place = |name: &str| dir.join(name).display().to_string();
    let config = format!(
        "APP={app}\nREVISION=HEAD\nBUILD_HOST=localhost\nBUILD_AT={:?}\nSTAGING_HOSTS=localhost\nDELIVER_TO={:?}\n",
        place("builds"),
        place("apps")
    );
    program.write(".deliver/config", &config);
    done(program, "chmod +x relx && { [ -e .git ] || git init -q; } && git add -A && GIT commit -qm 'with relx'");
}

fn done(program: &Program, line: &str) {
    let done = program.shell(&line.replace("GIT", "git -c user.name=a -c user.email=a@b -c commit.gpgsign=false"));
    assert_eq!(done.code, 0, "{line}\n{}{}", done.err, done.out);
}

#[test]
fn a_project_of_mix_and_relx_is_built_upgraded_and_gone_back_from() {
    let program = Program::new();
    edeliver_lab::samples::elixir(&program.project(), "0.1.0").unwrap();
    let elixir = program.shell("elixir -e 'IO.write(Path.dirname(:code.lib_dir(:elixir)))'").out;
    with_relx(&program, "hotapp", "hotapp, sasl", &format!("\"_build/prod/lib\", {elixir:?}"));
    let _stopped = Stopped(&program);
    assert!(Path::new(&elixir).is_dir(), "{elixir}");
    let built = run(&program, "build release", 0);
    assert!(built.err.contains("(./relx release)"), "{}{}", built.out, built.err);
    run(&program, "deploy release to staging --start-deploy", 0);
    let asked = |code: &str| run(&program, &format!("rpc {code} on staging"), 0).out.trim().to_owned();
    let life = asked("os:getpid()");
    assert_eq!(asked("Hotapp.Version.marker()"), "\"0.1.0\"");
    done(&program, "sed -i 's/0\\.1\\.0/0.2.0/' mix.exs relx.config lib/hotapp/version.ex && GIT commit -qam 0.2.0");
    let mut upgrade = program.command(env!("CARGO_BIN_EXE_edeliver"));
    let ended = program::done(upgrade.args(["upgrade", "staging"]).env("EDELIVER_UPGRADE_SOAK", "1s").output().unwrap());
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert_eq!((asked("Hotapp.Version.marker()"), asked("os:getpid()")), ("\"0.2.0\"".to_owned(), life.clone()));
    let mut back = program.command(env!("CARGO_BIN_EXE_edeliver"));
    let ended = program::done(back.args(["rollback", "staging"]).env("EDELIVER_UPGRADE_SOAK", "1s").output().unwrap());
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert_eq!((asked("Hotapp.Version.marker()"), asked("os:getpid()")), ("\"0.1.0\"".to_owned(), life));
}

/// Nothing says how it is built but `relx.config` and a source: rebar 2 compiles it, as edeliver 1.x had it.
#[test]
fn a_project_with_relx_alone_is_built_and_started() {
    let program = Program::new();
    OLD_APP.iter().filter(|(path, _)| *path != "rebar.config").for_each(|(path, text)| program.write(path, text));
    with_relx(&program, "oldapp", "oldapp, sasl", "\"..\"");
    let _stopped = Stopped(&program);
    run(&program, "build release", 0);
    run(&program, "deploy release to staging --start-deploy", 0);
    assert_eq!(run(&program, "rpc oldapp:marker() on staging", 0).out.trim(), "one");
}
