# Takes a slot and holds it until standard input says `done`. If standard input just ends, so did the operator: the claim stays, and
# counts until this script and the build's other scripts have ended. $1: SLOTS of the key. $2: all slots of the app. $3: run.
slots=$1 all=$2 run=$3

# free SLOT: whether the slot can be ours alone. Each of two contenders makes its claim first and looks for the other's then, so at
# least one of them sees it; the one with the later run steps back.
free() {
  ( umask 077 && mkdir -p "$1/claims" ) && claim hold "$run" "$1/claims" || exit 1
  for patience in 5 4 3 2 1 0; do
    others=$(rivals "$run" "$1/claims")
    case $others in
      '') return 0 ;;
      *hold.*)
        first=$(printf '%s\n' "$others" | sed -n 's/^hold\.//p' | sort | head -n 1)
        # One that began earlier stays. One that began later is about to step back, unless its clock is wrong.
        expr "x$first" \< "x$run" >/dev/null && break
        [ "$patience" -ge 5 ] || break ;;
      # Scripts of a build whose operator has gone: their wrapper is ending them.
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
