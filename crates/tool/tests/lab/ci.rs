//! The recipes of docs/ci.md, on a runner that has nothing but a clone of the project and its secrets.

use std::{fs, path::PathBuf, process::Command};

use libtest_mimic::Failed;
use tempfile::TempDir;

use crate::{
    Test,
    scene::{Ran, Scene},
    world::{App, edeliver},
};

pub(crate) const TESTS: &[Test] = &[
    ("the_recipe_for_github_actions_upgrades_a_running_node_from_a_fresh_clone", github),
    ("the_recipe_for_gitlab_upgrades_a_running_node_from_a_fresh_clone", gitlab),
];

/// The lines of the page's block that has this line in it.
fn block(mark: &str) -> Vec<String> {
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/ci.md");
    let text = fs::read_to_string(page).expect("the page is there");
    let blocks = text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    let found = blocks.into_iter().find(|block| block.lines().any(|line| line.trim() == mark));
    found.expect("the page has the recipe").lines().map(str::to_owned).collect()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The shell lines of a workflow: those of `run:`, on its line or below it.
fn runs(lines: &[String]) -> Vec<String> {
    let mut commands = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        match line.trim().trim_start_matches("- ").strip_prefix("run: ") {
            Some("|") => {
                let below = lines[at + 1..].iter().take_while(|next| indent(next) > indent(line));
                commands.extend(below.map(|line| line.trim().to_owned()));
            }
            Some(command) => commands.push(command.to_owned()),
            None => {}
        }
    }
    commands
}

/// The shell lines of a job: those of `script:`.
fn script(lines: &[String]) -> Vec<String> {
    let after = lines.iter().skip_while(|line| line.trim() != "script:").skip(1);
    after.map_while(|line| line.trim().strip_prefix("- ").map(str::to_owned)).collect()
}

/// A node that runs 0.1.0, deployed from somebody's laptop; 0.2.0 is in git, with what a runner needs.
fn deployed() -> Result<Scene, Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    scene.configure("apps", "[upgrade]\nsoak = \"1s\"\n");
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    scene.ok("eval Hotapp.Counter.count() on production");
    fs::create_dir_all(scene.project().join("deploy"))?;
    fs::copy(scene.lab.known_hosts(), scene.project().join("deploy/known_hosts"))?;
    for args in [&["add", "-f", "deploy/known_hosts", "edeliver.toml"][..], &["commit", "-qm", "deployed by CI"]] {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=x", "-c", "user.email=x@example.org"]).args(args).current_dir(scene.project());
        assert!(git.status()?.success());
    }
    Ok(scene)
}

/// Runs the lines like a runner does: in a clone, with a home of its own, ended by the first that fails.
fn run(scene: &Scene, commands: &[String], secret: impl Fn(&str) -> String) -> Result<Ran, Failed> {
    let runner = TempDir::with_prefix("edeliver-runner-")?;
    let (clone, home) = (runner.path().join("clone"), runner.path().join("home"));
    fs::create_dir(&home)?;
    assert!(Command::new("git").arg("clone").arg("-q").arg(scene.project()).arg(&clone).status()?.success());
    // OpenSSH takes its files from the account's home, whatever HOME says; so this names those that the recipe has made.
    let lab = fs::read_to_string(scene.lab.ssh_config())?;
    let file = |name: &str| home.join(".ssh").join(name).display().to_string();
    let ours = |line: &str| match line.trim().split(' ').next() {
        Some("IdentityFile") => format!("  IdentityFile {}", file("id_ed25519")),
        Some("UserKnownHostsFile") => format!("  UserKnownHostsFile {}", file("known_hosts")),
        _ => line.to_owned(),
    };
    let config = runner.path().join("ssh_config");
    fs::write(&config, lab.lines().map(|line| ours(line) + "\n").collect::<String>())?;
    let bin = PathBuf::from(edeliver());
    let path = format!("{}:{}", bin.parent().expect("it is in a folder").display(), std::env::var("PATH")?);
    let lines: String = commands.iter().map(|line| secret(line) + "\n").collect();
    let mut shell = scene.lab.command("bash");
    shell.args(["-eo", "pipefail", "-c", &lines]).current_dir(&clone).env("HOME", &home).env("PATH", path).env("CI", "true");
    shell.env("DEPLOY_KEY", scene.lab.client_key()).env("EDELIVER_SSH_CONFIG", &config);
    Ok(Ran::from(shell.output()?))
}

fn check(commands: &[String], secret: impl Fn(&Scene, &str) -> String) -> Result<(), Failed> {
    assert!(commands.iter().any(|line| line == "edeliver upgrade production --yes"), "{commands:?}");
    let scene = deployed()?;
    let life = || scene.ok("eval {Hotapp.Counter.read(),System.pid()} on production").out;
    let before = life();
    let ran = run(&scene, commands, |line| secret(&scene, line))?;
    ran.assert(0, &["0.2.0 running, upgraded without a restart"]);
    scene.assert_serves("prod1", "0.2.0");
    assert_eq!(life(), before, "the same process with the same state");
    Ok(())
}

fn github() -> Result<(), Failed> {
    let key = |scene: &Scene| fs::read_to_string(scene.lab.client_key()).expect("the lab has a key").trim().to_owned();
    check(&runs(&block("- uses: actions/checkout@v4")), |scene, line| line.replace("${{ secrets.DEPLOY_KEY }}", &key(scene)))
}

fn gitlab() -> Result<(), Failed> {
    check(&script(&block("resource_group: production       # one deploy at a time")), |_, line| line.to_owned())
}
