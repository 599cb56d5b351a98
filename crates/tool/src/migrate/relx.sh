# A VM with the code and configuration of a relx release, which has no command for that: its own `eval` asks the running node. For POSIX sh.
# Before: $root, $app, $boots, $scratch, $code.

# In the VM: applications of the release are loaded and not started. Lines with a mark are for edeliver, as those of migrator.exs.
RELX_CALL='
  [Root, Rel, Migrator] = init:get_plain_arguments(),
  [App, Action, Version, _Repos, Task] = Arguments = string:split(os:getenv("EDELIVER_MIGRATE"), "\n", all),
  Say = fun(Fields) -> io:put_chars([lists:join("\t", ["edeliver-migrate" | Fields]), $\n]) end,
  io:setopts([{encoding, unicode}]),
  try
    {ok, [{release, _, _, Applications}]} = file:consult(Rel),
    [begin
       Name = atom_to_list(element(1, A)) ++ "-" ++ element(2, A),
       code:add_pathz(filename:join([Root, "lib", Name, "ebin"])),
       application:load(element(1, A))
     end || A <- Applications],
    Called = fun() ->
      [Module, Function] = string:split(Task, ":"),
      Given = case {Action, Version} of {"task-down", ""} -> [undefined]; {"task-down", _} -> [list_to_integer(Version)]; _ -> [] end,
      case apply(list_to_atom(Module), list_to_atom(Function), Given) of
        E when E =:= error; is_tuple(E), element(1, E) =:= error -> Say(["failed", io_lib:format("it returned ~0tp", [E])]);
        _ -> Say(["called", Task]), Say(["end"])
      end
    end,
    Evaluated = fun() ->
      {ok, _} = application:ensure_all_started(elixir),
      {ok, Source} = file:read_file(Migrator),
      Texts = [unicode:characters_to_binary(A) || A <- Arguments],
      (list_to_atom("Elixir.Code")):eval_string(Source, [{arguments, Texts}])
    end,
    case {lists:member($:, Task), code:which(list_to_atom("Elixir.Code"))} of
      {true, _} -> Called();
      {false, non_existing} -> Say(["no-ecto"]);
      {false, _} -> Evaluated()
    end
  catch Class:Reason:Stack ->
    Told = unicode:characters_to_list(erl_error:format_exception(Class, Reason, Stack)),
    [Say(["failed", Line]) || Line <- string:split(Told, "\n", all)]
  end,
  halt(0).'

# Prints the template $1 with ${NAME} and ${NAME:-otherwise} taken from the environment, as relx does when it starts a node.
rendered() {
  awk '{
    line = $0; out = ""
    while (match(line, /[$][{][A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?[}]/)) {
      name = substr(line, RSTART + 2, RLENGTH - 3); otherwise = ""; at = index(name, ":-")
      if (at) { otherwise = substr(name, at + 2); name = substr(name, 1, at - 1) }
      value = (name in ENVIRON && ENVIRON[name] != "") ? ENVIRON[name] : otherwise
      out = out substr(line, 1, RSTART - 1) value
      line = substr(line, RSTART + RLENGTH)
    }
    print out line
  }' "$1"
}

# Writes the configuration to a place of ours: it may hold secrets, and that of the release belongs to its node.
configure() {
  [ -z "${LINK_SYS_CONFIG:-}" ] || { cat "$LINK_SYS_CONFIG" >"$scratch/sys.config"; return; }
  for template in "$root/releases/$boots/sys.config.src" "$root/releases/$boots/sys.config.orig"; do
    [ ! -r "$template" ] || { rendered "$template" >"$scratch/sys.config"; return; }
  done
  if [ -r "$root/releases/$boots/sys.config" ]; then cat "$root/releases/$boots/sys.config"; else echo '[].'; fi >"$scratch/sys.config"
}

in_relx_release() {
  rel=$root/releases/$boots/$app.rel
  [ -r "$rel" ] || exit 61
  bin=$root/erts-$(tr -d '\n ' <"$rel" | sed -n 's/.*{erts,"\([^"]*\)"}.*/\1/p')/bin
  [ -x "$bin/erlexec" ] || bin=$(erl -noinput -eval 'io:format("~s/erts-~s/bin", [code:root_dir(), erlang:system_info(version)]), halt().')
  [ -x "$bin/erlexec" ] || exit 61
  ROOTDIR=${bin%/erts-*/bin} BINDIR=$bin EMU=beam PROGNAME=erl
  export ROOTDIR BINDIR EMU PROGNAME
  boot=$ROOTDIR/bin/start_clean
  for file in "$root/releases/$boots/start_clean" "$root/bin/start_clean"; do [ ! -e "$file.boot" ] || boot=$file; done
  printf '%s' "$code" >"$scratch/migrator" && configure || exit 1
  exec "$bin/erlexec" -noinput -boot "$boot" -boot_var RELEASE_LIB "$root/lib" -config "$scratch/sys" -eval "$RELX_CALL" \
    -extra "$root" "$rel" "$scratch/migrator" </dev/null
}
