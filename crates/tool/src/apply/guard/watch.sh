# The host's own watch over a restart. It waits until the restart is confirmed (its mark is gone then, see confirm.sh), or until edeliver was
# not heard of for so long: then it goes the plan's way back alone. In a session of its own, begun by arm.sh. Comes after process.sh,
# permanent.sh, files.sh, vm.sh, ask.sh, watch.sh of nodes, and the functions go_lease VERB, go_stop_node, go_stop_unit (where there is one),
# go_activate, go_start, go_remember.
# $1 root, $2 release name, $3 preferred node name or empty, $4 the run's token, $5 seconds, $6 the release that is started, $7 the one that
# serves again, $8 the run, $9 whether systemd is to run the node: a word, or empty.
#
# .edeliver/guard       TOKEN PROCESS NEW OLD SECONDS; who takes the lease of the host removes it (lease.sh)
# .edeliver/went-back   TIME NEW OLD SECONDS RUN HOW: what it did, for whoever looks next
#
# edeliver is heard of by what a lease leaves: renewals, and scripts of the run that live. What the watch does it does with a lease of its
# own, so no run is in its way, nor it in any run's.
root=$(absolute_root "$1") app=$2 prefer=$3 token=$4 seconds=$5 new=$6 old=$7 run=$8 unit=$9
own=.edeliver guard=$own/guard
cd -P -- "$root" || exit 1
boot=''
{ read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
if see_processes; then me=$$-$(start_time $$)-${boot%%-*}; else me=$$-0-0; fi

mine() { has='' name=''; { read -r has name _ <"$guard"; } 2>/dev/null; [ "$has $name" = "$token $me" ]; }
unmark() { ! mine || rm -f -- "$guard"; }

# Whether another run has the host by now; nobody may have it.
is_taken() {
  has=''
  { read -r has _ <"$own/lease"; } 2>/dev/null
  case $has in "$token" | - | '') return 1 ;; esac
}

# Whether something of the run has stirred since the last look.
stirs() {
  beats='' count=''
  { read -r beats _ _ count _ <"$own/lease-beat"; } 2>/dev/null
  if [ "$beats" = "$token" ] && [ "$count" != "$last" ]; then last=$count; return 0; fi
  for file in "$own/lease-step.$token".*; do
    [ -e "$file" ] || continue
    process=${file##*.} began=${file##*.}
    began=${began#*-}
    ! lives "${process%%-*}" "${began%%-*}" || return 0
  done
  return 1
}

# Waits until there is something to do. Ends the watch where there is nothing any more. A pause is never shorter than it should be.
wait_for_silence() {
  silent=0 last=''
  while [ "$silent" -lt "$seconds" ]; do
    sleep 2
    mine || exit 0
    ! is_taken || { unmark; exit 0; }
    if stirs; then silent=0; else silent=$((silent + 2)); fi
  done
}

# Writes down how far it is ($1).
note() {
  now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  { printf '%s\n' "$now $new $old $seconds $run $1" >"$own/went-back.new"; } 2>/dev/null && mv -f -- "$own/went-back.new" "$own/went-back"
}

# As edeliver itself stops it: a node that is not systemd's is ended by its own means.
stop_it() {
  if [ -n "$unit" ]; then
    go_stop_unit
    case $? in 0) return 0 ;; 51 | 53) ;; *) return 1 ;; esac
  fi
  go_stop_node
}

go_back() {
  if [ "$new" = "$old" ]; then
    ! find_node "$root" "$prefer" || return 0
    note begun
    if go_start; then note "done"; else note not-started; fi
    return
  fi
  note begun
  if ! stop_it; then note not-stopped; return; fi
  if ! go_activate; then note not-activated; return; fi
  # Whatever makes a release the one that boots forgets what was before.
  note begun
  if go_start; then note "done"; else note not-started; fi
  go_remember
}

{ printf '%s\n' "$token $me $new $old $seconds" >"$guard.new"; } 2>/dev/null && mv -f -- "$guard.new" "$guard" || { rm -f -- "$guard.new"; exit 1; }
while :; do
  wait_for_silence
  said=$(go_lease take)
  # Not over yet, or somebody else's: another look says which.
  [ "${said##*
}" != taken ] || break
done
# It was confirmed at the last moment.
mine || { go_lease drop; exit 0; }
(while sleep 4; do go_lease renew; done) &
renewing=$!
go_back
kill "$renewing"
unmark
go_lease drop
