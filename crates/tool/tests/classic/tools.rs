//! Build tools of edeliver 1.x: rebar 2 with reltool, and what Distillery makes.

use crate::{
    program::{self, Program},
    run,
};

/// An application for rebar 2, which generates the rest.
pub(crate) const OLD_APP: &[(&str, &str)] = &[
    (
        "src/oldapp.app.src",
        "{application, oldapp, [{description, \"\"}, {vsn, \"0.1.0\"}, {registered, []}, {applications, [kernel, stdlib, sasl]}, {mod, {oldapp, []}}]}.\n",
    ),
    (
        "src/oldapp.erl",
        "-module(oldapp).\n-behaviour(application).\n-export([start/2, stop/1, init/1, marker/0]).\nstart(_, _) -> supervisor:start_link({local, ?MODULE}, ?MODULE, []).\n\
         stop(_) -> ok.\ninit([]) -> {ok, {{one_for_one, 1, 1}, []}}.\nmarker() -> one.\n",
    ),
    ("rebar.config", "{sub_dirs, [\"rel\"]}.\n"),
    (".gitignore", "/rel/oldapp\nebin\n/.deliver/*\n!/.deliver/config\n/notes\n"),
];

#[test]
fn a_release_of_rebar_and_reltool_is_built_upgraded_and_gone_back_from() {
    let program = Program::new();
    let dir = program.project().parent().unwrap().to_owned();
    let place = |name: &str| dir.join(name).display().to_string();
    let config = format!(
        "APP=oldapp\nREVISION=HEAD\nBUILD_HOST=localhost\nBUILD_AT={:?}\nBUILD_CMD=rebar\nRELEASE_CMD=rebar\nREBAR_CMD=rebar\nSTAGING_HOSTS=localhost\nDELIVER_TO={:?}\n",
        place("builds"),
        place("apps")
    );
    OLD_APP.iter().for_each(|(path, text)| program.write(path, text));
    program.write(".deliver/config", &config);
    let node = format!("old{}", std::process::id());
    let lines = format!(
        "set -e; mkdir rel; (cd rel; rebar create-node nodeid=oldapp); sed -i 's/-name .*/-name {node}@127.0.0.1/' rel/files/vm.args; \
         sed -i -e 's/\"oldapp\", \"1\"/\"oldapp\", \"0.1.0\"/' -e 's/{{incl_cond, include}}]}}/{{incl_cond, include}}, {{lib_dir, \"..\"}}]}}/' rel/reltool.config; \
         git init -q; git add .; git -c user.name=a -c user.email=a@b -c commit.gpgsign=false commit -qm one"
    );
    let made = program.shell(&lines);
    assert_eq!(made.code, 0, "{}{}", made.out, made.err);
    let _stopped = Stopped(&program);
    run(&program, "build release", 0);
    run(&program, "deploy release to staging --start-deploy", 0);
    let changed = "sed -i 's/marker() -> one/marker() -> two/' src/oldapp.erl && git -c user.name=a -c user.email=a@b -c commit.gpgsign=false commit -qam two";
    assert_eq!(program.shell(changed).code, 0);
    run(&program, "build release --set-version=0.2.0", 0);
    let asked = |code: &str| run(&program, &format!("rpc {code} on staging"), 0).out.trim().to_owned();
    let life = asked("os:getpid()");
    assert_eq!(asked("oldapp:marker()"), "one");
    let soak = |line: &str| {
        let mut command = program.command(env!("CARGO_BIN_EXE_edeliver"));
        let done = program::done(command.args(line.split(' ')).env("EDELIVER_UPGRADE_SOAK", "1s").output().unwrap());
        assert_eq!(done.code, 0, "{line}\n{}{}", done.out, done.err);
    };
    soak("deploy upgrade to staging --version=0.2.0");
    assert_eq!((asked("oldapp:marker()").as_str(), asked("os:getpid()")), ("two", life.clone()));
    soak("rollback staging");
    assert_eq!((asked("oldapp:marker()").as_str(), asked("os:getpid()")), ("one", life.clone()));
    // Its own boot file stands in the runtime system, and belongs to the release all the same.
    run(&program, "deploy release to staging --version=0.2.0 --start-deploy", 0);
    assert_eq!(asked("oldapp:marker()"), "two");
    assert_ne!(asked("os:getpid()"), life);
}

