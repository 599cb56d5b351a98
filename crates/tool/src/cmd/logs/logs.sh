# The log of the node that serves a release root: what run_erl writes for mix, relx and Distillery, or the journal of the unit that runs it.
# Comes after process.sh. $1 root, $2 preferred node name or empty, $3 how many lines of the past, $4 follow: yes or no, $5 and $6 the
# configured unit: system or user, and its name; empty without one.
# Status 3: there is no log.
root=$(absolute_root "$1") prefer=$2 lines=$3 follow=$4 scope=$5 unit=$6

# Prints `system UNIT` or `user UNIT` if systemd reads what the node prints: the unit it runs in, or the configured one, where there is no
# node, or its process can't be looked at. A node started by run_erl prints to a terminal.
journal_of_node() {
  case $(readlink "/proc/$node_pid/fd/1" 2>/dev/null) in
    socket:*) ;;
    '') [ -n "$unit" ] && echo "$scope $unit"; return ;;
    *) return 1 ;;
  esac
  while IFS= read -r group; do
    case $group in
      */user@*.service/*.service) echo "user ${group##*/}"; return ;;
      */*.service) echo "system ${group##*/}"; return ;;
    esac
  done <"/proc/$node_pid/cgroup"
  return 1
}

# $1 system or user, $2 the unit
show_journal() {
  case $1 in user) set -- --user -u "$2" ;; *) set -- -u "$2" ;; esac
  set -- "$@" -n "$lines" -o cat --no-pager
  [ "$follow" = yes ] && set -- "$@" -f
  exec journalctl "$@"
}

# The logs, oldest first. Release scripts may be told to put them elsewhere.
logs() {
  ls -tr "$root"/tmp/log/erlang.log.* "$root"/log/erlang.log.* "$root"/var/log/erlang.log.* \
    "${elsewhere:-$root/tmp}"/log/erlang.log.* "${other:-$root/log}"/erlang.log.* 2>/dev/null | awk '!seen[$0]++'
}

# run_erl writes what a terminal would get.
readable() { tr -d '\000\r'; }

size_of() {
  # shellcheck disable=SC2046 # the size is the fifth field, and all before it are words
  set -- $(ls -Lnd -- "$1" 2>/dev/null)
  printf '%s\n' "${5:-0}"
}

# Prints what file $1 has between byte $2 and byte $3.
part() { [ "$3" -le "$2" ] || tail -c "+$(($2 + 1))" "$1" | head -c "$(($3 - $2))"; }

# The last lines, of two files where the newer one has too few. Sets current and offset to where they end.
show_past() {
  current=$(logs | tail -n 1) before=$(logs | tail -n 2 | head -n 1)
  offset=$(size_of "$current")
  [ "$before" = "$current" ] && before=''
  { [ -z "$before" ] || cat "$before"; part "$current" 0 "$offset"; } 2>/dev/null | readable | tail -n "$lines"
}

# Prints what came to the current log, and to those that were begun after it.
show_news() {
  passed=''
  logs >"$scratch/logs"
  while IFS= read -r file; do
    if [ "$file" = "$current" ]; then
      passed=yes
    else
      [ -n "$passed" ] || continue
      current=$file offset=0
    fi
    size=$(size_of "$file")
    # The name was used again: run_erl goes round in a circle.
    [ "$size" -ge "$offset" ] || offset=0
    part "$file" "$offset" "$size" | readable
    offset=$size
  done <"$scratch/logs"
  # It is gone, and so is what it had.
  [ -n "$passed" ] || { current=$(tail -n 1 "$scratch/logs") offset=0; }
}

find_process "$root" "$prefer"
journal=$(journal_of_node) && show_journal $journal
elsewhere=$(variable_of "$node_pid" RELEASE_TMP) other=$(variable_of "$node_pid" RUNNER_LOG_DIR)
if [ -n "$(logs)" ]; then
  show_past
elif [ "$follow" = no ]; then
  exit 3
else
  current='' offset=0
  echo 'there is no log yet' >&2
fi
[ "$follow" = yes ] || exit 0
scratch=$(private_dir) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
while :; do
  show_news
  sleep 0.5 2>/dev/null || sleep 1
done
