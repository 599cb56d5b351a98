# What `rel/config.exs` names since edeliver 1.x; Distillery refuses a plugin that is not there. edeliver does both for every build tool by now.
for {name, done} <- [
      ModifyRelup: "Relups are modified by `edeliver build upgrade`, on the build host.",
      LinkConfig: "`LINK_VM_ARGS` and `LINK_SYS_CONFIG` decide when a node is started, so no archive needs links."
    ] do
  defmodule Module.concat(Releases.Plugin, name) do
    @moduledoc "A plugin for Distillery that has nothing to do any more. " <> done

    for callback <- [:before_assembly, :after_assembly, :before_package, :after_package, :after_cleanup] do
      @doc false
      def unquote(callback)(_release, _options), do: nil
    end
  end
end
