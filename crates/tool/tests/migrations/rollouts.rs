//! Migrations of a rollout: once for all hosts, at the time that the plan has for them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{
    BUILT, RELX, contains,
    program::{Done, Program},
};

/// A project with two hosts, and two versions of the release in its store.
struct Rollout {
    program: Program,
    nodes: String,
}

impl Rollout {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let nodes = format!("roll{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let rollout = Self { program: Program::new(), nodes };
        let releases = rollout.program.project().join(".deliver/releases");
        fs::create_dir_all(&releases).unwrap();
        let folder = rollout.program.project().parent().unwrap().join("built");
        run(Command::new("cp").arg("-a").arg(BUILT.path().join("release")).arg(&folder));
        for version in ["0.1.0", "0.2.0"] {
            if version != "0.1.0" {
                renamed(&folder, version);
            }
            let archive = releases.join(format!("hotapp_{version}.release.tar.gz"));
            run(Command::new("tar").arg("-C").arg(&folder).arg("-czf").arg(archive).args(["--transform", "s,^\\.,hotapp,", "."]));
        }
        rollout
    }
    fn host(&self, name: &str) -> PathBuf {
        self.program.project().parent().unwrap().join(name)
    }
    fn configure(&self, rollout: &str, variables: &str) {
        let host = |name: &str| {
            let (path, node) = (self.host(name), format!("{}{name}", self.nodes));
            format!("{{ name = {name:?}, transport = \"local\", path = {path:?}, node = {node:?} }}")
        };
        let database = self.program.project().join("db");
        let text = format!(
            "app = \"hotapp\"\n[targets.staging]\nhosts = [{}, {}]\nprofile = \"/nothing\"\n[targets.staging.rollout]\n\
             waves = [1, \"rest\"]\n{rollout}\n[targets.staging.env]\nDATABASE = {database:?}\n{variables}\n",
            host("one"),
            host("two")
        );
        self.program.write("edeliver.toml", &text);
    }
    #[track_caller]
    fn run(&self, line: &str, code: i32) -> Done {
        self.program.ends_with(line, code)
    }
    fn boots(&self, host: &str) -> Option<String> {
        let data = fs::read_to_string(self.host(host).join("hotapp/releases/start_erl.data")).ok()?;
        data.split_whitespace().last().map(str::to_owned)
    }
    fn is_migrated(&self) -> bool {
        fs::read_to_string(self.program.project().join("db.Hotapp.Repo")).is_ok_and(|text| text.contains("20240303"))
    }
}

impl Drop for Rollout {
    fn drop(&mut self) {
        self.program.run(&["stop", "staging", "--yes"]);
    }
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}
/// The same release under another version.
fn renamed(folder: &Path, version: &str) {
    let (old, new) = (folder.join("releases/0.1.0"), folder.join("releases").join(version));
    fs::rename(&old, &new).unwrap();
    for file in [new.join("hotapp.rel"), folder.join("releases/start_erl.data")] {
        let text = fs::read_to_string(&file).unwrap();
        // The release's own version is the first.
        fs::write(&file, text.replacen("0.1.0", version, 1)).unwrap();
    }
}
/// The lines of people have these in this order.
fn in_order(done: &Done, words: &[&str]) {
    let mut rest = done.err.as_str();
    for word in words {
        let at = rest.find(word).unwrap_or_else(|| panic!("no {word:?} after the others in\n{}", done.err));
        rest = &rest[at + word.len()..];
    }
}

#[test]
fn migrations_before_a_rollout_are_run_once_by_the_new_release_and_nothing_is_changed_where_they_fail() {
    let rollout = Rollout::new();
    rollout.configure("migrate = \"before\"", "RISKY = \"yes\"");
    let failed = rollout.run("deploy release to staging --version=0.1.0 --start-deploy --yes", 9);
    contains(&failed, &["the migrations were not run to their end: the migration failed", "edeliver migrate staging"]);
    assert_eq!((rollout.boots("one"), rollout.boots("two"), rollout.is_migrated()), (None, None, false));

    rollout.configure("migrate = \"before\"", "");
    let plan = rollout.run("deploy release to staging --version=0.1.0 --start-deploy --plan", 0);
    contains(&plan, &["pending migrations are carried out once, before the first host is changed"]);
    let done = rollout.run("deploy release to staging --version=0.1.0 --start-deploy --yes", 0);
    in_order(&done, &["carries out 20240303 risky", "one | make 0.1.0 the release that boots", "two | make 0.1.0"]);
    assert_eq!(done.err.matches("execute \"create Risky\"").count(), 1, "{}", done.err);
    assert!(rollout.is_migrated());

    // The next one: the old release runs, the new one is only there.
    fs::remove_file(rollout.program.project().join("db.Hotapp.Repo")).unwrap();
    let done = rollout.run("deploy release to staging --version=0.2.0 --start-deploy --yes", 0);
    in_order(&done, &["0.2.0 does not run yet: it migrates in a VM of its own", "execute \"create Risky\"", "one | make 0.2.0"]);
    assert_eq!(rollout.boots("two").as_deref(), Some("0.2.0"));
}

