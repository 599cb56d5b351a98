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
  } | sort -u | grep -v -x "$$"
}

while held; do
  sleep 1
  seconds=$((seconds - 1))
done
# What is killed may have begun something that was not there yet when we looked.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  left=$(theirs)
  [ -n "$left" ] || break
  kill -KILL $left 2>/dev/null
  sleep 0.2 2>/dev/null || sleep 1
done
rm -rf -- "$dir"
[ ! -e "$dir" ] || { sleep 1; rm -rf -- "$dir"; }
