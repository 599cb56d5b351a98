//! Links on bad days: what is wrong is told apart, in time, and nothing that nobody knows is called done.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use edeliver::{
    node::{
        Link,
        link::{self, CallError, LinkError, Mfa, Way},
    },
    transport::{Local, Transport},
};
use edeliver_core::facts::NodeState;
use edeliver_erl::Term;
use rustix::process::Signal;
use tokio::task::JoinSet;

use crate::{
    link::{PATIENCE, open},
    release::{Kind, Running, signal, unique},
    road::Road,
};

async fn open_over(host: Arc<dyn Transport>, running: &Running) -> Result<Box<dyn Link>, LinkError> {
    link::open(&host, &running.place, PATIENCE).await
}

pub(crate) async fn call(
    link: &mut dyn Link,
    module: &'static str,
    function: &'static str,
    arguments: Vec<Term>,
) -> Result<Term, CallError> {
    link.call(&Mfa::literal(module, function, arguments), PATIENCE, &mut |_| {}).await
}

pub(crate) async fn pid(link: &mut dyn Link) -> u32 {
    call(link, "os", "getpid", vec![]).await.unwrap().to_text().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_link_that_is_cut_during_a_call_leaves_the_outcome_unknown() {
    let running = Running::new(Kind::Mix);
    running.start(&Local::new()).await.unwrap();
    let road = Road::open();
    let mut link = open_over(road.clone(), &running).await.unwrap();
    let sleep = Mfa::literal("timer", "sleep", [Term::from(60_000)]);
    let began = Instant::now();
    let mut ignored = |_: &str| {};
    let (outcome, ()) = tokio::join!(link.call(&sleep, PATIENCE, &mut ignored), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        road.cut();
    });
    let outcome = outcome.unwrap_err();
    assert!(matches!(outcome, CallError::Lost) && outcome.is_unknown(), "{outcome}");
    assert!(began.elapsed() < PATIENCE, "noticed at once, not by the time limit");
    let after = call(&mut *link, "erlang", "node", vec![]).await.unwrap_err();
    assert!(matches!(after, CallError::Ended) && !after.is_unknown(), "{after}: nothing was called");
}

