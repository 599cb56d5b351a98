# Takes a slot and holds it until standard input says `done`. If standard input just ends, so did the operator: the claim stays, and
# counts until this script and the build's other scripts have ended. $1: SLOTS of the key. $2: all slots of the app. $3: run.
slots=$1 all=$2 run=$3

# free SLOT: whether the slot can be ours alone. Each of two contenders makes its claim first and looks for the other's then, so at
# least one of them sees it. The one with the later run takes its claim back; the other waits for that. Whoever holds the slot for good
# is still there a second later; a build that is ending needs a few.
free() {
  ( umask 077 && mkdir -p "$1/claims" ) || exit 1
  for patience in 5 4 3 2 1 0; do
    claim hold "$run" "$1/claims" || exit 1
    others=$(rivals "$run" "$1/claims" | sort -u)
    case $others in
      '') return 0 ;;
      *hold*)
        first=$(printf '%s\n' "$others" | sed -n 's/^hold //p' | head -n 1)
        ! expr "x$first" \< "x$run" >/dev/null || rm -f "$mine"
        [ "$patience" = 5 ] || break ;;
      *) ;;
    esac
    [ "$patience" = 0 ] || sleep 1
  done
  rm -f "$mine"
  return 1
}

n=1
until free "$slots/$n"; do
  n=$((n + 1))
  [ "$n" -le 16 ] || { echo "16 builds of this kind are running" >&2; exit 75; }
done
held=$mine slot=$slots/$n
: >"$slot/used"
printf 'slot %s\n' "$slot"

# Slots that nobody has used for a month, and those of toolchains that have gone with them.
find "$all" -name used -mtime +30 2>/dev/null | while IFS= read -r file; do
  old=${file%/used}
  if free "$old"; then rm -rf "$old"; fi
done

read -r word
[ "$word" = done ] || exit 3
: >"$slot/used"
rm -f "$held"
