# The node of a release root where processes can't be seen (no /proc, no ps that tells): by epmd and the release's own files.
# For POSIX sh. Comes after process.sh and permanent.sh.

# Prints the word after $2 in the argument file $1 (vm.args), the last one counts; quotes around it are dropped.
argument_in() {
  sed -n "s/^[[:space:]]*$2[[:space:]][[:space:]]*[\"']\{0,1\}\([^\"'[:space:]]*\)[\"']\{0,1\}[[:space:]]*\$/\1/p" "$1" 2>/dev/null | tail -n 1
}

# Prints the value that the start-up script $1 (env.sh) gives to variable $2, where it is written out.
exported_in() {
  sed -n "s/^[[:space:]]*\(export[[:space:]][[:space:]]*\)\{0,1\}$2=[\"']\{0,1\}\([^\"'\$\`[:space:]]*\)[\"']\{0,1\}[[:space:]]*\$/\2/p" "$1" 2>/dev/null | tail -n 1
}

# What node would root $1, release name $2 start? Sets the node_* variables of find_node, as far as files tell, and node_port.
# $3: name from the configuration or empty. Status 1: epmd knows no such node.
node_by_files() {
  node_pid='' node_started=0 node_others='' node_proto='' node_cookie='' node_name_kind='' node_dist_port='' node_epmd=''
  node_version=$(permanent_version "$1" "$2")
  [ -n "$node_version" ] || return 1
  files=$1/releases/$node_version
  node_bin=$(for dir in "$1"/erts-*/bin; do printf '%s\n' "$dir"; done | tail -n 1)
  node_name=$(argument_in "$files/vm.args" -sname)
  [ -n "$node_name" ] && node_name_kind=-sname
  [ -n "$node_name" ] || { node_name=$(argument_in "$files/vm.args" -name) && [ -n "$node_name" ] && node_name_kind=-name; }
  named=$(exported_in "$files/env.sh" RELEASE_NODE)
  node_name=${3:-${named:-${node_name:-$2}}}
  [ "$(exported_in "$files/env.sh" RELEASE_DISTRIBUTION)" != name ] || node_name_kind=-name
  node_proto=$(argument_in "$files/vm.args" -proto_dist)
  node_cookie=$(cat "$1/releases/COOKIE" 2>/dev/null)
  [ -n "$node_cookie" ] || node_cookie=$(argument_in "$files/vm.args" -setcookie)
  node_port=$(registered_port)
  [ -n "$node_port" ]
}
