//! Migrating: on the node, without it, by one operator at a time. Ecto itself can't be had without hex.pm; `ecto_sql/` stands for it.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "../program/mod.rs"]
mod program;
mod rollouts;
mod stand_in;
#[path = "../program/terminal.rs"]
mod terminal;

use std::{fs, path::PathBuf, process::Command, sync::LazyLock, thread, time::Duration};

use edeliver_lab::samples;
use program::{Done, Program};
use tempfile::TempDir;

/// A release of the sample with two repositories, the second in an application of its own. Built once.
static BUILT: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let sample = samples::elixir(&dir.path().join("hotapp"), "0.1.0").unwrap();
    let deps = "[{:ecto_sql, path: \"../ecto_sql\"}, {:billing, path: \"../billing\"}]";
    sample.edit("mix.exs", "  defp deps do\n    []", &format!("  defp deps do\n    {deps}")).unwrap();
    sample.edit("lib/hotapp/application.ex", "children = [", "children = [Hotapp.Repo, ").unwrap();
    let configured = "import Config\nconfig :hotapp, ecto_repos: [Hotapp.Repo]\nconfig :billing, ecto_repos: [Billing.Repo]\n";
    sample.edit("config/config.exs", "import Config\n", configured).unwrap();
    sample.write("lib/hotapp/repo.ex", "defmodule Hotapp.Repo do\n  use Ecto.Repo, otp_app: :hotapp\nend\n").unwrap();
    let task = "defmodule Hotapp.Release do\n  def migrate, do: IO.puts(\"by hand\")\n  def rollback(version), do: {:error, {:no_way_to, version}}\nend\n";
    sample.write("lib/hotapp/release.ex", task).unwrap();
    let write = |path: &str, text: &str| stand_in::write_file(&dir.path().join(path), text);
    stand_in::write(dir.path());
    stand_in::package(dir.path(), "billing", ", deps: [{:ecto_sql, path: \"../ecto_sql\"}]");
    write("billing/lib/repo.ex", "defmodule Billing.Repo do\n  use Ecto.Repo, otp_app: :billing\nend\n");
    write("billing/priv/repo/migrations/7_invoices.exs", &migration("Invoices", ""));
    let own = |name: &str, body: &str| write(&format!("hotapp/priv/repo/migrations/{name}.exs"), body);
    own("20240101_users", &migration("Users", ""));
    own("20240202_names", &migration("Names", ""));
    let risky = "if System.get_env(\"RISKY\"), do: raise(\"column \\\"name\\\" does not exist\")\n    if System.get_env(\"SLOW\"), do: Process.sleep(120_000)";
    own("20240303_risky", &migration("Risky", risky));
    let release = Command::new("mix")
        .args(["release", "--quiet", "--overwrite", "--path"])
        .arg(dir.path().join("release"))
        .env("MIX_ENV", "prod")
        .current_dir(&sample.dir)
        .output()
        .unwrap();
    assert!(release.status.success(), "{}", String::from_utf8_lossy(&release.stdout));
    dir
});

fn migration(name: &str, up: &str) -> String {
    format!(
        "defmodule Migrations.{name} do\n  use Ecto.Migration\n  def up do\n    {up}\n    execute(\"create {name}\")\n  end\n  def down, do: \
         execute(\"drop {name}\")\nend\n"
    )
}

/// A project whose only host has the release.
struct Scene {
    program: Program,
}

impl Scene {
    fn new(more: &str) -> Self {
        let scene = Self { program: Program::new() };
        fs::create_dir_all(scene.host()).unwrap();
        let copied = Command::new("cp").arg("-a").arg(BUILT.path().join("release")).arg(scene.host().join("hotapp")).status();
        assert!(copied.unwrap().success());
        scene.configure(more, "");
        scene
    }
    fn host(&self) -> PathBuf {
        self.program.project().parent().unwrap().join("host")
    }
    fn configure(&self, more: &str, variables: &str) {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let (host, database) = (self.host(), self.program.project().join("db"));
        let node = fs::read_to_string(self.host().join("name")).unwrap_or_else(|_| {
            let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            format!("mig{}x{count}", std::process::id())
        });
        fs::write(self.host().join("name"), &node).unwrap();
        let text = format!(
            "app = \"hotapp\"\n[targets.staging]\nhosts = [{{ name = \"here\", transport = \"local\", path = {host:?}, node = {node:?} }}]\n\
             profile = \"/nothing\"\n{more}\n[targets.staging.env]\nDATABASE = {database:?}\n{variables}\n"
        );
        self.program.write("edeliver.toml", &text);
    }
    #[track_caller]
    fn run(&self, line: &str, code: i32) -> Done {
        self.program.ends_with(line, code)
    }
    /// The versions that a repository has.
    fn versions(&self, repo: &str) -> String {
        let text = fs::read_to_string(self.program.project().join(format!("db.{repo}"))).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.program.run(&["stop", "staging", "--yes"]);
    }
}

