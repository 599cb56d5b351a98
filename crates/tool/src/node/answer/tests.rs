use super::*;

fn facts(lines: &[&str], permanent: &str) -> NodeFacts {
    let mut node = NodeLines::default();
    assert!(lines.iter().all(|line| node.take(line)));
    node.facts(permanent.parse().ok().as_ref())
}

fn started(releases: &str, permanent: &str) -> NodeFacts {
    let says = format!(r#"node-says {{ok, {{"42", 'tiny-1@h', {{started, started}}, 17, {releases}, [], {{9, 0, []}}}}}}"#);
    facts(&["node-pid 42", "node-boot 0.1.0", "node-name tiny", "node-is answered", &says], permanent)
}

#[test]
fn a_node_is_what_it_says_of_itself() {
    let node = started("[]", "0.1.0");
    assert_eq!((node.state, node.pid), (NodeState::Running, Some(42)));
    assert_eq!(node.name.unwrap().as_str(), "tiny-1@h");
    assert_eq!(node.version.unwrap().as_str(), "0.1.0");
    let says = r#"node-says {ok, {"42", t@h, {starting, applications_loaded}, 17, [], [], {9, 0, []}}}"#;
    assert_eq!(facts(&["node-pid 42", says, "node-is answered"], "").state, NodeState::Starting);
}

#[test]
fn what_a_running_node_has_to_do_is_told_with_its_peers() {
    let says = |state: &str| {
        let says = format!(r#"node-says {{ok, {{"42", t@h, {state}, 17, [], [], {{48000000, 3, ['b-1@h', c@h]}}}}}}"#);
        facts(&["node-pid 42", &says, "node-is answered"], "").load
    };
    let load = says("{started, started}").unwrap();
    let peers: Vec<&str> = load.peers.iter().map(|peer| peer.as_str()).collect();
    assert_eq!((load.memory, load.run_queue, peers), (48_000_000, 3, vec!["b-1@h", "c@h"]));
    assert_eq!(says("{starting, applications_loaded}"), None);
}

#[test]
fn loaded_code_and_this_start_of_the_node_are_told() {
    let answer = |code: &str| {
        let says = format!(r#"node-says {{ok, {{"42", t@h, {{started, started}}, 17, [], {code}, {{9, 0, []}}}}}}"#);
        let lines = format!("node-pid 42\nnode-began 99\nnode-is answered\n{says}\n");
        Answer::parse(&format!("edeliver-node 1\npermanent 0.1.0\n{lines}end\n")).unwrap()
    };
    // zlib:compress/1 of OTP 25 made it of {lists, 255} and {'Elixir.A.B', 10}.
    let told = answer(r#""eJzLySwuKWZwzcmsyCzSc9RzYoCB/1CaCwCeGQaF""#);
    assert_eq!(told.incarnation, Some(Incarnation { pid: 42, began: 99, creation: 17 }));
    assert_eq!(told.code.unwrap(), Modules::from([("lists".to_owned(), 255), ("Elixir.A.B".to_owned(), 10)]));
    assert_eq!(answer("[]").code, None);
    for unequal in ["eJzLySwuKWZwzcmsyCzSc9RzYoCB/wBqNwZ7", "eJzLySwuKWaAgf9QmgsANtoDOQ=="] {
        assert_eq!(answer(&format!("{unequal:?}")).code, None, "two names and one sum, one name and two sums");
    }
}

#[test]
fn the_answer_of_another_process_under_the_same_name_is_not_believed() {
    let says = r#"node-says {ok, {"43", t@h, {started, started}, 17, [], [], {9, 0, []}}}"#;
    assert_eq!(facts(&["node-pid 42", "node-is answered", says], "").state, NodeState::Starting);
}

#[test]
fn an_upgraded_node_runs_another_version_than_it_booted() {
    let runs = |list: &str, permanent: &str| started(list, permanent).version.unwrap().to_string();
    assert_eq!(runs(r#"[{"0.2.0", current}, {"0.1.0", permanent}]"#, "0.1.0"), "0.2.0");
    assert_eq!(runs(r#"[{"0.2.0", permanent}, {"0.1.0", old}]"#, "0.2.0"), "0.2.0");
    assert_eq!(runs(r#"[{"0.2.0", permanent}, {"0.1.0", old}]"#, "0.1.0"), "0.1.0", "an old list says nothing");
    let loaded = |which: &str| format!(r#"[{{"0.2.0", permanent}}, {{"0.1.0", old}}{which}]"#);
    assert_eq!(runs(&loaded(r#", {"0.2.0", loaded}"#), "0.1.0"), "0.2.0", "another one was made what boots since");
    assert_eq!(runs(&loaded(r#", {"0.1.0", loaded}"#), "0.1.0"), "0.1.0");
    assert_eq!(runs(&loaded(r#", {"0.2.0", loaded}, {"0.1.0", loaded}"#), "0.1.0"), "0.1.0", "they have the same applications");
    let often = r#"[{"0.3.0", permanent}, {"0.2.0", old}, {"0.1.0", old}]"#;
    assert_eq!(runs(often, "0.3.0"), "0.3.0", "not the first upgrade since it booted");
    assert_eq!(runs("[]", "0.2.0"), "0.1.0");
    let starting = r#"node-says {ok, {"42", t@h, {starting, x}, 17, [{"0.2.0", current}], [], {9, 0, []}}}"#;
    let node = facts(&["node-pid 42", "node-boot 0.1.0", "node-is answered", starting], "0.1.0");
    assert_eq!(node.version.unwrap().as_str(), "0.1.0", "it is not up");
}

#[test]
fn an_upgrade_that_nobody_made_permanent_is_told_with_what_it_is_from() {
    let from = |list: &str| started(list, "0.1.0").upgraded_from.map(|version| version.to_string());
    assert_eq!(from(r#"[{"0.2.0", current}, {"0.1.0", permanent}]"#).as_deref(), Some("0.1.0"));
    assert_eq!(from(r#"[{"0.2.0", permanent}, {"0.1.0", old}]"#), None);
    assert_eq!(from(r#"[{"0.2.0", current}]"#), None, "a node without release_handler: what boots in it");
}

#[test]
fn a_torn_answer_is_noticed() {
    let whole = "edeliver-node 1\npermanent 0.1.0\nnode-is down\nend\n";
    assert_eq!(Answer::parse(whole).unwrap().node, NodeFacts::down());
    for cut in 0..whole.len() {
        assert!(Answer::parse(&whole[..cut]).is_err(), "{cut}");
    }
    assert!(matches!(Answer::parse("edeliver-node 1\nx y\nend\n"), Err(AnswerError::Line(_))));
}
