# Calls a function of the node of a release root, with the programs of its own release. Comes after process.sh.
# $1 root, $2 release name, $3 preferred node name or empty, $4 seconds, $5 tag of the lines that carry the result; on stdin the
# base64 of the external form of {Module, Function, Arguments}.
#
# What the function prints goes to standard output, then its result: the base64 of the external form of {ok, Value} or {raised, Class,
# Reason, Stack}, in lines that begin with the tag. Neither program's exit status says that a function failed, so it counts for nothing.
# Status: 0 the call was made; 40 no node, 41 starting, 42 hung, 43 other cookie, 44 without distribution, 45 no program can ask it;
# 46 the call was made and not answered in time.
root=$(absolute_root "$1") app=$2 prefer=$3 seconds=$4 tag=$5

# What a call through erl_call evaluates. An expression and nothing else: erl_call's own handling of results writes what nobody can read.
erlang_call() {
  printf 'Tag = "%s ",\n{Module, Function, Arguments} = binary_to_term(base64:decode("' "$tag"
  cat
  printf '%s' '")),
    Outcome = try {ok, apply(Module, Function, Arguments)} catch Class:Reason:Stack -> {raised, Class, Reason, Stack} end,
    Tell = fun Tell(<<Piece:15000/binary, Rest/binary>>) -> io:put_chars([Tag, Piece, $\n]), Tell(Rest);
               Tell(Rest) -> io:put_chars([Tag, Rest, $\n]) end,
    io:put_chars([$\n]), Tell(base64:encode(term_to_binary(Outcome))), ok.
'
}

# The same for `bin/APP rpc` of mix, which gives the function our standard input to read from.
ELIXIR_CALL='
  {module, function, arguments} = :stdio |> IO.read(:line) |> String.trim() |> Base.decode64!() |> :erlang.binary_to_term()
  tag = :stdio |> IO.read(:line) |> String.trim()
  outcome =
    try do
      {:ok, apply(module, function, arguments)}
    catch
      class, reason -> {:raised, class, reason, __STACKTRACE__}
    end
  IO.write("\n")
  outcome |> :erlang.term_to_binary() |> Base.encode64() |> String.to_charlist() |> Enum.chunk_every(15000)
  |> Enum.each(&IO.puts([tag, " ", &1]))'

through_erl_call() {
  erlang_call | call_node "$erl_call" "$seconds" -e -fetch_stdout -no_result_term $node_at
  [ $? -ne 142 ] || exit 46
}

# The start script, with what its node was started with as far as that is about distribution.
through_start_script() {
  for name in RELEASE_VM_ARGS RELEASE_REMOTE_VM_ARGS ERL_FLAGS ERL_AFLAGS ERL_ZFLAGS ELIXIR_ERL_OPTIONS ERL_EPMD_PORT; do
    value=$(variable_of "$node_pid" "$name")
    [ -z "$value" ] || export "$name=$value"
  done
  case $node_name_kind in -name) RELEASE_DISTRIBUTION=name ;; *) RELEASE_DISTRIBUTION=sname ;; esac
  RELEASE_NODE=$node_name RELEASE_COOKIE=$(cookie_of_node)
  export RELEASE_DISTRIBUTION RELEASE_NODE RELEASE_COOKIE
  { cat; printf '\n%s\n' "$tag"; } | "$root/bin/$app" rpc "$ELIXIR_CALL" 2>/dev/null
}

# Whether the start script can make calls: mix's can, relx's uses erl_call itself, and writes the release's configuration anew first.
has_rpc() { [ -x "$root/bin/$app" ] && [ -e "$root/releases/$node_version/elixir" ] && grep -q -e '--rpc-eval' "$root/bin/$app"; }

find_node "$root" "$prefer" || exit 40
ask_node "$root"
case $node_is in
  answered) through_erl_call ;;
  starting) exit 41 ;;
  hung) exit 42 ;;
  wrong-cookie) exit 43 ;;
  no-distribution) exit 44 ;;
  *) has_rpc || exit 45; through_start_script ;;
esac
exit 0