fn contains(done: &Done, words: &[&str]) {
    let said = format!("{}{}", done.out, done.err);
    for word in words {
        assert!(said.contains(word), "no {word:?} in\n{said}");
    }
}

/// The whole way; `on_node`: with a node, otherwise from the release's files.
fn there_and_back(on_node: bool) {
    let scene = Scene::new("");
    if on_node {
        scene.run("start staging", 0);
    }
    let shown = scene.run("show migrations on staging", 0);
    contains(&shown, &["Hotapp.Repo", "20240101", "pending", "users", "Billing.Repo", "invoices"]);
    assert_eq!(scene.versions("Hotapp.Repo"), "", "a question changes nothing");
    contains(&scene.run("migrate staging --plan", 0), &["carries out 20240101 users (Hotapp.Repo)"]);
    assert_eq!(scene.versions("Hotapp.Repo"), "", "a plan changes nothing");
    let up = scene.run("migrate staging --repo=Hotapp.Repo --version=20240202", 0);
    contains(&up, &["== Running 20240101 Migrations.Users.up/0 forward", "execute \"create Names\"", "2 migrations carried out"]);
    assert_eq!(up.err.contains("VM of its own"), !on_node, "{}", up.err);
    assert_eq!((scene.versions("Hotapp.Repo").as_str(), scene.versions("Billing.Repo").as_str()), ("20240101 20240202", ""));
    scene.run("migrate on staging up", 0);
    assert_eq!(
        (scene.versions("Hotapp.Repo").as_str(), scene.versions("Billing.Repo").as_str()),
        ("20240101 20240202 20240303", "7")
    );
    contains(&scene.run("migrate", 0), &["nothing was changed"]);
    contains(&scene.run("migrate down staging", 3), &["several repositories: Hotapp.Repo, Billing.Repo", "--repo="]);
    contains(&scene.run("migrate down staging --repo=Hotapp.Repo", 0), &["takes back 20240303", "1 migration taken back"]);
    assert_eq!(scene.versions("Hotapp.Repo"), "20240101 20240202", "one, not all");
    scene.run("migrate staging down --repo=Hotapp.Repo --version=20240101", 0);
    assert_eq!(scene.versions("Hotapp.Repo"), "");
    contains(&scene.run("migrations staging --json", 0), &["\"state\":\"up\"", "\"repository\":\"Billing.Repo\""]);
}

#[test]
fn migrations_go_up_and_down_on_the_running_node() {
    there_and_back(true);
}

#[test]
fn migrations_go_up_and_down_without_a_node() {
    there_and_back(false);
}

#[test]
fn ctrl_c_at_the_question_whether_to_migrate_migrates_nothing() {
    let scene = Scene::new("confirm = true");
    let (said, code) =
        terminal::interrupted_at("[y/N]", terminal::at_a_terminal(scene.program.command("script"), &["migrate", "staging"]));
    assert_eq!((code, scene.versions("Hotapp.Repo").as_str()), (Some(130), ""), "{said}");
}

