# Writes a unit and its environment, and has systemd start it at boot. Can be repeated.
# $1 `system` or `user`, $2 the unit's file name, $3 its file, $4 its environment's file, $5 the account that lingers or empty,
# $6 `sudo` or empty, $7 the unit, $8 the environment.
#
# Status: 0 done; 70 lingering could not be switched on, which is the last line's cause; others: see the last line on standard error.
scope=$1 unit=$2 path=$3 environment=$4 linger=$5 sudo=$6
umask 077

privileged() { if [ -n "$sudo" ]; then sudo -n "$@"; else "$@"; fi; }
must() {
  error=$("$@" 2>&1 </dev/null) || { printf '%s\n' "${error:-$1 failed}" >&2; exit 1; }
}

# Puts $1 in the place of file $2 with mode $3, in one go.
put() {
  dir=${2%/*}
  [ -d "$dir" ] || must privileged mkdir -p -m "$4" -- "$dir"
  must privileged install -m "$3" -- "$1" "$2.edeliver-new"
  must privileged mv -f -- "$2.edeliver-new" "$2"
}

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
printf '%s' "$7" >"$scratch/unit" && printf '%s' "$8" >"$scratch/environment" || exit 1
if [ "$scope" = user ]; then private=700; else private=755; fi
put "$scratch/environment" "$environment" 600 "$private"
put "$scratch/unit" "$path" 644 755
if [ -n "$linger" ] && [ ! -e "/var/lib/systemd/linger/$linger" ]; then
  error=$(loginctl enable-linger "$linger" 2>&1 </dev/null) || { printf '%s\n' "$error" >&2; exit 70; }
fi
# A user's systemd that was just allowed to linger takes a moment to come up.
tries=0
until reach_manager || [ "$tries" -ge 50 ]; do
  tries=$((tries + 1))
  sleep 0.2 2>/dev/null || sleep 1
done
if [ "$scope" = user ]; then
  must systemctl --user daemon-reload
  must systemctl --user -q enable "$unit"
else
  must privileged systemctl daemon-reload
  must privileged systemctl -q enable "$unit"
fi
