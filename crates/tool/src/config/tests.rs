//! Loading real files, and letting the real bash read configs of edeliver 1.x.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use edeliver_core::config::TransportKind;
use tempfile::TempDir;

use super::*;
use crate::hook::shell::{ShellError, Start};

/// A project's folder.
pub(super) struct Project {
    _dir: TempDir,
    pub(super) root: PathBuf,
    env: Vec<(String, String)>,
}

impl Project {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("hotapp");
        fs::create_dir(&root).unwrap();
        let project = Self { _dir: dir, root, env: Vec::new() };
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }
    pub(super) fn classic(text: &str) -> Self {
        Self::new(&[(CLASSIC, text)])
    }
    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }
    pub(super) fn with_env(mut self, env: &[(&str, &str)]) -> Self {
        self.env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self
    }
    fn load_with(&self, flags: &Flags) -> Result<Loaded, ConfigError> {
        load(&self.root, flags, |name| self.env.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()))
    }
    pub(super) fn load(&self) -> Loaded {
        self.load_with(&Flags::default()).unwrap_or_else(|error| panic!("{}", told(&error)))
    }
    fn refused(&self) -> String {
        told(&self.load_with(&Flags::default()).unwrap_err())
    }
    fn raw(&self, name: &str) -> Vec<String> {
        let raw = self.load().raw_variables;
        raw.into_iter().find(|variable| variable.name == name).map(|variable| variable.values).unwrap_or_default()
    }
}

pub(super) fn told(error: &ConfigError) -> String {
    crate::error::chain(error).join("\ncaused by: ")
}

const README: &str = r#"#!/usr/bin/env bash

APP="myapp"

BUILD_HOST="my-build-server.myapp.com"
BUILD_USER="builder"
BUILD_AT="/tmp/edeliver/$APP/builds"

STAGING_HOSTS="stage.myapp.com"
STAGING_USER="web"
DELIVER_TO="/home/web"

# For *Phoenix* projects, symlink prod.secret.exs to our tmp source
pre_erlang_get_and_update_deps() {
  local _prod_secret_path="/home/builder/prod.secret.exs"
  if [ "$TARGET_MIX_ENV" = "prod" ]; then
    __sync_remote "
      ln -sfn '$_prod_secret_path' '$BUILD_AT/config/prod.secret.exs'
    "
  fi
}
"#;

#[test]
fn the_config_of_the_readme_is_read() {
    let loaded = Project::classic(README).load();
    assert_eq!(loaded.form, Form::Classic);
    assert_eq!(loaded.warnings, []);
    let build = loaded.build().unwrap();
    assert_eq!((build.host.name.as_str(), build.host.path.as_str()), ("my-build-server.myapp.com", "/tmp/edeliver/myapp/builds"));
    assert_eq!(loaded.settings.targets[0].hosts[0].name.as_str(), "stage.myapp.com");
    assert_eq!(loaded.origins.get("app").unwrap().origin.to_string(), ".deliver/config:3");
    assert_eq!(loaded.origins.get("targets.staging.path").unwrap().origin.to_string(), ".deliver/config:11");
    assert_eq!(loaded.settings.hooks, HookSource::Bash { file: CLASSIC.into() });
}

#[test]
fn a_config_is_read_once_and_changes_nothing_outside() {
    let project = Project::classic("echo read >> .deliver/count\nAPP=a\ncd /\nexport PATH=/nowhere\numask 777\n");
    let before = (std::env::current_dir().unwrap(), std::env::var_os("PATH"));
    project.load();
    assert_eq!(fs::read_to_string(project.root.join(".deliver/count")).unwrap(), "read\n");
    assert_eq!((std::env::current_dir().unwrap(), std::env::var_os("PATH")), before);
}