#[test]
fn migrations_after_the_first_wave_end_the_rollout_where_they_fail_and_bring_it_back_where_that_is_wanted() {
    let rollout = Rollout::new();
    rollout.configure("", "");
    rollout.run("deploy release to staging --version=0.1.0 --start-deploy --yes", 0);
    assert!(!rollout.is_migrated(), "nobody has asked for it");
    rollout.configure("", "RISKY = \"yes\"");
    let deploy = "deploy release to staging --version=0.2.0 --start-deploy --yes --run-migrations=after-first-wave";
    let failed = rollout.run(deploy, 8);
    contains(&failed, &["nothing was changed: the migrations were not run to their end; 0.1.0 serving as before"]);
    assert_eq!((rollout.boots("one").as_deref(), rollout.boots("two").as_deref()), (Some("0.2.0"), Some("0.1.0")));

    rollout.run("rollback staging --host=one --yes", 0);
    let failed = rollout.run(&format!("{deploy} --on-failure=rollback"), 9);
    contains(&failed, &["taken back"]);
    assert_eq!((rollout.boots("one").as_deref(), rollout.boots("two").as_deref()), (Some("0.1.0"), Some("0.1.0")));

    rollout.configure("", "");
    let done = rollout.run(&format!("{deploy} --force"), 0);
    in_order(&done, &["one | start 0.2.0", "execute \"create Risky\"", "two | start 0.2.0"]);
    assert_eq!(done.err.matches("execute \"create Risky\"").count(), 1, "{}", done.err);
}

#[test]
fn migrations_after_a_rollout_that_fail_bring_it_back_where_that_is_wanted() {
    let rollout = Rollout::new();
    rollout.configure("", "");
    rollout.run("deploy release to staging --version=0.1.0 --start-deploy --yes", 0);
    rollout.configure("migrate = \"after\"\non_failure = \"rollback\"", "RISKY = \"yes\"");
    let failed = rollout.run("deploy release to staging --version=0.2.0 --start-deploy --yes", 9);
    contains(&failed, &["the hosts are changed, but the migrations were not run to their end", "taken back"]);
    assert_eq!((rollout.boots("one").as_deref(), rollout.boots("two").as_deref()), (Some("0.1.0"), Some("0.1.0")));
}

#[test]
fn migrations_after_a_rollout_that_failed_are_all_that_resume_carries_out() {
    let rollout = Rollout::new();
    rollout.configure("migrate = \"after\"", "");
    // Where the database is to be, something else is in the way.
    let database = rollout.program.project().join("db.Hotapp.Repo");
    fs::create_dir(&database).unwrap();
    let failed = rollout.run("deploy release to staging --version=0.1.0 --start-deploy --yes", 8);
    contains(&failed, &["the hosts are changed, but the migrations were not run to their end"]);
    assert_eq!((rollout.boots("one").as_deref(), rollout.boots("two").as_deref()), (Some("0.1.0"), Some("0.1.0")));
    fs::remove_dir(&database).unwrap();
    let resumed = rollout.run("resume --yes", 0);
    contains(&resumed, &["is resumed: edeliver migrate staging", "migrations carried out"]);
    assert!(rollout.is_migrated());
    rollout.run("resume", 2);
}

#[test]
fn migrations_before_the_first_deploy_of_a_relx_release_are_called_from_its_files() {
    let program = Program::new();
    let host = program.project().parent().unwrap().join("host");
    let releases = program.project().join(".deliver/releases");
    fs::create_dir_all(&releases).unwrap();
    let archive = releases.join("relapp_0.1.0.release.tar.gz");
    let built = RELX.path().join("relapp/_build/prod/rel/relapp");
    run(Command::new("tar").arg("-C").arg(built).arg("-czf").arg(archive).args(["--transform", "s,^\\.,relapp,", "."]));
    let text = format!(
        "app = \"relapp\"\n[targets.staging]\nhosts = [{{ name = \"one\", transport = \"local\", path = {host:?} }}]\nprofile = \"/nothing\"\n\
         migrate = \"relapp_release:migrate\"\n[targets.staging.rollout]\nmigrate = \"before\"\n[targets.staging.env]\nRELAPP_GREETING = \"grüezi\"\n"
    );
    program.write("edeliver.toml", &text);
    let done = program.ends_with("deploy release to staging --version=0.1.0 --yes", 0);
    in_order(&done, &["0.1.0 does not run yet: it migrates in a VM of its own", "grüezi, migrating []", "one | make 0.1.0"]);
}
