# Has a module of a release change a relup, in a VM of its own with the release's code. Comes after process.sh and environment.sh.
# $1 shell start-up file, $2 the release's runtime system (`erts-13.1.5`, `-` where it brings none), $3 its name, $4 its version, $5 what the VM
# evaluates, $6… modules of which one is taken. On standard input a .tar.gz of what the VM needs of the release, with the file `relup`.
#
# Prints the changed relup. Status: 1 it was not changed, the lines say why; 24 the start-up file failed.
profile=$1 erts=$2 app=$3 version=$4 code=$5 prefer=''
shift 5
scratch=$(mktemp -d) || exit 1
trap 'rm -rf -- "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
root=$scratch/release
mkdir "$root" && tar -xzf - -C "$root" || { echo "the release did not arrive whole"; exit 1; } >&2
(
  node_environment || exit 24
  if [ -x "$root/$erts/bin/erlexec" ]; then
    BINDIR=$root/$erts/bin ROOTDIR=$root
  else
    BINDIR=$(erl -noinput -eval 'io:format("~s/erts-~s/bin", [code:root_dir(), erlang:system_info(version)]), halt().') || exit 1
    ROOTDIR=${BINDIR%/erts-*/bin}
  fi
  EMU=beam PROGNAME=erl
  export BINDIR ROOTDIR EMU PROGNAME
  boot=$ROOTDIR/bin/start_clean
  for file in "$root/releases/$version/start_clean" "$root/bin/start_clean"; do [ ! -e "$file.boot" ] || boot=$file; done
  exec "$BINDIR/erlexec" -noinput -boot "$boot" -boot_var RELEASE_LIB "$root/lib" -eval "$code" -extra "$root" "$app" "$@" </dev/null >&2
)
status=$?
[ -e "$scratch/profile-done" ] || { echo "the shell start-up file $profile ended the shell"; exit 24; } >&2
[ "$status" -eq 0 ] || exit 1
cat "$root/relup.new"
