//! Nodes of real releases, called over Erlang distribution.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use edeliver::{
    node::{
        self, Link, find,
        link::{self, CallError, LinkError, Mfa, Way},
    },
    transport::{Local, Transport},
};
use edeliver_core::facts::NodeState;
use edeliver_erl::{Term, dist::guarded::Class};

use crate::{
    release::{Kind, Running, lasting},
    shells,
};

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn open(running: &Running) -> Result<Box<dyn Link>, LinkError> {
    let host: Arc<dyn Transport> = Arc::new(Local::new());
    link::open(&host, &running.place, PATIENCE).await
}

#[tokio::test]
async fn a_node_is_found_with_what_it_takes_to_speak_with_it() {
    for shell in shells::both() {
        for kind in [Kind::Mix, Kind::Relx, Kind::WithoutErts] {
            let running = Running::new(kind);
            assert!(find::find(&shell.host, &running.place).await.unwrap().is_none(), "nothing runs");
            let node = running.start(&shell.host).await.unwrap();
            let found = find::find(&shell.host, &running.place).await.unwrap().expect("it runs");
            assert_eq!((found.pid, &found.booted), (node.pid, &node.booted));
            assert_eq!(found.elixir, kind != Kind::Relx);
            assert_eq!(found.ports.candidates().len(), 1, "{:?}", found.ports);
            assert!(found.ports.listening.is_some_and(|seen| seen.contains(&found.ports.registered.unwrap())));
            assert_eq!(found.uid, Some(rustix::process::getuid().as_raw()));
        }
    }
}

#[tokio::test]
async fn a_node_is_called_over_distribution() {
    for kind in [Kind::Mix, Kind::Relx] {
        let running = Running::new(kind);
        assert!(matches!(open(&running).await.err(), Some(LinkError::Down)));
        running.start(&Local::new()).await.unwrap();
        let mut link = open(&running).await.unwrap();
        assert_eq!(link.way(), Way::Distribution);
        conform(&mut *link).await;
        link.close().await;
    }
}

#[tokio::test]
async fn a_node_is_called_by_the_releases_own_programs() {
    for shell in shells::both() {
        let kind = if shell.name == "dash" { Kind::Mix } else { Kind::Relx };
        let running = Running::new(kind);
        running.start(&shell.host).await.unwrap();
        let host: Arc<dyn Transport> = Arc::new(shell.host);
        let found = find::find(&*host, &running.place).await.unwrap().unwrap();
        let mut link = link::open_scripts(&host, &running.place, &found, PATIENCE).await.unwrap();
        assert_eq!((link.way(), link.node().name()), (Way::Scripts, open(&running).await.unwrap().node().name()));
        conform(&mut *link).await;
        link.close().await;
        assert!(!running.is_being_asked().await, "calls that were given up have left something running");
    }
}

#[tokio::test]
async fn a_node_that_speaks_tls_is_started_asked_called_and_stopped_by_its_own_runtime_system() {
    for shell in shells::both() {
        let kind = if shell.name == "dash" { Kind::Tls } else { Kind::RelxTls };
        let mut running = Running::new(kind);
        let options = certified(running.dir());
        running.set("ERL_FLAGS", &format!("-proto_dist inet_tls -ssl_dist_optfile {}", options.display()));
        let node = running.start(&shell.host).await.unwrap();
        let answer = node::state(&shell.host, &running.place).await.unwrap();
        assert_eq!((node.state, lasting(&answer.node)), (NodeState::Running, lasting(&node)), "{kind:?}");
        assert!(answer.incarnation.is_some(), "{answer:?}");
        let host: Arc<dyn Transport> = Arc::new(shell.host);
        let mut link = link::open(&host, &running.place, PATIENCE).await.unwrap();
        assert_eq!((link.way(), link.node().name()), (Way::Scripts, running.variable("RELEASE_NODE")));
        conform(&mut *link).await;
        assert_eq!(running.stop(&*host).await, Vec::<String>::new(), "an orderly stop needs no word");
        assert_eq!(running.state(&*host).await.state, NodeState::Down);
        assert!(!running.is_being_started().await, "relx's script asks a node that speaks TLS for ever");
    }
}

