use super::*;
use crate::{
    facts::{NodeState, Seen},
    plan::tests::model::{empty_host, release, settings},
    release::Libc,
};

/// Shows what went through it.
fn word(text: &str) -> String {
    format!("<{text}>")
}

fn examined(change: impl FnOnce(&mut Seen, &mut Vitals)) -> Vec<Finding> {
    let (mut seen, mut vitals) = (empty_host(), Vitals { clock_ahead: Some(0), ..Vitals::default() });
    change(&mut seen, &mut vitals);
    let (target, newest) = (settings(), release("0.1.0", "x"));
    host(&seen, &vitals, &Deployed { target: &target, unit: None, newest: Some(&newest), word })
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
fn this_machine_is_judged_by_its_programs_and_its_store() {
    let program = |name: &str, said| Program { name: name.to_owned(), said };
    let said = |program: Program, writable, free| {
        let found = here(&Here { programs: vec![program], store: "/srv/store".to_owned(), writable, free });
        found.iter().map(|one| (one.check.clone(), one.grade, one.hints.len())).collect::<Vec<_>>()
    };
    let ssh = || program("ssh", Ok("OpenSSH".to_owned()));
    let is = |check: &str, grade, hints| (check.to_owned(), grade, hints);
    assert_eq!(said(ssh(), true, Some(1 << 40)), [is("ssh", Grade::Fine, 0), is("store", Grade::Fine, 0)]);
    assert_eq!(said(ssh(), true, Some(1 << 20)), [is("ssh", Grade::Fine, 0), is("store", Grade::Warning, 1)]);
    let missing = program("git", Err("it is not installed".to_owned()));
    assert_eq!(said(missing, false, None), [is("git", Grade::Trouble, 1), is("store", Grade::Trouble, 1)]);
}

#[test]
fn a_folder_with_a_blank_is_quoted_in_the_remedy() {
    let findings = examined(|seen, _| (seen.writable, seen.root) = (false, "/srv/my apps".to_owned()));
    let command = findings.iter().flat_map(|one| &one.hints).find_map(|hint| hint.command.as_deref()).unwrap();
    assert_eq!(command, "mkdir -p </srv/my apps> && chown -R <deploy> </srv/my apps> && chmod -R u+rwX </srv/my apps>");
}
