[Root, Name | Words] = init:get_plain_arguments(),
Instructions = 'Elixir.Edeliver.Relup.Instructions',
Text = fun unicode:characters_to_binary/1,
Told = fun(Class, Reason, Stack) ->
  case code:ensure_loaded('Elixir.Exception') of
    {module, Elixir} -> Elixir:format(Class, Reason, Stack);
    _ -> erl_error:format_exception(Class, Reason, Stack)
  end
end,
io:setopts([{encoding, unicode}]),
try
  code:add_pathsz(filelib:wildcard(filename:join(Root, "lib/*/ebin"))),
  {ok, _} = application:ensure_all_started(elixir),
  code:ensure_loaded(Instructions) =:= {module, Instructions}
    orelse throw("the release has no Edeliver.Relup.Instructions: leave `runtime: false` out of the dependency on edeliver"),
  {ok, [{Vsn, Ups, Downs}]} = file:consult(filename:join(Root, "relup")),
  Config = #{name => list_to_atom(Name), version => Text(Vsn)},
  %% Modules of 1.x ask mix, which no release has, what the project depends on.
  code:ensure_loaded('Elixir.Mix.Project') =:= {module, 'Elixir.Mix.Project'} orelse begin
    Apps = [list_to_atom(filename:basename(File, ".app")) || File <- filelib:wildcard(filename:join(Root, "lib/*/ebin/*.app"))],
    Project = [{app, list_to_atom(Name)}, {version, Text(Vsn)}, {deps, [{App, <<">= 0.0.0">>} || App <- Apps]}],
    {ok, Mix, Code} = compile:forms([{attribute, 1, module, 'Elixir.Mix.Project'}, {attribute, 1, export, [{config, 0}]},
      {function, 1, config, 0, [{clause, 1, [], [], [erl_parse:abstract(Project)]}]}]),
    {module, Mix} = code:load_binary(Mix, "mix", Code)
  end,
  Modules = [begin {module, M} = code:ensure_loaded(list_to_atom(Word)), M end || Word <- Words],
  Usable = [M || M <- Modules, length(Modules) =:= 1 orelse M:'usable?'(Config)],
  Change = fun(Module) ->
    Changed = [begin
      {_, DownDescription, Down} = lists:keyfind(Other, 1, Downs),
      Concerned = [M || {load_object_code, {App, _, Ms}} <- Up, atom_to_list(App) =:= Name, M <- Ms],
      Given = #{'__struct__' => Instructions, up_instructions => Up, down_instructions => Down, up_version => Text(Vsn),
                down_version => Text(Other), changed_modules => Concerned},
      case Module:modify_relup(Given, Config) of
        #{'__struct__' := Instructions, up_instructions := NewUp, down_instructions := NewDown} ->
          {{Other, Description, NewUp}, {Other, DownDescription, NewDown}};
        Else -> throw(io_lib:format("modify_relup/2 of ~ts returned ~0tP", [Module, Else, 20]))
      end
    end || {Other, Description, Up} <- Ups],
    {NewUps, NewDowns} = lists:unzip(Changed),
    {Vsn, NewUps, NewDowns}
  end,
  Relup = case lists:sort(fun(A, B) -> A:priority() >= B:priority() end, Usable) of
    [Module | _] -> Change(Module);
    [] -> {Vsn, Ups, Downs}
  end,
  ok = file:write_file(filename:join(Root, "relup.new"), Text(io_lib:format("%% coding: utf-8~n~tp.~n", [Relup])))
of
  ok -> halt(0)
catch
  throw:[_ | _] = Why -> io:put_chars([Why, $\n]), halt(1);
  Class:Reason:Stack -> io:put_chars([unicode:characters_to_list(Told(Class, Reason, Stack)), $\n]), halt(1)
end.
