# Compiles the three versions into OUT/VSN, with their protocols consolidated in OUT/VSN/consolidated.
[source, out] = System.argv()
Code.compiler_options(ignore_module_conflict: true)

for vsn <- ["1", "2", "3"] do
  dir = Path.join(out, vsn)
  File.mkdir_p!(Path.join(dir, "consolidated"))
  Application.put_env(:lab, :vsn, vsn)

  for {module, beam} <- Code.compile_file(source) do
    File.write!(Path.join(dir, "#{module}.beam"), beam)
    :code.purge(module)
    :code.delete(module)
  end

  Code.prepend_path(dir)
  impls = Protocol.extract_impls(Lab.Describe, [String.to_charlist(dir)])
  {:ok, beam} = Protocol.consolidate(Lab.Describe, impls)
  File.write!(Path.join([dir, "consolidated", "Elixir.Lab.Describe.beam"]), beam)
end
