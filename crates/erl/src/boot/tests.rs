use super::*;
use std::path::{Path, PathBuf};
use std::process::Command;

const SCRIPT: &str = r#"
    {script,{"hotapp","0.1.0"},
     [{preLoaded,[erlang,init]}, {progress,preloaded},
      {path,["$ROOT/lib/kernel-8.5.3/ebin","$ROOT/lib/stdlib-4.2/ebin"]}, {primLoad,[error_handler]},
      {path,["$RELEASE_LIB/../releases/0.1.0/consolidated","$RELEASE_LIB/hotapp-0.1.0/ebin"]},
      {primLoad,['Elixir.Hotapp']}, {primLoad,["$RELEASE_LIB/hotapp-0.1.0/ebin/x"]},
      {apply,{application,load,[{application,hotapp,[{vsn,"0.1.0"},{modules,['Elixir.Hotapp']}]}]}},
      {path,["$ROOT/lib/hotapp-0.1.0.1/ebin", "$RELEASE_LIB/hotapp-0.1.0/ebin"]}, {progress,started}]}."#;

fn script() -> BootScript {
    BootScript::from_script(SCRIPT.as_bytes()).unwrap()
}

#[test]
fn libraries_are_listed() {
    let libraries: Vec<_> = script().libraries().into_iter().collect();
    assert_eq!(libraries, ["hotapp-0.1.0", "hotapp-0.1.0.1", "kernel-8.5.3", "stdlib-4.2"]);
}

#[test]
fn applications_are_listed() {
    let applications = script().applications().unwrap();
    assert_eq!(applications.len(), 1);
    assert_eq!((applications[0].name.as_str(), applications[0].vsn.as_str()), ("hotapp", "0.1.0"));
}

#[test]
fn a_library_is_moved_and_nothing_else() {
    let mut moved = script();
    assert_eq!(moved.move_library("hotapp-0.1.0", "hotapp-0.1.0~1a2b3c4d"), 3);
    let expected = SCRIPT.replace("hotapp-0.1.0/", "hotapp-0.1.0~1a2b3c4d/");
    assert_eq!(moved, BootScript::from_script(expected.as_bytes()).unwrap());
    assert_eq!(moved.move_library("hotapp-0.1.0", "x"), 0);
}

#[test]
fn both_forms_read_back() {
    assert_eq!(BootScript::from_boot(&script().to_boot()).unwrap(), script());
    assert_eq!(BootScript::from_script(script().to_script().unwrap().as_bytes()).unwrap(), script());
    assert!(matches!(BootScript::from_boot(b"text"), Err(BootError::Boot(_))));
    assert!(matches!(BootScript::from_script(b"{script}."), Err(BootError::Script(_))));
}

/// A release made by `mix release` whose application says where its library is, and then stops the node.
fn mix_release(dir: &Path) -> PathBuf {
    let mix = r#"
        defmodule Hotapp.MixProject do
          use Mix.Project
          def project, do: [app: :hotapp, version: "0.1.0", deps: []]
          def application, do: [mod: {Hotapp, []}]
        end"#;
    let app = r#"
        defmodule Hotapp do
          use Application
          def start(_, _) do
            {:ok, pid} = Supervisor.start_link([], strategy: :one_for_one)
            spawn(fn ->
              Process.sleep(50)
              started = List.keymember?(Application.started_applications(), :hotapp, 0)
              IO.puts(Enum.join([started, :code.lib_dir(:hotapp), :code.which(Hotapp)], " "))
              System.halt(0)
            end)
            {:ok, pid}
          end
        end"#;
    std::fs::create_dir(dir.join("lib")).unwrap();
    std::fs::write(dir.join("mix.exs"), mix).unwrap();
    std::fs::write(dir.join("lib/hotapp.ex"), app).unwrap();
    run(Command::new("mix").args(["release", "--quiet"]).current_dir(dir).env("MIX_ENV", "prod").env("HOME", dir));
    dir.join("_build/prod/rel/hotapp")
}

fn run(command: &mut Command) -> String {
    let output = command.env("LC_ALL", "C.UTF-8").output().unwrap();
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn boots(root: &Path, arguments: &[&str], mode: &str) -> String {
    let mut command = Command::new(root.join("bin/hotapp"));
    run(command.args(arguments).env("RELEASE_MODE", mode).env("RELEASE_DISTRIBUTION", "none")).trim().to_owned()
}

/// The whole point of this module, with a real node: after the move, the release boots from the new directory.
#[test]
fn a_mix_release_boots_from_a_moved_library() {
    let dir = tempfile::tempdir().unwrap();
    let root = mix_release(dir.path());
    for name in ["start", "start_clean"] {
        let file = root.join(format!("releases/0.1.0/{name}.boot"));
        let mut script = BootScript::from_boot(&std::fs::read(&file).unwrap()).unwrap();
        assert!(script.libraries().contains("hotapp-0.1.0"), "{:?}", script.libraries());
        let text = std::fs::read(file.with_extension("script")).unwrap();
        assert_eq!(BootScript::from_script(&text).unwrap(), script);
        assert!(script.move_library("hotapp-0.1.0", "hotapp-0.1.0~1a2b3c4d") > 0);
        std::fs::write(&file, script.to_boot()).unwrap();
    }
    std::fs::rename(root.join("lib/hotapp-0.1.0"), root.join("lib/hotapp-0.1.0~1a2b3c4d")).unwrap();

    let lib = root.join("lib/hotapp-0.1.0~1a2b3c4d");
    let lib = lib.to_str().unwrap();
    for mode in ["embedded", "interactive"] {
        let expected = format!("true {lib} {lib}/ebin/Elixir.Hotapp.beam");
        assert_eq!(boots(&root, &["start"], mode), expected, "{mode}");
        assert_eq!(boots(&root, &["eval", "IO.puts(:code.lib_dir(:hotapp))"], mode), lib, "{mode}");
    }
}

/// Every boot file OTP brings.
#[test]
fn boot_files_of_otp_are_read() {
    let bin = Path::new("/usr/lib/erlang/bin");
    for name in ["start_clean.boot", "start_sasl.boot", "no_dot_erlang.boot"] {
        let bytes = std::fs::read(bin.join(name)).unwrap();
        let script = BootScript::from_boot(&bytes).unwrap();
        assert!(script.libraries().iter().any(|library| library.starts_with("stdlib-")), "{name}");
        assert!(script.applications().unwrap().iter().any(|app| app.name == "kernel"), "{name}");
    }
}