#[test]
fn the_many_ways_of_bash_to_make_a_value_survive() {
    let project = Project::new(&[
        (".deliver/hosts", "export PRODUCTION_HOSTS=\"$(prod_hosts)\"\n"),
        (
            CLASSIC,
            r#"
prod_hosts() { local i; for i in 1 2; do printf 'web%d ' "$(number $i)"; done; }
number() { echo $((10 + $1)); }
export APP="hot""app"
source .deliver/hosts
. ./.deliver/hosts
PRODUCTION_USER=${PRODUCTION_USER:-deploy}
: ${DELIVER_TO:=/srv}
if [[ "$APP" =~ ^hot ]]; then BRANCH=main; fi
declare -a STAGING_HOSTS
STAGING_HOSTS=(stage1 "stage2")
declare -r CONSTANT=$'tab\there'
QUOTED="it's \"quoted\" \$HOME \\ and 'so on'"
LINES_=$'one\ntwo\n'
UNICODE="grün ✓"
EMPTY=
SPARSE=([2]=c [5]="f g")
[ -f nowhere ] && NEVER=1
HERE=$(cat <<END
a
  b
END
)
"#,
        ),
    ]);
    let loaded = project.load();
    let hosts = |target: &str| -> Vec<String> {
        loaded.settings.targets[&target.parse::<edeliver_core::name::TargetName>().unwrap()]
            .hosts
            .iter()
            .map(|h| h.name.to_string())
            .collect()
    };
    assert_eq!(hosts("production"), ["web11", "web12"]);
    assert_eq!(hosts("staging"), ["stage1", "stage2"]);
    assert_eq!(loaded.settings.targets[1].hosts[0].user.as_ref().unwrap().as_str(), "deploy");
    assert_eq!(loaded.settings.targets[1].hosts[0].path.as_str(), "/srv");
    assert_eq!(project.raw("CONSTANT"), ["tab\there"]);
    assert_eq!(project.raw("QUOTED"), ["it's \"quoted\" $HOME \\ and 'so on'"]);
    assert_eq!(project.raw("LINES_"), ["one\ntwo\n"]);
    assert_eq!(project.raw("UNICODE"), ["grün ✓"]);
    assert_eq!(project.raw("EMPTY"), [""]);
    assert_eq!(project.raw("SPARSE"), ["c", "f g"]);
    assert_eq!(project.raw("HERE"), ["a\n  b"]);
    assert!(project.raw("NEVER").is_empty());
    assert_eq!(loaded.warnings, []);
}

#[test]
fn options_that_a_config_sets_do_not_disturb_the_reading() {
    for option in [
        "set -e",
        "set -u",
        "set -f",
        "set -o pipefail",
        "IFS=:",
        "shopt -s nullglob extglob",
        "exec >/dev/null 2>&1",
        "exec 3>&1 4<&0",
        "unset PATH",
        "read() { :; }; printf() { :; }",
    ] {
        let project = Project::classic(&format!("APP=optapp\n{option}\nSTAGING_HOSTS='a b'\nDELIVER_TO=/x\n"));
        let loaded = project.load();
        assert_eq!((loaded.settings.app.as_str(), loaded.settings.targets[0].hosts.len()), ("optapp", 2), "{option}");
    }
}

#[test]
fn an_unwanted_environment_of_bash_is_kept_away() {
    let project = Project::classic(
        "APP=a\n[ -n \"${BASH_ENV+x}${SHELLOPTS_LEAK+x}\" ] && APP=leaked\ncase $- in *i*) APP=interactive ;; esac\n",
    );
    assert_eq!(project.load().settings.app.as_str(), "a");
}

#[test]
fn a_command_that_is_missing_is_told_and_the_rest_is_read() {
    let loaded =
        Project::classic("APP=a\nno-such-command --x\necho hello\nSTAGING_HOSTS=s\nset -x\nTOKEN=hunter2\nset +x\n").load();
    let warnings: Vec<&str> = loaded.warnings.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(warnings, [".deliver/config:2: no-such-command: command not found", ".deliver/config says: hello"]);
    assert_eq!(loaded.settings.targets.len(), 2);
}

#[test]
fn a_syntax_error_names_file_and_line() {
    assert_eq!(
        Project::classic("APP=a\nif true; then\n  BUILD_HOST=b\n)\n").refused(),
        "\
syntax error near unexpected token `)'
 --> .deliver/config:4:1
  |
4 | )
  | ^ bash stops here
  |
  = help: a quote or bracket that is not closed may stand further up"
    );
    let unclosed = Project::classic("APP=\"a\nB=1\n").refused();
    assert!(unclosed.starts_with("unexpected EOF while looking for matching `\"'\n --> .deliver/config:"), "{unclosed}");
}

#[test]
fn a_syntax_error_in_a_sourced_file_is_an_error_too() {
    let project = Project::new(&[(CLASSIC, "APP=a\nsource .deliver/more\n"), (".deliver/more", "B=1\nfi\n")]);
    assert_eq!(
        project.refused(),
        "\
syntax error near unexpected token `fi'
 --> .deliver/more:2:1
  |
2 | fi
  | ^^ bash stops here
  |
  = help: a quote or bracket that is not closed may stand further up"
    );
}

