# Runs the migrator, or the function that stands for it, in a VM of its own, with the code and configuration of the release that boots. Comes
# after process.sh, permanent.sh, environment.sh and relx.sh.
# $1 root, $2 release name, $3 preferred node name or empty, $4 shell start-up file, $5 the migrator, $6 its arguments, one a line;
# $7… variables of the environment, each NAME=VALUE.
#
# Status: that of the VM; 61 the release can't run code without its node; 23 no start script; 24 the start-up file failed.
root=$(absolute_root "$1") app=$2 prefer=$3 profile=$4 code=$5 arguments=$6
shift 6
script=$root/bin/$app
boots=$(permanent_version "$root" "$app")

[ -x "$script" ] || { echo "there is no start script $script"; exit 23; }
scratch=$(private_dir) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
(
  node_environment "$@" || exit 24
  EDELIVER_MIGRATE=$arguments
  export EDELIVER_MIGRATE
  # Of mix's own releases only: what relx and Distillery call eval asks the running node.
  [ -e "$root/releases/$boots/elixir" ] || { in_relx_release; exit; }
  exec "$script" eval "arguments = \"EDELIVER_MIGRATE\" |> System.fetch_env!() |> String.split(\"\\n\")
$code" </dev/null
)
status=$?
[ -e "$scratch/profile-done" ] || { echo "the shell start-up file $profile ended the shell"; exit 24; }
exit "$status"
