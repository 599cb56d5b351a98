# The Erlang and Elixir side of `cargo xtask scenarios`: compiles what rows are made of, makes boot files, and looks into nodes. Lives as long as
# the run, so that none of it waits for a virtual machine to start.
#
# Each line of standard input is a request, an Erlang term; each line of standard output the answer: {ok, Term} or {error, Text}.

defmodule Workshop do
  def serve do
    case IO.read(:stdio, :line) do
      :eof ->
        :ok

      line ->
        answer =
          try do
            {:ok, line |> term() |> handle()}
          catch
            kind, reason -> {:error, Exception.format(kind, reason, __STACKTRACE__)}
          end

        IO.puts(:io_lib.format("~0tp.", [answer]))
        serve()
    end
  end

  defp term(line) do
    {:ok, tokens, _} = line |> String.to_charlist() |> :erl_scan.string()
    {:ok, term} = :erl_parse.parse_term(tokens)
    term
  end

  # Sources of one application, in one call: what belongs together is compiled together. Beams go to OUT/full as the compilers make them,
  # and to OUT/ebin as the tool puts them into a release.
  defp handle({:compile, tool, out, files}) do
    full = Path.join(out, "full")
    ebin = Path.join(out, "ebin")
    for dir <- [full, ebin], do: File.mkdir_p!(dir)
    {erlang, elixir} = Enum.split_with(files, &(Path.extname(&1) == ".erl"))
    for file <- Enum.sort_by(erlang, &behaviour?/1), do: erlc(file, full)
    elixirc(elixir, full)
    beams = Path.wildcard(full <> "/*.beam")
    for beam <- beams, do: File.write!(Path.join(ebin, Path.basename(beam)), for_release(tool, File.read!(beam)))
    for beam <- beams, do: beam |> Path.basename(".beam") |> String.to_atom()
  end

  # Protocols that any of these folders has, with what implements them there.
  defp handle({:consolidate, folders, out}) do
    File.mkdir_p!(out)
    folders = Enum.map(folders, &String.to_charlist/1)
    # Implementations are asked whom they are for, so they have to be found.
    own = folders -- :code.get_path()
    :ok = :code.add_pathsz(own)

    done =
      for protocol <- Protocol.extract_protocols(folders) do
        :code.purge(protocol)
        :code.delete(protocol)
        true = :code.add_patha(folder_of(protocol, folders))
        {:ok, binary} = Protocol.consolidate(protocol, Protocol.extract_impls(protocol, folders))
        {:ok, stripped} = Mix.Release.strip_beam(binary)
        File.write!(Path.join(out, "#{protocol}.beam"), stripped)
        protocol
      end

    for dir <- own, do: :code.del_path(dir)
    done
  end

  # What modules in these folders are, by the digest that a node tells of them too. Earlier folders come last in a code path.
  defp handle({:md5s, folders}) do
    for folder <- folders, beam <- Path.wildcard(folder <> "/*.beam") do
      {:ok, {module, md5}} = beam |> String.to_charlist() |> :beam_lib.md5()
      {to_string(module), Base.encode16(md5, case: :lower)}
    end
  end

  # NAME.rel, start.script and start.boot of a release whose libraries are in ROOT/lib, as this tool makes them.
  # What is not below ROOT is in BASE.
  defp handle({:boot, :mix, root, base, version, erts, applications}) do
    parts =
      for {name, vsn, mode} <- applications do
        # Those of OTP are found where OTP is; the others, and those that have another version here, in the release.
        here = [root, base] |> Enum.map(&Path.join([&1, "lib", "#{name}-#{vsn}"])) |> Enum.find(&File.dir?/1) |> String.to_charlist()
        props = if otp?(name, vsn), do: [path: :code.lib_dir(name), otp_app?: true], else: [path: here, otp_app?: false]
        props = [{:vsn, vsn} | props]
        {name, [{:mode, mode} | Keyword.merge(app_file(here, name), props)]}
      end

    release = %Mix.Release{
      name: :scene,
      version: to_string(version),
      path: root,
      version_path: Path.join([root, "releases", to_string(version)]),
      applications: Map.new(parts),
      boot_scripts: %{},
      erts_version: erts,
      erts_source: nil,
      options: [],
      config_providers: [{Config.Reader, []}]
    }

    modes = for {name, props} <- parts, do: {name, props[:mode]}
    path = Path.join(release.version_path, "start")
    consolidated = "$RELEASE_LIB/../releases/#{version}/consolidated"
    # Mix looks for applications of the project where the project has them.
    own = for {_, props} <- parts, not props[:otp_app?], do: props[:path] ++ '/ebin'
    :ok = :code.add_pathsa(own)
    made = Mix.Release.make_boot_script(release, path, modes, [consolidated])
    for dir <- own, do: :code.del_path(dir)
    :ok = made
    File.rename!(path <> ".rel", Path.join(release.version_path, "scene.rel"))
    :done
  end

  defp handle({:boot, :relx, root, base, version, erts, applications}) do
    dir = Path.join([root, "releases", to_string(version)])
    name = Path.join(dir, "start") |> String.to_charlist()
    rel = {:release, {'scene', to_charlist(version)}, {:erts, erts}, for(app <- applications, do: rel_entry(app))}
    File.write!(Path.join(dir, "scene.rel"), :io_lib.format("~p.~n", [rel]))
    File.write!(to_string(name) <> ".rel", :io_lib.format("~p.~n", [rel]))

    options = [
      :silent,
      :no_warn_sasl,
      :no_dot_erlang,
      path: for(dir <- [root, base], do: Path.join(dir, "lib/*/ebin") |> String.to_charlist()),
      variables: for(dir <- [root, base], do: {'SCENE', String.to_charlist(dir)})
    ]

    case :systools.make_script(name, options) do
      {:ok, _, _} -> :ok
      other -> raise "no boot script: #{inspect(other)}"
    end

    script = to_string(name) <> ".script"
    File.write!(script, script |> File.read!() |> String.replace("$SCENE/", "$ROOT/"))
    :ok = :systools.script2boot(name)
    File.rm!(to_string(name) <> ".rel")
    :done
  end

  defp handle({:portrait, node, root}), do: probe(node, :portrait, [root])
  defp handle({:pids, node}), do: probe(node, :pids, [])
  defp handle({:stuck, node}), do: probe(node, :stuck, [])
  defp handle({:identity, node}), do: probe(node, :identity, [])
  defp handle({:eval, node, language, text}), do: probe(node, :eval, [language, text])
  defp handle({:hello, words}), do: words

  defp rel_entry({name, vsn, :permanent}), do: {name, vsn}
  defp rel_entry({name, vsn, mode}), do: {name, vsn, mode}

  defp behaviour?(file), do: not String.contains?(File.read!(file), "-callback")

  defp erlc(file, out) do
    case :compile.file(String.to_charlist(file), [:deterministic, :debug_info, :return_errors, outdir: String.to_charlist(out)]) do
      {:ok, module} ->
        # Behaviours and parse transforms are used by what is compiled after them.
        :code.purge(module)
        {:module, _} = :code.load_abs(String.to_charlist(Path.join(out, to_string(module))))

      error ->
        raise "#{file}: #{inspect(error)}"
    end
  end

  defp elixirc([], _), do: :ok

  defp elixirc(files, out) do
    case Kernel.ParallelCompiler.compile_to_path(files, out) do
      # Forgotten, so that the next version of a module is waited for where another one needs it.
      {:ok, modules, _} -> for module <- modules, do: :code.delete(module) && :code.purge(module)
      {:error, errors, _} -> raise inspect(errors)
    end
  end

  defp for_release(:mix, beam) do
    {:ok, stripped} = Mix.Release.strip_beam(beam)
    stripped
  end

  defp for_release(:relx, beam) do
    {:ok, {_, stripped}} = :beam_lib.strip(beam, ['Attr'])
    stripped
  end

  defp folder_of(protocol, folders) do
    Enum.find(folders, &File.exists?(Path.join(&1, "#{protocol}.beam")))
  end

  defp otp?(name, vsn) do
    case :code.lib_dir(name) do
      {:error, _} -> false
      path -> List.starts_with?(path, :code.root_dir()) and Path.basename(path) == "#{name}-#{vsn}"
    end
  end

  defp app_file(dir, name) do
    {:ok, [{:application, ^name, props}]} = :file.consult(Path.join([dir, "ebin", "#{name}.app"]))
    props
  end

  # A node that has restarted has forgotten the probe; it is loaded where it is missing.
  defp probe(node, function, args) do
    try do
      :erpc.call(node, :scenes_probe, function, args, 20_000)
    catch
      :error, {:exception, :undef, [{:scenes_probe, _, _, _} | _]} ->
        {:module, _} = :erpc.call(node, :code, :load_binary, [:scenes_probe, [], Process.get(:probe)])
        :erpc.call(node, :scenes_probe, function, args, 20_000)
    end
  end
end

Code.compiler_options(ignore_module_conflict: true, debug_info: true, docs: false)
System.put_env("ERL_COMPILER_OPTIONS", "deterministic")
{:ok, _} = Application.ensure_all_started(:mix)
{:ok, _} = Application.ensure_all_started(:sasl)
[probe] = System.argv()
{:ok, :scenes_probe, binary} = :compile.file(String.to_charlist(probe), [:binary, :deterministic])
Process.put(:probe, binary)
Workshop.serve()
