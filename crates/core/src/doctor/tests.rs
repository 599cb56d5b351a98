use super::*;
use crate::{
    facts::{NodeState, Seen},
    plan::tests::model::{empty_host, release, settings},
    release::Libc,
};

fn examined(change: impl FnOnce(&mut Seen, &mut Vitals)) -> Vec<Finding> {
    let (mut seen, mut vitals) = (empty_host(), Vitals { clock_ahead: Some(0), ..Vitals::default() });
    change(&mut seen, &mut vitals);
    let (target, newest) = (settings(), release("0.1.0", "x"));
    host(&seen, &vitals, &Deployed { target: &target, unit: None, newest: Some(&newest) })
}

/// What is not as it should be: check, grade, and whether there is something to do about it.
fn bad(findings: &[Finding]) -> Vec<(&str, Grade, bool)> {
    let bad = findings.iter().filter(|one| one.grade != Grade::Fine);
    bad.map(|one| (one.check.as_str(), one.grade, !one.hints.is_empty())).collect()
}

#[test]
fn a_host_that_is_as_it_should_be_has_nothing_but_fine_findings() {
    let fine = examined(|_, _| ());
    assert_eq!(bad(&fine), []);
    let checks: Vec<&str> = fine.iter().map(|one| one.check.as_str()).collect();
    assert_eq!(checks, ["login", "clock", "start-up files", "sshd", "programs", "rights", "disk", "system", "releases"]);
}

#[test]
fn what_a_deploy_would_be_refused_for_is_trouble_with_a_remedy() {
    let findings = examined(|seen, vitals| {
        seen.missing_tools = vec!["tar".to_owned()];
        seen.writable = false;
        seen.platform.libc = Libc::Musl;
        vitals.free_inodes = Some(0);
    });
    let trouble = |check| (check, Grade::Trouble, true);
    assert_eq!(bad(&findings), [trouble("files"), trouble("programs"), trouble("rights"), trouble("system")]);
}

#[test]
fn what_may_go_wrong_later_is_a_warning_with_a_remedy() {
    let findings = examined(|seen, vitals| {
        seen.free_kib = 1000;
        seen.node.state = NodeState::Hung;
        seen.node.others = vec![7];
        vitals.clock_ahead = Some(-400);
        vitals.noise = Some("Welcome!".to_owned());
        vitals.max_sessions = Some(1);
        vitals.cookie = Some(Cookie { length: 6, readable_by_all: false });
        (vitals.epmd_port, vitals.open_ports) = (Some(4369), [22, 4369, 40001].into());
        vitals.node_ports = [40001].into();
    });
    let warning = |check| (check, Grade::Warning, true);
    let expected = ["clock", "start-up files", "sshd", "disk", "node", "node", "cookie", "ports"].map(warning);
    assert_eq!(bad(&findings), expected);
    let text = |check: &str| &findings.iter().find(|one| one.check == check).unwrap().text;
    assert_eq!(text("clock"), "6 min behind this machine's");
    assert!(text("ports").contains("epmd (port 4369), ports of the node"), "{}", text("ports"));
}

#[test]
fn a_folder_with_a_blank_is_quoted_in_the_remedy() {
    let findings = examined(|seen, _| (seen.writable, seen.root) = (false, "/srv/my apps/it's".to_owned()));
    let command = findings.iter().find_map(|one| one.hints.first()?.command.as_deref()).unwrap();
    let root = r"'/srv/my apps/it'\''s'";
    assert_eq!(command, format!("mkdir -p {root} && chown -R deploy {root} && chmod -R u+rwX {root}"));
}
