# What edeliver runs in the system's bash: the helpers that configs and hooks of edeliver 1.x use, the config itself, then one hook
# after the other, all in this one shell, so that what one of them sets the next one sees. Clean for bash 3.2.
#
# $1 is the file to source. Standard input is a socket: requests come on it and replies go back, as fields that each end with NUL, which
# no bash value can contain. Standard output and error are one pipe; a line of it that begins with the byte 036 carries a mark.
#
# Names that begin with __edeliver_ are ours. Nothing here may depend on options (set -e, set -u), on IFS or on open files: the config
# and the hooks can change all of them.

exec 198<&0 199>&1 </dev/null

# --- telling -----------------------------------------------------------------------------------------------------------------------------

# Colours are chosen elsewhere; the names exist because hooks print them.
txtrst='' txtred='' txtgrn='' txtylw='' txtblu='' txtmgt='' txtcyn='' txtwht='' txtund='' txtbld=''
bldred='' bldgrn='' bldylw='' bldblu='' bldmgt='' bldcyn='' bldwht=''

# Prints a text, escapes expanded, each line under the same mark.
__edeliver_say() {
  local __edeliver_mark=$1 __edeliver_line
  shift
  local IFS=' '
  builtin printf '%b\n' "$*" | while IFS= builtin read -r __edeliver_line; do
    builtin printf '\036%s%s\n' "$__edeliver_mark" "$__edeliver_line"
  done
}
status() { __edeliver_say s "$@"; __log "-----> $*"; }
hint_message() { __edeliver_say h "$@"; }
success_message() { __edeliver_say g "$@"; }
error_message() { __edeliver_say e "$@"; }
error() { error_message "$@"; exit 1; }
fail() { error_message "Not entirely sure why this failed."; exit 1; }
success() { success_message " DONE"; }
info() {
  local IFS=' '
  builtin printf '%b\n' "$*"
  __log "$*"
}
# The journal of the run has every line; a log of its own is written only where the config wants one.
__log() {
  if [ -n "${LOG_FILE-}" ]; then
    local IFS=' '
    builtin printf '%s ::: %s\n' "$(date)" "$*" >>"$LOG_FILE" || :
  fi
}
# Hooks have no terminal. Only a run with --yes confirms.
confirm() {
  local IFS=' '
  if [ "${EDELIVER_YES-}" = true ]; then
    builtin printf '%s yes\n' "$*"
    return 0
  fi
  hint_message "$* no: hooks can't ask, but --yes answers yes"
  return 1
}

# --- running ----------------------------------------------------------------------------------------------------------------------------

