# Keeps an ssh master as long as standard input is open, so that it does not outlive edeliver, however that ends.
# $1: the private directory of the connection. The rest: ssh and its arguments. It must run in a process group of its own. Standard output is
# what ssh reads and writes: see line.rs.
dir=$1
shift
exec 3<&0
"$@" <&1 3<&- &
ssh=$!
exec >/dev/null
# The whole group: ssh, and what it runs to get through to the host.
( read -r _ <&3; trap '' TERM; kill -TERM 0 ) >/dev/null 2>&1 &
guard=$!
exec 3<&-
trap : TERM
# The first wait ends early when TERM comes.
wait "$ssh"
wait "$ssh"
kill "$guard" 2>/dev/null
[ ! -e "$dir" ] || rm -rf -- "$dir"
