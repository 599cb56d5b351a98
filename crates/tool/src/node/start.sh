# Starts the node of a release root and waits until it is fully up. Comes after process.sh, permanent.sh,
# files.sh, vm.sh, ask.sh, watch.sh and environment.sh.
# $1 root, $2 release name, $3 preferred node name or empty, $4 version it must come up with, $5 longest wait in seconds,
# $6 shell start-up file, $7… variables of its environment, each NAME=VALUE.
#
# Status: 0 it is up; 20 it ended by itself; 21 not up in time; 22 a node runs another version; 23 no start script;
# 24 the start-up file failed; 25 another release boots.
root=$(absolute_root "$1") app=$2 prefer=$3 version=$4 seconds=$5 profile=$6
shift 6
script=$root/bin/$app

# Becomes the script that starts the node in the background, in an environment of ours. mix and relx 4 call that `daemon`; older ones `start`.
launch() {
  node_environment "$@"
  command=start
  grep -q '^ *daemon[|)]' "$script" && command=daemon
  exec "$script" "$command" </dev/null >"$scratch/output" 2>&1
}

# The same, without waiting for it: relx's daemon asks the node whether it is up, for ever if it speaks TLS. Its status goes into a file.
launch_beside() {
  (
    launch "$@" &
    echo $! >"$scratch/launcher"
    wait $!
    echo $? >"$scratch/status"
  ) &
  while [ ! -s "$scratch/status" ] && ! find_node "$root" "$prefer" && [ "$(date +%s)" -lt $((launched + seconds)) ]; do pause; done
}

# The newest log that the start scripts of mix, relx and Distillery write: what came since the last start.
show_log() {
  cat "$scratch/output" 2>/dev/null
  log=$(ls -t "$root"/tmp/log/erlang.log.* "$root"/log/erlang.log.* "$root"/var/log/erlang.log.* 2>/dev/null | head -n 1)
  [ -n "$log" ] || return 0
  last=$(grep -n '^===== LOGGING STARTED' "$log" | tail -n 1)
  tail -n "+$((${last%%:*} + 1))" "$log" | tr -d '\000\r' | grep -v '^ *$' | tail -n 30
}

finish() {
  [ -s "$scratch/status" ] || kill "$(cat "$scratch/launcher" 2>/dev/null)" 2>/dev/null
  case $1 in
    0) mark good ;;
    20 | 21 | 22) mark failed; show_log ;;
    *) cat "$scratch/output" 2>/dev/null ;;
  esac
  rm -rf "$scratch"
  tell_node "$root" "$prefer" | sed 's/^/fact /'
  exit "$1"
}

# Whether something that was begun after this script is still on its way: the start script, run_erl, erlexec. epmd stays for good.
being_started() {
  for pid in $(processes_with "$root/"); do
    began=$(start_time "$pid") && [ "$began" -ge "$we_began" ] && [ "$(process_state "$pid")" != Z ] || continue
    case $({ tr '\n\000' '  ' <"/proc/$pid/cmdline"; } 2>/dev/null) in *'/epmd -daemon'*) ;; *) return 0 ;; esac
  done
  return 1
}

# Whether the node has ended, when it was looked for and is there ($1: yes) or not. That the one seen last is gone says nothing while something
# is on its way: a shell of the start script has the node's words for a moment, and is another process. One look alone may meet a process
# just as it becomes another program, without any words.
has_ended() {
  if [ -n "$1" ]; then
    seen_pid=$node_pid seen_start=$node_started absent=0 limit=2
  elif [ -n "${seen_pid:-}" ] && lives "$seen_pid" "$seen_start"; then
    :
  elif ! see_processes; then
    [ -z "${seen_pid:-}" ] || return 0
  elif being_started; then
    absent=0
  else
    absent=$((absent + 1))
  fi
  [ "$absent" -ge "${limit:-10}" ]
}

scratch=$(private_dir) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
we_began=$(start_time $$) launched=$(date +%s)
[ -x "$script" ] || { echo "there is no start script $script"; finish 23; }
boots=$(permanent_version "$root" "$app")
if find_node "$root" "$prefer"; then
  echo "a node is running already (process $node_pid, version $node_version)"
elif [ "$boots" != "$version" ]; then
  echo "the release that boots is ${boots:-missing}, not $version"
  finish 25
else
  launch_beside "$@"
  status=$(cat "$scratch/status" 2>/dev/null)
  [ -e "$scratch/profile-done" ] || { echo "the shell start-up file $profile ended the shell"; finish 24; }
  [ "${status:-0}" -eq 0 ] || { echo "the start script ended with status $status"; finish 20; }
fi
wait_until_up
finish $?
