# Makes the place of a rehearsal, and has it removed with all that runs there, whatever becomes of this script: a watch of its own, which no
# end of a link or a script reaches, sees to that. Comes after process.sh.
# $1 BUILD_AT, $2 release name, $3 name of the rehearsal, $4 longest time in seconds, $5 the watch's script.
#
# Prints `dir PATH` and `epmd PORT`, then waits for the word `done`. Status: 0 nothing is left; 75 something is, the lines say what.
case $1 in /*) base=$1 ;; *) base=$HOME/$1 ;; esac
base=$base/.edeliver/$2/rehearsals name=$3 seconds=$4 watch=$5

# Prints a port that nobody listens on. Not one that outgoing connections are given.
free_port() {
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
    port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q ":$(printf '%04X' "$port") " || break
  done
  printf '%s\n' "$port"
}

# Begins the watch of a place. It leaves this script's session and its parents, so that it outlives them.
watch_over() {
  if command -v setsid >/dev/null 2>&1; then out=setsid; else out=nohup; fi
  (cd / && "$out" sh -c "$watch" watch "$1" "$2" "$3" "$4" </dev/null >/dev/null 2>&1 &)
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ ! -s "$1/watch" ] || return 0
    sleep 1
  done
  echo "the watch over $1 did not begin"
  return 1
}

# Places that the machine's end, or somebody's, left without a watch.
sweep() {
  find "$base" -mindepth 1 -maxdepth 1 -mmin +5 2>/dev/null | while IFS= read -r old; do
    { read -r pid began <"$old/watch"; } 2>/dev/null || pid='' began=''
    lives "$pid" "$began" || watch_over "$old" 0 0 0
  done
}

me=$(exec sh -c 'echo $PPID')
(umask 077 && mkdir -p "$base") || exit 1
base=$(cd -P -- "$base" && pwd) || exit 1
sweep
dir=$base/$name
(umask 077 && mkdir "$dir" "$dir/pipe") || exit 1
watch_over "$dir" "$me" "$(start_time "$me")" "$seconds" || { rm -rf -- "$dir"; exit 1; }
printf 'dir %s\nepmd %s\n' "$dir" "$(free_port)"

read -r word
[ "$word" = done ] || exit 3
: >"$dir/over"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
  [ -e "$dir" ] || exit 0
  sleep 1
done
for pid in $(processes_whose environ "EDELIVER_REHEARSAL=$name"); do echo "process $pid"; done
echo "$dir"
exit 75
