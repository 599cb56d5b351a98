//! Projects as edeliver 1.x left them, with nothing of this version's in them: deployed by the commands of their scripts.

use std::fs;

use edeliver_lab::samples::Sample;
use libtest_mimic::Failed;

use crate::{
    Test,
    scene::{Ran, Scene},
    world::App,
};

pub(crate) const TESTS: &[Test] = &[
    ("a_project_in_the_manner_of_phoenix_is_deployed_with_the_config_of_edeliver_1", phoenix),
    ("an_erlang_project_with_nodes_and_a_store_on_a_host_is_deployed_with_the_config_of_edeliver_1", erlang),
    ("one_host_for_everything_is_deployed_to_with_the_config_of_edeliver_1", one_host),
];

/// The project with that config, and nothing that was built.
fn project(app: App, config: &str) -> Result<(Scene, Sample), Failed> {
    let scene = Scene::fleet(app, 2);
    let dir = scene.project();
    fs::remove_file(dir.join("edeliver.toml"))?;
    fs::remove_dir_all(dir.join(".deliver"))?;
    let sample = app.make(&dir, "0.3.0");
    // What edeliver 1.x builds unless it is told otherwise.
    sample.git(&["branch", "--move", "master"])?;
    sample.write(".deliver/config", config)?;
    sample.commit("as edeliver 1.x has it")?;
    Ok((scene, sample))
}

/// What the original's own example has to do for a project with secrets and assets.
fn grow(scene: &Scene, sample: &Sample) -> Result<(), Failed> {
    let digest = r#"fn _ -> File.write!("priv/static/digested.txt", System.get_env("APP")) end"#;
    sample.edit("mix.exs", "deps: deps()", &format!("deps: deps(),\n      aliases: [\"phoenix.digest\": {digest}]"))?;
    let secrets = "import Config\nif config_env() == :prod, do: import_config(\"prod.secret.exs\")\n";
    sample.edit("config/config.exs", "import Config\n", secrets)?;
    sample.edit(".gitignore", "/deps/", "/deps/\n/priv/static/\n/config/prod.secret.exs")?;
    sample.commit("secrets and assets")?;
    scene.on("build", r#"printf 'import Config\nconfig :hotapp, secret: "of the build host"\n' >prod.secret.exs"#);
    Ok(())
}

fn phoenix() -> Result<(), Failed> {
    let (scene, sample) = project(App::Hotapp, include_str!("classic/phoenix.sh"))?;
    grow(&scene, &sample)?;
    scene.ok("build release").assert(0, &["Running phoenix.digest", "hotapp 0.3.0 is in the store"]);
    scene.ok("deploy release to staging");
    scene.ok("start staging");
    scene.ok("deploy release to production --start-deploy");
    assert_eq!(scene.on("prod1", "cat production/hotapp/lib/hotapp-0.3.0/priv/static/digested.txt"), "hotapp");
    let secret = "rpc Application.get_env(:hotapp,:secret)";
    assert!(scene.ok(&format!("{secret} staging")).out.contains("of the build host"));

    sample.edit("mix.exs", "0.3.0", "0.4.0")?;
    sample.set_marker("0.4.0")?;
    sample.commit("0.4.0")?;
    let ran = Ran::from(scene.command("upgrade production").env("EDELIVER_UPGRADE_SOAK", "1s").output()?);
    ran.assert(0, &["0.4.0 running, upgraded without a restart"]);
    assert_eq!(scene.ok("version production").out.matches("as built").count(), 2);
    assert!(scene.ok(&format!("{secret} production")).out.contains("of the build host"));
    Ok(())
}

fn erlang() -> Result<(), Failed> {
    let (scene, _) = project(App::Relapp, include_str!("classic/erlang.sh"))?;
    scene.ok("build release");
    assert_eq!(scene.on("build", "ls releases/*.tar.gz"), "releases/relapp_0.3.0.release.tar.gz");
    // Somebody else's checkout, which has nothing but what git has.
    fs::remove_dir_all(scene.project().join(".deliver/store")).ok();
    scene.ok("deploy release to production --version=0.3.0");
    for (host, root) in [("prod1", "meter1"), ("prod2", "meter2")] {
        assert_eq!(scene.on(host, &format!("cut -d' ' -f2 {root}/relapp/releases/start_erl.data")), "0.3.0");
        assert_eq!(scene.on(host, "cat told"), "relapp runs for production");
    }
    assert_eq!(scene.ok("ping production").out.matches("running").count(), 2);
    Ok(())
}

fn one_host() -> Result<(), Failed> {
    let (scene, sample) = project(App::Hotapp, include_str!("classic/one_host.sh"))?;
    scene.ok("build release");
    let version = format!("0.3.0+{}", sample.git(&["rev-list", "--count", "HEAD"])?.trim());
    scene.ok("deploy release");
    scene.ok("start");
    assert!(scene.ok("version staging").out.contains(&version));
    scene.ok("deploy release to production");
    // One name and one port: not both at once.
    scene.ok("stop staging");
    scene.ok("start production");
    let ran = scene.ok("version production");
    assert!(ran.out.contains(&version) && ran.out.contains("as built"), "{}", ran.said());
    Ok(())
}
