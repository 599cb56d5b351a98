use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use edeliver_core::config::TransportKind;

use super::*;
use crate::transport::Local;

fn build_host(path: &Path) -> HostSpec {
    HostSpec {
        name: "builder".parse().unwrap(),
        address: None,
        transport: TransportKind::Local,
        user: None,
        port: None,
        path: path.to_str().unwrap().parse().unwrap(),
        node: None,
        tags: Vec::new(),
    }
}

/// A rehearsal with something that runs in its place, as daemons do: in a session of its own.
struct Played {
    guard: Guard,
    dir: PathBuf,
    players: Vec<Child>,
}

impl Played {
    async fn begin(path: &Path, name: &str) -> Self {
        let guard = Guard::begin(Arc::new(Local::new()), &build_host(path), &"app".parse().unwrap(), name).await.unwrap();
        let dir = PathBuf::from(guard.dir.as_str());
        fs::copy("/bin/sleep", dir.join("sleep")).unwrap();
        let by_word = Command::new("setsid").arg(dir.join("sleep")).arg("600").spawn().unwrap();
        let mut by_mark = Command::new("setsid");
        by_mark.args(["sleep", "600"]).env("EDELIVER_REHEARSAL", name).stdin(Stdio::null());
        Self { guard, dir, players: vec![by_word, by_mark.spawn().unwrap()] }
    }
    async fn end(mut self) {
        self.guard.end().await.unwrap();
        assert!(!self.dir.exists());
        for player in &mut self.players {
            assert!(!player.wait().unwrap().success(), "it was killed");
        }
    }
    fn all_play(&mut self) -> bool {
        self.players.iter_mut().all(|player| player.try_wait().unwrap().is_none())
    }
}

/// Each watch sees the processes of all; it must end those of its own rehearsal and no others, the other watches among them.
#[tokio::test]
async fn rehearsals_at_the_same_time_leave_each_other_alone_and_nothing_behind() {
    let home = tempfile::tempdir().unwrap();
    let (first, mut second) = (Played::begin(home.path(), "run-0.1.0").await, Played::begin(home.path(), "run-0.1.0-1").await);
    first.end().await;
    assert!(second.all_play(), "the other rehearsal goes on");
    second.end().await;
}
