//! Readers of what comes from nodes, under thousands of damaged inputs: the same ones in every run, in a few seconds.
//!
//! Inputs are made from real ones (written by `erl`) by the mutations that find most: bits, boundary values in length fields, cuts, copies
//! and splices. The process may not take more memory than the inputs justify by far, so a reader that believes a length dies here.
//! And a real `erl` is the judge: what it takes for a term must be the same term to us, and what it refuses we refuse.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use edeliver_erl::{
    Term,
    beam::Beam,
    dist::{
        Cookie, NodeName, epmd,
        handshake::{Connected, Expected, Handshake, Identity},
        session::Session,
    },
    term::{
        Atom,
        etf::{self, DecodeErrorKind},
    },
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Xorshift: good enough to damage bytes, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }
}

/// One to four mutations of one input; `other` is what pieces are taken from.
fn mutate(random: &mut Random, input: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(4) {
        // The first byte says that a term follows; without it nothing is tested.
        let at = 1 + random.below(bytes.len().saturating_sub(1));
        let rest = bytes.len().saturating_sub(at);
        match random.below(7) {
            _ if rest == 0 => bytes.push(random.byte()),
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.byte(),
            2 => bytes[at] = TAGS[random.below(TAGS.len())],
            3 => {
                let value = BORDERS[random.below(BORDERS.len())].to_be_bytes();
                let len = rest.min(4);
                bytes[at..at + len].copy_from_slice(&value[..len]);
            }
            4 => bytes.truncate(at),
            5 => {
                let copy = bytes[at..at + random.below(rest)].to_vec();
                bytes.splice(at..at, copy);
            }
            _ => {
                let from = random.below(other.len());
                let len = random.below((other.len() - from).min(200));
                bytes.splice(at..at, other[from..from + len].iter().copied());
            }
        }
    }
    bytes
}

