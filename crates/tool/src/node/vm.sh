# Asking a node in a VM of its release's own runtime system, which can what erl_call can't: speak TLS as the node itself does. It takes half a
# second, so it is used where nothing else will do. For POSIX sh. Comes after process.sh.

# In the VM. It is told the node's name, seconds, whether to print the value, and the file with the source.
VM_CALL='
  [Name, Seconds, Print, File] = init:get_plain_arguments(),
  Limit = list_to_integer(Seconds) * 1000,
  spawn(fun() -> receive after Limit + 500 -> halt(142) end end),
  io:setopts([{encoding, unicode}]),
  {ok, Source} = file:read_file(File),
  Own = lists:dropwhile(fun(C) -> C =/= $@ end, atom_to_list(node())),
  Node = list_to_atom(case lists:member($@, Name) of true -> Name; false -> Name ++ Own end),
  net_kernel:connect_node(Node) =:= true orelse halt(1),
  {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Source)),
  {ok, Exprs} = erl_parse:parse_exprs(Tokens),
  try erpc:call(Node, erl_eval, exprs, [Exprs, []], Limit) of
    {value, Value, _} -> Print =:= "value" andalso io:format("{ok, ~0tp}~n", [Value]), halt(0)
  catch error:{erpc, timeout} -> halt(142); error:{erpc, _} -> halt(1); _:_ -> halt(0)
  end.'

# The words of the node's command line that say how it speaks with others, one a line.
distribution_words() {
  if see_processes; then
    tr '\n\000' ' \n' <"/proc/$node_pid/cmdline" 2>/dev/null | {
      takes=''
      while IFS= read -r word; do
        case $word in
          -extra) break ;;
          -proto_dist | -ssl_dist_opt | -ssl_dist_optfile | -epmd_module | -erl_epmd_port) takes=yes ;;
          -*) takes='' ;;
        esac
        [ -z "$takes" ] || printf '%s\n' "$word"
      done
    }
  else
    for word in -proto_dist -ssl_dist_optfile; do
      value=$(argument_in "$root/releases/$node_version/vm.args" "$word")
      [ -z "$value" ] || printf '%s\n%s\n' "$word" "$value"
    done
  fi
}

# Prints the boot file of an Erlang that starts nothing else.
clean_boot() {
  for file in "$root/releases/$node_version/start_clean" "$root/bin/start_clean" "${node_bin%/erts-*/bin}/bin/start_clean"; do
    [ -e "$file.boot" ] && printf '%s\n' "$file" && return
  done
}

# As evaluate. Always one of a few names: a node never forgets one.
by_vm() (
  seconds=$1 print=value own=edeliver-vm-$(($$ % 16))
  case $* in *-no_result_term*) print=nothing ;; esac
  case $node_name_kind:$node_name in -name:*@*) own=$own@${node_name#*@} ;; esac
  private_home || exit 3
  trap 'rm -rf "$home"' EXIT
  trap 'exit 1' HUP INT TERM
  cat >"$home/source" || exit 3
  set --
  while IFS= read -r word; do
    [ -z "$word" ] || set -- "$@" "$word"
  done <<EOF
$(distribution_words)
EOF
  unset XDG_CONFIG_HOME ERL_FLAGS ERL_AFLAGS ERL_ZFLAGS ERL_LIBS
  use_its_epmd
  boot=$(clean_boot)
  # Its options may name files from where the node began.
  cd "/proc/$node_pid/cwd" 2>/dev/null || cd "$root" || exit 3
  HOME=$home ROOTDIR=${node_bin%/erts-*/bin} BINDIR=$node_bin EMU=beam PROGNAME=erl LANG=C.UTF-8
  export HOME ROOTDIR BINDIR EMU PROGNAME LANG
  "$node_bin/erlexec" -noinput -hidden -dist_listen false "$node_name_kind" "$own" "$@" -boot "$boot" -boot_var RELEASE_LIB "$root/lib" \
    -eval "$VM_CALL" -extra "$node_name" "$seconds" "$print" "$home/source" 2>/dev/null
)

# Asks in this way: sets node_is and node_says.
ask_by_vm() {
  node_way=vm
  node_says=$(node_question | by_vm "${NODE_PATIENCE:-3}")
  node_status=$?
  case $node_status in
    0) if is_ours; then node_is=answered; else node_is=starting; fi ;;
    142) node_is=hung ;;
    # It has not come so far, or it takes no connection that is made with its own options.
    *) if [ -n "$(registered_port)" ]; then node_is=unasked; else not_registered; fi ;;
  esac
}
