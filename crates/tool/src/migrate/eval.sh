# Runs the migrator, or the function that stands for it, in a VM of its own, with the code and configuration of the release that boots. Comes
# after process.sh, permanent.sh, environment.sh and relx.sh.
# $1 root, $2 release name, $3 preferred node name or empty, $4 shell start-up file, $5 the migrator, $6 its arguments, one a line; $7 the
# release, where it is not the one that boots; $8… variables of the environment, each NAME=VALUE.
#
# Status: that of the VM; 61 the release can't run code without its node; 23 no start script; 24 the start-up file failed.
root=$(absolute_root "$1") app=$2 prefer=$3 profile=$4 code=$5 arguments=$6 boots=$7
shift 7
script=$root/bin/$app
top=''
if [ -n "$boots" ]; then top=$root/.edeliver/top/$boots; else boots=$(permanent_version "$root" "$app"); fi
[ -z "$top" ] || [ ! -f "$top/bin/$app" ] || script=$top/bin/$app

[ -x "$script" ] || { echo "there is no start script $script"; exit 23; }
scratch=$(private_dir) || exit 1

# A root in which the release is what boots: what is put in place by activation comes from where it waits for that.
set_up_root() {
  mkdir -- "$scratch/root" "$scratch/root/bin" && cp -- "$script" "$scratch/root/bin/$app" || exit 1
  for dir in "$root/lib" "$root/releases" "$root"/erts-*; do ln -s "$dir" "$scratch/root/${dir##*/}" || exit 1; done
  script=$scratch/root/bin/$app
  RELEASE_VSN=$boots
  export RELEASE_VSN
  if [ -z "${RELEASE_COOKIE:-}" ] && [ -r "$top/releases/COOKIE" ]; then
    RELEASE_COOKIE=$(cat "$top/releases/COOKIE")
    export RELEASE_COOKIE
  fi
}

trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
(
  node_environment "$@" || exit 24
  EDELIVER_MIGRATE=$arguments
  export EDELIVER_MIGRATE
  # Of mix's own releases only: what relx and Distillery call eval asks the running node.
  [ -e "$root/releases/$boots/elixir" ] || { in_relx_release; exit; }
  [ -z "$top" ] || set_up_root
  exec /bin/sh "$script" eval "arguments = \"EDELIVER_MIGRATE\" |> System.fetch_env!() |> String.split(\"\\n\")
$code" </dev/null
)
status=$?
[ -e "$scratch/profile-done" ] || { echo "the shell start-up file $profile ended the shell"; exit 24; }
exit "$status"
