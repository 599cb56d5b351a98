# An Erlang service with rebar3; nodes have their own places.
export APP=relapp
export BUILD_CMD=rebar3 RELEASE_CMD=rebar3
BUILD_HOST=build
BUILD_USER=deploy
BUILD_AT=builds/relapp

NODES=""
for i in 1 2; do
  NODES="$NODES deploy@prod$i:/home/deploy/meter$i"
done
PRODUCTION_NODES="${NODES# }"

RELEASE_STORE="deploy@build:/home/deploy/releases"
SSH_TIMEOUT=10
START_DEPLOY=true

post_start_deployed_release() {
  __remote "echo \"$APP runs for $DEPLOY_ENVIRONMENT\" >~/told"
}
