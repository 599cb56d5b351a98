#!/usr/bin/env bash

APP="hotapp"

BUILD_HOST="build"
BUILD_USER="deploy"
BUILD_AT="/home/deploy/edeliver/hotapp/builds"

STAGING_HOSTS="staging1"
STAGING_USER="deploy"
TEST_AT="/home/deploy/test"

PRODUCTION_HOSTS="prod1 prod2"
PRODUCTION_USER="deploy"
DELIVER_TO="/home/deploy/production"

# For *Phoenix* projects, symlink prod.secret.exs to our tmp source
pre_erlang_get_and_update_deps() {
  local _prod_secret_path="/home/deploy/prod.secret.exs"
  if [ "$TARGET_MIX_ENV" = "prod" ]; then
    __sync_remote "
      ln -sfn '$_prod_secret_path' '$BUILD_AT/config/prod.secret.exs'
    "
  fi
}

pre_erlang_clean_compile() {
  status "Running phoenix.digest" # log output prepended with "----->"
  __sync_remote " # runs the commands on the build host
    [ -f ~/.profile ] && source ~/.profile # load profile (optional)
    # fail if any command fails (recommended)
    set -e
    cd '$BUILD_AT' # enter the build directory on the build host (required)
    mkdir -p priv/static # required by the phoenix.digest task
    APP='$APP' MIX_ENV='$TARGET_MIX_ENV' $MIX_CMD phoenix.digest $SILENCE
  "
}
