//! Relups that a module of the project changes, by the mix package in `elixir/`.

use edeliver_lab::samples::Sample;

use crate::scene::Scene;

/// Modules as projects have them: one that is taken, and others that are only for those that name them.
const MODULES: &str = r#"
defmodule Hotapp.Drain do
  use Edeliver.Relup.RunnableInstruction
  def insert_where, do: &append_after_point_of_no_return/2
  def arguments(%Instructions{up_version: version}, %{name: name}), do: {name, version}
  def run(argument), do: Application.put_env(:hotapp, :drained, argument)
end

defmodule Hotapp.Relup do
  use Edeliver.Relup.Modification
  def usable?(_), do: List.keymember?(Mix.Project.config()[:deps], :edeliver, 0)
  def modify_relup(instructions, config) do
    instructions
    |> Edeliver.Relup.DefaultModification.modify_relup(config)
    |> Edeliver.Relup.Instructions.CheckProcessesRunningOldCode.modify_relup(config)
    |> Hotapp.Drain.modify_relup(config)
    |> Edeliver.Relup.Instructions.Info.modify_relup(config, "up we go", "and back")
  end
end

defmodule Hotapp.PointlessRelup do
  use Edeliver.Relup.Modification
  def usable?(_), do: false
  def modify_relup(%Instructions{up_instructions: up} = instructions, _),
    do: %{instructions | up_instructions: List.delete(up, :point_of_no_return)}
end

defmodule Hotapp.RaisingRelup do
  use Edeliver.Relup.Modification
  def usable?(_), do: false
  def modify_relup(_, _), do: raise("not like that")
end
"#;

fn release(sample: &Sample, config: &str, version: &str) {
    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/../../elixir");
    sample.set_version(version).unwrap();
    // The first release is older than the wish for it.
    if version != "0.1.0" {
        sample.edit("mix.exs", "defp deps do\n    []", &format!("defp deps do\n    [{{:edeliver, path: {package:?}}}]")).unwrap();
        sample.write("lib/hotapp/relup.ex", MODULES).unwrap();
    }
    sample.write("edeliver.toml", config).unwrap();
    sample.commit("with the package").unwrap();
}

#[test]
fn a_module_of_the_project_changes_the_relup_on_the_build_host_and_the_result_is_checked() {
    let (scene, sample) = Scene::project("modified", "soak = \"1s\"");
    let config = std::fs::read_to_string(scene.program.project().join("edeliver.toml")).unwrap();
    for version in ["0.1.0", "0.2.0"] {
        release(&sample, &config, version);
        scene.ok("build release");
    }
    let relup = || scene.ok("show relup --version=0.2.0").out;
    let build = |more: &str| scene.run(&format!("build upgrade --with=0.1.0 --version=0.2.0{more}"));

    let made = build("");
    assert_eq!(made.code, 0, "{}{}", made.out, made.err);
    assert!(made.err.contains("the relup is changed by"), "{}", made.err);
    let modified = relup();
    for call in ["'Elixir.Edeliver.Relup.Instructions.Info',run,[<<\"up we go\">>]", "'Elixir.Hotapp.Drain',run", "soft_purge"] {
        assert!(modified.contains(call), "{call}: {modified}");
    }
    // What can't be right is told and not kept.
    for (module, code, said) in [
        ("Hotapp.PointlessRelup", 7, "up from 0.1.0: point_of_no_return stands 0 times"),
        ("Hotapp.RaisingRelup", 7, "not like that"),
        ("Hotapp.Version", 7, "Hotapp.Version.modify_relup/2 is undefined"),
        ("Hotapp.Nobody", 2, "has no module Elixir.Hotapp.Nobody"),
    ] {
        let refused = build(&format!(" --relup-mod={module}"));
        assert_eq!(refused.code, code, "{module}: {}{}", refused.out, refused.err);
        assert!(refused.err.contains(said) && refused.err.contains("--skip-relup-mod"), "{module}: {}", refused.err);
        assert_eq!(relup(), modified, "{module}");
    }
    assert_eq!(build(" --skip-relup-mod").code, 0);
    assert!(!relup().contains("Drain',run") && !relup().contains("soft_purge"), "{}", relup());
    assert_eq!(build(" --relup-mod=Hotapp.Relup").code, 0);
    assert_eq!(relup(), modified, "made anew, because it was named");

    scene.ok("deploy release to staging --version=0.1.0 --start-deploy");
    let life = scene.life();
    scene.ok("deploy upgrade to staging --version=0.2.0");
    assert_eq!((scene.life(), scene.boots().as_str()), (life, "0.2.0"));
    assert_eq!(scene.eval("Application.get_env(:hotapp, :drained)"), "{:hotapp, \"0.2.0\"}");
}