/// Stops the node when a test ends, well or not.
pub(crate) struct Stopped<'a>(pub(crate) &'a Program);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.run(&["stop", "staging", "--yes"]);
    }
}

/// A start script with the commands that Distillery documents. It lies in the release's folder; `bin/APP` only finds it.
const DISTILLERY: &str = r#"#!/bin/sh
dir=$(cd "$(dirname "$0")" && pwd)
root=${dir%/releases/*}
export ROOTDIR="$root" EMU=beam PROGNAME=erl
export BINDIR="$root/erts-$(cut -d ' ' -f 1 "$root/releases/start_erl.data")/bin"
vm() { exec "$BINDIR/erlexec" -boot "$dir/relapp" -config "$dir/sys.config" -args_file "$dir/vm.args" -mode embedded "$@"; }
case $1 in
start) mkdir -p "$root/tmp" "$root/log" && exec "$BINDIR/run_erl" -daemon "$root/tmp/" "$root/log" "exec $0 console" ;;
console) vm ;;
foreground) vm -noshell ;;
esac
"#;

/// Distillery itself can't be had here: its layout is made of what rebar3 assembles.
#[test]
fn a_release_in_the_layout_of_distillery_is_deployed_upgraded_and_gone_back_from() {
    let program = Program::new();
    let dir = program.project().parent().unwrap().to_owned();
    let sample = edeliver_lab::samples::erlang(&dir.join("sources"), "0.1.0").unwrap();
    let apps = dir.join("apps").display().to_string();
    program.write(".deliver/config", &format!("APP=relapp\nSTAGING_HOSTS=localhost\nDELIVER_TO={apps:?}\n"));
    program.write("start.sh", DISTILLERY);
    let node = format!("dist{}@127.0.0.1", std::process::id());
    for version in ["0.1.0", "0.2.0"] {
        sample.set_version(version).unwrap();
        let lines = format!(
            "set -e; project=$PWD; cd {:?}; rebar3 release >&2; cd _build/default/rel/relapp; rm -r bin; mkdir -p bin; cd releases/{version}; \
             rm -f vm.args* sys.config*; mv start.boot relapp.boot; echo '[].' >sys.config; printf -- '-name {node}\\n-setcookie distillery\\n' >vm.args; \
             cp \"$project/start.sh\" relapp.sh; chmod +x relapp.sh; cd ../..; \
             echo 'exec \"$(dirname \"$0\")/../releases/$(cut -d \" \" -f 2 \"$(dirname \"$0\")/../releases/start_erl.data\")/relapp.sh\" \"$@\"' >bin/relapp; \
             sed -i '1i #!/bin/sh' bin/relapp; chmod +x bin/relapp; mkdir -p \"$project/.deliver/releases\"; \
             tar -czf \"$project/.deliver/releases/relapp_{version}.release.tar.gz\" bin erts-* lib releases/{version} releases/start_erl.data releases/RELEASES; \
             cd {:?}; rm -r _build",
            sample.dir, sample.dir
        );
        let made = program.shell(&lines);
        assert_eq!(made.code, 0, "{}{}", made.out, made.err);
    }
    let _stopped = Stopped(&program);
    let started = run(&program, "deploy release to staging --version=0.1.0 --start-deploy", 0);
    assert!(started.out.contains("0.1.0 running"), "{}{}", started.out, started.err);
    let asked = |code: &str| run(&program, &format!("rpc {code} on staging"), 0).out.trim().to_owned();
    let life = asked("os:getpid()");
    let soon = |line: &str| {
        let mut command = program.command(env!("CARGO_BIN_EXE_edeliver"));
        let done = program::done(command.args(line.split(' ')).env("EDELIVER_UPGRADE_SOAK", "1s").output().unwrap());
        assert_eq!(done.code, 0, "{line}\n{}{}", done.out, done.err);
    };
    soon("deploy upgrade to staging --version=0.2.0");
    let version = run(&program, "version staging", 0).out;
    assert!(version.contains("0.2.0  0.2.0       as built"), "{version}");
    assert_eq!(asked("os:getpid()"), life);
    soon("rollback staging");
    assert_eq!(asked("os:getpid()"), life);
    run(&program, "restart staging", 0);
    assert!(run(&program, "version staging", 0).out.contains("0.1.0  0.1.0"));
    assert_ne!(asked("os:getpid()"), life);
}
