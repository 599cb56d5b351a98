# Finding the node that serves a release root. For POSIX sh (dash, busybox). Sets variables that begin with node_. Comes before permanent.sh
# and files.sh, and ask.sh and vm.sh where the node is asked something.
#
# A node is recognised by the boot file on its command line, which lies below ROOT/releases/, so that releases without a runtime
# system of their own are found too. Helper VMs (`bin/APP rpc`, `remote`, `eval`) boot start_clean and are passed over.
# /proc/PID/cmdline is readable for every user, /proc/PID/environ only for the owner.
#
# Every process that a script starts costs a host about a millisecond, and a question to a node is short: what is on the way of each of
# them sets variables where it could print, and reads with what the shell has.

# Prints $1 as an absolute path without symbolic links, where it exists; a relative one is meant from the home directory. For substitutions
# only, because it goes there.
absolute_root() {
  case $1 in /*) set -- "$1" ;; *) set -- "$HOME/$1" ;; esac
  { CDPATH='' cd -P -- "$1" 2>/dev/null && pwd; } || printf '%s\n' "$1"
}

# Reads the command line of process $1 into node_* variables.
read_command_line() {
  node_boot='' node_name='' node_name_kind='' node_cookie='' node_bin='' node_proto='' node_dist_port='' before=''
  node_words=$(words_of "$1" cmdline)
  while IFS= read -r word; do
    case $before in
      -boot) node_boot=$word ;;
      -sname | -name) node_name_kind=$before node_name=$word ;;
      -setcookie) node_cookie=$word ;;
      -bindir) node_bin=$word ;;
      -proto_dist) node_proto=$word ;;
      -erl_epmd_port) node_dist_port=$word ;;
    esac
    [ "$word" = -extra ] && break
    before=$word
  done <<EOF
$node_words
EOF
}

# Prints the words in file $2 (cmdline, environ) of process $1, each on a line of its own.
words_of() { 2>/dev/null tr '\n\000' ' \n' <"/proc/$1/$2"; }

# Whether the command line read last is that of a node serving root $1.
serves_root() {
  case $node_boot in
    "$1"/releases/*/start_clean | "$1"/releases/*/no_dot_erlang) return 1 ;;
    "$1"/releases/*/*) return 0 ;;
    *) return 1 ;;
  esac
}

# Sets `booted` to the ids of processes that were booted from something below $1/releases/, and perhaps of others that have to do with
# it. One process does where grep sees past a NUL, which it shows by this very script, whose shell has `eval "$s"` among its words.
booted_from() {
  booted='' sees=''
  while IFS= read -r line; do
    case $line in
      *'/cmdline:eval "$s"') sees=yes ;;
      *"/cmdline:$1/releases/") pid=${line#/proc/} pid=${pid%%/*}; case $booted in *" $pid") ;; *) booted="$booted $pid" ;; esac ;;
    esac
  done <<EOF
$(printf '%s\n' "$1/releases/" 'eval "$s"' | grep -aosF -f - /proc/[0-9]*/cmdline 2>/dev/null)
EOF
  [ -n "$sees" ] || booted=$(booted_by_pipeline "$1")
}

# Prints them. As below, text that looks like a header misleads it.
booted_by_pipeline() {
  head -n 99 /proc/[0-9]*/cmdline 2>/dev/null | tr '\000' '\n' | BELOW=$1/releases/ awk '
    /^==> \/proc\/[0-9]+\/cmdline <==$/ { split($0, part, "/"); pid = part[3]; before = ""; next }
    before == "-boot" && index($0, ENVIRON["BELOW"]) == 1 && pid != told { print pid; told = pid }
    { before = $0 }'
}

# Prints the ids of processes with $1 somewhere in their words.
processes_with() { processes_whose cmdline "$1"; }

# Prints the ids of processes whose /proc file $1 (cmdline, environ) has $2 in it. One pipeline over all processes; not grep on the files
# themselves, because busybox's grep ends at the first NUL. The pipeline may find itself, and text that looks like a header misleads it: who
# does more than look has to look again at each.
processes_whose() {
  head -n 99 /proc/[0-9]*/"$1" 2>/dev/null | tr '\000' '\n' | grep -F -e '==> /proc/' -e "$2" | {
    pid='' last=''
    while IFS= read -r line; do
      case $line in
        '==> /proc/'*/"$1 <==") pid=${line#'==> /proc/'} pid=${pid%%/*} ;;
        *"$2"*) [ "$pid" = "$last" ] || printf '%s\n' "$pid"; last=$pid ;;
      esac
    done
  }
}

# Whether processes can be looked at.
see_processes() { [ -r /proc/$$/cmdline ]; }

# Looks for the node of root $1; $2: preferred name. Where processes can't be seen, by epmd and the files of release $app. Status 1: none.
find_node() {
  if see_processes; then find_process "$@"; else node_by_files "$1" "$app" "${2:-}"; fi
}

