# One config for several environments of an umbrella project.
ORG="example.net"

hosts_of() {
  local prefix=$1 i list=()
  for ((i = 1; i <= $2; i++)); do list+=("$prefix$i.$ORG"); done
  echo "${list[*]}"
}

case "${DEPLOY_ENVIRONMENT:-staging}" in
  production)
    APP=billing_prod
    BRANCH=release
    ;;
  *)
    APP=billing_stage
    BRANCH=develop
    TARGET_MIX_ENV=stage
    ;;
esac

BUILD_HOST="build.$ORG" BUILD_USER=ci BUILD_AT="~/billing"
STAGING_HOSTS=$(hosts_of stage 1)
PRODUCTION_HOSTS=$(hosts_of app 3)
STAGING_USER=billing; PRODUCTION_USER=$STAGING_USER
DELIVER_TO="~billing/apps"

SECRET_FILES=(prod.secret.exs "stage secret.exs")
source "$ORIGIN_DIR/.deliver/secrets"

pre_erlang_get_and_update_deps() {
  local file
  for file in "${SECRET_FILES[@]}"; do
    link_secret "$file"
  done
}

# called for each file
link_secret() {
  __sync_remote "ln -sfn '/var/secrets/$1' '$BUILD_AT/config/$1'"
}
