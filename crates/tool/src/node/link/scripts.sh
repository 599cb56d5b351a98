# Calls a function of the node of a release root, with the programs of its own release. Comes after process.sh, permanent.sh, files.sh, vm.sh
# and ask.sh.
# $1 root, $2 release name, $3 preferred node name or empty, $4 seconds, $5 tag of the lines that carry the result; on stdin the
# base64 of the external form of {Module, Function, Arguments}.
#
# What the function prints goes to standard output, then its result: the base64 of the external form of {ok, Value} or {raised, Class,
# Reason, Stack}, in lines that begin with the tag. Neither program's exit status says that a function failed, so it counts for nothing.
# Status: 0 the call was made; 40 no node, 41 starting, 42 hung, 43 other cookie, 44 without distribution, 45 no program can ask it;
# 46 the call was made and not answered in time; 47 epmd does not know the node, and its sockets can't be seen.
root=$(absolute_root "$1") app=$2 prefer=$3 seconds=$4 tag=$5

# What is evaluated on the node. An expression and nothing else: erl_call's own handling of results writes what nobody can read.
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

find_node "$root" "$prefer" || exit 40
ask_node "$root"
case $node_is in
  answered) erlang_call | evaluate "$seconds" -fetch_stdout -no_result_term; [ $? -ne 142 ] || exit 46 ;;
  starting) exit 41 ;;
  hung) exit 42 ;;
  wrong-cookie) exit 43 ;;
  no-distribution) exit 44 ;;
  unregistered) exit 47 ;;
  *) exit 45 ;;
esac
exit 0
