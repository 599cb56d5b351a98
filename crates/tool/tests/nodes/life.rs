//! The life of a healthy node.

use std::{
    fs,
    time::{Duration, Instant},
};

use edeliver::{
    node::{self, NodeError, link::Mfa},
    transport::{Local, Transport},
};
use edeliver_core::facts::NodeState;
use edeliver_erl::Term;

use crate::{
    link::{PATIENCE, open},
    release::{Kind, Running, first, lasting},
    shells,
};

#[tokio::test]
async fn a_node_is_started_asked_and_stopped() {
    for kind in [Kind::Mix, Kind::Relx, Kind::WithoutErts] {
        for shell in shells::both() {
            let (running, host, at) = (Running::new(kind), &shell.host, format!("{kind:?} with {}", shell.name));
            assert_eq!(running.state(host).await.state, NodeState::Down, "{at}");
            let started = running.start(host).await.expect(&at);
            assert_eq!(started.state, NodeState::Running, "{at}");
            let answer = node::state(host, &running.place).await.expect(&at);
            assert_eq!(lasting(&answer.node), lasting(&started), "{at}");
            assert!(answer.node.load.is_some_and(|load| load.memory > 1_000_000 && load.peers.is_empty()), "{at}");
            assert_eq!((answer.node.version, answer.permanent), (Some(first()), Some(first())), "{at}");
            let name = answer.node.name.expect(&at);
            assert!(name.as_str().starts_with('t') && name.as_str().contains('@'), "{at}: {name}");
            assert_eq!(running.stop(host).await, Vec::<String>::new(), "{at}: an orderly stop needs no word");
            assert_eq!(running.state(host).await.state, NodeState::Down, "{at}");
            assert_eq!(running.stop(host).await, ["no node is running"], "{at}");
        }
    }
}

#[tokio::test]
async fn a_node_that_runs_already_is_left_running() {
    let (running, host) = (Running::new(Kind::Mix), Local::new());
    let first = running.start(&host).await.unwrap();
    assert_eq!(running.start(&host).await.unwrap().pid, first.pid);
    let other = "0.2.0".parse().unwrap();
    let timeout = std::time::Duration::from_secs(5);
    let refused = node::start(&host, &running.place, &other, timeout, &running.environment, &mut |_| {}).await.unwrap_err();
    assert!(matches!(refused, NodeError::OtherVersion { .. }), "{refused}");
}

#[tokio::test]
async fn only_the_version_that_is_meant_is_stopped() {
    let (running, host) = (Running::new(Kind::Mix), Local::new());
    running.start(&host).await.unwrap();
    let (other, timeout) = ("0.2.0".parse().unwrap(), std::time::Duration::from_secs(5));
    node::stop(&host, &running.place, Some(&other), timeout, &mut |_| {}).await.unwrap();
    assert_eq!(running.state(&host).await.state, NodeState::Running);
}

#[tokio::test]
async fn a_node_gets_the_environment_of_the_settings_and_none_of_the_callers() {
    let mut running = Running::new(Kind::Mix);
    let profile = running.dir().join("profile");
    fs::write(&profile, "export FROM_PROFILE='p 1' OVER=profile\necho noise\n").unwrap();
    running.environment.profile = profile.to_str().unwrap().to_owned();
    running.set("OVER", "setting");
    running.set("ODD", "a 'b' \"c\" $HOME `id`\nsecond line");
    let caller = Local::new().env("RELEASE_VSN", "9.9.9").env("RELEASE_COOKIE", "evil").env("MIX_ENV", "test");
    let node = running.start(&caller).await.unwrap();
    let environ = fs::read(format!("/proc/{}/environ", node.pid.unwrap())).unwrap();
    let variables: Vec<String> = environ.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    for there in
        ["FROM_PROFILE=p 1", "OVER=setting", "ODD=a 'b' \"c\" $HOME `id`\nsecond line", "RELEASE_COOKIE=hotapp-sample-cookie"]
    {
        assert!(variables.iter().any(|variable| variable == there), "{there:?} is missing in {variables:#?}");
    }
    let leaked = variables.iter().find(|variable| variable.starts_with("MIX_ENV=") || variable.contains("9.9.9"));
    assert_eq!(leaked, None);
    assert!(!format!("{:?}", running.environment).contains("second line"), "values may be secrets");
}

/// What `LINK_VM_ARGS` and `LINK_SYS_CONFIG` of a classic config become.
#[tokio::test]
async fn a_node_is_started_with_the_flags_and_the_configuration_that_the_host_has_in_files() {
    for (kind, flags, config) in
        [(Kind::Mix, "RELEASE_VM_ARGS", "RELEASE_SYS_CONFIG"), (Kind::Relx, "VMARGS_PATH", "RELX_CONFIG_PATH")]
    {
        let mut running = Running::new(kind);
        let (vm_args, sys_config) = (running.dir().join("vm.args"), running.dir().join("own.config"));
        // relx's script takes name and cookie from nowhere else.
        let own = format!("-sname {}\n-setcookie relapp-sample-cookie\n", running.variable("RELEASE_NODE"));
        let own = if kind == Kind::Relx { own } else { String::new() };
        fs::write(&vm_args, format!("{own}-flagged here\n")).unwrap();
        fs::write(&sys_config, format!("[{{{}, [{{greeting, <<\"of the host\">>}}]}}].", kind.app())).unwrap();
        running.set(flags, vm_args.to_str().unwrap());
        let whole = sys_config.to_str().unwrap();
        running.set(config, if kind == Kind::Relx { whole } else { whole.trim_end_matches(".config") });
        let node = running.start(&Local::new()).await.unwrap();
        let words = fs::read(format!("/proc/{}/cmdline", node.pid.unwrap())).unwrap();
        assert!(String::from_utf8_lossy(&words).contains("-flagged\0here"), "{kind:?}: {}", String::from_utf8_lossy(&words));
        let mut link = open(&running).await.unwrap();
        let ask = Mfa::literal("application", "get_env", [Term::atom(kind.app()), Term::atom("greeting")]);
        let told = link.call(&ask, PATIENCE, &mut |_| {}).await.unwrap();
        assert_eq!(told, Term::tuple([Term::atom("ok"), Term::binary(*b"of the host")]), "{kind:?}");
        link.close().await;
    }
}

