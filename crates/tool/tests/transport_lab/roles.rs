//! What this program does when a test starts it: one thing with a transport, told line by line on standard output.

use std::{path::Path, process::ExitCode, sync::Arc, time::Duration};

use edeliver::transport::{
    Call, Limits, Local, Output, Script, Ssh, Transport, TransportError,
    prompt::{Prompter, Terminal},
};
use tokio::io::AsyncReadExt;

use crate::{
    conformance::{conformance, join_all},
    sshd::spec,
};

/// Before the name of a role.
pub(crate) const WORD: &str = "--role";

pub(crate) fn play(words: &[String]) -> ExitCode {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        match words.as_slice() {
            ["conformance", config, host] => all_promises(&open(config, host).await.unwrap()).await,
            ["run", config, host, seconds, text] => run(config, host, seconds, text).await,
            ["open", config, hosts @ ..] => open_all(config, hosts).await,
            ["ask"] => ask().await,
            ["local", text] => println!("status: {}", local(text).await),
            ["terminal", config, host, script] => terminal(config, host, script).await,
            ["log-in", config, host] => log_in_at_the_terminal(config, host).await,
            other => panic!("{other:?}"),
        }
    });
    println!("done");
    ExitCode::SUCCESS
}

fn limits(config: &str) -> Limits {
    Limits::new(Path::new(env!("CARGO_BIN_EXE_edeliver")), None).with_ssh_config(Path::new(config))
}

/// A host, `user@` before it if it is not the configuration's.
async fn open(config: &str, host: &str) -> Result<Ssh, TransportError> {
    let (user, name) = host.split_once('@').map_or((None, host), |(user, name)| (Some(user), name));
    let mut spec = spec(name);
    spec.user = user.map(|user| user.parse().unwrap());
    Ssh::open(&spec, &limits(config)).await
}

/// A port of the host's own, too: its sshd speaks first.
async fn all_promises(host: &Ssh) {
    conformance(host).await;
    let mut hello = [0; 8];
    host.connect(22).await.unwrap().read_exact(&mut hello).await.unwrap();
    assert_eq!(&hello, b"SSH-2.0-");
    assert!(matches!(host.connect(9).await, Err(TransportError::Unreachable { .. })));
}

/// Runs a script, tells its lines, and how it ended.
async fn run(config: &str, host: &str, seconds: &str, text: &str) {
    let host = match open(config, host).await {
        Ok(host) => host,
        Err(error) => return println!("opened: {error:?}"),
    };
    println!("opened: ok");
    let script = Script { name: "test", text: String::leak(text.to_owned()) };
    let mut tell = |line: &str| println!("line: {line}");
    let call = Call::new(script, [""; 0], Duration::from_secs(seconds.parse().unwrap()));
    let reply = host.run(Call { output: Output::Lines(&mut tell), ..call }).await;
    println!("ended: {reply:?}");
    host.close().await;
}

/// All at the same time, with the limits of one run.
async fn open_all(config: &str, hosts: &[&str]) {
    let limits = limits(config);
    let specs: Vec<_> = hosts.iter().map(|host| spec(host)).collect();
    for (spec, opened) in specs.iter().zip(join_all(specs.iter().map(|spec| Ssh::open(spec, &limits))).await) {
        println!("{}: {:?}", spec.name, opened.map(|host| host.counts().logins));
    }
}

/// The status of a script on this machine.
async fn local(text: &str) -> i32 {
    let script = Script { name: "test", text: String::leak(text.to_owned()) };
    Local::new().run(Call::new(script, [""; 0], Duration::from_secs(10))).await.unwrap().status
}

/// A script of the host on our terminal, over the connection; and once more when that is gone.
async fn terminal(config: &str, host: &str, script: &str) {
    let host = open(config, host).await.unwrap();
    let run = || host.terminal(script).unwrap().status();
    println!("status: {:?}", run().await.unwrap().code());
    host.close().await;
    println!("without a connection: {:?}", run().await.unwrap().code());
}

async fn ask() {
    let terminal = Terminal::open().expect("it is started at a terminal");
    println!("answer: {:?}", terminal.ask("Secret, please: ").await);
}

/// As the program does it: whatever ssh asks is asked at the terminal.
async fn log_in_at_the_terminal(config: &str, host: &str) {
    let terminal = Terminal::open().expect("it is started at a terminal");
    let limits = limits(config).with_prompter(Arc::new(terminal));
    println!("opened: {:?}", Ssh::open(&spec(host), &limits).await.map(|host| host.counts().logins));
}
