# Runs one command of the build in the project's folder. $1: slot. $2: run. $3: app. $4: the project's folder in the repository, or nothing.
# $5: profile. $6: what to do around the command, with $7:
#   plain                    nothing
#   deps-check / deps-mark   ends with status 77 if an earlier build left this mark and the dependencies that went with it / leaves it
#   deps                     both
#   bare                     nothing, and without profile and variables
#   release                  before, removes what an earlier build assembled in this folder, its cookie excepted; then marks the slot settled
# $8: number of variables, then NAME=VALUE of each, then the command's words.
slot=$1 run=$2 app=$3 folder=$4 profile=$5 around=$6 value=$7
shift 7
call_in "$slot" "$run"
project=$slot/$app${folder:+/$folder}
[ -d "$project" ] || { echo "the commit has no folder $folder" >&2; exit 1; }

deps_are_there() {
  [ -n "$value" ] && [ -f "$slot/deps" ] || return 1
  {
    read -r mark && [ "$mark" = "$value" ] || return 1
    while IFS= read -r path; do [ -e "$project/$path" ] || return 1; done
  } <"$slot/deps"
}

mark_deps() {
  [ -n "$value" ] || { rm -f "$slot/deps"; return; }
  {
    printf '%s\n' "$value"
    cd "$project" && for path in deps/* _build/*/lib/* _build/*/plugins/*; do [ ! -e "$path" ] || printf '%s\n' "$path"; done
  } >"$slot/deps.new" && mv "$slot/deps.new" "$slot/deps"
}

# Only a release is emptied, so that a wrong path costs nothing. Its cookie stays, or mix would make up another one.
empty_release() {
  [ -f "$1/releases/start_erl.data" ] || return 0
  for entry in "$1"/* "$1"/.[!.]* "$1"/releases/* "$1"/releases/.[!.]*; do
    case ${entry#"$1/"} in releases | releases/COOKIE) ;; *) rm -rf "$entry" ;; esac
  done
}

case $around in
  deps | deps-check) deps_are_there && exit 77 ;;
  release) release_dirs "$project" "$app" "$value" | while IFS= read -r dir; do empty_release "$dir"; done ;;
esac
case $around in deps*) rm -f "$slot/deps" ;; esac

variables=$1
shift
if [ "$around" = bare ]; then
  shift "$variables"
  (cd "$project" && exec "$@" </dev/null)
  exit
fi

# When the slot's files were last written by a build tool, for the next checkout; a word while that may still be going on.
echo running >"$slot/written"

# The wrapper ends our process group when the link goes or the time is over; the rest is up to us. A shell that waits for a program in
# front would hear of it only when that has ended.
# With the link gone, a shell that says that its child was ended would itself be ended by that.
trap 'evict "$run"; exit 143' HUP TERM
trap : PIPE
(
# The project under the version that edeliver gives it.
if [ -f "$slot/version/mix.exs" ]; then
  MIX_EXS=$slot/version/mix.exs
  export MIX_EXS
fi
# Values may be secrets, and everybody can see the words of a program. So they travel as variables past the profile, which must not
# have the last word.
n=0
while [ "$n" -lt "$variables" ]; do
  n=$((n + 1))
  export "EDELIVER_ENV_$n=$1"
  shift
done
with_profile "$profile" "$(cat <<'TEXT'
cd "$1" || exit 1
export EDELIVER_RUN="$2"
variables=$3
shift 3
LANG=C.UTF-8
export LANG
unset LC_ALL
n=0
while [ "$n" -lt "$variables" ]; do
  n=$((n + 1))
  eval "export \"\$EDELIVER_ENV_$n\"; unset EDELIVER_ENV_$n"
done
unset n variables
# Without it, compiled modules contain the path of this folder.
case ${ERL_COMPILER_OPTIONS-} in
  *deterministic*) ;;
  '' | '[]') ERL_COMPILER_OPTIONS=deterministic ;;
  '['*) ERL_COMPILER_OPTIONS="[deterministic,${ERL_COMPILER_OPTIONS#?}" ;;
  *) ERL_COMPILER_OPTIONS="[deterministic,$ERL_COMPILER_OPTIONS]" ;;
esac
export ERL_COMPILER_OPTIONS
# mix takes a rebar3 from PATH only if it is told to.
if [ -z "${MIX_REBAR3-}" ] && rebar3=$(command -v rebar3); then
  for found in "${MIX_HOME:-$HOME/.mix}"/rebar3 "${MIX_HOME:-$HOME/.mix}"/elixir/*/rebar3; do
    [ ! -e "$found" ] || rebar3=
  done
  [ -z "$rebar3" ] || { MIX_REBAR3=$rebar3; export MIX_REBAR3; }
fi
case $1 in
  '~/'*)
    program=$HOME/${1#'~/'}
    shift
    exec "$program" "$@" ;;
esac
exec "$@"
TEXT
)" "$project" "$run" "$variables" "$@"
) &
wait "$!"
status=$?
trap - HUP TERM
date +%s >"$slot/written"
# 76 and 77 are our own words.
case $status in 76 | 77) status=1 ;; esac
[ "$status" = 0 ] || exit "$status"
case $around in
  deps | deps-mark) mark_deps ;;
  release) printf '%s\n' "$run" >"$slot/settled" ;;
esac