#[test]
fn migrations_follow_a_deploy_that_went_well_if_they_are_asked_for() {
    let scene = Scene::new("");
    let archive = scene.program.project().join(".deliver/releases/hotapp_0.1.0.release.tar.gz");
    fs::create_dir_all(archive.parent().unwrap()).unwrap();
    let packed = Command::new("tar").arg("-C").arg(scene.host()).arg("-czf").arg(&archive).arg("hotapp").status();
    assert!(packed.unwrap().success());
    fs::remove_dir_all(scene.host().join("hotapp")).unwrap();
    let planned = scene.run("deploy release to staging --run-migrations --plan", 0);
    contains(&planned, &["pending migrations are carried out once, when all hosts are done"]);

    scene.configure("", "RISKY = \"yes\"");
    let failed = scene.run("deploy release to staging --run-migrations", 8);
    let said =
        ["the hosts are changed, but the migrations were not run to their end", "the migration failed", "edeliver migrate staging"];
    contains(&failed, &said);
    assert_eq!(scene.versions("Hotapp.Repo"), "20240101 20240202", "those before it stay");

    fs::remove_dir_all(scene.host().join("hotapp")).unwrap();
    scene.configure("", "");
    let done = scene.run("deploy release to staging --start-deploy --run-migrations", 0);
    contains(&done, &["carries out 20240303 risky", "2 migrations carried out"]);
    assert_eq!(scene.versions("Hotapp.Repo"), "20240101 20240202 20240303");
    assert_eq!(scene.versions("Billing.Repo"), "7");
    let again = scene.run("deploy release to staging --start-deploy --run-migrations", 0);
    contains(&again, &["migrations are run only after hosts were changed"]);
}

#[test]
fn a_failed_migration_is_a_failed_command_with_its_cause() {
    let scene = Scene::new("");
    for on_node in [false, true] {
        scene.configure("", "RISKY = \"yes\"");
        if on_node {
            scene.run("start staging", 0);
        }
        let failed = scene.run("migrate staging --repo=Hotapp.Repo", 8);
        contains(&failed, &["the migration failed", "column \"name\" does not exist"]);
        assert_eq!(scene.versions("Hotapp.Repo"), "20240101 20240202", "those before it stay");
    }
}

#[test]
fn a_migration_that_does_not_come_to_its_end_in_time_is_unknown_and_never_done() {
    let scene = Scene::new("");
    scene.configure("step_timeout = \"10s\"", "SLOW = \"yes\"");
    for on_node in [false, true] {
        if on_node {
            scene.run("start staging", 0);
        }
        let unknown = scene.run("migrate staging --repo=Hotapp.Repo", 11);
        contains(&unknown, &["it is not known whether the migration was carried out", "edeliver show migrations TARGET"]);
        assert!(!unknown.out.contains("done"), "{}", unknown.out);
        assert_eq!(scene.versions("Hotapp.Repo"), "20240101 20240202", "those before it were");
    }
}

#[test]
fn an_application_without_ecto_has_its_own_function_called() {
    let scene = Scene::new("migrate = \"Hotapp.Release.migrate\"\nmigrate_down = \"Hotapp.Release.rollback\"");
    for on_node in [false, true] {
        if on_node {
            scene.run("start staging", 0);
        }
        contains(&scene.run("migrate staging", 0), &["by hand", "Hotapp.Release.migrate was called"]);
        contains(&scene.run("migrate staging down --version=5", 8), &["it returned {:error, {:no_way_to, 5}}"]);
    }
    contains(&scene.run("migrate staging --version=5", 2), &["takes no version"]);
    scene.configure("migrate = \"Hotapp.Release.migrate\"", "");
    contains(&scene.run("migrate down staging", 3), &["migrate_down"]);
}

#[test]
fn a_function_of_an_erlang_module_is_called_too() {
    let scene = Scene::new("migrate = \"erlang:garbage_collect\"");
    contains(&scene.run("migrate staging", 0), &["no node runs", "erlang:garbage_collect was called"]);
    scene.run("start staging", 0);
    contains(&scene.run("migrate staging", 0), &["erlang:garbage_collect was called"]);
    scene.configure("migrate = \"no_such:thing\"", "");
    contains(&scene.run("migrate staging", 8), &["there is no function no_such:thing/0 on the node"]);
}

#[test]
fn a_node_of_another_release_than_the_one_that_boots_is_passed_over() {
    let scene = Scene::new("");
    scene.run("start staging", 0);
    let root = scene.host().join("hotapp");
    let copied = Command::new("cp").arg("-a").arg(root.join("releases/0.1.0")).arg(root.join("releases/0.2.0")).status();
    assert!(copied.unwrap().success());
    let start_erl = fs::read_to_string(root.join("releases/start_erl.data")).unwrap();
    fs::write(root.join("releases/start_erl.data"), start_erl.replace("0.1.0", "0.2.0")).unwrap();
    let up = scene.run("migrate staging", 0);
    contains(&up, &["the node runs 0.1.0, and 0.2.0 boots next", "4 migrations carried out"]);
}

