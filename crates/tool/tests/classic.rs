//! What projects of edeliver 1.x bring with them beside their config: functions of their own, in the real program.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod program;

use std::fs;

use program::{Done, Program};

/// A project whose only host is this machine, with these functions.
fn project(functions: &str) -> Program {
    let program = Program::new();
    let apps = program.project().parent().unwrap().join("apps");
    fs::create_dir_all(&apps).unwrap();
    let config =
        format!("APP=shop\nSTAGING_HOSTS=localhost\nDELIVER_TO={:?}\nSTAGING_USER=\n{functions}\n", apps.to_str().unwrap());
    program.write(".deliver/config", &config);
    program
}

#[track_caller]
fn run(program: &Program, line: &str, code: i32) -> Done {
    let done = program.run(&line.split(' ').collect::<Vec<_>>());
    assert_eq!(done.code, code, "{line}\n{}{}", done.err, done.out);
    done
}

#[test]
fn a_project_does_node_commands_in_its_own_way() {
    let program = project(
        r#"
execute_custom_node_command() {
  [ "$1" = restart ] || [ "$1" = version ] || return 1
  __remote "echo \"$1 $APP in $NODE_ENVIRONMENT\""
}
"#,
    );
    for action in ["restart", "version"] {
        let done = run(&program, &format!("{action} staging -V"), 0);
        assert!(done.err.contains(&format!("{action} shop in staging")), "{}", done.err);
    }
    // What it declines is done as ever.
    let stopped = run(&program, "stop staging", 0);
    assert!(stopped.out.contains("no node runs"), "{}{}", stopped.out, stopped.err);
    let runs = run(&program, "run list", 0).out;
    assert!(runs.contains("restart shop on staging") && !runs.contains("version"), "{runs}");
    assert!(run(&program, "restart staging --plan", 4).err.contains("may do something else"), "a plan calls nothing");
}

#[test]
fn a_project_prints_what_runs_on_each_host_for_a_node_command() {
    let program = project(
        r#"
get_start_node_command() { echo "cd '$2' && echo started by $1 >marker && [[ -n x ]] && echo here"; }
get_stop_node_command() { echo "echo in vain; exit 7"; }
get_ping_node_command() { :; }
"#,
    );
    let apps = program.project().parent().unwrap().join("apps");
    let done = run(&program, "start staging", 0);
    assert!(done.out.contains("here"), "{}{}", done.out, done.err);
    assert_eq!(fs::read_to_string(apps.join("marker")).unwrap(), "started by start\n");
    let failed = run(&program, "stop staging", 8);
    assert!(format!("{}{}", failed.out, failed.err).contains("exit status 7"), "{}{}", failed.out, failed.err);
    let nothing = run(&program, "ping staging", 3);
    assert!(nothing.err.contains("get_ping_node_command gave nothing to run, with status 0"), "{}", nothing.err);
}

const STRATEGY: &str = r#"
require_node_config
help() { echo "edeliver backup [WORD]  keeps a copy"; }
run() {
  status "backing $APP up with $COMMAND of $ARGS on $NODES"
  __remote "echo backed up >'$DELIVER_TO/backup'"
  [ "$ARGS" != "to nowhere" ] || error "there is no such place"
}
"#;

#[test]
fn a_project_brings_commands_along() {
    let program = project("helper() { :; }");
    program.write(".deliver/strategies/erlang-backup", STRATEGY);
    program.write(".deliver/help", "print_custom_commands_help() { echo '  edeliver backup'; }\n");
    let apps = program.project().parent().unwrap().join("apps");
    let done = run(&program, "backup staging --to=disk --plain", 0);
    let said = format!("backing shop up with backup of staging --to=disk on localhost:{}", apps.display());
    assert!(done.err.contains(&said), "{}", done.err);
    assert_eq!(fs::read_to_string(apps.join("backup")).unwrap(), "backed up\n");
    assert!(run(&program, "run list", 0).out.contains("backup of shop"));
    let failed = run(&program, "backup to nowhere", 8);
    assert!(failed.err.contains("there is no such place"), "{}", failed.err);

    assert_eq!(run(&program, "help backup", 0).out, "edeliver backup [WORD]  keeps a copy\n");
    let help = run(&program, "help", 0).out;
    assert!(help.contains("Commands:") && help.ends_with("  edeliver backup\n"), "{help}");
    // Only the whole name is one: the original took the first file that had the word somewhere in its path.
    for word in ["back", "erlang-backup", "../strategies/erlang-backup"] {
        assert!(run(&program, word, 2).err.contains("there is no command"), "{word}");
    }
}

