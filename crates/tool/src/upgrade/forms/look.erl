%% How the node does: modules with other code than expected, suspended processes, and who has which registered name.
{init:get_status(),
 [Module || {Module, Md5} <- Code, erlang:module_loaded(Module), erlang:get_module_info(Module, md5) =/= Md5]
     ++ [Module || Module <- Removed, erlang:module_loaded(Module)],
 [Pid || Pid <- erlang:processes(), {current_function, {sys, suspend_loop, _}} <- [erlang:process_info(Pid, current_function)]],
 [{Name, Pid} || Name <- erlang:registered(), Pid <- [erlang:whereis(Name)], is_pid(Pid)]}.
