//! What an upgraded node is asked before its release becomes permanent: its own word that it is well, and what is restarted.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use crate::scene::Scene;

/// Answers every request with what is in it now; gives its port.
fn page(answer: &Arc<Mutex<&'static str>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, answer) = (listener.local_addr().unwrap().port(), answer.clone());
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let head = BufReader::new(client.try_clone().unwrap()).lines().map_while(Result::ok);
            head.take_while(|line| !line.is_empty()).for_each(drop);
            let _ = write!(client, "HTTP/1.1 {}", answer.lock().unwrap());
        }
    });
    port
}

#[test]
fn a_page_or_a_function_decides_whether_an_upgrade_stays() {
    let scene = Scene::new("page", "");
    let answer = Arc::new(Mutex::new(""));
    let port = page(&answer);
    let by_page = format!("soak = \"1s\"\nhealth = {{ http = \"http://127.0.0.1:{port}/health\", body = \"well\" }}");
    scene.configure(&by_page);
    scene.count(2);
    let life = scene.life();
    for (bad, said) in [
        ("503 Service Unavailable\r\n\r\nno database", "503 Service Unavailable: no database"),
        ("200 OK\r\ncontent-length: 4\r\n\r\nsick", "no \"well\" in its page: sick"),
    ] {
        *answer.lock().unwrap() = bad;
        let failed = scene.run("deploy upgrade to staging --version=0.2.0");
        assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
        assert!(failed.err.contains(said) && failed.out.contains("0.1.0 serving again"), "{}{}", failed.err, failed.out);
        assert_eq!((scene.life(), scene.boots().as_str()), (life.clone(), "0.1.0"));
    }
    *answer.lock().unwrap() = "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nwe\r\n2\r\nll\r\n0\r\n\r\n";
    scene.ok("deploy upgrade to staging --version=0.2.0");
    scene.counted(2);
    assert_eq!((scene.life(), scene.boots().as_str()), (life.clone(), "0.2.0"));

    // A number is no word for it, and neither is a function that is not there.
    for (bad, said) in [("Hotapp.Counter.read", "Hotapp.Counter.read: 2"), ("Hotapp.Counter.well", "Hotapp.Counter.well")] {
        scene.configure(&format!("soak = \"1s\"\nhealth = {{ function = \"{bad}\" }}"));
        let failed = scene.run("rollback staging");
        assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
        assert!(failed.err.contains(said) && failed.out.contains("0.2.0 serving again"), "{}{}", failed.err, failed.out);
        assert_eq!((scene.life(), scene.boots().as_str()), (life.clone(), "0.2.0"));
    }
    scene.configure("soak = \"1s\"\nhealth = { function = \"erlang:is_alive\" }");
    scene.ok("rollback staging");
    scene.counted(2);
    assert_eq!((scene.life(), scene.boots().as_str()), (life, "0.1.0"));
}

#[test]
fn a_child_that_was_restarted_before_may_be_as_often_afterwards() {
    let scene = Scene::new("before", "soak = \"6s\"");
    // Something that has nothing to do with releases ends it every two seconds.
    scene.eval("spawn(fn -> for _ <- 1..30 do Process.sleep(2_000); Process.exit(Process.whereis(Hotapp.Counter), :kill) end end)");
    thread::sleep(Duration::from_millis(5_000));
    let done = scene.ok("deploy upgrade to staging --version=0.2.0");
    assert!(
        done.err.contains("restarted by its supervisor") && done.err.contains("before the upgrade"),
        "{}{}",
        done.out,
        done.err
    );
    assert_eq!(scene.boots(), "0.2.0");
}

#[test]
fn an_upgrade_after_which_a_mailbox_grows_or_errors_are_logged_is_taken_back() {
    let scene = Scene::new("grows", "soak = \"20s\"\n[rollout.limits]\nmailbox = 300");
    scene.count(2);
    let life = scene.life();
    let failed = scene.run("deploy upgrade to staging --version=0.2.3");
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    assert!(failed.err.contains("messages that wait for Hotapp.Sink: ") && failed.err.contains("at most 300"), "{}", failed.err);
    assert!(failed.out.contains("0.1.0 serving again"), "{}", failed.out);
    assert_eq!((scene.life(), scene.boots().as_str()), (life.clone(), "0.1.0"));
    scene.counted(2);

    scene.configure("soak = \"20s\"\n[rollout.limits]\nrestarts = \"off\"\nerrors = 1");
    let failed = scene.run("deploy upgrade to staging --version=0.2.2");
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    assert!(failed.err.contains("errors logged: ") && failed.err.contains("at most 1 a minute"), "{}", failed.err);
    assert_eq!((scene.life(), scene.boots().as_str()), (life, "0.1.0"));
    assert_eq!(scene.eval(":logger.get_handler_config(:edeliver_errors) |> elem(0)"), ":error", "nothing is left in the node");
}

#[test]
fn a_node_that_does_not_settle_in_time_goes_back_after_an_upgrade_and_after_a_restart() {
    let by = |function: &str| format!("soak = \"1s\"\n[rollout]\nsettled = \"{function}\"\nsettle_within = \"3s\"");
    let scene = Scene::new("settled", &by("erlang:is_alive"));
    scene.count(2);
    let life = scene.life();
    scene.configure(&by("Hotapp.Counter.read"));
    let failed = scene.run("deploy upgrade to staging --version=0.2.0");
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    let says = |number: u32| format!("not settled: Hotapp.Counter.read: {number}; within 3s is wanted");
    assert!(failed.err.contains(&says(2)) && failed.out.contains("0.1.0 serving again"), "{}{}", failed.err, failed.out);
    assert_eq!((scene.life(), scene.boots().as_str()), (life, "0.1.0"));
    scene.counted(2);

    let failed = scene.run("deploy release to staging --version=0.2.0 --start-deploy");
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    assert!(failed.err.contains(&says(0)) && failed.out.contains("0.1.0 serving again"), "{}{}", failed.err, failed.out);

    scene.configure(&by("erlang:is_alive"));
    let done = scene.ok("deploy upgrade to staging --version=0.2.0");
    assert!(done.err.contains("for 1s, until erlang:is_alive says so"), "{}", done.err);
    assert_eq!(scene.boots(), "0.2.0");
}
