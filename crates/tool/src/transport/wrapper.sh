# Runs one script of edeliver. $1: nonce of the marks. $2: seconds it may take. $3: the script. Then the script's arguments.
# Any POSIX sh. Standard input from here on is the script's. See wrapper.rs for what the marks mean.
edeliver_nonce=$1 edeliver_seconds=$2 edeliver_script=$3
shift 3
unset s l n
# The loader counted bytes, for which it needed the C locale. sshd often gives no locale at all, and then the Erlang VM takes
# file names for latin1.
if [ "$edeliver_lc" = unset ]; then unset LC_ALL; else LC_ALL=$edeliver_lc; fi
[ -n "${LC_ALL-}${LC_CTYPE-}${LANG-}" ] || { LANG=C.UTF-8 && export LANG; }

edeliver_mark() { printf '\001edeliver %s %s\n' "$edeliver_nonce" "$1"; }

# Beats once a second on standard output (fd 3): sshd closes that as soon as the channel is closed, standard error it does not.
# When nobody takes the beat, the link or the program at its other end is gone.
edeliver_watch() {
  exec 3>&1 </dev/null >/dev/null 2>&1
  trap '' HUP INT TERM PIPE
  edeliver_sleep=
  trap '[ -z "$edeliver_sleep" ] || kill -KILL "$edeliver_sleep"; exit 0' USR1
  while kill -0 "$$"; do
    sleep 1 3>&- &
    edeliver_sleep=$!
    wait "$edeliver_sleep"
    edeliver_sleep=
    edeliver_mark beat >&3 || break
    edeliver_seconds=$((edeliver_seconds - 1))
    [ "$edeliver_seconds" -gt 0 ] || { edeliver_mark late >&3; break; }
  done
  trap '' USR1
  # 0 is our own process group: the script, what it started in it, and this watch. Others are those that the script started in groups of
  # their own, as Erlang does with every program it runs; they are found while their parents still live.
  edeliver_others=$(edeliver_descendants)
  kill -TERM 0
  [ -z "$edeliver_others" ] || kill -TERM $edeliver_others
  sleep 2 3>&-
  [ -z "$edeliver_others" ] || kill -KILL $edeliver_others
  kill -KILL 0
}

# Prints all processes below this one that are not in its group. A daemon that has left its parent is none of them.
edeliver_descendants() {
  ps -A -o pid= -o ppid= -o pgid= 2>/dev/null | awk -v top="$$" '
    { parent[$1] = $2; group[$1] = $3 }
    END {
      for (one in parent) {
        up = one
        for (steps = 0; steps < 64 && up in parent && up != top; steps++) up = parent[up]
        if (up == top && group[one] != group[top]) print one
      }
    }'
}

# `kill 0` must reach nobody else. Every sshd makes each session its own group; where another daemon doesn't, the loader has tried setsid.
kill -0 "-$$" 2>/dev/null || { echo "the session has no process group of its own, and there is no setsid" >&2; exit 126; }
# A script that signals its own group shall not take the end mark with it. Subshells get the defaults back.
trap : HUP INT TERM
edeliver_mark begin
edeliver_mark begin >&2
edeliver_watch &
edeliver_watcher=$!
# What it says when nobody is there any more ends a script, but not without its own last deeds (EXIT).
( trap 'exit 141' PIPE; eval "$edeliver_script" )
edeliver_status=$?
exec 3>&2 2>/dev/null
edeliver_mark "end $edeliver_status" >&3
edeliver_mark "end $edeliver_status"
# Not before: the watch's death signals this shell, and busybox loses what it is writing into a full pipe at that moment.
kill -USR1 "$edeliver_watcher"
exit "$edeliver_status"
