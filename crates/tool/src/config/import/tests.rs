//! What an import writes, and that it means the same.

use super::*;
use crate::config::tests::Project;

const README: &str = r#"#!/usr/bin/env bash

APP="myapp"

BUILD_HOST="my-build-server.myapp.com"
BUILD_USER="builder"
BUILD_AT="/tmp/edeliver/myapp/builds"

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

fn env(name: &str) -> Option<String> {
    match name {
        "HOME" => Some("/home/me".to_owned()),
        "USER" => Some("me".to_owned()),
        "EDELIVER_APP" => Some("not-in-a-file".to_owned()),
        _ => None,
    }
}

fn imported(project: &Project) -> Imported {
    texts(&project.root, &env).unwrap_or_else(|error| panic!("{}", crate::error::chain(&error).join(": ")))
}

#[test]
fn the_readme_config_becomes_readable_toml_and_keeps_its_hook() {
    let Imported { toml, hooks, warnings } = imported(&Project::classic(README));
    assert_eq!(
        toml,
        "\
# Written by `edeliver config import` from .deliver/config. `edeliver config default` prints all settings and what they mean.

app = \"myapp\" # APP
hooks = \".deliver/hooks.sh\"

[build]
host = \"my-build-server.myapp.com\" # BUILD_HOST
user = \"builder\" # BUILD_USER
path = \"/tmp/edeliver/myapp/builds\" # BUILD_AT
branch = \"master\" # default of edeliver 1.x

[targets.staging]
hosts = [\"stage.myapp.com\"]
user = \"web\"
path = \"/home/web\"
"
    );
    assert_eq!(
        hooks.unwrap(),
        r#"#!/usr/bin/env bash
# Hooks of edeliver, taken from .deliver/config by `edeliver config import`. Settings are in edeliver.toml; the variables that
# edeliver 1.x had for them (APP, BUILD_AT, …) are still seen here.

# For *Phoenix* projects, symlink prod.secret.exs to our tmp source
pre_erlang_get_and_update_deps() {
  local _prod_secret_path="/home/builder/prod.secret.exs"
  if [ "$TARGET_MIX_ENV" = "prod" ]; then
    __sync_remote "
      ln -sfn '$_prod_secret_path' '$BUILD_AT/config/prod.secret.exs'
    "
  fi
}
"#
    );
    assert_eq!(warnings, []);
}

const EVERYTHING: &str = r#"
APP=everything
BUILD_HOST=localhost
BUILD_AT="~/builds/my app"
BUILD_CMD=mix RELEASE_CMD=mix USING_DISTILLERY=true
TARGET_MIX_ENV=staging
REBAR_PROFILE=prod REBAR_CONFIG=other.config
BRANCH="$(echo main)"
REVISION=v1.2
GIT_CLEAN_PATHS="_build rel"
SKIP_GIT_CLEAN=true SKIP_MIX_CLEAN=true START_DEPLOY=true CLEAN_DEPLOY=true
RELEASE_DIR="_build/staging/rel/everything"
RELEASE_CMD_OPTIONS="--quiet --overwrite"
MIX_CMD=/opt/elixir/bin/mix
PROFILE="~/.bash_profile"
LOCAL_RELEASE_STORE=".releases" RELEASE_STORE="store@shelf:/var/releases"
SSH_TIMEOUT=7
STAGING_HOSTS=(s1 s2) STAGING_USER=web TEST_AT=/srv/test
PRODUCTION_NODES="deploy@p1:/srv ops@p2:/srv deploy@p3:/opt/x"
MANY_HOSTS="h1 h2 h3 h4 h5 h6"
DELIVER_TO=/srv
TEST_LOCALLY_AT=/tmp/local
export TRICKY=$'it\'s "a" $x `y`\nsecond line ü'
LIST=(one "two three" '$4')
EMPTY=()

# sourced
source .deliver/more

function old_style { echo old; }
oneliner() { echo "}"; }
  indented() {
    if true; then
      cat <<END
}
END
    fi
  }
post_git_push() (
  cd /tmp
)
odd() {
  local text="
}
"
  echo "$text"
}
"#;

#[test]
fn everything_that_a_classic_config_can_say_survives() {
    let project = Project::new(&[(CLASSIC, EVERYTHING), (".deliver/more", "# from another file\nmore() {\n  echo more\n}\n")]);
    let Imported { toml, hooks, warnings } = imported(&project);
    let hooks = hooks.unwrap();
    for part in [
        "host = \"localhost\" # BUILD_HOST\npath = \"~/builds/my app\" # BUILD_AT\ntransport = \"local\"\n",
        "hosts = [\"p1\", { name = \"p2\", user = \"ops\" }, { name = \"p3\", path = \"/opt/x\" }]\nuser = \"deploy\"\n",
        "hosts = [\n  \"h1\",\n",
        "[targets.local]\nhosts = [\"localhost\"]\npath = \"/tmp/local\"\ntransport = \"local\"\n",
        "connect_timeout = \"7s\" # SSH_TIMEOUT\n",
    ] {
        assert!(toml.contains(part), "{part}\n---\n{toml}");
    }
    for part in [
        "# from another file\nmore() {\n  echo more\n}\n",
        "function old_style { echo old; }\n",
        "export TRICKY='it'\\''s \"a\" $x `y`\nsecond line ü'\n",
        "LIST=(one 'two three' '$4')\n",
    ] {
        assert!(hooks.contains(part), "{part}\n---\n{hooks}");
    }
    assert!(!hooks.contains("BUILD_HOST=") && !hooks.contains("START_DEPLOY"), "{hooks}");
    assert_eq!(warnings.last().unwrap().0, "these were computed by .deliver/config and have now the value of this moment: BRANCH");
}

#[test]
fn what_is_written_is_read_with_the_same_meaning() {
    for text in [README, EVERYTHING, "STAGING_HOSTS=x\n", "APP=a\n"] {
        let project = Project::new(&[(CLASSIC, text), (".deliver/more", "more() { :; }\n")])
            .with_env(&[("HOME", "/home/me"), ("USER", "me")]);
        let before = project.load();
        let imported = import(&project.root, env).unwrap();
        let after = project.load();
        assert_eq!(after.form, Form::Toml);
        assert_eq!(comparable(&after.settings), comparable(&before.settings));
        assert_eq!(fs::read_to_string(project.root.join(TOML)).unwrap(), imported.toml);
        assert_eq!(project.root.join(HOOKS).exists(), imported.hooks.is_some());
    }
}

#[test]
fn nothing_is_overwritten() {
    let project = Project::classic(README);
    project.write(HOOKS, "mine\n");
    assert_eq!(import(&project.root, env).unwrap_err().to_string(), ".deliver/hooks.sh exists already");
    let project = Project::classic(README);
    project.write(TOML, "app = \"mine\"\n");
    assert_eq!(import(&project.root, env).unwrap_err().to_string(), "edeliver.toml exists already");
    assert_eq!(import(&Project::new(&[]).root, env).unwrap_err().to_string(), "there is no .deliver/config to import");
    let broken = import(&Project::classic("APP='a b'\n").root, env).unwrap_err();
    assert!(broken.to_string().starts_with("`APP`: \"a b\" is not an application name"), "{broken}");
}