#[tokio::test]
async fn a_node_that_dies_during_a_call_leaves_the_outcome_unknown_in_either_way() {
    for road in [Road::open(), Road::closed()] {
        let running = Running::new(Kind::Mix);
        let node = running.start(&Local::new()).await.unwrap();
        let mut link = open_over(road, &running).await.unwrap();
        let way = link.way();
        let sleep = Mfa::literal("timer", "sleep", [Term::from(60_000)]);
        let mut ignored = |_: &str| {};
        let (outcome, ()) = tokio::join!(link.call(&sleep, PATIENCE, &mut ignored), async {
            tokio::time::sleep(Duration::from_millis(800)).await;
            signal(&node, Signal::KILL);
        });
        assert!(matches!(outcome, Err(CallError::Lost)), "{way:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn where_ports_cant_be_reached_the_releases_own_programs_are_used() {
    let running = Running::new(Kind::Mix);
    let node = running.start(&Local::new()).await.unwrap();
    let mut link = open_over(Road::closed(), &running).await.unwrap();
    assert_eq!((link.way(), pid(&mut *link).await), (Way::Scripts, node.pid.unwrap()));
    signal(&node, Signal::STOP);
    let stopped = open_over(Road::closed(), &running).await.err().expect("it is stopped");
    assert!(matches!(stopped, LinkError::Stopped), "{stopped}");
}

#[tokio::test]
async fn a_node_that_hangs_is_told_within_the_time() {
    let running = Running::new(Kind::Mix);
    let node = running.start(&Local::new()).await.unwrap();
    let mut link = open(&running).await.unwrap();
    signal(&node, Signal::STOP);
    let began = Instant::now();
    let patience = Duration::from_secs(1);
    let outcome = link.call(&Mfa::literal("erlang", "node", []), patience, &mut |_| {}).await.unwrap_err();
    assert!(matches!(outcome, CallError::Timeout { .. }), "{outcome}");
    assert!(matches!(open(&running).await.err(), Some(LinkError::Stopped)));
    assert!(began.elapsed() < Duration::from_secs(5));
    signal(&node, Signal::CONT);
    assert_eq!(pid(&mut *link).await, node.pid.unwrap(), "the link outlives it");

    // Its processes run, but the one that shakes hands does not.
    call(&mut *link, "sys", "suspend", vec![Term::atom("net_kernel")]).await.unwrap();
    let host: Arc<dyn Transport> = Arc::new(Local::new());
    let hung = link::open(&host, &running.place, Duration::from_secs(1)).await.err().expect("nobody shakes hands");
    assert!(matches!(hung, LinkError::Hung { .. }), "{hung}");
    assert!(hung.to_string().contains("hangs"));
    call(&mut *link, "sys", "resume", vec![Term::atom("net_kernel")]).await.unwrap();
    open(&running).await.unwrap();
}

#[tokio::test]
async fn a_node_that_is_starting_says_so_and_can_be_called() {
    let (mut running, host) = (Running::new(Kind::Mix), Local::new());
    running.set("TROUBLE", "30000");
    running.start_within(&host, 2).await.unwrap_err();
    // On a busy machine it takes longer than that until it listens; its application takes half a minute.
    let began = Instant::now();
    let mut link = loop {
        match open(&running).await {
            Err(LinkError::Starting) if began.elapsed() < Duration::from_secs(20) => {
                tokio::time::sleep(Duration::from_millis(200)).await
            }
            opened => break opened.unwrap(),
        }
    };
    let status = call(&mut *link, "init", "get_status", vec![]).await.unwrap();
    assert!(status.to_string().starts_with("{starting,"), "{status}");
}

#[tokio::test]
async fn another_cookie_and_no_distribution_are_told_apart() {
    let (running, host) = (Running::new(Kind::Relx), Local::new());
    running.start(&host).await.unwrap();
    let mut link = open(&running).await.unwrap();
    call(&mut *link, "erlang", "set_cookie", vec![Term::atom("another")]).await.unwrap();
    for road in [Road::open(), Road::closed()] {
        let refused = open_over(road, &running).await.err().expect("the cookie is wrong");
        assert!(matches!(refused, LinkError::WrongCookie), "{refused}");
    }
    let mut running = Running::new(Kind::Mix);
    running.set("RELEASE_DISTRIBUTION", "none");
    running.start(&host).await.unwrap();
    let refused = open(&running).await.err().expect("it has no distribution");
    assert!(matches!(refused, LinkError::NoDistribution), "{refused}");
}

#[tokio::test]
async fn nodes_of_different_releases_with_short_and_long_names_are_not_confused() {
    let (mut mix, mut relx, host) = (Running::new(Kind::Mix), Running::new(Kind::Relx), Local::new());
    let (short, long) = (unique(), format!("{}@127.0.0.1", unique()));
    mix.set("RELEASE_DISTRIBUTION", "name");
    mix.set("RELEASE_NODE", &long);
    relx.set("RELEASE_NODE", &short);
    let (one, two) = (mix.start(&host).await.unwrap(), relx.start(&host).await.unwrap());
    let (mut to_mix, mut to_relx) = (open(&mix).await.unwrap(), open(&relx).await.unwrap());
    assert_eq!((to_mix.node().to_string(), to_relx.node().name()), (long, short.as_str()));
    assert_eq!((pid(&mut *to_mix).await, pid(&mut *to_relx).await), (one.pid.unwrap(), two.pid.unwrap()));
}

#[tokio::test]
async fn several_links_of_one_operator_do_not_disturb_each_other() {
    let (running, host) = (Running::new(Kind::Mix), Local::new());
    running.start(&host).await.unwrap();
    let mut links = Vec::new();
    for _ in 0..12 {
        links.push(open(&running).await.unwrap());
    }
    for link in &mut links {
        call(&mut **link, "erlang", "node", vec![]).await.expect("none has ended another");
    }
    let hidden = call(&mut *links[0], "erlang", "nodes", vec![Term::atom("hidden")]).await.unwrap();
    assert_eq!(hidden.as_list().unwrap().len(), 12, "{hidden}");
    assert_eq!(call(&mut *links[0], "erlang", "nodes", vec![]).await.unwrap(), Term::List(vec![]));
    assert_eq!(running.state(&host).await.state, NodeState::Running);
}

/// The whole memory is bounded, not only that of each answer.
#[tokio::test(flavor = "multi_thread")]
async fn long_values_of_many_links_are_held_a_few_at_a_time() {
    const LEN: usize = 20_000_000;
    let running = Running::new(Kind::Mix);
    running.start(&Local::new()).await.unwrap();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let (mut link, now, most) = (open(&running).await.unwrap(), now.clone(), most.clone());
        tasks.spawn(async move {
            let copy = Mfa::literal("binary", "copy", [Term::binary(b"0123456789"), Term::from(2_000_000)]);
            let value = link.call(&copy, Duration::from_secs(300), &mut |_| {}).await.unwrap();
            most.fetch_max(now.fetch_add(LEN, Ordering::SeqCst) + LEN, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert_eq!(value.as_binary().map(<[u8]>::len), Some(LEN));
            now.fetch_sub(LEN, Ordering::SeqCst);
            link.close().await;
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let most = most.load(Ordering::SeqCst);
    assert!(most <= 128 << 20, "{most} bytes");
}

#[tokio::test]
async fn ten_thousand_calls_leave_no_atom_behind_and_take_less_than_a_millisecond_each() {
    let running = Running::new(Kind::Mix);
    running.start(&Local::new()).await.unwrap();
    let atoms = async |link: &mut dyn Link| {
        call(link, "erlang", "system_info", vec![Term::atom("atom_count")]).await.unwrap().as_i64().unwrap()
    };
    let mut link = open(&running).await.unwrap();
    call(&mut *link, "lists", "sum", vec![Term::list([])]).await.unwrap();
    let before = atoms(&mut *link).await;
    let mut fastest = Duration::MAX;
    for _ in 0..10 {
        link = open(&running).await.unwrap();
        for _ in 0..1_000 {
            let began = Instant::now();
            call(&mut *link, "lists", "sum", vec![Term::list([])]).await.unwrap();
            fastest = fastest.min(began.elapsed());
        }
    }
    let more = atoms(&mut *link).await - before;
    // Two of our names may have met while a link was being closed.
    assert!(more <= 3, "{more} atoms more");
    assert!(fastest < Duration::from_millis(1), "{fastest:?}");
}