const BORDERS: [u32; 9] = [0, 1, 255, 256, 0xffff, 0x0001_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/// All tags of the format, and some bytes that are none.
const TAGS: [u8; 36] = [
    68, 70, 77, 80, 82, 88, 89, 90, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115,
    116, 117, 118, 119, 120, 121, 131, 0, 255,
];

/// Holds this process's memory to 2 GiB, threads' stacks and all, while it lives: 64 times the inputs. Real `erl`s run when nobody has it.
struct Limited(Rlimit, #[expect(dead_code, reason = "held")] MutexGuard<'static, ()>);

static MEMORY: Mutex<()> = Mutex::new(());

impl Limited {
    fn new() -> Self {
        let guard = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
        let before = getrlimit(Resource::As);
        setrlimit(Resource::As, Rlimit { current: Some(2 << 30), maximum: before.maximum }).unwrap();
        Self(before, guard)
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        let Rlimit { current, maximum } = self.0;
        setrlimit(Resource::As, Rlimit { current, maximum }).unwrap();
    }
}

fn erl(dir: &Path, expressions: &str) {
    let eval = format!("try {expressions}, halt(0) catch C:R:S -> io:format(\"~tp\", [{{C, R, S}}]), halt(1) end.");
    let _alone = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    let mut erl = Command::new("erl");
    let output = erl.args(["-noshell", "-eval", &eval]).env("DIR", dir).stdin(Stdio::null()).output().expect("erl is installed");
    assert!(output.status.success(), "{output:?}");
}

/// Items with their length before them.
fn split(mut file: &[u8]) -> Vec<Vec<u8>> {
    let mut items = Vec::new();
    while let Some((len, rest)) = file.split_first_chunk::<4>() {
        let (item, rest) = rest.split_at(usize::try_from(u32::from_be_bytes(*len)).unwrap());
        items.push(item.to_vec());
        file = rest;
    }
    items
}

fn join(items: &[Vec<u8>]) -> Vec<u8> {
    items.iter().flat_map(|item| [&u32::try_from(item.len()).unwrap().to_be_bytes()[..], item].concat()).collect()
}

/// Terms of every kind as OTP 25 writes them: with `{minor_version, 2}`, `{minor_version, 0}` and `compressed`. In a file, since pids and
/// references are others in every run, and the inputs are to be the same.
fn corpus() -> Vec<Vec<u8>> {
    split(include_bytes!("terms.etf"))
}

fn mutants(corpus: &[Vec<u8>], count: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut random = Random(seed);
    (0..count)
        .map(|at| {
            let other = corpus[random.below(corpus.len())].clone();
            mutate(&mut random, &corpus[at % corpus.len()], &other)
        })
        .collect()
}

/// Whether there may be a pid, port or reference in it: `erl` refuses those of its own node with numbers that it could not have given.
fn has_identifier(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| matches!(byte, 88..=90 | 101..=103 | 114 | 120))
}

/// Whether there may be a bit string without a byte in it, which OTP 26 and later refuse.
fn has_no_bits(bytes: &[u8]) -> bool {
    bytes.windows(5).any(|part| part == [77, 0, 0, 0, 0])
}

/// `erl` makes room for as much as a compressed term claims to be.
fn is_compressed(bytes: &[u8]) -> bool {
    bytes.get(1) == Some(&80)
}

/// Whether our reader knows less than `erl` on purpose, or says more about what follows.
fn is_on_purpose(kind: DecodeErrorKind, bytes: &[u8]) -> bool {
    match kind {
        // `binary_to_term/1` does not mind what follows the term.
        DecodeErrorKind::Trailing | DecodeErrorKind::TooDeep | DecodeErrorKind::Compressed => true,
        // References into tables of the node itself, and `LOCAL_EXT`, which only the node that wrote it can read.
        DecodeErrorKind::Tag(tag) => matches!(tag, 73..=76 | 121),
        // `erl` reads the text of an old float to its zero, beyond the 31 bytes that it has.
        DecodeErrorKind::Float => bytes.contains(&99),
        // Old forms of funs, and forms that `erl` reads although it never writes them.
        DecodeErrorKind::Identifier => bytes.iter().any(|byte| matches!(byte, 90 | 101 | 112 | 114 | 117)),
        _ => false,
    }
}

#[test]
fn damaged_terms_are_what_erl_takes_them_for() {
    let dir = tempfile::tempdir().unwrap();
    let mutants = mutants(&corpus(), 30_000, 0x9e37_79b9_7f4a_7c15);
    // OTP 25 itself dies of a segmentation fault on some damaged funs.
    let (judged, not_judged): (Vec<_>, Vec<_>) =
        mutants.into_iter().partition(|bytes| !bytes.contains(&112) && !is_compressed(bytes));
    let limited = Limited::new();
    not_judged.iter().for_each(|bytes| drop(etf::decode(bytes)));
    let ours: Vec<_> = judged.iter().map(|bytes| etf::decode(bytes)).collect();
    drop(limited);
    std::fs::write(dir.path().join("mutants"), join(&judged)).unwrap();
    erl(
        dir.path(),
        r#"Path = fun(Name) -> filename:join(os:getenv("DIR"), Name) end,
        {ok, File} = file:read_file(Path("mutants")),
        Judge = fun(B) -> try term_to_binary(binary_to_term(B), [{minor_version, 2}]) catch _:_ -> <<>> end end,
        Js = [Judge(B) || <<Len:32, B:Len/binary>> <= File],
        ok = file:write_file(Path("judged"), [<<(byte_size(J)):32, J/binary>> || J <- Js])"#,
    );
    let theirs = split(&std::fs::read(dir.path().join("judged")).unwrap());
    assert_eq!(theirs.len(), judged.len());
    let mut terms = 0;
    for ((bytes, ours), theirs) in judged.iter().zip(&ours).zip(&theirs) {
        match ours {
            Ok(term) => {
                assert!(!theirs.is_empty() || has_identifier(bytes) || has_no_bits(bytes), "erl refuses {bytes:?}, we read {term}");
                assert!(theirs.is_empty() || etf::decode(theirs).as_ref() == Ok(term), "{bytes:?} is {term}");
                terms += 1;
            }
            Err(error) => {
                assert!(theirs.is_empty() || is_on_purpose(error.kind, bytes), "{error}: {bytes:?} is {:?}", etf::decode(theirs))
            }
        }
    }
    assert!(terms > 3_000, "only {terms} of the inputs are terms: the mutations are too coarse");
}

#[test]
fn damaged_messages_of_a_node_end_a_session_and_nothing_else() {
    let mutants = mutants(&corpus(), 20_000, 0x2545_f491_4f6c_dd1d);
    let pid = etf::decode(&corpus()[0]).unwrap();
    let _limited = Limited::new();
    for (at, bytes) in mutants.iter().enumerate() {
        let mut session = session();
        let _ = session.call(Atom::literal("m"), Atom::literal("f"), vec![Term::from(1)]);
        let control = etf::encode(&Term::tuple([Term::from(2), Term::atom(""), pid.clone()]));
        let body = if at % 2 == 0 { [&[112][..], &control, bytes].concat() } else { [&[112][..], bytes, &control].concat() };
        let frame = [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], &body].concat();
        for piece in frame.chunks(1 + at % 97) {
            if session.receive(piece).is_err() {
                break;
            }
        }
        let _ = session.output();
        drop(epmd::parse_names(bytes));
        drop(epmd::parse_port(bytes));
        drop(Beam::parse(bytes));
    }
}

fn session() -> Session {
    let node = |name| NodeName::new(name).unwrap();
    Session::new(Connected {
        local: node("a@b"),
        creation: 7,
        peer: node("c@d"),
        peer_creation: 9,
        peer_flags: 0,
        rest: Vec::new(),
    })
}

#[test]
fn damaged_handshakes_end_in_an_error() {
    let hello = b"\0\x03sok\0\x1bN\0\0\0\0\0\0\x0d\xff\0\0\0c\0\0\0\x05\0\x08app@host\0\x11aAAAAAAAAAAAAAAAAbbbb".to_vec();
    let mut random = Random(0x1234_5678_9abc_def1);
    for _ in 0..20_000 {
        let bytes = mutate(&mut random, &hello, &hello);
        let identity = Identity::Nameless { host: "h".into() };
        let (mut handshake, _) = Handshake::start(&identity, Expected::Any, Cookie::new("c"), 1);
        for piece in bytes.chunks(1 + random.below(20)) {
            match handshake.receive(piece) {
                Ok(progress) => assert!(progress.connected.is_none(), "nobody has proved that it knows the cookie"),
                Err(_) => break,
            }
        }
    }
}
