//! Several applications and several releases in one project of mix: each release is named by its own config.

use std::fs;

use crate::{
    program::{self, Program},
    run,
};

const UMBRELLA: &str = r#"defmodule Shop.Umbrella do
  use Mix.Project
  def project, do: [apps_path: "apps", version: "0.0.1", releases: releases(), deps: []]

  defp releases do
    [
      shop: [version: {:from_app, :shop}, applications: [shop: :permanent]],
      till: [version: {:from_app, :till}, applications: [till: :permanent]]
    ]
  end
end
"#;

fn application(program: &Program, name: &str, version: &str, deps: &str) {
    let module = name[..1].to_uppercase() + &name[1..];
    let project = format!(
        "defmodule {module}.MixProject do\n  use Mix.Project\n  def project do\n    [app: :{name}, version: \"{version}\", deps: [{deps}], build_path: \"../../_build\",\n     \
         config_path: \"../../config/config.exs\", deps_path: \"../../deps\", lockfile: \"../../mix.lock\"]\n  end\nend\n"
    );
    program.write(&format!("apps/{name}/mix.exs"), &project);
    program.write(&format!("apps/{name}/lib/{name}.ex"), &format!("defmodule {module} do\n  def name, do: :{name}\nend\n"));
}

#[test]
fn each_release_of_an_umbrella_is_built_and_deployed_by_its_own_config() {
    let program = Program::new();
    let dir = program.project().parent().unwrap().to_owned();
    let place = |name: &str| dir.join(name).display().to_string();
    program.write("mix.exs", UMBRELLA);
    program.write("config/config.exs", "import Config\n");
    application(&program, "shop", "1.4.0", "");
    application(&program, "till", "0.3.0", "{:shop, in_umbrella: true}");
    for (file, app) in [("config", "shop"), ("till", "till")] {
        let text = format!(
            "APP={app}\nREVISION=HEAD\nBUILD_HOST=localhost\nBUILD_AT={:?}\nSTAGING_HOSTS=localhost\nDELIVER_TO={:?}\n",
            place("builds"),
            place("apps")
        );
        program.write(&format!(".deliver/{file}"), &text);
    }
    program.write(".gitignore", "/.deliver\n/_build\n");
    let made =
        program.shell("git init -q && git add . && git -c user.name=a -c user.email=a@b -c commit.gpgsign=false commit -qm one");
    assert_eq!(made.code, 0, "{}", made.err);
    for line in ["build release", "deploy release to staging"] {
        run(&program, line, 0);
        let mut till = program.command(env!("CARGO_BIN_EXE_edeliver"));
        let ended = program::done(till.args(line.split(' ')).env("APP_CONFIG", ".deliver/till").output().unwrap());
        assert_eq!(ended.code, 0, "{line}\n{}{}", ended.err, ended.out);
    }
    let boots = |app: &str| fs::read_to_string(dir.join(format!("apps/{app}/releases/start_erl.data"))).unwrap();
    assert!(boots("shop").ends_with(" 1.4.0") && boots("till").ends_with(" 0.3.0"), "{} {}", boots("shop"), boots("till"));
    let libraries = |app: &str| fs::read_dir(dir.join(format!("apps/{app}/lib"))).unwrap().map(|lib| lib.unwrap().file_name());
    assert!(libraries("till").any(|lib| lib == "shop-1.4.0") && !libraries("shop").any(|lib| lib == "till-0.3.0"));
}