#[test]
fn a_config_that_ends_the_shell_is_told_with_its_own_words() {
    let missing = Project::classic("APP=a\n[ -z \"$NO_SUCH_VARIABLE\" ] && error \"NO_SUCH_VARIABLE\\nis missing\"\n").refused();
    assert_eq!(
        missing,
        "can't read .deliver/config, which is a bash script\ncaused by: it ended the shell with status 1\ncaused by: NO_SUCH_VARIABLE\nis missing"
    );
    let unset = Project::classic("set -u\nBUILD_HOST=$NO_SUCH_VARIABLE\n").refused();
    assert!(unset.contains("line 2: NO_SUCH_VARIABLE: unbound variable"), "{unset}");
    assert!(Project::classic(": ${BUILD_HOST:?set it}").refused().contains("BUILD_HOST: set it"));
    assert!(Project::classic("__sync_remote id\n").refused().contains("__sync_remote works in hooks only"));
    assert!(Project::classic("set -e\nfalse\n").refused().contains("it ended the shell with status 1"));
}

#[test]
fn a_config_that_hangs_is_ended() {
    let project = Project::classic("sleep 60 & sleep 60\n");
    let start = Start { project: &project.root, file: Path::new(CLASSIC), variables: &[], timeout: Duration::from_millis(300) };
    let began = Instant::now();
    let error = Shell::start(&start).unwrap_err();
    assert!(matches!(error, ShellError::Timeout { .. }), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_config_does_not_wait_for_input_or_for_its_background_jobs() {
    let began = Instant::now();
    let project = Project::classic("read -r answer\nAPP=\"a${answer}\"\nsleep 30 &\n");
    assert_eq!(project.load().settings.app.as_str(), "a");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn missing_and_hostile_values_are_told_at_their_line() {
    let project = Project::classic("BUILD_USER=b\nBUILD_HOST='x; rm -rf /'\nBUILD_AT=/b\n");
    let refused = project.refused();
    assert!(refused.starts_with("BUILD_HOST names several hosts\n --> .deliver/config:2:1"), "{refused}");
    let project = Project::classic("STAGING_HOSTS=$'-oProxyCommand=x\\n$(id)'\nAPP='`id`'\n");
    let refused = project.refused();
    for part in ["3 errors", "`APP`: \"`id`\" is not", "\"-oProxyCommand=x\" is not a host name", "\"$(id)\" is not a host name"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    let refused = Project::classic("BUILD_HOST=b\n").refused();
    assert!(refused.contains("BUILD_AT is not set") && refused.contains("help: add a line like BUILD_AT="), "{refused}");
}

#[test]
fn flags_win_over_the_config_and_are_seen_by_it() {
    let project = Project::classic(
        "BUILD_HOST=b BUILD_AT=/b\nSEEN=$TARGET_MIX_ENV-$DEPLOY_ENVIRONMENT-$COMMAND\nTARGET_MIX_ENV=prod\nif [ \"$DEPLOY_ENVIRONMENT\" = production ]; then DELIVER_TO=/prod; else DELIVER_TO=/stage; fi\nPRODUCTION_HOSTS=p\n",
    );
    let mut flags = Flags::default();
    flags.set("build.mix_env", "staging", "--mix-env");
    flags.context("DEPLOY_ENVIRONMENT", "production");
    flags.context("COMMAND", "deploy");
    let loaded = project.load_with(&flags).unwrap();
    assert_eq!(loaded.build().unwrap().mix_env, "staging");
    assert_eq!(loaded.origins.get("build.mix_env").unwrap().origin.to_string(), "--mix-env");
    assert_eq!(loaded.raw_variables.iter().find(|v| v.name == "SEEN").unwrap().values, ["staging-production-deploy"]);
    assert_eq!(loaded.settings.targets[0].hosts[0].path.as_str(), "/prod");
    assert!(loaded.stronger_variables.contains(&("TARGET_MIX_ENV".to_owned(), "staging".to_owned())));
}

#[test]
fn the_environment_speaks_where_the_config_is_silent() {
    let project = Project::classic("APP=mine\nBUILD_AT=/b\nBUILD_HOST=here\nBRANCH=main\n")
        .env("APP", "theirs")
        .env("BUILD_HOST", "elsewhere")
        .env("BUILD_USER", "ci")
        .env("HOST", "evil")
        .env("EDELIVER_BUILD_PATH", "/env")
        .env("BRANCH", "fix");
    let loaded = project.load();
    let build = loaded.build().unwrap();
    assert_eq!((loaded.settings.app.as_str(), build.host.name.as_str()), ("theirs", "here"));
    assert_eq!((build.host.user.as_ref().unwrap().as_str(), build.host.path.as_str()), ("ci", "/env"));
    assert_eq!(build.branch.as_ref().unwrap().as_str(), "fix");
    assert_eq!(loaded.origins.get("build.branch").unwrap().origin.to_string(), "$BRANCH");
    assert_eq!(loaded.stronger_variables, [("APP".to_owned(), "theirs".to_owned()), ("BRANCH".to_owned(), "fix".to_owned())]);
}

#[test]
fn localhost_is_built_on_without_ssh() {
    let loaded = Project::classic("BUILD_HOST=localhost\nBUILD_AT=/b\nBUILD_USER=me\n").env("USER", "me").load();
    assert_eq!(loaded.build().unwrap().host.transport, TransportKind::Local);
}

#[test]
fn toml_wins_over_a_classic_config_and_says_so() {
    let project = Project::new(&[(TOML, "app = \"new\"\n"), (CLASSIC, "APP=old\ntouch .deliver/was-read\n")]);
    let loaded = project.load();
    assert_eq!((loaded.form, loaded.settings.app.as_str()), (Form::Toml, "new"));
    assert_eq!(loaded.warnings[0].0, ".deliver/config is not read, because there is an edeliver.toml");
    assert!(!project.root.join(".deliver/was-read").exists());
    project.write(TOML, "app = \"new\"\nhooks = \".deliver/config\"\n");
    assert_eq!(project.load().warnings, []);
}

#[test]
fn app_config_names_another_file() {
    let project = Project::new(&[("deploy/x.sh", "APP=sh\n"), ("deploy/x.toml", "app = \"toml\"\n"), (CLASSIC, "APP=no\n")]);
    let loaded = project.env("APP_CONFIG", "deploy/x.sh");
    assert_eq!(loaded.load().settings.app.as_str(), "sh");
    let project = Project::new(&[("deploy/x.toml", "app = \"toml\"\n")]).env("APP_CONFIG", "deploy/x.toml");
    assert_eq!(project.load().settings.app.as_str(), "toml");
    let refused = Project::new(&[]).env("APP_CONFIG", "nowhere").refused();
    assert!(refused.starts_with("can't read nowhere\ncaused by: No such file"), "{refused}");
}

#[test]
fn without_a_configuration_there_are_defaults_and_a_clear_word_when_that_is_not_enough() {
    let project = Project::new(&[]);
    let loaded = project.load();
    assert_eq!((loaded.form, loaded.settings.app.as_str()), (Form::None, "hotapp"));
    let missing = loaded.build().unwrap_err();
    assert_eq!(missing.to_string(), format!("there is no edeliver.toml and no .deliver/config in {}", project.root.display()));
    assert_eq!(missing.hints()[1].command.as_deref(), Some("edeliver config default > edeliver.toml"));
    let missing = Project::classic("APP=a\n").load().build().map(|_| ()).unwrap_err();
    assert_eq!(missing.to_string(), "no build host is configured");
    assert_eq!(missing.hints()[0].text, "set BUILD_HOST, BUILD_USER and BUILD_AT in .deliver/config");
}

#[test]
fn a_toml_error_has_its_place_and_a_missing_hooks_file_too() {
    assert_eq!(
        Project::new(&[(TOML, "app = \"a\"\n\n[stor]\npath = \"x\"\n")]).refused(),
        "\
unknown key `stor`
 --> edeliver.toml:3:2
  |
3 | [stor]
  |  ^^^^ did you mean `store`?"
    );
    assert_eq!(
        Project::new(&[(TOML, "app = \"a\"\nhooks = \"hooks.sh\"\n")]).refused(),
        "\
the hooks file \"hooks.sh\" does not exist
 --> edeliver.toml:2:9
  |
2 | hooks = \"hooks.sh\"
  |         ^^^^^^^^^^ there is no such file"
    );
    let project = Project::new(&[(TOML, "hooks = \"hooks.sh\"\n"), ("hooks.sh", "f() {\n")]);
    assert!(project.refused().contains(" --> hooks.sh:1:1"), "{}", project.refused());
    fs::write(project.root.join(TOML), b"app = \"\xff\"").unwrap();
    assert_eq!(project.refused(), "can't read edeliver.toml\ncaused by: it is not UTF-8 text");
}

#[test]
fn secrets_are_neither_in_errors_nor_in_origins() {
    let project = Project::classic("APP='a b'\nDB_PASSWORD=hunter2-hunter2\nRELEASE_STORE=s3://AKID@s3cr3t:bucket\n");
    let refused = format!("{} {:?}", project.refused(), project.load_with(&Flags::default()).unwrap_err());
    assert!(!refused.contains("hunter2") && !refused.contains("s3cr3t"), "{refused}");
}
