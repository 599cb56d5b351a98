# Finding the node that serves a release root, and asking it. For POSIX sh (dash, busybox). Sets variables that begin with node_.
#
# A node is recognised by the boot file on its command line, which lies below ROOT/releases/, so that releases without a runtime
# system of their own are found too. Helper VMs (`bin/APP rpc`, `remote`, `eval`) boot start_clean and are passed over.
# /proc/PID/cmdline is readable for every user, /proc/PID/environ only for the owner.

# Prints $1 as an absolute path without symbolic links, where it exists; a relative one is meant from the home directory.
absolute_root() {
  case $1 in /*) set -- "$1" ;; *) set -- "$HOME/$1" ;; esac
  (CDPATH='' cd -P -- "$1" 2>/dev/null && pwd) || printf '%s\n' "$1"
}

# Reads the command line of process $1 into node_* variables.
read_command_line() {
  node_boot='' node_name='' node_name_kind='' node_cookie='' node_bin='' node_proto='' node_dist_port='' before=''
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
$({ tr '\n\000' ' \n' <"/proc/$1/cmdline"; } 2>/dev/null)
EOF
}

# Whether the command line read last is that of a node serving root $1.
serves_root() {
  case $node_boot in
    "$1"/releases/*/start_clean | "$1"/releases/*/no_dot_erlang) return 1 ;;
    "$1"/releases/*/*) return 0 ;;
    *) return 1 ;;
  esac
}

# Prints the ids of processes with $1 somewhere in their words.
processes_with() { processes_whose cmdline "$1"; }

# Prints the ids of processes whose /proc file $1 (cmdline, environ) has $2 in it. One pipeline over all processes; not grep on the files
# themselves, because busybox's grep ends at the first NUL.
processes_whose() {
  head -n 99 /proc/[0-9]*/"$1" 2>/dev/null | tr '\000' '\n' | grep -F -e '==> /proc/' -e "$2" | {
    pid='' last=''
    while IFS= read -r line; do
      case $line in
        '==> /proc/'*/"$1 <==") pid=${line#'==> /proc/'} pid=${pid%%/*} ;;
        *) [ "$pid" = "$last" ] || printf '%s\n' "$pid"; last=$pid ;;
      esac
    done
  }
}

# Looks for the node of root $1; sets node_pid (empty: none), node_version and the rest. With a node name in $2 that one is
# preferred among several; node_others lists the processes that were not chosen.
find_node() {
  node_pid='' node_others='' chosen=''
  for pid in $(processes_with "$1/releases/"); do
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
  # Between its start script and the VM a process changes its command line, and has none for a moment.
  read_command_line "$chosen"
  serves_root "$1" || return 1
  node_pid=$chosen
  node_version=${node_boot#"$1"/releases/} node_version=${node_version%%/*}
  node_started=$(start_time "$node_pid")
}

# When process $1 began, in clock ticks since boot; empty if it is gone. With the pid it names a process for good.
start_time() {
  { read -r stat_line <"/proc/$1/stat"; } 2>/dev/null || return 1
  set -- ${stat_line##*)}
  printf '%s\n' "${20}"
}

# The state letter of process $1 (R, S, T, Z …).
process_state() {
  { read -r stat_line <"/proc/$1/stat"; } 2>/dev/null || return 1
  set -- ${stat_line##*)}
  printf '%s\n' "$1"
}

# Whether process $1, which began at $2, is still there. A zombie is not.
lives() {
  [ -n "$1" ] && [ "$(start_time "$1")" = "$2" ] && [ "$(process_state "$1")" != Z ]
}

# Prints variable $2 of the environment of process $1, if it may be read.
variable_of() {
  { tr '\n\000' ' \n' <"/proc/$1/environ" | sed -n "s/^$2=//p"; } 2>/dev/null
}

# Prints the cookie of the node: from its command line, or the file that Erlang reads.
cookie_of_node() {
  [ -n "$node_cookie" ] && { printf '%s' "$node_cookie"; return; }
  home=$(variable_of "$node_pid" HOME) config=$(variable_of "$node_pid" XDG_CONFIG_HOME)
  home=${home:-$HOME}
  cat "$home/.erlang.cookie" 2>/dev/null || cat "${config:-$home/.config}/erlang/.erlang.cookie" 2>/dev/null
}

# Prints the path of an erl_call that fits; it comes with the runtime system since OTP 23.
find_erl_call() {
  for file in "$node_bin/erl_call" "$1"/erts-*/bin/erl_call "$node_bin"/../../lib/erl_interface-*/bin/erl_call; do
    [ -x "$file" ] || continue
    # Without a time limit of its own a hung node would hang us.
    "$file" 2>&1 | grep -q -e -timeout && printf '%s\n' "$file" && return
  done
  return 1
}

# Prints the port under which the node is registered with epmd.
registered_port() {
  ERL_EPMD_PORT=$(variable_of "$node_pid" ERL_EPMD_PORT)
  [ -n "$ERL_EPMD_PORT" ] && export ERL_EPMD_PORT || unset ERL_EPMD_PORT
  "$node_bin/epmd" -names 2>/dev/null | while read -r _ name _ _ port; do
    [ "$name" = "${node_name%%@*}" ] && printf '%s\n' "$port"
  done
}

# Prints the TCP ports that the node listens on, found by the sockets it holds; nothing if it belongs to another user.
listening_ports() {
  sockets=$(ls -l "/proc/$node_pid/fd" 2>/dev/null | sed -n 's/.*socket:\[\([0-9]*\)\]$/\1/p')
  [ -n "$sockets" ] || return 1
  cat "/proc/$node_pid/net/tcp" "/proc/$node_pid/net/tcp6" 2>/dev/null | while read -r _ local _ state _ _ _ _ _ inode _; do
    [ "$state" = 0A ] || continue
    case " $(echo $sockets) " in *" $inode "*) printf '%d\n' "0x${local##*:}" ;; esac
  done
}

# Makes a private directory, in memory where possible: the disk may be full, and what goes in is secret.
private_dir() { mktemp -d /dev/shm/edeliver.XXXXXX 2>/dev/null || mktemp -d; }

# erl_call with the node's cookie, which stands in a private home directory and in no command line.
# $1 erl_call, $2 seconds, then its words; Erlang source on stdin with -e. Status: that of erl_call, 3 if it could not be called.
call_node() (
  program=$1 seconds=$2
  shift 2
  cookie=$(cookie_of_node)
  home=$(private_dir) || exit 3
  trap 'rm -rf "$home"' EXIT
  trap 'exit 1' HUP INT TERM
  (umask 077 && printf '%s' "$cookie" >"$home/.erlang.cookie" && chmod 400 "$home/.erlang.cookie") 2>/dev/null || exit 3
  unset XDG_CONFIG_HOME
  HOME=$home "$program" -R -timeout "$seconds" "$@" 2>/dev/null
)

# What tells one node from another under the same name, how far it is, and this start of it from others in the same process.
NODE_QUESTION='{os:getpid(), node(), init:get_status(), erlang:system_info(creation)}.'

# Asks at the place given by $3… (-address …, -sname …): sets node_says. Status: 0 our node answered, 142 no answer in time,
# 3 there is no room for the question, 1 else.
ask_at() {
  # All in a subshell: the scripts that this file is part of have variables of such names too.
  node_says=$(
    program=$1 seconds=$2
    shift 2
    printf '%s\n' "$NODE_QUESTION" | call_node "$program" "$seconds" -e "$@"
  )
  node_status=$?
  [ "$node_status" -eq 0 ] || return "$node_status"
  case $node_says in *\""$node_pid"\"*) return 0 ;; *) return 1 ;; esac
}

# Decides what state the node of root $1 is in, after find_node: sets node_is, and node_says with its answer if it gave one, and
# node_at with the words that reach it.
ask_node() {
  node_says='' node_at='' node_again=''
  case $(process_state "$node_pid") in T | t) node_is=hung; return ;; esac
  [ -n "$node_name" ] || { node_is=no-distribution; return; }
  case $node_proto in *tls*) node_is=unasked; return ;; esac
  erl_call=$(find_erl_call "$1") || { node_is=unasked; return; }
  port=$(registered_port)
  if [ -n "$port" ]; then
    ask_registered "$port"
  else
    ask_unregistered
  fi
}

