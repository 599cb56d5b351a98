# Notes that the host is taken out of the traffic, so that nobody forgets it, or that it is back. Comes after permanent.sh and root.sh.
# $4 the run that drains it; empty: it is back.

run=$4

enter "$1" "$2" "$3"
case $run in
  '') must rm -f -- "$own/drained" ;;
  *)
    must mkdir -p -- "$own/staging"
    { printf '%s\n' "$run" >"$own/staging/drained"; } 2>/dev/null || failed "can't write $root/$own/staging/drained"
    must settle
    must mv -f -- "$own/staging/drained" "$own/drained"
    ;;
esac
