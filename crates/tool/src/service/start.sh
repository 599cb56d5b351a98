# Has systemd start the node of a release root, and waits until it is fully up. Comes after process.sh, permanent.sh,
# files.sh, vm.sh, ask.sh, watch.sh and systemctl.sh.
# $1 root, $2 release name, $3 preferred node name or empty, $4 version it must come up with, $5 longest wait in seconds,
# $6 `system` or `user`, $7 the unit's file name.
#
# Status: 0 it is up; 20 it ended by itself; 21 not up in time; 22 a node runs another version; 25 another release boots;
# 50 there is no such unit; 51 a node runs outside of it; 52 we may not start it; 53 there is no systemd; 54 systemd could not start it.
root=$(absolute_root "$1") app=$2 prefer=$3 version=$4 seconds=$5 scope=$6 unit=$7
began=$(date +%s)

finish() {
  case $1 in
    0) mark good ;;
    20 | 21 | 22 | 54) mark failed; journal_since "$began" ;;
  esac
  tell_node "$root" "$prefer" | sed 's/^/fact /'
  exit "$1"
}

# Whether systemd has given it up, or had to start it again.
has_ended() {
  ask_unit
  case $unit_active:$unit_sub in
    failed:* | inactive:*) echo "$unit is $unit_active"; return 0 ;;
    *:auto-restart*) echo "it ended, and systemd is about to start it again, and again"; return 0 ;;
  esac
  [ "$unit_restarts" -gt "$restarts" ] || return 1
  echo "it ended, and systemd has started it again"
}

reach_manager || finish 53
ask_unit
[ "$unit_load" = loaded ] || { echo "systemd says of $unit: ${unit_load:-nothing}"; finish 50; }
boots=$(permanent_version "$root" "$app")
if find_node "$root" "$prefer"; then
  [ -n "$unit_pid" ] || { echo "process $node_pid runs $node_version"; finish 51; }
  echo "a node is running already (process $node_pid, version $node_version)"
elif [ "$boots" != "$version" ]; then
  echo "the release that boots is ${boots:-missing}, not $version"
  finish 25
else
  control start
  case $? in
    0) ;;
    2) printf '%s\n' "$said"; finish 52 ;;
    *) printf '%s\n' "$said"; finish 54 ;;
  esac
  # Not always 0: it is counted on over a stop between two attempts.
  ask_unit
fi
restarts=$unit_restarts
wait_until_up
finish $?
