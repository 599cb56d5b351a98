# Which release of a root boots next, and what the host did about it by itself. For POSIX sh.

# Sets `permanent` to it for root $1, release name $2; empty if nothing is installed. relx writes the version into bin/NAME, which then
# decides; the others read releases/start_erl.data.
find_permanent() {
  permanent=$(sed -n '/^ *\(export \)\{0,1\}REL_VSN="\{0,1\}\([A-Za-z0-9][A-Za-z0-9._+~-]*\)"\{0,1\} *$/{s//\2/p;q;}' "$1/bin/$2" 2>/dev/null)
  [ -n "$permanent" ] || { read -r _ permanent _ <"$1/releases/start_erl.data" || :; } 2>/dev/null
}

# Prints it.
permanent_version() { find_permanent "$@" && printf '%s\n' "$permanent"; }

# Prints what the host of root $1 does by itself (see apply/guard/watch.sh): `unconfirmed NEW OLD SECONDS` while it waits, `went-back …`.
tell_alone() {
  line='' watch=''
  { read -r _ watch line <"$1/.edeliver/guard"; } 2>/dev/null
  watch=${watch%%-*}
  [ -z "$watch" ] || { [ ! -d "/proc/$watch" ] && ! kill -0 "$watch" 2>/dev/null; } || printf 'unconfirmed %s\n' "$line"
  line=''
  { read -r line <"$1/.edeliver/went-back"; } 2>/dev/null
  [ -z "$line" ] || printf 'went-back %s\n' "$line"
}
