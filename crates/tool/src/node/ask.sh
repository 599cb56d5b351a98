# Asking the node that find_node has found. For POSIX sh. Comes after process.sh and vm.sh.

# Sets erl_call to the path of one that fits; it comes with the runtime system since OTP 23.
find_erl_call() {
  for erl_call in "$node_bin/erl_call" "$1"/erts-*/bin/erl_call "$node_bin"/../../lib/erl_interface-*/bin/erl_call; do
    [ -x "$erl_call" ] || continue
    # Without a time limit of its own a hung node would hang us. That of OTP 23 and later has one; others are asked.
    case $erl_call in */erts-1[1-9].*/bin/erl_call | */erts-[2-9][0-9].*/bin/erl_call) return ;; esac
    case $("$erl_call" 2>&1) in *-timeout*) return ;; esac
  done
  return 1
}

# Makes a home directory with the node's cookie in it and sets `home` to its path. For subshells: it leaves them with another umask.
private_home() {
  home=$(private_dir) || return 1
  umask 077
  { printf '%s' "${node_cookie:-$(cookie_of_node)}" >"$home/.erlang.cookie"; } 2>/dev/null || { rm -rf "$home"; return 1; }
}

# erl_call with the node's cookie, which stands in a private home directory and in no command line.
# $1 erl_call, $2 seconds, then its words; Erlang source on stdin with -e. Status: that of erl_call, 3 if it could not be called.
call_node() (
  program=$1 seconds=$2
  shift 2
  private_home || exit 3
  trap 'rm -rf "$home"' EXIT
  trap 'exit 1' HUP INT TERM
  unset XDG_CONFIG_HOME
  use_its_epmd
  HOME=$home "$program" -R -timeout "$seconds" "$@" 2>/dev/null
)

# What tells one node from another under the same name, how far it is, this start of it from others in the same process, and the versions
# that its release_handler knows: a node that was upgraded in place runs another one than it booted. Those that have all that is loaded are
# named once more, as `loaded`; applications that no release has, or has in another version, were loaded by hand. Without sasl there is no
# such list, but what a restart in place would boot. One call for all, because each costs a dozen processes. A release_handler that is busy
# must not make the node look hung.
# What it has to do, and with whom, is what a later start of it is compared with.
# With NODE_CODE the code that is loaded too, packed because it is most of what travels: the names of the modules that came from a file with
# a NUL between them, two NULs, and the first halves of their MD5s. An expression is interpreted, so the loops are those of functions.
node_question() {
  releases='case whereis(release_handler) of
    undefined -> [{Vsn, current} || {ok, [[Boot | _] | _]} <- [init:get_argument(boot)],
      [_, Vsn, "releases" | _] <- [lists:reverse(filename:split(Boot))]];
    _ -> case rpc:call(node(), release_handler, which_releases, [], 900) of
      Releases when is_list(Releases) ->
        Known = [Lib || {_, _, Libs, _} <- Releases, Lib <- Libs],
        Apps = [Lib || {App, _, Its} <- application:loaded_applications(), Lib <- [lists:concat([App, "-", Its])], lists:member(Lib, Known)],
        [{Vsn, Status} || {_, Vsn, _, Status} <- Releases, is_list(Vsn)] ++
          [{Vsn, loaded} || {_, Vsn, Libs, _} <- Releases, is_list(Vsn), Apps -- Libs =:= []];
      _ -> [] end end'
  code='[]'
  [ -z "${NODE_CODE:-}" ] || code='try
    Loaded = element(1, lists:unzip(code:all_loaded())) -- erlang:pre_loaded(),
    Each = fun(Term) -> lists:duplicate(length(Loaded), Term) end,
    Md5s = lists:zipwith(fun erlang:get_module_info/2, Loaded, Each(md5)),
    Halves = lists:zipwith3(fun binary:part/3, Md5s, Each(0), Each(8)),
    Names = lists:map(fun erlang:atom_to_binary/1, Loaded),
    base64:encode_to_string(zlib:compress([lists:join(0, Names), 0, 0, Halves]))
    catch _:_ -> [] end'
  printf '%s\n' "{os:getpid(), node(), init:get_status(), erlang:system_info(creation), $releases, $code,
    {erlang:memory(total), erlang:statistics(run_queue), nodes()}}."
}

