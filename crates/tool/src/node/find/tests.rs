use super::*;

const ANSWER: &str = "edeliver-find 1\npermanent 0.2.0\nnode process\npid 42\nstarted 1234\nuid 1000\nuser deploy\nalso 43\n\
    registered 40001\nsockets seen\nlistens 4000\nlistens 40001\nbooted 0.1.0\nelixir yes\nnames short\nname tiny\ncookie s3cret \n\
    end\n";

#[test]
fn a_node_is_found_with_all_it_takes_to_speak_with_it() {
    let found = Found::parse(ANSWER).unwrap().unwrap();
    assert_eq!((found.pid, found.started, found.uid, found.others.as_slice()), (Some(42), Some(1234), Some(1000), &[43][..]));
    assert_eq!((found.name.unwrap().as_str(), found.names), ("tiny", Names::Short));
    assert_eq!((found.booted.unwrap().as_str(), found.permanent.unwrap().as_str()), ("0.1.0", "0.2.0"));
    assert!(found.elixir && !found.stopped && found.cookie.is_some());
    assert!(Found::parse("edeliver-find 1\npermanent 0.2.0\nend\n").unwrap().is_none(), "nothing runs there");
}

#[test]
fn the_cookie_is_in_no_text_about_the_node_nor_about_a_broken_answer() {
    let found = Found::parse(ANSWER).unwrap().unwrap();
    assert!(!format!("{found:?}").contains("s3cret"));
    for cut in 0..ANSWER.len() {
        let error = Found::parse(&ANSWER[..cut]).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("s3c"), "{cut}");
    }
    let error = Found::parse(&ANSWER.replace("cookie ", "cookies ")).unwrap_err();
    assert_eq!(error, FindError::Line);
}

#[test]
fn a_stale_entry_of_epmd_is_not_tried() {
    let ports = |registered, listening: Option<&[u16]>, fixed| Ports {
        registered,
        listening: listening.map(|ports| ports.iter().copied().collect()),
        fixed,
        epmd: None,
    };
    assert_eq!(ports(Some(1), Some(&[1, 2]), None).candidates(), [1]);
    assert_eq!(ports(Some(1), Some(&[2, 3]), None).candidates(), [2, 3], "epmd has the port of a node that is no more");
    assert_eq!(ports(Some(1), None, None).candidates(), [1], "sockets of another user can't be seen");
    assert_eq!(ports(None, Some(&[2, 3]), Some(3)).candidates(), [3]);
    assert_eq!(ports(None, None, None).candidates(), [0u16; 0]);
}
