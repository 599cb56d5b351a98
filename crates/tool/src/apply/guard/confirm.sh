# Tells the host that it need not go back by itself. Comes after root.sh. Can be repeated.
# $1 root, $2 the run's token, $3 the run.
#
# Status: 0 it does not; 60 it has, which the last line says.
case $1 in /*) root=$1 ;; *) root=$HOME/$1 ;; esac
cd -P -- "$root" 2>/dev/null || exit 0
has='' name=''
{ read -r has name _ <"$own/guard"; } 2>/dev/null
if [ "$has" = "$2" ]; then
  must rm -f -- "$own/guard"
  # Without its mark it ends at its next look; that need not be waited for.
  ! lives "$name" || kill -TERM "-${name%%-*}" 2>/dev/null || :
  exit 0
fi
by=''
{ read -r at _ old _ by _ <"$own/went-back"; } 2>/dev/null
[ "$by" != "$3" ] || stop_with 60 "the host went back to $old by itself at $at"