# Evaluates the Erlang source on standard input on the node, after ask_node: prints {ok, Value}. $1 seconds, then words of erl_call:
# -fetch_stdout, and -no_result_term to leave the value out. Status as that of call_node.
evaluate() (
  seconds=$1
  [ "$node_way" = erl_call ] || { by_vm "$@"; exit; }
  shift
  call_node "$erl_call" "$seconds" -e "$@" $node_at
)

# Whether what was said last comes from the process that was found. Where processes can't be seen it is what names one.
is_ours() {
  [ -n "$node_pid" ] || node_pid=$(printf '%s\n' "$node_says" | sed -n 's/^{ok, {"\([0-9]*\)".*/\1/p')
  case $node_says in *\""$node_pid"\"*) [ -n "$node_pid" ] ;; *) return 1 ;; esac
}

# Asks at the place given by $3… (-address …, -sname …): sets node_says. Status: 0 our node answered, 142 no answer in time,
# 3 there is no room for the question, 1 else.
ask_at() {
  ask_program=$1 ask_seconds=$2
  shift 2
  question=$(node_question)
  node_says=$(
    call_node "$ask_program" "$ask_seconds" -e "$@" <<EOF
$question
EOF
  )
  node_status=$?
  [ "$node_status" -eq 0 ] || return "$node_status"
  is_ours
}

# Decides what state the node of root $1 is in, after find_node: sets node_is, and node_says with its answer if it gave one, and
# node_way and node_at with what reaches it.
ask_node() {
  ask_somehow "$1"
  # Files say what boots next, not what was booted.
  if [ "$node_is" = answered ] && ! see_processes; then
    booted=$(echo 'element(2, init:script_id()).' | evaluate 2 | sed -n 's/^{ok, "\(.*\)"}$/\1/p')
    node_version=${booted:-$node_version}
  fi
}

ask_somehow() {
  node_says='' node_at='' node_again='' node_way=erl_call
  read_stat "$node_pid" || :
  case $stat_letter in T | t) node_is=hung; return ;; esac
  [ -n "$node_name" ] || { node_is=no-distribution; return; }
  case $node_proto in *tls*) ask_by_vm; return ;; esac
  find_erl_call "$1" || { ask_by_vm; return; }
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
    ask_at "$erl_call" 2 -address "localhost:$port" && { node_is=answered node_at="-address localhost:$port"; return; }
  done
  not_registered
}

# Nobody answered where epmd knows nothing. Only who can see that nobody listens knows that the node has not come so far.
not_registered() {
  if sees_files; then node_is=starting; else node_is=unregistered; fi
}

# Tells how far the node has come, whenever that changes: its applications start one after the other.
tell_progress() {
  now=$(printf '%s\n' 'begin Info = application:info(), Of = fun(Key) -> proplists:get_value(Key, Info, []) end,
    Names = lists:join(", ", [atom_to_list(element(1, A)) || A <- Of(starting)]),
    lists:flatten([integer_to_list(length(Of(running))), " of ", integer_to_list(length(Of(loaded))), " applications are up",
      [[", starting ", Names] || Names =/= []]]) end.' | evaluate 1 | sed -n 's/^{ok, "\(.*\)"}$/\1/p')
  [ -z "$now" ] || [ "$now" = "${told_progress:-}" ] || printf '%s\n' "$now"
  told_progress=${now:-${told_progress:-}}
}

# Prints what is known of the node of root $1, one fact a line. $2: preferred name.
tell_node() {
  find_node "$@" || { echo 'node-is down'; return; }
  ask_node "$1"
  [ -z "$node_pid" ] || printf 'node-pid %s\nnode-began %s\n' "$node_pid" "$node_started"
  printf 'node-boot %s\n' "$node_version"
  [ -n "$node_name" ] && printf 'node-name %s\n' "$node_name"
  for pid in $node_others; do printf 'node-also %s\n' "$pid"; done
  [ "$node_is" = answered ] && printf 'node-says %s\n' "$node_says"
  printf 'node-is %s\n' "$node_is"
}
