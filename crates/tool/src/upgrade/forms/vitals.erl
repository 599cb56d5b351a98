%% How the node does, in one look: memory, processes that wait to run, messages that wait for processes with names, what supervisors have
%% restarted, who of Peers is up and not connected, and how many errors were logged. Supervisors throw what they know, so that their state stays
%% with them; one with very many children is not asked for these. Events of level error are counted by a handler without a module of its own,
%% whose filter counts and lets nothing pass; it goes after an hour if nobody takes it away.
begin
    Restarted = fun(Supervisor) ->
        try sys:replace_state(Supervisor, fun(#{restarts := Times}) -> throw({restarts, Times});
                                             (State) -> throw({restarts, erlang:element(8, State)}) end, 500) of
            _ -> []
        catch
            error:{callback_failed, _, {throw, {restarts, [_ | _] = Times}}} ->
                Name = case erlang:process_info(Supervisor, registered_name) of {registered_name, Is} -> Is; _ -> Supervisor end,
                [{Name, [Time || Time <- Times, erlang:is_integer(Time)]}];
            _:_ -> []
        end
    end,
    Walk = fun Walk(Supervisor) ->
        Few = case erlang:process_info(Supervisor, links) of {links, Links} -> erlang:length(Links) < 1000; _ -> false end,
        Children = try [gen_server:call(Supervisor, which_children, 500) || Few] of [There] -> There; [] -> [] catch _:_ -> [] end,
        Restarted(Supervisor) ++ lists:append([Walk(Child) || {_, Child, supervisor, _} <- Children, erlang:is_pid(Child)])
    end,
    Tops = try [Top || Restarts, {App, _, _} <- application:which_applications(1000),
                       Master <- [application_controller:get_master(App)],
                       erlang:is_pid(Master), {Top, _} <- [application_master:get_child(Master)], erlang:is_pid(Top)]
           catch _:_ -> [] end,
    Epmd = net_kernel:epmd_module(),
    Nodes = [erlang:atom_to_binary(Node, utf8) || Node <- erlang:nodes()],
    Self = self(),
    Tag = erlang:make_ref(),
    Asked = [begin
                 [Name, Host] = [erlang:binary_to_list(Part) || Part <- binary:split(Peer, <<"@">>)],
                 erlang:spawn(fun() -> Self ! {Tag, Peer, catch Epmd:port_please(Name, Host, 2000)} end)
             end || Peer <- Peers, not lists:member(Peer, Nodes)],
    Until = erlang:monotonic_time(millisecond) + 3000,
    Apart = lists:append([receive {Tag, Peer, Answer} -> [Peer || erlang:is_tuple(Answer), erlang:element(1, Answer) =:= port]
                          after erlang:max(0, Until - erlang:monotonic_time(millisecond)) -> [] end || _ <- Asked]),
    Errors = case Count andalso logger:get_handler_config(edeliver_errors) of
        false -> none;
        {ok, #{config := #{counter := Counter}}} -> counters:get(Counter, 1);
        _ ->
            New = counters:new(1, []),
            Filter = fun(_, Its) -> counters:add(Its, 1, 1), stop end,
            logger:add_handler(edeliver_errors, logger, #{level => error, filters => [{count, {Filter, New}}], config => #{counter => New}}),
            timer:apply_after(3600000, logger, remove_handler, [edeliver_errors]),
            0
    end,
    {vitals, erlang:memory(total), erlang:statistics(total_run_queue_lengths), erlang:system_info(schedulers_online),
     [{Name, Length} || Name <- erlang:registered(), {message_queue_len, Length} <- [erlang:process_info(erlang:whereis(Name), message_queue_len)],
                        Length > 99],
     erlang:monotonic_time(second), lists:append([Walk(Top) || Top <- Tops]), Apart, Errors}
end.
