# Begins a remote shell of a node: IEx where the release has it, otherwise Erlang's. It runs on a terminal, from the folder that prepare.sh
# made, which goes with it. Not by `bin/APP remote`, which puts the cookie on command lines.
here=${0%/*}
trap 'rm -rf "$here"' EXIT
trap 'exit 1' HUP TERM
# Ctrl-C is the shell's, which has its own menu for it.
trap : INT QUIT
value() { IFS= read -r value <"$here/$1"; printf '%s' "$value"; }
root=$(value root) node=$(value node) kind=$(value kind) bin=$(value bin) version=$(value version) epmd=$(value epmd)
release=$root/releases/$version system=${bin%/erts-*/bin}
[ -z "$epmd" ] || export ERL_EPMD_PORT="$epmd"
[ -n "${LC_ALL-}${LC_CTYPE-}${LANG-}" ] || export LANG=C.UTF-8
unset XDG_CONFIG_HOME
export HOME="$here" RELEASE_ROOT="$root"

if [ -x "$release/iex" ]; then
  set -- --hidden "-$kind" "rem-$$-$node" --boot "$release/start_clean" --boot-var RELEASE_LIB "$root/lib" --remsh "$node"
  [ ! -e "$release/remote.vm.args" ] || set -- --vm-args "$release/remote.vm.args" "$@"
  "$release/iex" "$@"
else
  boot=$system/bin/start_clean
  for file in "$release/start_clean" "$root/bin/start_clean"; do [ ! -e "$file.boot" ] || boot=$file; done
  export ROOTDIR="$system" BINDIR="$bin" EMU=beam PROGNAME=erl
  "$bin/erlexec" "$kind" "undefined@${node#*@}" -remsh "$node" -hidden -dist_listen false -mode interactive \
    -boot "$boot" -boot_var SYSTEM_LIB_DIR "$system/lib" -boot_var RELEASE_LIB "$root/lib"
fi
