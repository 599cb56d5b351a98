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
