//! Nodes of real releases, called over Erlang distribution.

use std::{sync::Arc, time::Duration};

use edeliver::{
    node::{
        Link, find,
        link::{self, CallError, LinkError, Mfa, Way},
    },
    transport::{Local, Transport},
};
use edeliver_erl::{Term, dist::guarded::Class};

use crate::{
    release::{Kind, Running},
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
async fn functions_are_called_and_their_ends_are_told_apart() {
    let running = Running::new(Kind::Mix);
    assert!(matches!(open(&running).await.err(), Some(LinkError::Down)));
    running.start(&Local::new()).await.unwrap();
    let mut link = open(&running).await.unwrap();
    assert_eq!((link.way(), link.node().name()), (Way::Distribution, running.variable("RELEASE_NODE")));
    ends_are_told_apart(&mut *link).await;
    link.close().await;
}

async fn ask(
    link: &mut dyn Link,
    module: &'static str,
    function: &'static str,
    arguments: &str,
) -> (Result<Term, CallError>, String) {
    let arguments = edeliver_erl::term::text::parse(arguments).unwrap().as_list().unwrap().to_vec();
    let mut printed = String::new();
    let result = link.call(&Mfa::literal(module, function, arguments), PATIENCE, &mut |text| printed.push_str(text)).await;
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
    let deeper = ask(link, "erlang", "apply", "[no_such, function, []]").await.0.unwrap_err();
    assert!(matches!(deeper, CallError::Raised { class: Class::Error, .. }), "{deeper}");
    let (result, printed) = ask(link, "io", "format", r#"["~ts ✓~n", [<<"wörld"/utf8>>]]"#).await;
    assert_eq!((result.unwrap(), printed.as_str()), (Term::atom("ok"), "wörld ✓\n"));
}
