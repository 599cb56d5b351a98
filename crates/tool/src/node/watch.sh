# What the scripts share that wait for a node to come up or go. For POSIX sh.

# Marks $version of $root as one that came up, or failed to; a failed one is never kept in place of a good one.
mark() {
  [ -d "$root/.edeliver" ] || return 0
  case $1 in
    good) rm -f "$root/.edeliver/failed/$version" ;;
    failed) mkdir -p "$root/.edeliver/failed" && : >"$root/.edeliver/failed/$version" ;;
  esac 2>/dev/null
}

# A moment, as short as this sleep can.
pause() { sleep 0.1 2>/dev/null || sleep 1; }

# Waits up to $seconds until the node of $root is up in $version, and tells how far it has come. has_ended, which the script has, says when
# there is nothing to wait for any more. Without distribution, or without a way to ask, it counts as up once it has lived for 3 seconds.
# Status: 0 it is up; 20 it has ended; 21 not up in time; 22 another version runs.
wait_until_up() {
  end=$(($(date +%s) + seconds)) seen='' absent=0
  while [ "$(date +%s)" -lt "$end" ]; do
    if find_node "$root" "$prefer"; then there=yes; else there=''; fi
    ! has_ended "$there" || return 20
    if [ -n "$there" ]; then
      seen=${seen:-$(date +%s)}
      ask_node "$root"
      [ "$node_version" = "$version" ] || return 22
      case $node_is:$node_says in
        answered:*'{started,'*) return 0 ;;
        answered:*) tell_progress ;;
        no-distribution:* | unasked:*) [ "$(date +%s)" -lt $((seen + 3)) ] || return 0 ;;
      esac
    fi
    pause
  done
  return 21
}