#[test]
fn only_one_operator_migrates_at_a_time() {
    let scene = Scene::new("");
    let own = scene.host().join("hotapp/.edeliver");
    fs::create_dir_all(&own).unwrap();
    let lock = own.join("migrating");
    // As the lock of this very test process would look.
    let stat = fs::read_to_string(format!("/proc/{}/stat", std::process::id())).unwrap();
    let start = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().to_owned();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let holder = format!("{}-{start}-{}", std::process::id(), boot.split('-').next().unwrap());
    std::os::unix::fs::symlink(holder, &lock).unwrap();
    contains(&scene.run("migrate staging", 5), &["somebody else is migrating", &std::process::id().to_string()]);
    assert_eq!(scene.versions("Hotapp.Repo"), "");
    fs::remove_file(&lock).unwrap();
    // A dead holder's lock is taken over, and given back.
    std::os::unix::fs::symlink("1-0-00000000", &lock).unwrap();
    scene.run("migrate staging", 0);
    for _ in 0..100 {
        if lock.symlink_metadata().is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("the lock stays");
}

/// The same of a relx release, built once, with a function that tells what it was given.
static RELX: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let sample = samples::erlang(&dir.path().join("relapp"), "0.1.0").unwrap();
    let module = "-module(relapp_release).\n-export([migrate/0, rollback/1]).\n\
        migrate() -> {ok, Greeting} = application:get_env(relapp, greeting), io:format(\"~ts, migrating ~p~n\", [Greeting, \
        [A || {A, _, _} <- application:which_applications(), A =:= relapp]]).\n\
        rollback(7) -> error(\"no way back\");\nrollback(Version) -> {error, {no_way_to, Version}}.\n";
    sample.write("src/relapp_release.erl", module).unwrap();
    let release = Command::new("rebar3").args(["as", "prod", "release"]).current_dir(&sample.dir).output().unwrap();
    assert!(release.status.success(), "{}", String::from_utf8_lossy(&release.stdout));
    dir
});

#[test]
fn without_a_node_a_relx_release_calls_the_function_with_its_own_configuration() {
    let program = Program::new();
    let host = program.project().parent().unwrap().join("host");
    fs::create_dir_all(&host).unwrap();
    let release = RELX.path().join("relapp/_build/prod/rel/relapp");
    assert!(Command::new("cp").arg("-a").arg(release).arg(&host).status().unwrap().success());
    let text = |more: &str| {
        format!(
            "app = \"relapp\"\n[targets.staging]\nhosts = [{{ name = \"here\", transport = \"local\", path = {host:?} }}]\n\
             profile = \"/nothing\"\n{more}\n[targets.staging.env]\nRELAPP_GREETING = \"grüezi\"\n"
        )
    };
    program.write("edeliver.toml", &text("migrate = \"relapp_release:migrate\"\nmigrate_down = \"relapp_release:rollback\""));
    let run = |line: &str, code: i32| {
        let done = program.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(done.code, code, "{line}\n{}{}", done.err, done.out);
        done
    };
    contains(&run("migrate staging --yes", 0), &["no node runs", "grüezi, migrating []", "relapp_release:migrate was called"]);
    contains(&run("migrate staging down --yes", 8), &["it returned {error,{no_way_to,undefined}}"]);
    contains(&run("migrate staging down --version=7 --yes", 8), &["no way back"]);
    let own = host.join("own.config");
    fs::write(&own, "[{relapp, [{greeting, \"of the host\"}]}].").unwrap();
    program.write("edeliver.toml", &format!("{}LINK_SYS_CONFIG = {own:?}\n", text("migrate = \"relapp_release:migrate\"")));
    contains(&run("migrate staging --yes", 0), &["of the host, migrating []"]);
    program.write("edeliver.toml", &text(""));
    contains(&run("migrate staging --yes", 3), &["the release has no Ecto"]);
}
