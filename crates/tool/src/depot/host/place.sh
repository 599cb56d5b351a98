# The store's folder is $1. Comes before all other scripts of a store.
case $1 in
/*) root=$1 ;;
'~/'*) root=$HOME/${1#??} ;;
*) root=$HOME/$1 ;;
esac

# Ends the script; the last line it printed says why. Not every tool knows that it was the disk.
failed() {
  free=$(df -Pk "$root" 2>/dev/null | tail -n 1 | sed -n 's/^.* \([0-9][0-9]*\)  *[0-9-]*% .*$/\1/p')
  [ "${free:-128}" -ge 128 ] || set -- "No space left on device: $root has $free KiB free"
  printf '%s\n' "$1" >&2
  exit 1
}

[ -d "$root" ] || [ ! -e "$root" ] || failed "$root is not a directory"

# Runs a command that must succeed.
must() { error=$("$@" 2>&1) || failed "${error:-$1 failed}"; }

# Makes the folders in which files are on their way. What is new is for its owner alone: releases have cookies in them. Whoever shares a
# store with a group changes the mode once, and all others follow it. What writers left that were killed is removed.
prepare() {
  [ -d "$root/store" ] || { must mkdir -p -- "$root" && must mkdir -m 700 -p -- "$root/store"; }
  case $(ls -ld -- "$root/store" 2>/dev/null) in d????w*) umask 007 ;; esac
  must mkdir -p -- "$root/store/tmp"
  find "$root/store/tmp" -mindepth 1 -maxdepth 1 -mtime +1 -exec rm -rf {} + 2>/dev/null
  tmp=$root/store/tmp/$1
  trap 'rm -rf -- "$tmp"' EXIT
  trap 'exit 1' HUP INT TERM
}

# Digests of files, each before the file's name.
digest() {
  for digester in sha256sum 'shasum -a 256' 'openssl dgst -sha256 -r'; do
    command -v "${digester%% *}" >/dev/null 2>&1 && break
  done
  $digester "$@"
}

# All that was written so far is on the disk.
settle() { sync -f "$root" 2>/dev/null || sync; }
