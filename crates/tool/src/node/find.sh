# Who serves a release root, and what it takes to speak with it. Comes after process.sh, permanent.sh and files.sh.
# $1 root, $2 release name, $3 preferred node name or empty.
#
# One fact a line: a word, a blank, the value; `end` is the last line. The cookie is one of them: whoever reads this must show no
# line of it to anybody. It stands in shell variables only, never in the words of a program.
root=$(absolute_root "$1") app=$2 prefer=$3

fact() { printf '%s %s\n' "$1" "$2"; }

# The login that process $1 belongs to: number and, where it has one, name.
tell_owner() {
  uid=$(sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$1/status" 2>/dev/null)
  [ -n "$uid" ] || uid=$(ps -o uid= -p "$1" 2>/dev/null | tr -d ' ')
  [ -n "$uid" ] || return 0
  fact uid "$uid"
  name=$(id -un "$uid" 2>/dev/null) && fact user "$name"
}

tell_ports() {
  for port in $(registered_port); do fact registered "$port"; done
  listening=$(listening_ports) && { fact sockets seen; for port in $(printf '%s\n' "$listening" | sort -u | head -n 16); do fact listens "$port"; done; }
  for name in ERL_DIST_PORT ERL_EPMD_PORT; do
    value=$(variable_of "$node_pid" "$name")
    [ -z "$value" ] || fact "$name" "$value"
  done
  [ -z "$node_dist_port" ] || fact ERL_DIST_PORT "$node_dist_port"
}

# Whether release $1 of the root brings Elixir along.
has_elixir() {
  [ -e "$root/releases/$1/elixir" ] && return 0
  grep -q '{elixir,' "$root/releases/$1"/*.rel 2>/dev/null
}

tell_process() {
  fact pid "$node_pid"
  fact started "$node_started"
  tell_owner "$node_pid"
  case $(process_state "$node_pid") in T | t) fact process stopped ;; esac
  for pid in $node_others; do fact also "$pid"; done
  [ -n "$node_name" ] || return 0
  tell_ports
}

# The release's files are asked only where processes can't be looked at; what they say counts if epmd knows such a node.
tell_files() {
  node_by_files "$root" "$app" "$prefer" || return 1
  fact registered "$node_port"
}

tell() {
  if see_processes; then
    find_node "$root" "$prefer" || return 0
    fact node process
    tell_process
  else
    tell_files || return 0
    fact node files
  fi
  fact booted "$node_version"
  [ -z "$node_proto" ] || fact proto "$node_proto"
  has_elixir "$node_version" && fact elixir yes
  [ -n "$node_name" ] || return 0
  case $node_name_kind in -name) fact names long ;; *) fact names short ;; esac
  fact name "$node_name"
  cookie=$(cookie_of_node)
  [ -z "$cookie" ] || fact cookie "$cookie"
}

echo 'edeliver-find 1'
find_permanent "$root" "$app"
fact permanent "$permanent"
tell_alone "$root"
tell
echo end
