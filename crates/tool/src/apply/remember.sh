# Notes that a release was taken back, for later deploys. Comes after permanent.sh and root.sh.
# $4 version, $5 its manifest's id, $6 the run.

version=$4 id=$5 run=$6
clean_up() { rm -f -- "$own/staging/taken-back"; }

enter "$1" "$2" "$3"
must mkdir -p -- "$own/taken-back" "$own/staging"
{ printf '%s %s\n' "$id" "$run" >"$own/staging/taken-back"; } 2>/dev/null || failed "can't write $root/$own/staging/taken-back"
must settle
must mv -f -- "$own/staging/taken-back" "$own/taken-back/$version"
