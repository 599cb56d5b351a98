# Who uses a slot. A slot is SLOTS/N; whoever uses it has a file in SLOTS/N/claims whose *name* says it all:
#   ROLE.RUN.PID.START    ROLE: `hold` for the length of a build, `call` for one of its scripts. PID: its process group.
# A claim counts as long as its process group lives; claims of the dead are removed by whoever meets them. As the name is the
# content, a claim is complete from the moment it exists, and two that remove the same dead one do no harm.

# When a process started, in ticks since this boot, with the boot's id: a number that comes again after a reboot is another process.
started() {
  [ -r "/proc/$1/stat" ] || { echo 0; return; }
  read -r boot </proc/sys/kernel/random/boot_id
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || { echo gone; return; }
  # Behind the name of the program, which may contain anything, the start is the 20th word.
  set -- ${stat##*) }
  shift 19
  echo "${boot%%-*}-$1"
}

# alive CLAIM: whether its process group lives. A group of nothing but zombies doesn't: in a container there may be nobody to reap them.
alive() {
  words=${1#*.*.}
  pid=${words%%.*} start=${words#*.}
  kill -0 "-$pid" 2>/dev/null || return 1
  [ "$start" != 0 ] || return 0
  # Where the first process has gone and its group has not, nobody else can have got the number.
  [ ! -e "/proc/$pid" ] || [ "$start" = "$(started "$pid")" ] || return 1
  cat /proc/[0-9]*/stat 2>/dev/null |
    awk -v group="$pid" '{ sub(/.*\) /, "") } $3 == group && $1 !~ /[ZX]/ { living = 1 } END { exit !living }'
}

# claim ROLE RUN CLAIMS: makes a claim of this script and sets $mine to it.
claim() {
  mine=$3/$1.$2.$$.$(started "$$")
  : >"$mine"
}

# evict RUN: ends what commands of a build have left behind. Erlang starts every program in a process group of its own, so ending the
# command's group does not end a C compiler that it runs. They all inherit a variable.
evict() {
  left=$(grep -lsF "EDELIVER_RUN=$1" /proc/[0-9]*/environ | sed 's,^/proc/,,; s,/environ$,,')
  [ -z "$left" ] || kill -KILL $left 2>/dev/null
}

# rivals RUN CLAIMS: the living claims of other runs, one a line: `hold RUN` of a build that holds the slot, `ending` of one whose operator
# has gone; its wrapper is ending the rest. What the dead have left is removed.
rivals() {
  for file in "$2"/*; do
    [ -e "$file" ] || continue
    name=${file##*/}
    other=${name#*.}
    other=${other%%.*}
    [ "$other" != "$1" ] || continue
    if ! alive "$name"; then
      evict "$other"
      rm -f "$file"
    elif [ "${name%%.*}" = hold ] && leads "$pid"; then
      echo "hold $other"
    else
      echo ending
    fi
  done
}

# leads PID: whether the first process of a group still runs. (Where there is no /proc, nobody can tell.)
leads() {
  [ -e /proc/self ] || return 0
  state=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) && case $state in '' | [ZX]*) false ;; esac
}

# call_in SLOT RUN: for the scripts of a build that holds the slot. Ends the script if it doesn't any more.
call_in() {
  for held in "$1/claims/hold.$2."*; do
    [ -e "$held" ] && alive "${held##*/}" || { echo "the build folder $1 is not ours any more" >&2; exit 76; }
  done
  claim call "$2" "$1/claims" || exit 1
  trap 'rm -f "$mine"' EXIT
}