/// The classic archive of a release that never runs.
fn archive(program: &Program, version: &str) {
    let lines = format!(
        "mkdir -p r/bin r/lib/shop-{version}/ebin r/releases/{version} .deliver/releases && echo x >r/bin/shop && \
         echo '{{application,shop,[{{vsn,\"{version}\"}}]}}.' >r/lib/shop-{version}/ebin/shop.app && \
         echo '{{release,{{\"shop\",\"{version}\"}},{{erts,\"13.1\"}},[{{shop,\"{version}\"}}]}}.' >r/releases/{version}/shop.rel && \
         touch r/releases/{version}/env.sh r/releases/{version}/vm.args && echo secret >r/releases/COOKIE && \
         echo '13.1 {version}' >r/releases/start_erl.data && \
         tar -C r -czf .deliver/releases/shop_{version}.release.tar.gz . && rm -r r"
    );
    let done = program.shell(&lines);
    assert_eq!(done.code, 0, "{}", done.err);
}

#[test]
fn a_release_and_a_configuration_are_checked() {
    let program = project("");
    archive(&program, "0.1.0");
    let whole = run(&program, "check release", 0);
    assert!(whole.out.starts_with("shop 0.1.0 is whole: 7 files, "), "{}", whole.out);
    let changed = program.shell("f=$(grep -rl secret .deliver/store/blobs) && chmod u+w $f && echo other >$f");
    assert_eq!(changed.code, 0, "{}", changed.err);
    let damaged = run(&program, "check release --version=0.1.0", 4);
    assert!(
        damaged.err.contains("1 file of shop 0.1.0 can't be used") && damaged.err.contains("releases/COOKIE"),
        "{}",
        damaged.err
    );
    assert!(run(&program, "check config", 0).out.contains("staging (1 host)"));
    program.write(".deliver/config", "APP=shop\nBUILD_HOST=b\n");
    assert!(run(&program, "check config", 3).err.contains("BUILD_AT is not set"));
    assert_eq!(run(&program, "check", 2).out, "");
}

#[test]
fn a_release_is_unpacked_changed_and_packed_again() {
    let program = project("");
    archive(&program, "0.1.0");
    let dir = program.project().join(".deliver/.tmp/shop_0.1.0.release");
    assert_eq!(run(&program, "unpack release", 0).out.trim(), dir.display().to_string());
    assert_eq!(fs::read_to_string(dir.join("releases/COOKIE")).unwrap(), "secret\n");
    fs::write(dir.join("releases/0.1.0/vm.args"), "+P 5000000\n").unwrap();
    fs::write(dir.join("bin/.hidden"), "kept too\n").unwrap();
    let asked = run(&program, "pack release --version=0.1.0", 4);
    assert!(asked.err.contains("shop 0.1.0 is in the store already") && asked.err.contains("--force"), "{}", asked.err);
    run(&program, "pack release --force", 0);
    assert!(run(&program, "check release", 0).out.contains("8 files"));
    fs::write(dir.join("releases/COOKIE"), "mine\n").unwrap();
    assert!(run(&program, "unpack release", 4).err.contains("--force"), "what somebody has changed is not lost");
    run(&program, "unpack release -F", 0);
    assert_eq!(fs::read_to_string(dir.join("releases/0.1.0/vm.args")).unwrap(), "+P 5000000\n");
    assert_eq!(fs::read_to_string(dir.join("releases/COOKIE")).unwrap(), "secret\n");

    fs::write(dir.join("releases/start_erl.data"), "13.1 9.9.9\n").unwrap();
    assert_ne!(program.run(&["pack", "release", "-F"]).code, 0);
    assert!(!run(&program, "show releases", 0).out.contains("9.9.9"), "another version is not what was asked for");
    assert!(run(&program, "pack release --version=7.7.7", 2).err.contains("edeliver unpack release --version=7.7.7"));
    assert!(run(&program, "pack upgrade", 2).err.contains("no upgrade is unpacked"));
}

