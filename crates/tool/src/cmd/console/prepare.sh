# Makes what a remote shell needs in a private folder, and prints the folder's path. Comes after process.sh,
# permanent.sh and files.sh.
# $1 root, $2 release name, $3 preferred node name or empty, $4 full name of the node, $5 the script that begins the shell.
#
# The cookie goes from the node's process into a file that only this login can read, and leaves the host in no way.
root=$(absolute_root "$1") app=$2
find_node "$root" "$3" || { echo 'no node is running' >&2; exit 1; }
here=$(private_dir) || exit 1
trap 'rm -rf "$here"' HUP INT TERM
umask 077
keep() { printf '%s\n' "$2" >"$here/$1" || { rm -rf "$here"; exit 1; }; }
printf '%s' "$(cookie_of_node)" >"$here/.erlang.cookie" && chmod 400 "$here/.erlang.cookie" || { rm -rf "$here"; exit 1; }
keep root "$root"
keep node "$4"
keep kind "$node_name_kind"
keep bin "$node_bin"
keep version "$node_version"
keep epmd "$(variable_of "$node_pid" ERL_EPMD_PORT)"
keep shell "$5"
printf '%s\n' "$here"