ask_registered() {
  node_is=answered
  ask_at "$erl_call" "${NODE_PATIENCE:-3}" -address "localhost:$1" && { node_at="-address localhost:$1"; return; }
  [ "$node_status" -eq 142 ] && { node_is=hung; return; }
  # It may listen on one address only, which the name leads to.
  ask_at "$erl_call" "${NODE_PATIENCE:-3}" "$node_name_kind" "$node_name" && { node_at="$node_name_kind $node_name"; return; }
  case $node_status in
    142) node_is=hung ;;
    3) node_is=unasked ;;
    # Another node answered: ours could not take the name.
    0) node_is=starting ;;
    # erl_call says no more than that it could not connect, which a node too busy to take its call in time looks like too.
    *)
      [ -z "$node_again" ] || { node_is=wrong-cookie; return; }
      node_again=yes
      sleep 1
      ask_registered "$1" ;;
  esac
}

# Not with epmd: it has not come so far, or epmd was restarted, or it does without.
ask_unregistered() {
  for port in $(listening_ports | sort -u | head -n 8); do
    ask_at "$erl_call" 1 -address "localhost:$port" && { node_is=answered node_at="-address localhost:$port"; return; }
  done
  node_is=starting
}

# The versions that the running release_handler knows; a node that was upgraded in place runs another one than it booted.
ask_releases() {
  printf '%s\n' '[{Vsn, Status} || {_, Vsn, _, Status} <- release_handler:which_releases(), is_list(Vsn)].' |
    call_node "$erl_call" 2 -e $node_at
}

# The code that is loaded: MODULE MD5; for each module that came from a file. One line, as a string of Erlang.
ask_code() {
  printf '%s\n' '[C || {M, F} <- code:all_loaded(), F =/= preloaded, <<I:128>> <- [M:module_info(md5)],
    C <- lists:flatten([atom_to_list(M), io_lib:format(" ~32.16.0b;", [I])])].' | call_node "$erl_call" 5 -e $node_at
}

# Prints what is known of the node of root $1, one fact a line. $2: preferred name.
tell_node() {
  find_node "$@" || { echo 'node-is down'; return; }
  ask_node "$1"
  printf 'node-pid %s\nnode-began %s\nnode-boot %s\n' "$node_pid" "$node_started" "$node_version"
  [ -n "$node_name" ] && printf 'node-name %s\n' "$node_name"
  for pid in $node_others; do printf 'node-also %s\n' "$pid"; done
  case $node_says in
    *'{started,'*)
      printf 'node-runs %s\n' "$(ask_releases)"
      [ -z "${NODE_CODE:-}" ] || printf 'node-code %s\n' "$(ask_code)"
      ;;
  esac
  [ "$node_is" = answered ] && printf 'node-says %s\n' "$node_says"
  printf 'node-is %s\n' "$node_is"
}
