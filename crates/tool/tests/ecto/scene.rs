//! A project whose only host has a release with two Ecto repositories, the second in an application of its own.

use std::{
    fs,
    path::PathBuf,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use tempfile::TempDir;

use super::database;
use crate::{
    program::{Done, Program},
    sample::{self, copy},
};

/// Names the folder with the sources of `ecto`, `ecto_sql`, `postgrex`, `db_connection`, `decimal` and `telemetry`, and mix archives.
pub(crate) const SOURCES: &str = "EDELIVER_TEST_ECTO";

/// Built once.
static BUILT: LazyLock<TempDir> = LazyLock::new(|| sample::built(&fs::canonicalize(std::env::var_os(SOURCES).unwrap()).unwrap()));

pub(crate) struct Scene {
    pub(crate) program: Program,
    /// Distinguishes its databases and its node from those of other scenes.
    name: String,
}

impl Scene {
    /// With these lines more in the environment of the release.
    pub(crate) fn new(variables: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("ecto{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let scene = Self { program: Program::new(), name };
        fs::create_dir(scene.root().parent().unwrap()).unwrap();
        copy(&BUILT.path().join("release"), &scene.root());
        let (shop, billing) = (database::create(&scene.database("shop")), database::create(&scene.database("billing")));
        let (path, node) = (scene.root().parent().unwrap().to_owned(), &scene.name);
        let text = format!(
            "app = \"shop\"\n[targets.staging]\nhosts = [{{ name = \"here\", transport = \"local\", path = {path:?}, node = {node:?} }}]\n\
             profile = \"/nothing\"\n[targets.staging.env]\nSHOP_DATABASE = {shop:?}\nBILLING_DATABASE = {billing:?}\n{variables}\n"
        );
        scene.program.write("edeliver.toml", &text);
        scene
    }
    /// The release root on the host.
    pub(crate) fn root(&self) -> PathBuf {
        self.program.project().parent().unwrap().join("host/shop")
    }
    fn database(&self, repo: &str) -> String {
        format!("{}_{repo}", self.name)
    }
    /// The configuration.
    pub(crate) fn toml(&self) -> String {
        fs::read_to_string(self.program.project().join("edeliver.toml")).unwrap()
    }
    /// Gives a variable the address of a port where nobody listens.
    pub(crate) fn point_at_nothing(&self, variable: &str) {
        let others = self.toml().lines().filter(|line| !line.starts_with(variable)).collect::<Vec<_>>().join("\n");
        self.program.write("edeliver.toml", &format!("{others}\n{variable} = \"postgres://shop@127.0.0.1:1/nothing\"\n"));
    }
    #[track_caller]
    pub(crate) fn run(&self, line: &str, code: i32) -> Done {
        let done = self.program.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(done.code, code, "{line}\n{}{}", done.err, done.out);
        done
    }
    /// The columns of a table in the database of `shop` or `billing`; nothing if there is none.
    pub(crate) fn columns(&self, repo: &str, table: &str) -> String {
        database::columns(&self.database(repo), table)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.program.run(&["stop", "staging", "--yes"]);
    }
}

pub(crate) fn contains(done: &Done, words: &[&str]) {
    let said = format!("{}{}", done.out, done.err);
    for word in words {
        assert!(said.contains(word), "no {word:?} in\n{said}");
    }
}
