//! Migrating with Ecto itself and a PostgreSQL of the test's own.
//!
//! The sources of Ecto are not in the project and not in its registries: every test here counts as ignored, and says why once, unless
//! `EDELIVER_TEST_ECTO` names a folder that has them (docs/migrations.md).

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod database;
#[path = "../program/optional.rs"]
mod optional;
#[path = "../program/mod.rs"]
mod program;
mod sample;
mod scene;

use std::{fs, process::ExitCode};

use scene::{SOURCES, Scene, contains};

const TESTS: &[(&str, fn())] = &[
    ("migrations_of_ecto_go_up_and_down_on_the_running_node", || there_and_back(true)),
    ("migrations_of_ecto_go_up_and_down_without_a_node", || there_and_back(false)),
    ("a_failed_migration_of_ecto_is_taken_back_by_the_database_and_its_cause_is_told", a_failed_migration),
    ("a_database_that_is_not_there_is_told_in_the_words_of_its_driver", no_database),
    ("only_the_configured_repository_is_migrated", configured_repository),
    ("a_migration_whose_file_is_gone_stays_and_is_said_to", file_gone),
];

fn main() -> ExitCode {
    // The server is started by the thread that lives longest: it ends with that.
    optional::run(SOURCES, "folder with the sources of Ecto", TESTS, database::start)
}

const USERS: &str = "20240101000000";
const INDEX: &str = "20240202000000";
const RISKY: &str = "20240303000000";

fn there_and_back(on_node: bool) {
    let scene = Scene::new("");
    if on_node {
        scene.run("start staging", 0);
    }
    contains(&scene.run("show migrations on staging", 0), &["Shop.Repo", USERS, "pending", "users", "Billing.Repo", "invoices"]);
    assert_eq!(scene.columns("shop", "users"), "");
    let up = scene.run(&format!("migrate staging --repo=Shop.Repo --version={INDEX}"), 0);
    let ran = format!("== Running {USERS} Shop.Repo.Migrations.Users.change/0 forward");
    contains(&up, &[&ran, "create table users", "create index users_name_index", "2 migrations carried out"]);
    assert_eq!(up.err.contains("VM of its own"), !on_node, "{}", up.err);
    assert_eq!((scene.columns("shop", "users"), scene.columns("billing", "invoices")), ("id name".into(), String::new()));
    contains(&scene.run("migrate on staging up", 0), &["2 migrations carried out"]);
    assert_eq!((scene.columns("shop", "users"), scene.columns("billing", "invoices")), ("id name risk".into(), "id amount".into()));
    contains(&scene.run("migrate staging", 0), &["nothing was changed"]);
    contains(&scene.run("migrate down staging", 3), &["several repositories: Shop.Repo, Billing.Repo", "--repo="]);
    contains(&scene.run("migrate down staging --repo=Shop.Repo", 0), &["takes back 20240303000000", "1 migration taken back"]);
    assert_eq!(scene.columns("shop", "users"), "id name", "one, not all");
    scene.run(&format!("migrate staging down --repo=Shop.Repo --version={USERS}"), 0);
    assert_eq!(scene.columns("shop", "users"), "");
    contains(&scene.run("migrations staging --json", 0), &["\"state\":\"up\"", "\"repository\":\"Billing.Repo\""]);
}

fn a_failed_migration() {
    for on_node in [false, true] {
        let scene = Scene::new("RISKY = \"yes\"");
        if on_node {
            scene.run("start staging", 0);
        }
        let failed = scene.run("migrate staging", 8);
        contains(&failed, &["the migration failed", "(undefined_column) column \"no_such_column\" does not exist"]);
        assert_eq!(scene.columns("shop", "users"), "id name", "those before it stay, and nothing of it");
        assert_eq!(scene.columns("billing", "invoices"), "", "those after it were not begun");
    }
}

fn no_database() {
    let scene = Scene::new("");
    scene.point_at_nothing("SHOP_DATABASE");
    for command in ["show migrations on staging", "migrate staging"] {
        contains(&scene.run(command, 8), &["connection refused", "the migrations can't be listed"]);
    }
}

fn configured_repository() {
    let scene = Scene::new("");
    scene.program.write("edeliver.toml", &scene.toml().replace("profile", "ecto_repos = [\"Billing.Repo\"]\nprofile"));
    contains(&scene.run("migrate staging", 0), &["1 migration carried out"]);
    assert_eq!((scene.columns("shop", "users"), scene.columns("billing", "invoices")), (String::new(), "id amount".into()));
    contains(&scene.run("migrate staging down", 0), &["1 migration taken back"]);
}

fn file_gone() {
    let scene = Scene::new("");
    scene.run("migrate staging", 0);
    fs::remove_file(scene.root().join(format!("lib/shop-0.1.0/priv/repo/migrations/{RISKY}_risky.exs"))).unwrap();
    let down = scene.run("migrate staging down --repo=Shop.Repo", 0);
    contains(&down, &[&format!("{RISKY} (Shop.Repo) stays"), &format!("takes back {INDEX} index"), "1 migration taken back"]);
    assert_eq!(scene.columns("shop", "users"), "id name risk");
}