#[test]
fn the_versions_of_an_erlang_project_are_counted_up_where_they_stand() {
    let program = project("");
    program.write("apps/shop/src/shop.app.src", "{application, shop, [{vsn, \"1.2.3\"}]}. % ours\n");
    program.write("apps/till/src/till.app.src", "{application, till, [{vsn, \"0.9\"}]}.\n");
    program.write("rebar.config", "{relx, [{release, {shop, \"1.2.3\"}, [shop, till]}]}.\n");
    program.write("deps/x/rebar.config", "{relx, [{release, {shop, \"8\"}, []}]}.\n");
    let git = "git -c user.name=a -c user.email=a@b -c commit.gpgsign=false";
    let committed = program.shell(&format!("git init -q && git add . && {git} commit -qm one"));
    assert_eq!(committed.code, 0, "{}", committed.err);
    assert!(run(&program, "increase versions", 2).err.contains("--from="), "there is no tag yet");
    program.shell(&format!("git tag v1 && touch apps/shop/src/new.erl && git add . && {git} commit -qm two"));

    let done = run(&program, "increase minor versions", 0);
    let rows: Vec<Vec<&str>> = done.out.lines().map(|line| line.split_whitespace().collect()).collect();
    let expected = [["file", "from", "to"], ["apps/shop/src/shop.app.src", "1.2.3", "1.2.4"], ["rebar.config", "1.2.3", "1.2.4"]];
    assert_eq!(rows, expected);
    assert!(done.err.contains("git tag 1.2.4"), "{}", done.err);
    let read = |file: &str| fs::read_to_string(program.project().join(file)).unwrap();
    assert_eq!(read("apps/shop/src/shop.app.src"), "{application, shop, [{vsn, \"1.2.4\"}]}. % ours\n");
    run(&program, "increase major", 0);
    run(&program, "increase", 0);
    assert!(read("rebar.config").contains("\"1.3.1\""), "{}", read("rebar.config"));
    run(&program, "increase versions --from=HEAD", 0);
    assert!(read("rebar.config").contains("\"2.0\"") && read("apps/shop/src/shop.app.src").contains("\"1.3.1\""));

    program.write("rebar.config", "{relx, [{release, {shop, \"rc\"}, [shop]}]}.\n");
    let refused = run(&program, "increase major versions", 2);
    assert!(refused.err.contains("rebar.config has the version \"rc\"") && read("apps/shop/src/shop.app.src").contains("1.3.1"));
    assert_eq!(run(&program, "increase minor major", 2).out, "");
}

/// A docker that runs everything on this machine, and notes what it was asked for. The folder in the container is a link.
const DOCKER: &str = r#"#!/bin/sh
echo "$@" >>"${0%/*}/asked"
case $1 in
info) exit 0 ;;
run)
  while [ "$1" != --mount ]; do shift; done
  source=${2#*source=} target=${2#*target=}
  mkdir -p "${target%/*}" && ln -s "${source%,target=*}" "$target"
  while [ "$1" != -c ]; do image=$1; shift; done
  [ "$image" = elixir:1.14 ] || { echo "no such image: $image" >&2; exit 125; }
  sh -c "$2"
  rm "$target"
  echo gone >>"${0%/*}/asked"
  ;;
exec)
  shift 3
  exec env -i HOME="$HOME" PATH="$PATH" LANG=C.UTF-8 "$@"
  ;;
esac
"#;

#[test]
fn a_release_is_built_in_a_container_whose_work_is_kept() {
    let program = Program::new();
    let dir = program.project().parent().unwrap().to_owned();
    let sample = edeliver_lab::samples::elixir(&program.project(), "0.1.0").unwrap();
    let config =
        format!("APP=hotapp\nREVISION=HEAD\nBUILD_HOST=docker\nBUILD_AT={:?}\n", dir.join("inside/builds").to_str().unwrap());
    sample.write(".deliver/config", &config).unwrap();
    sample.write(".gitignore", "/.deliver/*\n!/.deliver/config\n/_build\n").unwrap();
    sample.commit("in a container").unwrap();
    let bin = dir.join("bin");
    fs::create_dir_all(&bin).unwrap();
    fs::write(bin.join("docker"), DOCKER).unwrap();
    program.shell(&format!("chmod +x {}/docker", bin.display()));
    let build = |image: &str| {
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let mut command = program.command(env!("CARGO_BIN_EXE_edeliver"));
        program::done(command.args(["build", "release"]).env("PATH", path).env("DOCKER_BUILD_IMAGE", image).output().unwrap())
    };
    let none = build("nowhere:1");
    assert_eq!(none.code, 6, "{}{}", none.out, none.err);
    assert!(none.err.contains("docker can't start a container of nowhere:1: no such image: nowhere:1"), "{}", none.err);

    let built = build("elixir:1.14");
    assert_eq!(built.code, 0, "{}{}", built.out, built.err);
    assert!(run(&program, "check release", 0).out.contains("hotapp 0.1.0 is whole"));
    let kept = program.project().join(".deliver/container/.edeliver/hotapp/slots");
    assert_eq!(fs::read_dir(&kept).unwrap().count(), 1, "the work of a build is there for the next one");
    let asked = fs::read_to_string(bin.join("asked")).unwrap();
    assert!(asked.ends_with("gone\n"), "the container ends with the build: {asked}");
    assert!(asked.contains("git-receive-pack") && asked.contains("--rm"), "{asked}");

    fs::remove_file(bin.join("docker")).unwrap();
    fs::write(bin.join("docker"), "#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n").unwrap();
    program.shell(&format!("chmod +x {0}/docker && cp {0}/docker {0}/podman", bin.display()));
    let unusable = build("elixir:1.14");
    assert_eq!(unusable.code, 6, "{}", unusable.err);
    assert!(
        unusable.err.contains("no container can be started here (docker: Cannot connect to the Docker daemon"),
        "{}",
        unusable.err
    );
}

/// An application for rebar 2, which generates the rest.
const OLD_APP: &[(&str, &str)] = &[
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
struct Stopped<'a>(&'a Program);

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