/// A key, a certificate, and the option file that names them.
fn certified(dir: &Path) -> PathBuf {
    let (key, certificate, options) = (dir.join("key.pem"), dir.join("cert.pem"), dir.join("dist.conf"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=edeliver", "-keyout"]);
    let made = openssl.arg(&key).arg("-out").arg(&certificate).output().expect("openssl is installed");
    assert!(made.status.success(), "{made:?}");
    let server = format!("[{{certfile, {certificate:?}}}, {{keyfile, {key:?}}}]");
    fs::write(&options, format!("[{{server, {server}}}, {{client, [{{verify, verify_none}}]}}].\n")).unwrap();
    options
}

/// What holds for a link of either way.
async fn conform(link: &mut dyn Link) {
    ends_are_told_apart(link).await;
    what_is_printed_comes_whole(link).await;
    much_is_returned(link).await;
    what_does_not_return_is_given_up(link).await;
    // A node that has printed without end has something to clear up first.
    let began = Instant::now();
    let name = loop {
        match ask(link, "erlang", "node", "[]").await {
            (Err(_), _) if began.elapsed() < Duration::from_secs(60) => tokio::time::sleep(Duration::from_millis(200)).await,
            (name, _) => break name,
        }
    };
    assert_eq!(name.unwrap().as_atom(), Some(link.node().as_atom()), "the link is of use after all that");
}

type Asked = (Result<Term, CallError>, String);

async fn ask(link: &mut dyn Link, module: &'static str, function: &'static str, arguments: &str) -> Asked {
    ask_within(link, PATIENCE, module, function, arguments).await
}

async fn ask_within(
    link: &mut dyn Link,
    patience: Duration,
    module: &'static str,
    function: &'static str,
    arguments: &str,
) -> Asked {
    let arguments = edeliver_erl::term::text::parse(arguments).unwrap().as_list().unwrap().to_vec();
    let mut printed = String::new();
    let result = link.call(&Mfa::literal(module, function, arguments), patience, &mut |text| printed.push_str(text)).await;
    (result, printed)
}

async fn ends_are_told_apart(link: &mut dyn Link) {
    let (sum, printed) = ask(link, "lists", "sum", "[[1, 2, 3]]").await;
    assert_eq!((sum.unwrap(), printed.as_str()), (Term::from(6), ""));
    let raised = |result: Result<Term, CallError>| match result.unwrap_err() {
        CallError::Raised { class, reason, .. } => (class, reason.to_string()),
        other => panic!("{other}"),
    };
    assert_eq!(raised(ask(link, "erlang", "error", "[boom]").await.0), (Class::Error, "boom".to_owned()));
    assert_eq!(raised(ask(link, "erlang", "exit", "[boom]").await.0), (Class::Exit, "boom".to_owned()));
    assert_eq!(raised(ask(link, "erlang", "throw", "[{a, \"b\"}]").await.0), (Class::Throw, "{a,\"b\"}".to_owned()));
    let undefined = ask(link, "no_such", "function", "[1, 2]").await.0.unwrap_err();
    assert_eq!(undefined.to_string(), "there is no function no_such:function/2 on the node");
    let deeper = ask(link, "lists", "map", "[fun no_such:function/1, [1]]").await.0.unwrap_err();
    assert!(matches!(deeper, CallError::Raised { class: Class::Error, .. }), "{deeper}");
    let values = r#"[#{a => [1.5, <<"wörld"/utf8>>, 'ä✓', "✓", <<5:3>>, 36893488147419103232]}]"#;
    assert_eq!(
        ask(link, "lists", "last", &format!("[{values}]")).await.0.unwrap().to_string(),
        values[1..values.len() - 1].replace(", ", ",")
    );
}

async fn what_is_printed_comes_whole(link: &mut dyn Link) {
    for text in ["", "one", "one\n", "\none\n\ntwo", "wörld ✓\n"] {
        let (result, printed) = ask(link, "io", "format", &format!("[\"~ts\", [<<{text:?}/utf8>>]]")).await;
        assert_eq!((result.unwrap(), printed.as_str()), (Term::atom("ok"), text));
    }
}

async fn much_is_returned(link: &mut dyn Link) {
    let (result, _) = ask_within(link, Duration::from_secs(60), "binary", "copy", "[<<\"0123456789\">>, 5000000]").await;
    let bytes = result.unwrap();
    assert_eq!(bytes.as_binary().map(<[u8]>::len), Some(50_000_000));
    assert!(bytes.as_binary().unwrap().ends_with(b"6789"));
}

async fn what_does_not_return_is_given_up(link: &mut dyn Link) {
    let patience = Duration::from_secs(1);
    let began = Instant::now();
    let (given_up, _) = ask_within(link, patience, "timer", "sleep", "[infinity]").await;
    assert!(given_up.as_ref().is_err_and(CallError::is_unknown), "{given_up:?}");
    assert!(began.elapsed() < Duration::from_secs(9), "it took {:?}", began.elapsed());
    let forever = forms(link, "(fun Forever() -> io:put_chars(\"on and on\\n\"), Forever() end)().").await;
    let mut lines = 0u64;
    let call = Mfa::literal("erl_eval", "exprs", [forever, Term::list([])]);
    let given_up = link.call(&call, patience, &mut |text| lines += u64::from(text.contains("on and on"))).await;
    assert!(given_up.as_ref().is_err_and(CallError::is_unknown), "{given_up:?}");
    assert!(lines > 10, "{lines} lines");
}

/// The abstract form of expressions.
async fn forms(link: &mut dyn Link, source: &str) -> Term {
    let scan = Mfa::literal("erl_scan", "string", [Term::string(source)]);
    let scanned = link.call(&scan, PATIENCE, &mut |_| {}).await.unwrap();
    let parse = Mfa::literal("erl_parse", "parse_exprs", [scanned.as_tuple().unwrap()[1].clone()]);
    link.call(&parse, PATIENCE, &mut |_| {}).await.unwrap().as_tuple().unwrap()[1].clone()
}
