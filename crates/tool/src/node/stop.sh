# Stops the node of a release root and waits until its process has gone. Comes after process.sh, permanent.sh, files.sh, vm.sh, ask.sh and
# watch.sh.
# $1 root, $2 release name, $3 preferred node name or empty, $4 version it must run to be stopped or empty, $5 seconds for an orderly stop.
#
# Status: 0 it is gone; 30 its process may not be ended by this user; 31 it does not go away; 32 it does not answer, and its process can't
# be seen.
root=$(absolute_root "$1") app=$2 prefer=$3 version=$4 seconds=$5

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
ask_node "$root"
if [ -n "$version" ] && [ "$node_version" != "$version" ]; then
  echo "the node runs $node_version, it is left alone"
  exit 0
fi
[ -n "$node_pid" ] || { echo "it does not answer ($node_is)"; exit 32; }
if [ "$node_is" = answered ]; then
  echo 'init:stop().' | evaluate 5 >/dev/null
  gone_within "$seconds" && exit 0
  echo "it did not stop within $seconds s: SIGTERM to process $node_pid"
else
  echo "it can't be asked to stop ($node_is): SIGTERM to process $node_pid"
fi
# More than once: a signal that comes while a VM boots is lost. One that is stopped takes none.
case $node_is in hung) tries=1 ;; *) tries=5 ;; esac
while [ "$tries" -gt 0 ]; do
  signal TERM
  gone_within 2 && exit 0
  tries=$((tries - 1))
done
echo "it did not end: SIGKILL to process $node_pid"
stop_heart
signal KILL
gone_within 10 && exit 0
echo "process $node_pid does not end"
exit 31
