# Keeps others from migrating by this host until standard input ends. Comes after permanent.sh and root.sh.
# $1 root.
#
# Prints `held` once it is so. Status: 0 it was let go of; 40 there is no such root; 41 somebody else migrates.
case $1 in /*) root=$1 ;; *) root=$HOME/$1 ;; esac
cd -P -- "$root" || stop_with 40 "there is no $root"
must mkdir -p "$own"
must chmod 700 "$own"
lock=$own/migrating held=''
name_me
trap leave EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
seconds=0
# A holder who has just finished, or whose link was lost, takes a moment to go.
until take "$lock"; do
  [ "$seconds" -lt 5 ] || stop_with 41 "process ${holder%%-*} is migrating"
  sleep 1
  seconds=$((seconds + 1))
done
held=yes
echo held
cat >/dev/null
