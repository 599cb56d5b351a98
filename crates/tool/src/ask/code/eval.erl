%% Evaluates Source on a node, and makes its value text there. Runs in erl_eval with these variables bound:
%% Language: elixir | erlang; Source: UTF-8; Limits: {Items, Characters}, each a number or infinity.
%% eval.form is this in the abstract format; a test keeps both the same.
begin
    Text = fun(Chars) -> unicode:characters_to_binary(Chars) end,
    Unread = fun(Where, Module, Why) -> {unread, Text([Where, Module:format_error(Why)])} end,
    Line = fun({L, _}) -> io_lib:format("line ~p: ", [L]); (L) -> io_lib:format("line ~p: ", [L]) end,
    Read = fun
        (elixir) ->
            case code:ensure_loaded('Elixir.Code') of
                {module, Code} ->
                    try {read, Code:'string_to_quoted!'(Source, [{file, <<"edeliver">>}])}
                    catch error:Wrong -> {unread, 'Elixir.Exception':message(Wrong)}
                    end;
                _ -> {unread, <<"the release has no Elixir">>}
            end;
        (erlang) ->
            case erl_scan:string(unicode:characters_to_list(Source)) of
                {error, {At, Module, Why}, _} -> Unread(Line(At), Module, Why);
                {ok, Tokens, End} ->
                    Dots = [D || D = {dot, _} <- Tokens],
                    case erl_parse:parse_exprs(case Dots of [] -> Tokens ++ [{dot, End}]; _ -> Tokens end) of
                        {ok, Exprs} -> {read, Exprs};
                        {error, {At, Module, Why}} -> Unread(Line(At), Module, Why)
                    end
            end
    end,
    Evaluate = fun
        (elixir, Quoted) -> element(1, 'Elixir.Code':eval_quoted(Quoted, [], [{file, <<"edeliver">>}]));
        (erlang, Exprs) -> element(2, erl_eval:exprs(Exprs, []))
    end,
    {Items, Characters} = Limits,
    Show = fun
        (elixir, Value) ->
            'Elixir.Kernel':inspect(Value, [{pretty, true}, {width, 98}, {limit, Items}, {printable_limit, Characters}]);
        (erlang, Value) ->
            Text(io_lib:format("~tp", [Value], case Characters of infinity -> []; _ -> [{chars_limit, Characters}] end))
    end,
    Ours = fun(Frame) ->
        Module = element(1, Frame),
        not (lists:member(Module, [erl_eval, eval_bits, elixir, 'Elixir.Code']) orelse lists:prefix("elixir_", atom_to_list(Module)))
    end,
    Explain = fun
        (elixir, Class, Reason, Stack) -> 'Elixir.Exception':format(Class, Reason, Stack);
        (erlang, Class, Reason, Stack) -> Text(erl_error:format_exception(Class, Reason, Stack))
    end,
    case Read(Language) of
        {unread, Why} -> {unread, Why};
        {read, Expression} ->
            try Evaluate(Language, Expression) of
                Value ->
                    Tag = case Value of error -> error; _ when is_tuple(Value), element(1, Value) =:= error -> error; _ -> ok end,
                    {Tag, Show(Language, Value)}
            catch
                Class:Reason:Stack -> {raised, Class, Explain(Language, Class, Reason, lists:takewhile(Ours, Stack))}
            end
    end
end.
