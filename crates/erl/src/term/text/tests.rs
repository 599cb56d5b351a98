use super::*;
use crate::term::testing::arbitrary_written_term;
use crate::term::{Bits, MAX_DEPTH, etf};
use crate::testing::Erl;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

fn shown(text: &str) -> String {
    match parse(text) {
        Ok(term) => term.to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn reads_what_file_consult_reads() {
    let cases = [
        ("a@b_C9", "a@b_C9"),
        ("'it''s'", "1:5: expected the end of the text, found atom `s`"),
        (r"'it\'s'", r"'it\'s'"),
        ("'when'", "'when'"),
        ("'Elixir.Foo'", "'Elixir.Foo'"),
        ("éa", "éa"),
        ("-16#Ff", "-255"),
        ("1_000", "1000"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("1.5e-3", "0.0015"),
        ("1.0e22", "1.0e22"),
        ("-0.0", "-0.0"),
        ("[$a, $\\n, $ , $\\x41]", r#""a\n A""#),
        (
            r#""a" "b" % c
            "d""#,
            r#""abd""#,
        ),
        (r#""\x{2713} \101 \^A""#, "[10003,32,65,32,1]"),
        (r#"<<"é"/utf8>>"#, r#"<<"é"/utf8>>"#),
        (r#"<<"é">>"#, "<<233>>"),
        ("<<1,-1,300,5:3>>", "<<1,255,44,5:3>>"),
        ("<<1:16/little, 258:2/unit:8, \"ab\":4>>", "<<1,0,1,2,18>>"),
        ("<<4660:12/little>>", "<<52,2:4>>"),
        ("<<1:4, (<<255>>)/binary, 1.5/float>>", "<<31,243,255,128,0,0,0,0,0,0:4>>"),
        ("[a|[b|c]]", "[a,b|c]"),
        ("[a|[b]]", "[a,b]"),
        ("#{b => 1, a => 2, b => 3}", "#{a => 2,b => 3}"),
        ("fun lists:'Rev'/1", "fun lists:'Rev'/1"),
        ("({})", "{}"),
        ("~\"a\\n\"", r#"<<"a\n">>"#),
        ("~S(a\\n)", r#""a\\n""#),
        ("\"\"\"\n  a\n   b\n\n  \"\"\"", r#""a\n b\n""#),
        ("\"\"\"", "1:4: the closing \" is missing"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn errors_name_the_place() {
    let cases = [
        ("{a,\n b c}", "2:4: expected `,` or `}`, found atom `c`"),
        ("{a,}", "1:4: expected a term, found `}`"),
        ("[a", "1:3: expected `,`, `|` or `]`, found the end of the text"),
        ("\"a", "1:2: the closing \" is missing"),
        ("37#1", "1:1: not an integer"),
        ("16#G", "1:1: not an integer"),
        ("1.5e400", "1:1: not a floating point number"),
        ("- -1", "1:3: expected a number after the sign, found `-`"),
        ("1 + 2", "1:3: expected the end of the text, found `+`"),
        ("Ab", "1:1: `A` starts no term"),
        ("?m", "1:1: `?` starts no term"),
        ("#r{}", "1:2: expected `{` of a map, found atom `r`"),
        ("when", "1:1: expected a term, found reserved word `when`"),
        (r#""\x{D800}""#, "1:3: not an escape sequence of a character"),
        ("<<1.5>>", "1:3: not a segment of a binary: the value does not fit its type"),
        ("<<0:9999999999>>", "1:5: not a segment of a binary: size out of range"),
        ("fun() -> ok end", "1:4: expected an atom, found `(`"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn a_file_is_terms_with_full_stops() {
    let file = b"%% coding: utf-8\n{a,1}.%x\nb.\n";
    assert_eq!(consult(file).unwrap(), [parse("{a,1}").unwrap(), Term::atom("b")]);
    assert_eq!(consult(b"").unwrap(), []);
    assert_eq!(consult(b"a").unwrap_err().to_string(), "1:2: expected `.` after the term, found the end of the text");
    assert_eq!(consult_one(b"a. b.").unwrap_err().to_string(), "1:1: expected one term in the file, found 2");
    assert_eq!(consult_one(b"% nothing").unwrap_err().to_string(), "1:1: expected one term in the file, found 0");
    assert!(consult(b"{a,1.}.").is_err());
}

#[test]
fn the_coding_comment_is_obeyed() {
    let latin1 = b"%% -*- coding: latin-1 -*-\n\"\xe9\".";
    assert_eq!(consult_one(latin1).unwrap(), Term::string("é"));
    let error = consult(b"a.\n\"x\xe9\".").unwrap_err();
    assert_eq!(error.to_string(), "2:3: not valid UTF-8");
}

#[test]
fn nesting_has_a_limit_and_stays_within_a_small_stack() {
    let nested = |depth| format!("{}{}", "[{".repeat(depth / 2), "}]".repeat(depth / 2));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    let error = parse(&nested(1_000_000)).unwrap_err();
    assert_eq!(error.kind, ParseErrorKind::TooDeep);
}

#[test]
fn what_has_no_written_form_is_refused_for_files() {
    let pid = crate::term::Pid { node: crate::term::Atom::literal("a@b"), id: 1, serial: 0, creation: 3 };
    let term = Term::list([Term::tuple([Term::Pid(pid)])]);
    assert_eq!(to_file([&term]), Err(NotConsultable("pid")));
    assert_eq!(term.to_string(), "[{<a@b.1.0>}]");
}

#[test]
fn long_terms_are_broken_and_read_back() {
    let long = Term::list((0..40).map(|n| Term::tuple([Term::atom("entry"), Term::from(n), Term::string("some text")])));
    let map = Term::Map([(Term::atom("key"), long.clone()), (Term::atom("other"), Term::binary(*b"x"))].into());
    let term =
        Term::tuple([Term::atom("release"), long, map, Term::improper(vec![Term::string(&"y".repeat(120))], Term::atom("z"))]);
    let text = pretty(&term);
    assert!(text.lines().filter(|line| !line.contains("yyy")).all(|line| line.len() <= 100), "{text}");
    assert_eq!(parse(&text).unwrap(), term);
}

#[test]
fn bits_are_cleared_beyond_their_end() {
    assert_eq!(Bits::new(vec![0xff], 3).unwrap().bytes(), [0xe0]);
    assert_eq!(Bits::new(vec![], 3), None);
    assert_eq!(Bits::new(vec![1], 8), None);
}

proptest! {
    #[test]
    fn printed_terms_read_back(term in arbitrary_written_term()) {
        prop_assert_eq!(&parse(&term.to_string()).unwrap(), &term);
        prop_assert_eq!(&parse(&pretty(&term)).unwrap(), &term);
        prop_assert_eq!(&consult_one(to_file([&term]).unwrap().as_bytes()).unwrap(), &term);
    }

    #[test]
    fn arbitrary_text_never_panics(text in "[\\PC\n]{0,60}") {
        drop(parse(&text));
    }

    #[test]
    fn text_made_of_erlang_signs_never_panics(parts in prop::collection::vec(prop::sample::select(PARTS.as_slice()), 0..20)) {
        drop(consult(parts.concat().as_bytes()));
    }
}

#[test]
fn every_resource_file_of_otp_is_read() {
    let mut dirs = vec![std::path::PathBuf::from("/usr/lib/erlang")];
    let mut read = 0;
    while let Some(dir) = dirs.pop() {
        for path in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() && !path.is_symlink() {
                dirs.push(path);
            } else if path.extension().is_some_and(|kind| ["app", "appup", "rel", "script"].iter().any(|known| kind == *known)) {
                let terms = consult(&std::fs::read(&path).unwrap());
                assert_eq!(terms.map(|terms| terms.len()), Ok(1), "{path:?}");
                read += 1;
            }
        }
    }
    assert!(read > 50);
}

/// Snippets of Erlang's signs in random order: a real `erl` and we take the same ones for files of terms, and read the same.
#[test]
fn file_consult_and_we_accept_the_same_texts() {
    let dir = tempfile::tempdir().unwrap();
    let snippet = prop::collection::vec(prop::sample::select(PARTS.as_slice()), 1..9);
    // Sigils and triple quotes are newer than the oldest OTP this runs on.
    let snippet = snippet
        .prop_map(|parts| parts.concat() + ".\n")
        .prop_filter("old", |text| !text.contains(['~']) && !text.contains("\"\"\""));
    let mut runner = TestRunner::deterministic();
    let texts: Vec<String> = (0..4000).map(|_| snippet.new_tree(&mut runner).unwrap().current()).collect();
    let list = Term::list(texts.iter().map(|text| Term::binary(text.as_bytes())));
    std::fs::write(dir.path().join("texts"), etf::encode(&list)).unwrap();
    let answers = Erl::new().env("DIR", dir.path()).eval(
        r#"
        Path = fun(Name) -> filename:join(os:getenv("DIR"), Name) end,
        {ok, File} = file:read_file(Path("texts")),
        Answers = [begin
            ok = file:write_file(Path("text"), Text),
            case file:consult(Path("text")) of {ok, Terms} -> Terms; {error, _} -> error end
        end || Text <- binary_to_term(File)],
        ok = file:write_file(Path("answers"), term_to_binary(Answers))."#,
    );
    assert!(answers.is_empty());
    let answers = etf::decode(&std::fs::read(dir.path().join("answers")).unwrap()).unwrap();
    let answers = answers.as_list().unwrap();
    assert!(answers.iter().filter(|answer| !answer.is_atom("error")).count() > 100);
    for (text, answer) in texts.iter().zip(answers) {
        let ours = consult(text.as_bytes()).map_or(Term::atom("error"), Term::List);
        assert_eq!(ours.to_string(), answer.to_string(), "{text}");
    }
}

const PARTS: [&str; 40] = [
    "{", "}", "[", "]", "<<", ">>", "#{", "=>", ",", "|", ". ", "a", "'b c'", "12", "1.5", "16#f", "$a", "$\\n", "\"s\"", "\"",
    "'", "\\", "-", "+", ":", "/", "utf8", "unit", "little", "fun ", "%", "\n", "~", "\"\"\"\n", "é", "7", "_", "binary", "0", " ",
];