upcase() { builtin printf '%s\n' "$*" | tr '[:lower:]' '[:upper:]'; }
trim_string() {
  local __edeliver_text="$*"
  __edeliver_text="${__edeliver_text#"${__edeliver_text%%[![:space:]]*}"}"
  builtin printf '%s\n' "${__edeliver_text%"${__edeliver_text##*[![:space:]]}"}"
}
__join_string() {
  local IFS="$1"
  shift
  builtin printf '%s\n' "$*"
}
__remote_friendly() {
  local IFS=' '
  builtin printf '%s\n' "$*" | tr ',' ' ' | sed 's/^ *//; s/ *$//'
}
__exec() { builtin eval "${1-} ${SILENCE-}"; }
__exec_if_defined() {
  builtin declare -F "${1-}" >/dev/null || return 1
  "$@"
}
__sync_local() {
  local __edeliver_status=0
  /bin/sh -c "${1-}" || __edeliver_status=$?
  if [ "$__edeliver_status" != 0 ]; then
    error "the command on this machine failed with status $__edeliver_status:\n${1-}"
  fi
}
# Reaches back into the running edeliver: KIND HOSTS JOB [WHAT TO CALL IT]. It tells by itself what failed where.
__edeliver_call() {
  if [ -z "${EDELIVER_HOOK_SOCKET-}" ]; then
    error "${FUNCNAME[1]} works in hooks only: nothing is connected while the config is read" >&2
  fi
  "$EDELIVER" __hook-call "$@"
}
__remote() {
  __edeliver_call remote "${2:-${HOSTS_APP_USER-}}" "${1-}" "${3-}" || exit 1
}
__sync_remote() {
  __edeliver_call sync "${2:-${HOSTS_APP_USER-}}" "${1-}" || exit 1
}
__parallel_scp() {
  __edeliver_call put "${3:-${HOSTS_APP_USER-}}" "${2-}" "${1-}" <"${1-}" || exit 1
}
__docker() { error "__docker is no helper any more: __sync_remote runs in the container of a build" >&2; }
__detect_release_store_type() {
  case $RELEASE_STORE in
    [sS]3://*) RELEASE_STORE_TYPE=s3 ;;
    *) case ${RELEASE_STORE%%/*} in *:*) RELEASE_STORE_TYPE=remote ;; *) RELEASE_STORE_TYPE=local ;; esac ;;
  esac
}
# Steps pass RELEASE_DIR to the hooks of a build; what lies there says its version.
__detect_remote_release_dir() {
  [ -n "${RELEASE_DIR-}" ] || error "the release was not assembled yet: RELEASE_DIR is known after that" >&2
}
__detect_remote_release_version() {
  [ -z "${RELEASE_VERSION-}" ] || return 0
  __detect_remote_release_dir
  RELEASE_VERSION=$(__sync_remote "cut -d ' ' -f 2 <'$RELEASE_DIR/releases/start_erl.data'") || exit 1
}
__get_auto_version_args() {
  local __edeliver_text="${INCREMENT_RELEASE_VERSION-} ${SET_RELEASE_VERSION-} ${AUTO_RELEASE_VERSION-}"
  trim_string "$__edeliver_text"
}

# What strategies of a project call before they begin: connections and hosts are ready by then.
require_deploy_config() { :; }
require_node_config() { :; }
authorize_hosts() { :; }
set_build_hosts() { :; }
set_deploy_hosts() { :; }
update_hosts_app_user() { :; }

# --- what a config may refer to ----------------------------------------------------------------------------------------------------------

ORIGIN_DIR=$PWD
BASE_PATH=$PWD
TARGET_MIX_ENV=prod
SSH_TIMEOUT=3
GIT_REMOTE=deliver
MODE=compact
VERBOSE=
SILENCE=
: "${LOCAL_RELEASE_STORE:=.deliver}"
: "${RELEASE_STORE:=$LOCAL_RELEASE_STORE}"
: "${MIX_CMD:=mix}" "${REBAR_CMD:=./rebar}" "${REBAR3_CMD:=./rebar3}" "${RELX_CMD:=./relx}"
: "${DOCKER_BUILD_IMAGE:=elixir:1.13.3}"

# --- the line to edeliver ----------------------------------------------------------------------------------------------------------------

__edeliver_reply() { builtin printf '%s\0' "$@" >&198; }

# Every variable: v NAME COUNT VALUE…
__edeliver_variables() {
  local __edeliver_name __edeliver_count IFS=' '
  for __edeliver_name in ${!A@} ${!B@} ${!C@} ${!D@} ${!E@} ${!F@} ${!G@} ${!H@} ${!I@} ${!J@} ${!K@} ${!L@} ${!M@} ${!N@} ${!O@} \
    ${!P@} ${!Q@} ${!R@} ${!S@} ${!T@} ${!U@} ${!V@} ${!W@} ${!X@} ${!Y@} ${!Z@} ${!_@} \
    ${!a@} ${!b@} ${!c@} ${!d@} ${!e@} ${!f@} ${!g@} ${!h@} ${!i@} ${!j@} ${!k@} ${!l@} ${!m@} ${!n@} ${!o@} \
    ${!p@} ${!q@} ${!r@} ${!s@} ${!t@} ${!u@} ${!v@} ${!w@} ${!x@} ${!y@} ${!z@}; do
    case $__edeliver_name in
      __edeliver_* | BASH* | _ | IFS | FUNCNAME | PIPESTATUS | GROUPS | DIRSTACK | RANDOM | SRANDOM | SECONDS | LINENO | EPOCH* | SHELLOPTS | HISTCMD | PPID | PS4 | OPT*) continue ;;
    esac
    builtin eval "__edeliver_count=\${#$__edeliver_name[@]}"
    builtin eval "__edeliver_reply v \"\$__edeliver_name\" \"\$__edeliver_count\" \"\${$__edeliver_name[@]}\""
  done
  __edeliver_reply .
}
# Every function that is not ours: f NAME LINE FILE
__edeliver_functions() {
  local __edeliver_name __edeliver_line __edeliver_file
  while IFS=' ' builtin read -r __edeliver_name __edeliver_line __edeliver_file; do
    if [ -n "$__edeliver_name" ] && [ "$__edeliver_file" != "$0" ]; then
      __edeliver_reply f "$__edeliver_name" "$__edeliver_line" "$__edeliver_file"
    fi
  done <<__edeliver_end
$(
    shopt -s extdebug
    builtin declare -F | while IFS=' ' builtin read -r __edeliver_line __edeliver_line __edeliver_name; do
      builtin declare -F "$__edeliver_name"
    done
  )
__edeliver_end
  __edeliver_reply .
}
__edeliver_field() { IFS= builtin read -r -d '' "$1" <&198; }
# COUNT (NAME VALUE)…; a variable that the config made read-only keeps its value.
__edeliver_set() {
  local __edeliver_count __edeliver_name __edeliver_value
  __edeliver_field __edeliver_count
  while [ "$__edeliver_count" -gt 0 ]; do
    __edeliver_field __edeliver_name
    __edeliver_field __edeliver_value
    builtin printf -v "$__edeliver_name" %s "$__edeliver_value" 2>/dev/null || :
    __edeliver_count=$((__edeliver_count - 1))
  done
}
__edeliver_args() {
  local __edeliver_count __edeliver_value
  __edeliver_words=()
  __edeliver_field __edeliver_count
  while [ "$__edeliver_count" -gt 0 ]; do
    __edeliver_field __edeliver_value
    __edeliver_words[${#__edeliver_words[@]}]=$__edeliver_value
    __edeliver_count=$((__edeliver_count - 1))
  done
}
# Tells the reader of the output that everything before this is complete.
__edeliver_flush() { builtin printf '\036F%s\n' "$1" >&199; }

# --- the config --------------------------------------------------------------------------------------------------------------------------

__edeliver_set
__edeliver_variables
# Not inside a function, so that `declare` in the config makes variables of the whole shell.
if [ -n "${1-}" ]; then
  __edeliver_config=$1
  shift
  builtin source "$__edeliver_config" </dev/null 198>&- 199>&-
fi
case $- in *e*) __edeliver_e=-e ;; *) __edeliver_e=+e ;; esac
case $- in *u*) __edeliver_u=-u ;; *) __edeliver_u=+u ;; esac
set +eu
unset IFS
builtin cd "$ORIGIN_DIR" || exit 1
__edeliver_flush config
__edeliver_variables
__edeliver_functions

# --- hooks ------------------------------------------------------------------------------------------------------------------------------

while __edeliver_field __edeliver_verb; do
  case $__edeliver_verb in
    set) __edeliver_set ;;
    export)
      __edeliver_field __edeliver_name
      __edeliver_field __edeliver_value
      builtin export "$__edeliver_name=$__edeliver_value"
      ;;
    # TICKET NAME ARGS: runs a function in this shell
    run)
      __edeliver_field __edeliver_ticket
      __edeliver_field __edeliver_name
      __edeliver_args
      builtin cd "$ORIGIN_DIR" || exit 1
      set "$__edeliver_e" "$__edeliver_u"
      "$__edeliver_name" ${__edeliver_words[@]+"${__edeliver_words[@]}"} </dev/null >&199 2>&199 198>&- 199>&-
      __edeliver_status=$?
      case $- in *e*) __edeliver_e=-e ;; *) __edeliver_e=+e ;; esac
      case $- in *u*) __edeliver_u=-u ;; *) __edeliver_u=+u ;; esac
      set +eu
      unset IFS
      __edeliver_flush "$__edeliver_ticket $__edeliver_status"
      ;;
    # TICKET NAME ARGS: runs a function in a shell of its own and gives its standard output back
    capture)
      __edeliver_field __edeliver_ticket
      __edeliver_field __edeliver_name
      __edeliver_args
      builtin cd "$ORIGIN_DIR" || exit 1
      __edeliver_out=$("$__edeliver_name" ${__edeliver_words[@]+"${__edeliver_words[@]}"} </dev/null 2>&199 198>&- 199>&-)
      __edeliver_status=$?
      __edeliver_reply "$__edeliver_out"
      __edeliver_flush "$__edeliver_ticket $__edeliver_status"
      ;;
    # NAME: the text of a function
    body)
      __edeliver_field __edeliver_name
      __edeliver_reply "$(builtin declare -f "$__edeliver_name")"
      ;;
    exports)
      __edeliver_field __edeliver_name
      __edeliver_reply "$(builtin export -p)"
      ;;
    # TEXT: the names of all functions, were this text read; one more line if bash could not read all of it
    functions)
      __edeliver_field __edeliver_value
      __edeliver_reply "$(
        builtin eval "$__edeliver_value" </dev/null >/dev/null 2>&1 198>&- 199>&- || builtin echo broken
        builtin declare -F
      )"
      ;;
    # TEXT, a line end, and a name: the text of this function, were that text read
    reads)
      __edeliver_field __edeliver_value
      __edeliver_name=${__edeliver_value##*$'\n'}
      __edeliver_value=${__edeliver_value%$'\n'*}
      __edeliver_reply "$(
        builtin unset -f "$__edeliver_name"
        builtin eval "$__edeliver_value" </dev/null >/dev/null 2>&1 198>&- 199>&-
        builtin declare -f "$__edeliver_name"
      )"
      ;;
  esac
done
exit 0
