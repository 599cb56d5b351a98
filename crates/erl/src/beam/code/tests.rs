use super::*;
use crate::beam::{Beam, BeamError};
use crate::term::{Term, etf};
use crate::testing::{Erl, installed};
use std::path::PathBuf;

/// Facts of one function, as far as `beam_disasm` and we both have them.
type Facts = (String, i64, bool, bool, bool, i64, i64);

/// The disassembler of a real erl, over some of OTP and Elixir: it is slow. Functions in the order of the file.
#[test]
fn beam_disasm_and_we_agree_about_every_function() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("files"), files().iter().map(|file| format!("{}\n", file.display())).collect::<String>())
        .unwrap();
    Erl::new().env("DIR", dir.path()).eval(
        r#"
        {ok, List} = file:read_file(filename:join(os:getenv("DIR"), "files")),
        Files = string:lexemes(binary_to_list(List), "\n"),
        Has = fun(Is, Names) -> lists:any(fun(I) when is_tuple(I) -> lists:member(element(1, I), Names); (I) -> lists:member(I, Names) end, Is) end,
        Count = fun(Is, Names) -> length([I || I <- Is, is_tuple(I), lists:member(element(1, I), Names)]) end,
        Facts = [begin
             {beam_file, _, _, _, _, Functions} = beam_disasm:file(F),
             {unicode:characters_to_binary(F),
              [{N, A, Has(Is, [on_load]), Has(Is, [loop_rec]), Has(Is, [make_fun2, make_fun3]),
                Count(Is, [call_ext, call_ext_only, call_ext_last]), Count(Is, [move])} || {function, N, A, _, Is} <- Functions]}
         end || F <- Files],
        ok = file:write_file(filename:join(os:getenv("DIR"), "facts"), term_to_binary(Facts))."#,
    );
    let facts = etf::decode(&std::fs::read(dir.path().join("facts")).unwrap()).unwrap();
    let mut functions = 0;
    for fact in facts.as_list().unwrap() {
        let [path, theirs] = fact.as_tuple().unwrap() else { panic!("{fact}") };
        let path = PathBuf::from(str::from_utf8(path.as_binary().unwrap()).unwrap());
        let theirs: Vec<Facts> = theirs.as_list().unwrap().iter().map(listed).collect();
        assert_eq!(ours(&std::fs::read(&path).unwrap()), theirs, "{path:?}");
        functions += theirs.len();
    }
    assert!(functions > 10_000, "{functions}");
}

fn files() -> Vec<PathBuf> {
    let apps = ["kernel", "crypto", "elixir/ebin"];
    installed().into_iter().filter(|path| apps.iter().any(|app| path.to_str().unwrap().contains(&format!("/{app}")))).collect()
}

fn ours(file: &[u8]) -> Vec<Facts> {
    let beam = Beam::parse(file).unwrap();
    let mut moves: Vec<i64> = Vec::new();
    let see = |instruction, _: &[Operand]| match instruction {
        op::FUNC_INFO => moves.push(0),
        op::MOVE => *moves.last_mut().unwrap() += 1,
        _ => {}
    };
    walk::walk(beam.chunks.required("Code").unwrap(), see).unwrap();
    let code = beam.code().unwrap().unwrap();
    let facts = code.functions.iter().zip(moves).map(|(body, moves)| {
        let name = beam.atom(body.name).unwrap().as_str().to_owned();
        let foreign = i64::try_from(body.foreign.len()).unwrap();
        (name, i64::from(body.arity), body.on_load, body.receives, body.makes_funs, foreign, moves)
    });
    facts.collect()
}

fn listed(fact: &Term) -> Facts {
    let [name, arity, on_load, receives, makes_funs, foreign, moves] = fact.as_tuple().unwrap() else { panic!("{fact}") };
    let (yes, number) = (|term: &Term| term.is_atom("true"), |term: &Term| term.as_i64().unwrap());
    let name = name.as_atom().unwrap().as_str().to_owned();
    (name, number(arity), yes(on_load), yes(receives), yes(makes_funs), number(foreign), number(moves))
}

#[test]
fn the_code_of_every_installed_module_is_read() {
    let unread: Vec<PathBuf> = installed()
        .into_iter()
        .filter(|path| !Beam::parse(&std::fs::read(path).unwrap()).unwrap().code().is_ok_and(|code| code.is_some()))
        .collect();
    assert!(unread.is_empty(), "{unread:?}");
}

/// Head of a chunk: its size, set of instructions, highest instruction, labels, functions.
fn chunk(set: u8, code: &[u8]) -> Vec<u8> {
    [&[0, 0, 0, 16, 0, 0, 0, set, 0, 0, 0, 191, 0, 0, 0, 3, 0, 0, 0, 1], code].concat()
}

#[test]
fn instructions_that_nobody_knows_are_not_known_and_damage_is_an_error() {
    assert_eq!(Code::parse(&chunk(0, &[3])), Ok(Code::default()));
    assert_eq!(Code::parse(&chunk(1, &[3])), Err(Unread::Unknown));
    for unknown in [0, 192, 255] {
        assert_eq!(Code::parse(&chunk(0, &[19, unknown, 3])), Err(Unread::Unknown));
    }
    assert_eq!(Code::parse(&chunk(0, &[61, 0x67, 0, 3])), Err(Unread::Unknown), "an operand of a later form");
    let endless = [61, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8];
    let huge = [59, 0x13, 0x15, 0x17, 0x18 | 2 << 5, 0xff, 0xff, 0xff, 0xff, 0xff];
    let nested = [59, 0x13, 0x15, 0x17, 0x10, 0x17, 0x10, 0x17, 0x10];
    assert_eq!(Code::parse(&chunk(0, &nested)), Err(Unread::Unknown), "lists in lists");
    for damaged in [&[] as &[u8], &[19], &[61], &[61, 0x0d], &endless, &huge[..]] {
        assert_eq!(Code::parse(&chunk(0, damaged)), Err(Unread::Damaged), "{damaged:?}");
    }
    assert_eq!(Code::parse(&[0xff; 24]), Err(Unread::Unknown), "a version of the chunk that nobody knows");
}

#[test]
fn numbers_of_all_lengths_are_passed_over() {
    // move Integer x(0), integers of 4 bits, 11 bits, 2 to 8 bytes, and 9 and more.
    let forms: [&[u8]; 6] = [
        &[0x11],
        &[0x29, 0xff],
        &[0x19, 0xff, 0xff],
        &[0xd9, 1, 2, 3, 4, 5, 6, 7, 8],
        &[0xf9, 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        &[0xf9, 0x10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    ];
    for form in forms {
        let code = [&[2, 0x12, 0x22, 0x10, 64], form, &[0x03, 19, 3]].concat();
        assert_eq!(Code::parse(&chunk(0, &code)).unwrap().functions.len(), 1, "{form:?}");
    }
}

#[test]
fn a_module_without_code_is_no_module() {
    let file = b"FOR1\0\0\0\x12BEAMAtU8\0\0\0\x06\0\0\0\x01\x01m";
    assert_eq!(Beam::parse(file).unwrap().code(), Err(BeamError::Missing("Code")));
}
