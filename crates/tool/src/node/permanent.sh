# Which release of a root boots next. For POSIX sh.

# Prints it for root $1, release name $2; nothing if nothing is installed. relx writes the version into bin/NAME, which then decides;
# the others read releases/start_erl.data.
permanent_version() {
  vsn=$(sed -n '/^ *\(export \)\{0,1\}REL_VSN="\{0,1\}\([A-Za-z0-9][A-Za-z0-9._+~-]*\)"\{0,1\} *$/{s//\2/p;q;}' "$1/bin/$2" 2>/dev/null)
  if [ -z "$vsn" ]; then
    { read -r _ vsn _ <"$1/releases/start_erl.data" || :; } 2>/dev/null
  fi
  printf '%s\n' "$vsn"
}
