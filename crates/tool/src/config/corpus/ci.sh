# Filled in by a CI server; works without one too.
APP=${APP:-worker}
: "${BUILD_HOST:=localhost}" "${BUILD_AT:=$PWD/.build}"
BRANCH=${REF_OF_THE_ROBOT:-main}
USING_DISTILLERY=false
SKIP_MIX_CLEAN=true
SKIP_GIT_CLEAN=$DEPLOYED_BY_ROBOT
GIT_PUSH="-f"
MODE=verbose
LOG_FILE=/dev/null
STAGING_HOSTS=${WORKERS:-localhost}
TEST_AT=/srv/workers

git_clean_remote() { :; }
pre_git_pull() { echo "no such hook"; }
get_start_node_command() { echo "systemctl --user start $APP"; }