# Looks for the node of root $1; sets node_pid (empty: none), node_version and the rest. With a node name in $2 that one is
# preferred among several; node_others lists the processes that were not chosen.
find_process() {
  node_pid='' node_others='' chosen='' pid=''
  booted_from "$1"
  for pid in $booted; do
    read_command_line "$pid"
    serves_root "$1" || continue
    if [ -z "$chosen" ]; then
      chosen=$pid
    elif [ -n "${2:-}" ] && [ "${node_name%%@*}" = "${2%%@*}" ]; then
      node_others="$node_others $chosen" chosen=$pid
    else
      node_others="$node_others $pid"
    fi
  done
  [ -n "$chosen" ] || return 1
  if [ "$pid" != "$chosen" ]; then
    # Between its start script and the VM a process changes its command line, and has none for a moment.
    read_command_line "$chosen"
    serves_root "$1" || return 1
  fi
  read_stat "$chosen" || return 1
  node_pid=$chosen node_started=$stat_began
  node_version=${node_boot#"$1"/releases/} node_version=${node_version%%/*}
  read_variable "$node_pid" ERL_EPMD_PORT
  node_epmd=$variable
}

# Reads how process $1 is: its letter (R, S, T, Z …) into `stat_letter`, and into `stat_began` when it began, in clock ticks since boot,
# which with its id names a process for good. Status 1: it is gone.
read_stat() {
  stat_letter='' stat_began=''
  { read -r stat_line <"/proc/$1/stat"; } 2>/dev/null || return 1
  set -- ${stat_line##*)}
  stat_letter=$1 stat_began=${20}
}

# Prints when process $1 began; nothing if it is gone, 0 where nobody can tell.
start_time() {
  see_processes || { echo 0; return; }
  read_stat "$1" && printf '%s\n' "$stat_began"
}

# Prints the letter of process $1.
process_state() { read_stat "$1" && printf '%s\n' "$stat_letter"; }

# Whether process $1, which began at $2, is still there. A zombie is not.
lives() {
  [ -z "$1" ] || see_processes || { kill -0 "$1" 2>/dev/null || ps -p "$1" >/dev/null 2>&1; return; }
  [ -n "$1" ] && read_stat "$1" && [ "$stat_began" = "$2" ] && [ "$stat_letter" != Z ]
}

# Sets `variable` to variable $2 of the environment of process $1, empty if it is not there or may not be read.
read_variable() {
  variable="
$(words_of "$1" environ)
"
  case $variable in
    *"
$2="*) ;;
    *) variable=''; return ;;
  esac
  variable=${variable#*"
$2="}
  variable=${variable%%"
"*}
}

# Prints it.
variable_of() { read_variable "$@" && printf '%s\n' "$variable"; }

# Prints the cookie of the node: from its command line, or the file that Erlang reads.
cookie_of_node() {
  [ -n "$node_cookie" ] && { printf '%s' "$node_cookie"; return; }
  home=$(variable_of "$node_pid" HOME) config=$(variable_of "$node_pid" XDG_CONFIG_HOME)
  home=${home:-$HOME}
  cat "$home/.erlang.cookie" 2>/dev/null || cat "${config:-$home/.config}/erlang/.erlang.cookie" 2>/dev/null
}

# Makes programs that come after it ask the epmd that the node is registered with.
use_its_epmd() { [ -n "$node_epmd" ] && export ERL_EPMD_PORT="$node_epmd" || unset ERL_EPMD_PORT; }

# Prints the port under which the node is registered with epmd.
registered_port() {
  use_its_epmd
  names=$("$node_bin/epmd" -names 2>/dev/null)
  while read -r _ name _ _ port; do
    [ "$name" = "${node_name%%@*}" ] && printf '%s\n' "$port"
  done <<EOF
$names
EOF
}

# Whether this login can see what the node has open: not if the node belongs to another one.
sees_files() { ls "/proc/$node_pid/fd" >/dev/null 2>&1; }

# Prints the TCP ports that the node listens on, found by the sockets it holds. Status 1: they can't be seen.
listening_ports() {
  sees_files || return 1
  sockets=$(ls -l "/proc/$node_pid/fd" 2>/dev/null | sed -n 's/.*socket:\[\([0-9]*\)\]$/\1/p')
  [ -n "$sockets" ] || return 0
  cat "/proc/$node_pid/net/tcp" "/proc/$node_pid/net/tcp6" 2>/dev/null | while read -r _ local _ state _ _ _ _ _ inode _; do
    [ "$state" = 0A ] || continue
    case " $(echo $sockets) " in *" $inode "*) printf '%d\n' "0x${local##*:}" ;; esac
  done
}

# Makes a private directory, in memory where possible: the disk may be full, and what goes in is secret.
private_dir() { mktemp -d /dev/shm/edeliver.XXXXXX 2>/dev/null || mktemp -d; }
