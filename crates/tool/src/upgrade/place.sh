# Puts relup and agent beside the releases, and writes releases/RELEASES. Comes after permanent.sh and root.sh; nothing that runs or
# boots is touched.
# $4 the release whose relup it is, $5 bytes of the relup, $6 of the agent's module, $7 of releases/RELEASES; these follow each other on
# standard input. $8 and the rest: the releases that get the agent.
#
# Prints where the root lies.

root=$1 app=$2 expected=$3 version=$4 relup=$5 agent=$6 releases=$7
shift 7
work=$own/staging/upgrade
begun=$work

# Writes file $1: $3 bytes of what arrived, behind the first $2.
part() {
  { tail -c "+$(($2 + 1))" "$work/all" | head -c "$3" >"$work/$1"; } 2>/dev/null && [ "$(wc -c <"$work/$1")" -eq "$3" ] ||
    failed "the upgrade did not arrive whole"
}

put() {
  [ ! -d "$2" ] || [ -L "$2" ] || stop_with 1 "$root/$2 is a directory"
  ! cmp -s -- "$work/$1" "$2" || return 0
  must cp -- "$work/$1" "$work/next"
  must mv -f -- "$work/next" "$2"
}

enter "$root" "$app" "$expected"
must_boot "$expected"
for release; do [ -d "releases/$release" ] || stop_with 40 "$root has no release $release"; done
[ -d "releases/$version" ] || stop_with 40 "$root has no release $version"
must mkdir "$work"
{ cat >"$work/all"; } 2>/dev/null || failed "can't write $root/$work"
[ "$(wc -c <"$work/all")" -eq "$((relup + agent + releases))" ] || failed "the upgrade did not arrive whole"
part relup 0 "$relup"
part agent "$relup" "$agent"
part releases "$((relup + agent))" "$releases"
must settle
put relup "releases/$version/relup"
for release; do put agent "releases/$release/edeliver_agent.beam"; done
put releases releases/RELEASES
must settle
printf 'root %s\n' "$here"
