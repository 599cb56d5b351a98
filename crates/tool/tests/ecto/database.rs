//! A PostgreSQL server for one run of the tests.

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::LazyLock,
    thread,
    time::Duration,
};

use tempfile::TempDir;

/// Ended with the thread that used it first.
static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

struct Server {
    dir: TempDir,
    port: u16,
    _process: Child,
}

impl Server {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        if rustix::process::geteuid().is_root() {
            assert!(Command::new("chown").arg("postgres").arg(dir.path()).status().unwrap().success());
        }
        let data = dir.path().join("data");
        let made = program("initdb").args(["-A", "trust", "-U", "shop", "-D"]).arg(&data).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let process = program("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-F", "-h", "127.0.0.1", "-p", &port.to_string(), "-k"])
            .arg(dir.path())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { dir, port, _process: process };
        server.wait();
        server
    }
    fn wait(&self) {
        for _ in 0..200 {
            if self.ask("postgres", "select 1").is_some() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("PostgreSQL doesn't start in {}", self.dir.path().display());
    }
    fn ask(&self, database: &str, query: &str) -> Option<String> {
        let asked = Command::new("psql")
            .args(["-X", "-A", "-t", "-h", "127.0.0.1", "-U", "shop", "-p", &self.port.to_string(), "-d", database, "-c", query])
            .output()
            .unwrap();
        asked.status.success().then(|| String::from_utf8(asked.stdout).unwrap().trim().to_owned())
    }
}

/// A program of the newest PostgreSQL here. Its server refuses to run as root.
fn program(name: &str) -> Command {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest: Option<PathBuf> = installed.map(|entry| entry.unwrap().path()).max();
    let path = newest.map_or_else(|| PathBuf::from(name), |dir| dir.join("bin").join(name));
    let mut command = Command::new("setpriv");
    command.arg("--pdeathsig=INT").current_dir("/");
    if rustix::process::geteuid().is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command.arg(path);
    command
}

/// Starts the server.
pub(crate) fn start() {
    LazyLock::force(&SERVER);
}

/// Makes a database of that name; gives its address.
pub(crate) fn create(name: &str) -> String {
    SERVER.ask("postgres", &format!("create database {name}")).unwrap();
    format!("postgres://shop@127.0.0.1:{}/{name}", SERVER.port)
}

/// The columns of a table, in their order; nothing if there is none.
pub(crate) fn columns(database: &str, table: &str) -> String {
    let query = format!(
        "select string_agg(column_name, ' ' order by ordinal_position) from information_schema.columns where table_name = '{table}'"
    );
    SERVER.ask(database, &query).unwrap()
}
