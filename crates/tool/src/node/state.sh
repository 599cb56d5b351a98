# The state of the node that serves a release root, and what boots next. Comes after process.sh, permanent.sh, files.sh,
# vm.sh and ask.sh.
# $1 root, $2 release name, $3 preferred node name or empty, $4 not empty: ask for the loaded code too.
root=$(absolute_root "$1") app=$2
NODE_CODE=$4
# In one piece, as each line would be a packet otherwise.
state=$(
  echo 'edeliver-node 1'
  find_permanent "$root" "$2"
  printf 'permanent %s\n' "$permanent"
  tell_alone "$root"
  tell_node "$root" "$3"
  echo end
)
printf '%s\n' "$state"
