# Stops the node of a release root and waits until its process has gone. Comes after process.sh and watch.sh.
# $1 root, $2 preferred node name or empty, $3 version it must run to be stopped or empty, $4 seconds for an orderly stop.
#
# Status: 0 it is gone; 30 its process may not be ended by this user; 31 it does not go away.
root=$(absolute_root "$1") prefer=$2 version=$3 seconds=$4

# Waits up to $1 seconds for the process to go.
gone_within() {
  end=$(($(date +%s) + $1))
  while lives "$node_pid" "$node_started"; do
    [ "$(date +%s)" -lt "$end" ] || return 1
    pause
  done
}

# A heart that watches the node would start it again after a kill.
stop_heart() {
  for pid in $(processes_with heart); do
    case $({ tr '\000' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null) in *heart*" -pid $node_pid "*) kill -9 "$pid" ;; esac
  done
}

signal() {
  kill "-$1" "$node_pid" 2>/dev/null || { lives "$node_pid" "$node_started" || return 0; echo "process $node_pid belongs to another user"; exit 30; }
}

find_node "$root" "$prefer" || { echo 'no node is running'; exit 0; }
if [ -n "$version" ] && [ "$node_version" != "$version" ]; then
  echo "the node runs $node_version, it is left alone"
  exit 0
fi
ask_node "$root"
if [ "$node_is" = answered ]; then
  call_node "$erl_call" 5 -a 'init stop []' $node_at >/dev/null
  gone_within "$seconds" && exit 0
  echo "it did not stop within $seconds s: SIGTERM to process $node_pid"
else
  echo "it can't be asked to stop ($node_is): SIGTERM to process $node_pid"
fi
signal TERM
case $node_is in hung) patience=2 ;; *) patience=10 ;; esac
gone_within "$patience" && exit 0
echo "it did not end: SIGKILL to process $node_pid"
stop_heart
signal KILL
gone_within 10 && exit 0
echo "process $node_pid does not end"
exit 31
