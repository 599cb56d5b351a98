# One change of a release root at a time, and none by a plan that is out of date. For POSIX sh (dash, busybox); comes after
# permanent.sh and before the script that changes something.
#
# $1 root; a relative one is meant from the home directory. $2 release name. $3 the version that boots as the plan has it, `-` for none.
#
# Statuses of all these scripts: 0 done; 40 the root is not as the plan has it, nothing was changed; 41 another process is changing it;
# 42 content is not what it should be; 43 the disk is full; 44 failed half way; 45 the manifest can't be mended; 46 the
# host can't fetch what it was given addresses of; 47 it can't unpack what was packed for it; others: see the last line
# on standard error, which is the cause.

LC_ALL=C
export LC_ALL
umask 022
own=.edeliver
lock=$own/lock
line_end='
'

# The status of every failure from here on, if something that serves has been changed.
half_way=''

# Whether the lock of the root is ours.
held=''

# Ends with status $1 and cause $2.
stop_with() {
  printf '%s\n' "$2" >&2
  exit "${half_way:-$1}"
}

# KiB that are free for us.
free_kib() {
  df -Pk . 2>/dev/null | tail -n 1 | sed -n 's/^.* \([0-9][0-9]*\)  *[0-9-]*% .*$/\1/p'
}

# Whether there is no room left. The last few blocks of a full disk are often of no use to anybody.
disk_full() {
  free=$(free_kib)
  [ -n "$free" ] && [ "$free" -lt 128 ]
}

# Ends with cause $1, unless it is that the disk is full.
failed() {
  ! disk_full || stop_with 43 "No space left on device: $root has $free KiB free"
  stop_with 1 "$1"
}

# Runs a command; where it fails, what it says is the cause.
must() {
  error=$("$@" 2>&1) || failed "${error:-$1 failed}"
}

# Makes the directory that file $1 lies in.
make_above() { case $1 in */*) [ -d "${1%/*}" ] || must mkdir -p -- "${1%/*}" ;; esac; }

# Whether something has this name, be it a link to nowhere.
exists() { [ -e "$1" ] || [ -L "$1" ]; }

# Whether this is a directory with nothing in it.
is_empty() {
  [ -d "$1" ] && [ ! -L "$1" ] || return 1
  for inside in "$1"/* "$1"/.[!.]* "$1"/..?*; do ! exists "$inside" || return 1; done
}

# All that was written so far is on the disk: this file system if sync can do just that, otherwise all of them.
settle() { sync -f . 2>/dev/null || sync; }

# ---- the lock: a symbolic link whose text is its holder, so that it appears with the holder's name in it

# Sets name_of_process to a name of process $1 that no other process has, in this life of the machine or the next; fails if it is gone.
name_process() {
  if [ -r /proc/self/stat ]; then
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    set -- "$1" ${stat##*)}
    [ "$2" != Z ] || return 1
    boot=''
    { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
    name_of_process=$1-${21}-${boot%%-*}
  else
    kill -0 "$1" 2>/dev/null && name_of_process=$1-0-0
  fi
}

# Sets `me` to the name of this process. $$ is the wrapper's shell.
name_me() {
  { read -r pid _ </proc/self/stat; } 2>/dev/null || pid=$(exec sh -c 'echo $PPID')
  name_process "$pid"
  me=$name_of_process
}

lives() { name_process "${1%%-*}" && [ "$name_of_process" = "$1" ]; }

# Takes the lock $1, or fails because a living process has it.
take() {
  attempts=0
  while ! error=$(ln -s "$me" "$1" 2>&1); do
    if holder=$(readlink "$1" 2>/dev/null); then
      ! lives "$holder" || return 1
      bury "$1" "$holder" || return 1
    else
      attempts=$((attempts + 1))
      [ "$attempts" -lt 5 ] || failed "$error"
    fi
  done
}

# Removes the lock $1 of $2, who is dead. Of several who see that, the one who holds the lock on that very grave removes it; the others
# could otherwise remove the lock of whoever came next.
bury() {
  take "$1.$2" || return 1
  [ "$(readlink "$1" 2>/dev/null)" != "$2" ] || rm -f -- "$1"
  rm -f -- "$1.$2"
}

# Waits for whoever is changing the root. So long, because it may be our own last attempt: after a cut, a host sees only when the link
# works again (and TCP has tried again, which takes it up to 13 seconds then) that nobody is at the other end.
patience=30
take_lock() {
  name_me
  seconds=0
  until take "$lock"; do
    [ "$seconds" -lt "$patience" ] || stop_with 41 "process ${holder%%-*} is changing $root"
    [ "$seconds" -ne 1 ] || printf '%s\n' "waiting up to $patience s for process ${holder%%-*}, which is changing $root" >&2
    sleep 1
    seconds=$((seconds + 1))
  done
}

# Removes what is given, with all that is in it, and then the lock.
give_lock_back() {
  [ "$(readlink "$lock" 2>/dev/null)" != "$me" ] || set -- "$@" "$lock"
  [ $# -eq 0 ] || rm -rf -- "$@"
}

# At the end of the script, however it ends.
leave() {
  [ -n "$held" ] || return 0
  clean_up
  give_lock_back ${begun:+"$begun"}
}

# What a script has begun and not finished: a directory of its own in `begun`, and whatever else it is that it removes itself. Scripts that
# have such a thing define it anew.
begun=''
clean_up() { :; }

# ---- beginning

# Enters the root and takes its lock until the script ends; what it began is cleaned up then too. Once in a script that does several things.
enter() {
  [ -z "$held" ] || return 0
  case $1 in /*) root=$1 ;; *) root=$HOME/$1 ;; esac
  app=$2 expected=$3
  cd -P -- "$root" || stop_with 40 "there is no $root"
  [ -d "$own" ] || must mkdir -m 700 "$own"
  [ -d "$own/manifests" ] && [ -d "$own/top" ] || must mkdir -p "$own/manifests" "$own/top"
  here=$PWD
  trap leave EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  take_lock
  held=yes
  # What was begun by somebody who is gone.
  is_empty "$own/staging" || {
    ! exists "$own/staging" || must rm -rf -- "$own/staging"
    must mkdir -m 700 "$own/staging"
  }
  find_permanent . "$app"
  boots=${permanent:--}
}

# What boots must be what the plan has, or one of the other versions given.
must_boot() {
  for version_that_boots; do [ "$boots" != "$version_that_boots" ] || return 0; done
  stop_with 40 "$root boots $(in_words "$boots") now, and $(in_words "$expected") when the plan was made"
}
in_words() { case $1 in -) echo nothing ;; *) printf '%s\n' "$1" ;; esac; }

# A release is complete with its manifest, which is put in place last.
complete() { [ -f "$own/manifests/$1.json" ] && [ -d "releases/$1" ]; }

# Whether a complete release, other than those given after it, uses directory $1.
used() {
  used_dir=$1
  shift
  for json in "$own"/manifests/*.json; do
    user=${json##*/} user=${user%.json}
    complete "$user" || continue
    for but; do [ "$user" != "$but" ] || continue 2; done
    ! grep -Fqx -e "$used_dir" "$own/manifests/$user.dirs" 2>/dev/null || return 0
  done
  return 1
}

# The directories of release $1 that a plan may deal with.
is_of_release() {
  case $2/ in *//* | */../* | */./*) return 1 ;; esac
  case $2 in
    lib/*/*) return 1 ;;
    erts-*/*) return 1 ;;
    lib/?* | erts-?*) return 0 ;;
    "releases/$1" | "$own/top/$1") return 0 ;;
    *) return 1 ;;
  esac
}
