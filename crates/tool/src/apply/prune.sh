# Removes releases that nothing needs, and the directories that only they used. Comes after permanent.sh and root.sh.
# $4 bytes of the new releases/RELEASES, which is on standard input, $5 how many versions follow, then these, then the directories.
#
# A release is renamed away before anything of it is deleted. Until the very last its list of directories stays, by which the next deploy
# finds what an interrupted removal has left.

bytes=$4 count=$5
trash=$own/staging/removed
clean_up() { rm -rf -- "$trash" "$own/staging/RELEASES" "$own/staging/dirs"; }

# Calls $1 with every version, or every directory.
for_versions() {
  each=$1
  shift 6
  left=$count
  for version; do
    [ "$left" -gt 0 ] || break
    left=$((left - 1))
    "$each" "$version"
  done
}
for_dirs() {
  each=$1
  shift 6
  shift "$count"
  for dir; do "$each" "$dir"; done
}

# Whether a node was booted from release $1: the boot file is on its command line. No grep: it would find itself.
runs() {
  case $words in
    *"
-boot
$here/releases/$1/"*) return 0 ;;
    *) return 1 ;;
  esac
}

must_be_free() {
  case $1 in */* | .* | '') stop_with 40 "$1 is no version" ;; esac
  [ "$boots" != "$1" ] || stop_with 40 "$1 boots now"
  [ ! -f "$own/previous" ] || [ "$(cat "$own/previous")" != "$1" ] || stop_with 40 "$1 is what a rollback goes back to"
  ! runs "$1" || stop_with 40 "$1 runs now"
}
must_be_unused() {
  is_of_release - "$1" || stop_with 40 "$1 is no directory of a release"
  used "$1" $versions && stop_with 40 "another release uses $1"
  return 0
}

# From here on the release is not complete, and is known by its list of directories.
give_up() {
  [ -f "$own/manifests/$1.dirs" ] || must cp -- "$own/staging/dirs" "$own/manifests/$1.dirs"
  must rm -f -- "$own/manifests/$1.json"
}

away() {
  exists "$1" || return 0
  number=$((number + 1))
  must mv -- "$1" "$trash/$number"
}
away_release() {
  # relx has a start script for every version.
  for script in "$own/top/$1/bin/"*"-$1"; do
    [ ! -f "$script" ] || away "bin/${script##*/}"
  done
  away "$own/top/$1"
  away "$own/found/$1"
  away "releases/$1"
}
forget() { must rm -f -- "$own/failed/$1" "$own/manifests/$1.dirs"; }

enter "$1" "$2" "$3"
must_boot "$expected"
words=$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\000' '\n')
versions=' '
remember() { versions="$versions$1 "; }
for_versions remember "$@"
for_versions must_be_free "$@"
for_dirs must_be_unused "$@"
must mkdir "$trash"
number=0
say() { printf '%s\n' "$1"; }
{ cat >"$own/staging/RELEASES"; } 2>/dev/null && [ "$(wc -c <"$own/staging/RELEASES")" -eq "$bytes" ] ||
  failed "releases/RELEASES did not arrive whole"
for_dirs say "$@" >"$own/staging/dirs" || failed "can't write $root/$own/staging/dirs"
must settle
must mv -f -- "$own/staging/RELEASES" releases/RELEASES
for_versions give_up "$@"
for_versions away_release "$@"
for_dirs away "$@"
must settle
for_versions forget "$@"
