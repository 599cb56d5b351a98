# An Erlang service with rebar3; nodes have their own users and places.
export APP=meter
export BUILD_CMD=rebar3 RELEASE_CMD=rebar3 REBAR_PROFILE=prod
BUILD_HOST=ci
BUILD_USER=ci
BUILD_AT=builds/meter

NODES=""
for i in 1 2 3; do
  NODES="$NODES meter@m$i.example.com:/opt/meter"
done
PRODUCTION_NODES="${NODES# }"
STAGING_NODES="meter@stage:/opt/meter|testing"

RELEASE_STORE="/var/lib/releases"
SSH_TIMEOUT=10
START_DEPLOY=true
