use super::*;
use crate::testing::Erl;

mod oracle;

fn error(file: &str) -> String {
    let error = Appup::parse(file.as_bytes()).unwrap_err();
    format!("{error}: {}", std::error::Error::source(&error).unwrap())
}

#[test]
fn an_error_points_at_the_instruction() {
    assert_eq!(
        error(r#"{"2",[{"1",[{load_module,a},{update,b,c}]}],[]}."#),
        r#"up for version "1", instruction 2 can't be read: expected soft or {advanced, Extra}, found c in {update,b,c}"#
    );
    assert_eq!(
        error(r#"{"2",[],[{<<"1.*">>,[{lod_module,a}]}]}."#),
        r#"down for version <<"1.*">>, instruction 1 can't be read: expected an instruction of an appup, found {lod_module,a}"#
    );
    assert_eq!(error("{a,[],[]}."), "not an appup: expected the application's version, found a");
}

/// Appups of OTP on this machine: file and application's version.
fn appups_of_otp() -> Vec<(std::path::PathBuf, String)> {
    let dirs = std::fs::read_dir("/usr/lib/erlang/lib").unwrap().map(|entry| entry.unwrap().path());
    let file = |dir: std::path::PathBuf| {
        let (name, version) = dir.file_name()?.to_str()?.rsplit_once('-')?;
        let file = dir.join(format!("ebin/{name}.appup"));
        file.exists().then(|| (file, version.to_owned()))
    };
    dirs.filter_map(file).collect()
}

/// Versions like those that OTP's applications have had.
const VERSIONS: [&str; 24] = [
    "1",
    "1.0",
    "2.9.9",
    "3.13",
    "3.13.0.1",
    "3.13.1",
    "3.14.2.7",
    "3.17.2",
    "4.0",
    "4.0.0.1",
    "4.1",
    "4.1.2",
    "4.15",
    "4.2",
    "4.21",
    "4.3.2",
    "4x3x2",
    "5.1",
    "7.3.1",
    "8.0.2",
    "8.5",
    "8.5.2.1",
    "10.8",
    "8.5.3-rc1",
];

#[test]
fn every_appup_of_otp_is_read_and_chooses_the_entry_that_systools_chooses() {
    let files = appups_of_otp();
    assert!(files.len() > 20);
    let names: Vec<_> = files.iter().map(|(file, _)| file).collect();
    let answers = Erl::new().eval(&format!(
        "[io:format(\"~w.~n\", [[begin {{ok, [{{_, Up, Down}}]}} = file:consult(F), \
            [[case systools_relup:appup_search_for_version(V, S) of {{ok, X}} -> {{some, X}}; error -> none end || V <- {VERSIONS:?}] || S <- [Up, Down]] \
         end || F <- {names:?}]])]"
    ));
    let answers = source::consult_one(&answers).unwrap();
    for ((file, version), answer) in files.iter().zip(answers.as_list().unwrap()) {
        let appup = Appup::parse(&std::fs::read(file).unwrap()).unwrap();
        assert_eq!(appup.vsn, *version, "{file:?}");
        for (direction, answers) in [Direction::Up, Direction::Down].into_iter().zip(answer.as_list().unwrap()) {
            for (other, answer) in VERSIONS.iter().zip(answers.as_list().unwrap()) {
                let theirs = answer
                    .as_tuple()
                    .map(|some| some[1].as_list().unwrap().iter().map(|step| Step::from_term(step).unwrap()).collect());
                assert_eq!(appup.script(direction, other).unwrap().map(<[_]>::to_vec), theirs, "{file:?} {other}");
            }
        }
    }
}

#[test]
fn a_pattern_matches_what_it_matches_for_systools() {
    let patterns = [
        ".*",
        "1",
        "1|1.2",
        "1.2|1",
        r"1\..*",
        r"^1\.[0-9]+$",
        r"(?:1\.)+2",
        "1.?2",
        r"\d+\.\d+",
        r"[^a-z]+",
        r"1\.2(-rc\d*)?",
        "(1.2",
        "",
        "$^",
        r"1\.2.{0,2}",
        r"\A1\.2\z",
        "1.+?",
        r"\w\W\w",
        "(?i)1.2-RC1",
        "é",
    ];
    let versions = ["1", "1.2", "1x2", "12", "1.2-rc1", "1.2-rc", "11.22", "é", ""];
    let answers = Erl::new().eval(&format!(
        "io:format(\"~w.~n\", [[[case catch systools_relup:appup_search_for_version(V, [{{unicode:characters_to_binary(P), x}}]) of \
           {{ok, x}} -> yes; error -> no; _ -> bad end || V <- {versions:?}] || P <- {patterns:?}]])"
    ));
    let answers = source::consult_one(&answers).unwrap();
    for (pattern, answers) in patterns.iter().zip(answers.as_list().unwrap()) {
        for (version, answer) in versions.iter().zip(answers.as_list().unwrap()) {
            let ours = match VersionPattern::Regex((*pattern).to_owned()).matches(version) {
                Ok(true) => "yes",
                Ok(false) => "no",
                Err(_) => "bad",
            };
            assert!(answer.is_atom(ours), "{pattern:?} {version:?}: {answer}, not {ours}");
        }
    }
}

#[test]
fn a_pattern_that_is_not_understood_is_an_error_and_none_takes_long() {
    let matches = |pattern: &str| VersionPattern::Regex(pattern.to_owned()).matches(&"1".repeat(100));
    assert!(matches(r"(?=1)1").unwrap_err().to_string().starts_with(r#"the pattern of versions "(?=1)1" can't be understood"#));
    assert!(matches(&"(".repeat(100_000)).is_err());
    assert!(matches("((1{1000}){1000}){1000}").is_err());
    assert_eq!(matches("(1*)*x"), Ok(false));
}

proptest::proptest! {
    #[test]
    fn no_term_makes_the_readers_panic(term in crate::term::testing::arbitrary_written_term(), word in "update|load_module|add_application|delete_module") {
        let _ = Appup::from_term(&term);
        let list = Term::list([term.clone()]);
        let entry = Term::list([Term::tuple([term.clone(), list])]);
        let _ = Appup::from_term(&Term::tuple([Term::string("1"), entry.clone(), entry]));
        let args = [Term::Atom(Atom::new(word).unwrap()), Term::atom("m"), term];
        let _ = Step::from_term(&Term::tuple(args));
    }
}