#[tokio::test]
async fn two_releases_on_one_machine_are_told_apart() {
    let (mix, relx, host) = (Running::new(Kind::Mix), Running::new(Kind::Relx), Local::new());
    let (one, two) = (mix.start(&host).await.unwrap(), relx.start(&host).await.unwrap());
    assert_ne!(one.pid, two.pid);
    assert_eq!((mix.state(&host).await, relx.state(&host).await), (one, two));
    mix.stop(&host).await;
    assert_eq!(relx.state(&host).await.state, NodeState::Running);
}

#[tokio::test]
async fn a_question_is_one_call_and_starts_no_vm() {
    let (running, host) = (Running::new(Kind::Mix), Local::new());
    running.start(&host).await.unwrap();
    // Whatever starts a VM of the release starts it by this one.
    let erts =
        fs::read_dir(running.root()).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.join("bin/erlexec").exists());
    fs::remove_file(erts.unwrap().join("bin/erlexec")).unwrap();
    let calls = host.counts().calls;
    assert_eq!(running.state(&host).await.state, NodeState::Running);
    assert_eq!(host.counts().calls - calls, 1);
}

#[tokio::test]
async fn relx_configuration_is_not_rewritten_by_questions() {
    let (running, host) = (Running::new(Kind::Relx), Local::new());
    running.start(&host).await.unwrap();
    let rendered = running.root().join("releases/0.1.0/sys.config");
    let (before, when) = (fs::read(&rendered).unwrap(), fs::metadata(&rendered).unwrap().modified().unwrap());
    running.state(&host).await;
    running.stop(&host).await;
    assert_eq!(fs::read(&rendered).unwrap(), before);
    assert_eq!(fs::metadata(&rendered).unwrap().modified().unwrap(), when);
}

#[tokio::test]
async fn each_start_of_a_node_is_another_also_in_the_same_process() {
    let (running, host) = (Running::new(Kind::Mix), Local::new());
    let now = async || node::state(&host, &running.place).await.unwrap();
    running.start(&host).await.unwrap();
    let first = now().await.incarnation.expect("a node that answers");
    assert_eq!(now().await.incarnation, Some(first));
    let mut link = open(&running).await.unwrap();
    link.call(&Mfa::literal("init", "restart", []), PATIENCE, &mut |_| {}).await.unwrap();
    let began = Instant::now();
    let in_place = loop {
        let answer = now().await;
        match answer.incarnation {
            Some(other) if other != first && answer.node.state == NodeState::Running => break other,
            _ => assert!(began.elapsed().as_secs() < 30, "it does not come back: {answer:?}"),
        }
    };
    assert_eq!((in_place.pid, in_place.began), (first.pid, first.began));
    assert_ne!(in_place.creation, first.creation);
    running.stop(&host).await;
    running.start(&host).await.unwrap();
    assert_ne!(now().await.incarnation.map(|start| start.pid), Some(first.pid));
}

#[tokio::test]
async fn loaded_code_is_asked_for_in_the_same_call() {
    for shell in shells::both() {
        for kind in [Kind::Mix, Kind::Relx] {
            let running = Running::new(kind);
            running.start(&shell.host).await.unwrap();
            let calls = shell.host.counts().calls;
            let answer = node::state_and_code(&shell.host, &running.place).await.unwrap();
            assert_eq!(shell.host.counts().calls - calls, 1);
            let code = answer.code.unwrap();
            let module = if kind == Kind::Mix { "Elixir.Hotapp.Version" } else { "relapp_version" };
            assert!(code.len() > 100 && code.contains_key(module) && code.contains_key("lists"), "{}: {code:?}", shell.name);
        }
    }
}

#[tokio::test]
async fn a_start_tells_how_far_the_applications_have_come() {
    for shell in shells::both() {
        let mut running = Running::new(Kind::Mix);
        running.set("TROUBLE", "2000");
        let mut told = Vec::new();
        let (timeout, tell) = (Duration::from_secs(30), &mut |line: &str| told.push(line.to_owned()));
        node::start(&shell.host, &running.place, &first(), timeout, &running.environment, tell).await.unwrap();
        let waits: Vec<_> = told.iter().filter(|line| line.ends_with("applications are up, starting hotapp")).collect();
        assert_eq!(waits.len(), 1, "{}: once, as it does not change: {told:?}", shell.name);
    }
}

#[tokio::test]
async fn a_node_that_takes_its_time_to_stop_gets_it() {
    let (running, host) = (Running::new(Kind::Mix), Local::new());
    running.start(&host).await.unwrap();
    let slow = "Supervisor.start_child(Hotapp.Supervisor, %{id: :slow, shutdown: :infinity, start: {Task, :start_link, [fn ->
        Process.flag(:trap_exit, true)
        receive do {:EXIT, _, _} -> Process.sleep(6000) end
    end]}})";
    let mut link = open(&running).await.unwrap();
    let eval = Mfa::literal("Elixir.Code", "eval_string", [Term::binary(slow)]);
    link.call(&eval, PATIENCE, &mut |_| {}).await.unwrap();
    let began = Instant::now();
    assert_eq!(running.stop(&host).await, Vec::<String>::new(), "it is not ended by a signal");
    assert!(began.elapsed() >= Duration::from_secs(6));
}
