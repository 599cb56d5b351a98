# Waits until a rehearsal is over or its holder has gone, ends every process of it, and removes its place. Comes after process.sh.
# $1 the place, whose name is the mark in its processes' environment; $2 the holder, $3 when it began, $4 longest time in seconds.
dir=$1 holder=$2 began=$3 seconds=$4 mark=EDELIVER_REHEARSAL=${1##*/}
trap '' HUP INT TERM PIPE
printf '%s %s\n' "$$" "$(start_time "$$")" >"$dir/watch"

held() { [ ! -e "$dir/over" ] && [ "$seconds" -gt 0 ] && kill -0 "$holder" 2>/dev/null && [ "$(start_time "$holder")" = "$began" ]; }

# By the mark, and by their words: a start script may have dropped the mark. Ports that a node opens have it too.
theirs() {
  {
    processes_whose environ "$mark"
    processes_with "$dir/"
  } | sort -u | while read -r pid; do
    [ "$pid" = "$$" ] || ! is_theirs "$pid" || printf '%s\n' "$pid"
  done
}
is_theirs() {
  { tr '\000' '\n' <"/proc/$1/environ" | grep -Fqx -e "$mark" || tr '\000' '\n' <"/proc/$1/cmdline" | grep -Fq -e "$dir/"; } 2>/dev/null
}

while held; do
  sleep 1
  seconds=$((seconds - 1))
done
# What is killed may have begun something that was not there yet when we looked.
attempts=0 absent=0
while [ "$attempts" -lt 50 ] && [ "$absent" -lt 2 ]; do
  left=$(theirs)
  if [ -n "$left" ]; then kill -KILL $left 2>/dev/null; absent=0; else absent=$((absent + 1)); fi
  attempts=$((attempts + 1))
  sleep 0.1 2>/dev/null || sleep 1
done
rm -rf -- "$dir"
[ ! -e "$dir" ] || { sleep 1; rm -rf -- "$dir"; }
