use super::*;
use crate::testing::Erl;

fn vsn(text: &str) -> Vsn {
    Vsn::new(text).unwrap()
}

fn rel(version: &str) -> Rel {
    let file = format!(r#"{{release,{{"hotapp","{version}"}},{{erts,"13.1.5"}},[{{kernel,"8.5.3"}},{{hotapp,"{version}"}}]}}."#);
    Rel::parse(file.as_bytes()).unwrap()
}

fn release(version: &str, status: Status) -> Release {
    Release::from_rel(&rel(version), status, RelApp::dir_name)
}

fn statuses(releases: &Releases) -> Vec<(&str, Status)> {
    releases.iter().map(|release| (release.vsn.as_str(), release.status)).collect()
}

#[test]
fn an_entry_is_derived_from_a_rel_file() {
    let moved = Release::from_rel(&rel("0.1.0"), Status::Unpacked, |app| match app.name.as_str() {
        "hotapp" => "hotapp-0.1.0~1a2b3c4d".to_owned(),
        _ => app.dir_name(),
    });
    let dirs: Vec<_> = moved.libs.iter().map(|lib| lib.dir.as_str()).collect();
    assert_eq!(dirs, ["lib/kernel-8.5.3", "lib/hotapp-0.1.0~1a2b3c4d"]);
    assert_eq!(moved.libs[1].vsn, vsn("0.1.0"));
}

#[test]
fn a_new_permanent_release_makes_the_former_one_old() {
    let mut releases = Releases::default();
    releases.insert(release("0.1.0", Status::Permanent));
    releases.insert(release("0.2.0", Status::Unpacked));
    assert_eq!(statuses(&releases), [("0.2.0", Status::Unpacked), ("0.1.0", Status::Permanent)]);
    releases.make_permanent(&vsn("0.2.0")).unwrap();
    releases.insert(release("0.3.0", Status::Permanent));
    assert_eq!(statuses(&releases), [("0.3.0", Status::Permanent), ("0.2.0", Status::Old), ("0.1.0", Status::Old)]);
    releases.insert(release("0.1.0", Status::Permanent));
    assert_eq!(releases.permanent().unwrap().vsn, vsn("0.1.0"));
    assert_eq!(statuses(&releases).len(), 3);
}

#[test]
fn the_permanent_release_is_not_removed() {
    let mut releases: Releases = [release("0.2.0", Status::Permanent), release("0.1.0", Status::Old)].into_iter().collect();
    assert_eq!(releases.remove(&vsn("0.2.0")), Err(ReleasesError::Permanent(vsn("0.2.0"))));
    assert_eq!(releases.remove(&vsn("9")), Err(ReleasesError::Unknown(vsn("9"))));
    assert_eq!(releases.remove(&vsn("0.1.0")).unwrap().status, Status::Old);
    assert_eq!(releases.make_permanent(&vsn("0.1.0")), Err(ReleasesError::Unknown(vsn("0.1.0"))));
    assert_eq!(statuses(&releases), [("0.2.0", Status::Permanent)]);
}

#[test]
fn the_file_reads_back() {
    let releases: Releases = [release("0.2.0", Status::Unpacked), release("0.1.0", Status::Permanent)].into_iter().collect();
    assert_eq!(Releases::parse(releases.to_file().as_bytes()).unwrap(), releases);
}

#[test]
fn an_entry_release_handler_invented_is_read() {
    let file = br#"[{release,"hotapp","0.1.0",undefined,[],permanent}]."#;
    let releases = Releases::parse(file).unwrap();
    assert_eq!(releases.permanent().unwrap().erts, None);
    assert_eq!(Releases::parse(releases.to_file().as_bytes()).unwrap(), releases);
    assert!(Releases::parse(b"[{release,1}].").is_err());
}

/// Three releases of ours are known to a real `release_handler`, which then writes the file itself.
#[test]
fn release_handler_accepts_the_file_and_we_read_the_one_it_writes() {
    let dir = tempfile::tempdir().unwrap();
    let releases: Releases = [
        release("0.3.0", Status::Unpacked),
        release("0.2.0", Status::Permanent),
        release("0.1.0-rc.1", Status::Old),
        release("0.0.9", Status::Old),
    ]
    .into_iter()
    .collect();
    std::fs::write(dir.path().join("RELEASES"), releases.to_file()).unwrap();
    let known = Erl::new()
        .args(["-boot", "start_sasl", "-sasl", "sasl_error_logger", "false", "-kernel", "logger_level", "error"])
        .env("RELDIR", dir.path())
        .eval(
            "ok = release_handler:set_removed(\"0.0.9\"),
             io:format(\"~tp.~n\", [[{V, L, S} || {\"hotapp\", V, L, S} <- release_handler:which_releases()]]).",
        );
    let expected = r#"[{"0.3.0",["kernel-8.5.3","hotapp-0.3.0"],unpacked},{"0.2.0",["kernel-8.5.3","hotapp-0.2.0"],permanent},
        {"0.1.0-rc.1",["kernel-8.5.3","hotapp-0.1.0-rc.1"],old}]."#;
    assert_eq!(source::consult(&known).unwrap(), source::consult(expected.as_bytes()).unwrap());

    let written = Releases::parse(&std::fs::read(dir.path().join("RELEASES")).unwrap()).unwrap();
    let mut ours = releases;
    ours.remove(&vsn("0.0.9")).unwrap();
    assert_eq!(written, ours);
}
