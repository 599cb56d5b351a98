use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use edeliver_core::event::StdStream;
use tempfile::TempDir;

use super::LOGS;
use crate::transport::{Call, Listener, Local, Output, Transport as _};

type Heard = Arc<Mutex<Vec<String>>>;

struct Ear(Heard);
#[async_trait]
impl Listener for Ear {
    async fn line(&mut self, _: StdStream, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

/// A root with these logs, the oldest first.
fn root(dir: &str, logs: &[(&str, &str)]) -> TempDir {
    let root = TempDir::with_prefix("my apps ").unwrap();
    fs::create_dir_all(root.path().join(dir)).unwrap();
    for (name, text) in logs {
        write(&root.path().join(dir).join(name), text);
    }
    root
}

/// Appends to the file, which then is newer than all others.
fn append(file: &Path, text: &str) {
    let modified = |file: &Path| fs::metadata(file).unwrap().modified().unwrap();
    let newest = fs::read_dir(file.parent().unwrap()).unwrap().map(|entry| modified(&entry.unwrap().path())).max();
    let mut open = fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
    open.write_all(text.as_bytes()).unwrap();
    open.set_modified(newest.map_or(modified(file), |newest| newest + Duration::from_millis(10))).unwrap();
}

/// The same for a file that begins anew.
fn write(file: &Path, text: &str) {
    let _ = fs::remove_file(file);
    append(file, text);
}

async fn show(root: &Path, lines: &str, follow: &str, heard: &Heard) -> i32 {
    let mut ear = Ear(heard.clone());
    let args = [root.to_str().unwrap(), "", lines, follow, "", ""];
    let call = Call { output: Output::Heard(&mut ear), ..Call::new(LOGS, args, Duration::from_secs(100)) };
    Local::new().run(call).await.unwrap().status
}

async fn past(root: &TempDir, lines: &str) -> (i32, String) {
    let heard = Heard::default();
    let status = show(root.path(), lines, "no", &heard).await;
    let text = heard.lock().unwrap().join("|");
    (status, text)
}

#[tokio::test]
async fn the_last_lines_come_from_the_file_before_too() {
    let root = root("tmp/log", &[("erlang.log.4", "a\n"), ("erlang.log.5", "b\r\nc\r\n"), ("erlang.log.1", "d\r\n")]);
    assert_eq!(past(&root, "2").await, (0, "c|d".to_owned()));
    assert_eq!(past(&root, "9").await, (0, "b|c|d".to_owned()));
    assert_eq!(past(&root, "0").await, (0, String::new()));
}

#[tokio::test]
async fn relx_has_its_log_elsewhere_and_a_root_without_one_is_told() {
    assert_eq!(past(&root("log", &[("erlang.log.1", "a\nb\n")]), "1").await, (0, "b".to_owned()));
    assert_eq!(past(&root("log", &[("crash.log", "a\n")]), "1").await, (3, String::new()));
}

/// Until so many lines were heard.
async fn hear(heard: &Heard, count: usize) -> String {
    let enough = async {
        while heard.lock().unwrap().len() < count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(60), enough).await;
    heard.lock().unwrap().join("|")
}

#[tokio::test]
async fn a_log_is_followed_into_the_next_files_and_around() {
    let root = root("tmp/log", &[("erlang.log.1", "old\n"), ("erlang.log.2", "a\n")]);
    let (heard, path, log) = (Heard::default(), root.path().to_owned(), root.path().join("tmp/log"));
    let following = tokio::spawn({
        let heard = heard.clone();
        async move { show(&path, "1", "yes", &heard).await }
    });
    assert_eq!(hear(&heard, 1).await, "a");
    append(&log.join("erlang.log.2"), "b\n");
    assert_eq!(hear(&heard, 2).await, "a|b");
    // Two at once, the second under a name that was there before.
    append(&log.join("erlang.log.2"), "c\n");
    write(&log.join("erlang.log.3"), "d\n");
    write(&log.join("erlang.log.1"), "e\n");
    assert_eq!(hear(&heard, 5).await, "a|b|c|d|e");
    append(&log.join("erlang.log.1"), "f\n");
    assert_eq!(hear(&heard, 6).await, "a|b|c|d|e|f");
    following.abort();
}

#[tokio::test]
async fn a_log_that_is_not_there_yet_is_waited_for() {
    let root = root("tmp/log", &[]);
    let (heard, path) = (Heard::default(), root.path().to_owned());
    let following = tokio::spawn({
        let heard = heard.clone();
        async move { show(&path, "10", "yes", &heard).await }
    });
    assert_eq!(hear(&heard, 1).await, "there is no log yet");
    write(&root.path().join("tmp/log/erlang.log.1"), "a\nb\n");
    assert_eq!(hear(&heard, 3).await, "there is no log yet|a|b");
    following.abort();
}

#[tokio::test]
async fn the_journal_of_a_configured_unit_is_shown_where_no_node_runs() {
    let bin = root("bin", &[("journalctl", "#!/bin/sh\necho \"$@\"\n")]);
    let program = bin.path().join("bin/journalctl");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.path().join("bin").display(), std::env::var("PATH").unwrap());
    let (root, heard) = (root("tmp/log", &[("erlang.log.1", "a\n")]), Heard::default());
    let mut ear = Ear(heard.clone());
    let args = [root.path().to_str().unwrap(), "", "7", "yes", "user", "hotapp.service"];
    let call = Call { output: Output::Heard(&mut ear), ..Call::new(LOGS, args, Duration::from_secs(100)) };
    Local::new().env("PATH", &path).run(call).await.unwrap();
    assert_eq!(*heard.lock().unwrap(), ["--user -u hotapp.service -n 7 -o cat --no-pager -f"]);
}
