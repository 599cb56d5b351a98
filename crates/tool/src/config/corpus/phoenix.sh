#!/usr/bin/env bash
# A Phoenix application with Distillery: secrets are linked into the sources, assets are built on the build host.

APP="shop"

BUILD_HOST="build.example.com"
BUILD_USER="builder"
BUILD_AT="/home/$BUILD_USER/build/$APP"
RELEASE_DIR="$BUILD_AT/_build/prod/rel/$APP"

USING_DISTILLERY=true
GIT_CLEAN_PATHS="_build rel priv/static"
AUTO_VERSION=git-revision

STAGING_HOSTS="staging.example.com"
STAGING_USER="deploy"
TEST_AT="/home/deploy/staging"

PRODUCTION_HOSTS="web1.example.com web2.example.com"
PRODUCTION_USER="deploy"
DELIVER_TO="/home/deploy"

LINK_VM_ARGS="/home/deploy/vm.args"

# For *Phoenix* projects, symlink prod.secret.exs to our tmp source
pre_erlang_get_and_update_deps() {
  local _prod_secret_path="/home/$BUILD_USER/secrets/$APP.secret.exs"
  if [ "$TARGET_MIX_ENV" = "prod" ]; then
    __sync_remote "
      mkdir -p '$BUILD_AT/config'
      ln -sfn '$_prod_secret_path' '$BUILD_AT/config/prod.secret.exs'
    "
  fi
}

pre_erlang_clean_compile() {
  status "Building assets"
  __sync_remote "
    [ -f ~/.profile ] && source ~/.profile
    set -e
    cd '$BUILD_AT/assets'
    npm install $SILENCE
    npm run deploy $SILENCE
    cd '$BUILD_AT'
    APP='$APP' MIX_ENV='$TARGET_MIX_ENV' $MIX_CMD phx.digest $SILENCE
  "
}

post_start_deployed_release() {
  info "told nobody"
}
