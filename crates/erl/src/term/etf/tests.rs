mod oracle;

use super::*;
use crate::term::testing::{arbitrary_term, arbitrary_written_term};
use crate::term::{MAX_DEPTH, Term, text};
use crate::testing::Erl;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

fn kind(bytes: &[u8]) -> DecodeErrorKind {
    decode(bytes).unwrap_err().kind
}

#[test]
fn old_forms_are_read() {
    let cases: [(&[u8], &str); 9] = [
        (b"\x83d\0\x03caf", "caf"),
        (b"\x83s\x04caf\xe9", "café"),
        (b"\x83v\0\x05caf\xc3\xa9", "café"),
        (b"\x83c1.50000000000000000000e+00\0\0\0\0\0", "1.5"),
        (b"\x83gw\x03a@b\0\0\0\x05\0\0\0\0\x01", "<a@b.5.0>"),
        (b"\x83fw\x03a@b\0\0\0\x05\x01", "#Port<a@b.5>"),
        (b"\x83ew\x03a@b\0\0\0\x05\x01", "#Ref<a@b.5>"),
        (b"\x83r\0\x02w\x03a@b\x01\0\0\0\x05\0\0\0\x06", "#Ref<a@b.6.5>"),
        (b"\x83M\0\0\0\x02\x08ab", "<<\"ab\">>"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(decode(bytes).unwrap().to_string(), expected);
    }
}

#[test]
fn lies_are_found() {
    use DecodeErrorKind::*;
    let cases: [(&[u8], DecodeErrorKind); 20] = [
        (b"", Truncated),
        (b"\x82a\x01", Version),
        (b"\x83", Truncated),
        (b"\x83a", Truncated),
        (b"\x83l\xff\xff\xff\xff", Truncated),
        (b"\x83i\xff\xff\xff\xffaa", Truncated),
        (b"\x83t\xff\xff\xff\xff", Truncated),
        (b"\x83m\xff\xff\xff\xff", Truncated),
        (b"\x83o\xff\xff\xff\xff\0", Truncated),
        (b"\x83a\x01a", Trailing),
        (b"\x83w\x01\xff", Atom),
        (b"\x83F\x7f\xf0\0\0\0\0\0\0", Float),
        (b"\x83M\0\0\0\x01\x09a", Bits),
        (b"\x83M\0\0\0\0\x03", Bits),
        (b"\x83t\0\0\0\x02a\x01a\x02a\x01a\x03", DuplicateKey),
        (b"\x83Z\0\x06w\x03a@b", Identifier),
        (b"\x83D", Tag(68)),
        (b"\x83R\x01", Tag(82)),
        (b"\x83y12345678a\x01", Tag(121)),
        (b"\x83P\xff\xff\xff\xff", Compressed),
    ];
    for (bytes, expected) in cases {
        assert_eq!(kind(bytes), expected, "{bytes:?}");
    }
}

#[test]
fn nesting_has_a_limit_and_stays_within_a_small_stack() {
    let nested = |depth: usize| [vec![VERSION], [tag::SMALL_TUPLE, 1].repeat(depth), vec![tag::NIL]].concat();
    assert!(decode(&nested(MAX_DEPTH - 1)).is_ok());
    assert_eq!(kind(&nested(MAX_DEPTH)), DecodeErrorKind::TooDeep);
    assert_eq!(kind(&nested(2_000_000)), DecodeErrorKind::TooDeep);
}

fn compressed(inner: &[u8], claimed: usize) -> Vec<u8> {
    use std::io::Write;
    let mut zlib = flate2::write::ZlibEncoder::new(vec![], flate2::Compression::best());
    zlib.write_all(inner).unwrap();
    [&[VERSION, tag::COMPRESSED][..], &u32::try_from(claimed).unwrap().to_be_bytes(), &zlib.finish().unwrap()].concat()
}

#[test]
fn a_compressed_term_has_exactly_its_size() {
    let inner = encode(&Term::string(&"x".repeat(100_000)))[1..].to_vec();
    let size = inner.len();
    assert_eq!(decode(&compressed(&inner, size)).unwrap(), Term::string(&"x".repeat(100_000)));
    for wrong in [0, size - 1, size + 1, MAX_INFLATED] {
        assert_eq!(kind(&compressed(&inner, wrong)), DecodeErrorKind::Compressed);
    }
    assert_eq!(kind(&compressed(&inner, size)[..60]), DecodeErrorKind::Compressed);
    let (_, rest) =
        decode_prefix(&[compressed(&inner, size), b"rest".to_vec()].concat()).map(|(term, rest)| (term, rest.to_vec())).unwrap();
    assert_eq!(rest, b"rest");
    let bomb = vec![0; MAX_INFLATED + 1];
    assert_eq!(kind(&compressed(&bomb, MAX_INFLATED + 1)), DecodeErrorKind::Compressed);
}

proptest! {
    #[test]
    fn encoded_terms_decode(term in arbitrary_term()) {
        prop_assert_eq!(decode(&encode(&term)).unwrap(), term);
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(decode(&bytes));
        bytes.insert(0, VERSION);
        drop(decode(&bytes));
    }

    #[test]
    fn damaged_terms_never_panic(
        term in arbitrary_term(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        end in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encode(&term);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        drop(decode(&bytes));
        bytes.truncate(end.index(bytes.len()));
        drop(decode(&bytes));
    }
}

/// Each item with its length before it, as `[<<(byte_size(B)):32, B/binary>> || B <- Bs]`.
fn split(mut file: &[u8]) -> Vec<&[u8]> {
    let mut items = Vec::new();
    while let Some((len, rest)) = file.split_first_chunk::<4>() {
        let (item, rest) = rest.split_at(usize::try_from(u32::from_be_bytes(*len)).unwrap());
        items.push(item);
        file = rest;
    }
    items
}

/// Everything a real `erl` writes with different options is read, and written as it writes it by default.
#[test]
fn erl_and_we_write_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    Erl::new().env("DIR", dir.path()).eval(
        r#"
        Y = 1 bsl 70,
        Ts = [self(), make_ref(), hd(erlang:ports()), fun(X) -> X + Y end, fun lists:map/2, [a|b], <<5:3>>, <<>>,
              1 bsl 63, -(1 bsl 63), (1 bsl 63) - 1, -(1 bsl 63) - 1, 1 bsl 4000, -256, 255, 256, -1, 1.5e300, -0.1, 'é✓',
              list_to_atom(lists:duplicate(255, $✓)), maps:from_list([{I, I} || I <- lists:seq(1, 30)]), #{}, {}, [],
              list_to_tuple(lists:seq(1, 300)), lists:duplicate(65535, 7), lists:duplicate(65536, 7), "a✓", #{b => [#{1.0 => x}], 1 => c},
              binary:copy(<<"abc">>, 10000), process_info(self())],
        Write = fun(Name, Opts) ->
            % Since OTP 26 the keys of a map come in another order, which differs from run to run.
            Bs = [term_to_binary(T, [deterministic | Opts]) || T <- Ts],
            ok = file:write_file(filename:join(os:getenv("DIR"), Name), [<<(byte_size(B)):32, B/binary>> || B <- Bs])
        end,
        Write("v2", [{minor_version, 2}]), Write("v1", [{minor_version, 1}]), Write("v0", [{minor_version, 0}]), Write("z", [compressed])."#,
    );
    let read = |name| std::fs::read(dir.path().join(name)).unwrap();
    let (v2, v1, v0, z) = (read("v2"), read("v1"), read("v0"), read("z"));
    let (v2, others) = (split(&v2), [split(&v1), split(&v0), split(&z)]);
    assert_eq!(v2.len(), 32);
    for (at, bytes) in v2.iter().enumerate() {
        let term = decode(bytes).unwrap();
        // OTP 26 and later write the long form of every port.
        let same = encode(&term) == *bytes || matches!(term, Term::Port(_)) && decode(&encode(&term)).as_ref() == Ok(&term);
        assert!(same, "{term}: {:?}, not {bytes:?}", encode(&term));
        for other in &others {
            // A fun is kept as written, so its bytes depend on the options.
            assert!(matches!(term, Term::Fun(_)) || decode(other[at]).unwrap() == term, "{term}");
        }
    }
}

/// Random terms: what we write as bytes and as text, a real `erl` reads as the same terms, and we read what it writes.
#[test]
fn erl_and_we_read_the_same_terms() {
    let dir = tempfile::tempdir().unwrap();
    let mut runner = TestRunner::deterministic();
    let terms: Vec<Term> = (0..300).map(|_| arbitrary_written_term().new_tree(&mut runner).unwrap().current()).collect();
    let items: Vec<u8> = terms
        .iter()
        .map(encode)
        .flat_map(|bytes| [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], &bytes].concat())
        .collect();
    std::fs::write(dir.path().join("bytes"), items).unwrap();
    std::fs::write(dir.path().join("text"), text::to_file(&terms).unwrap()).unwrap();
    let printed = Erl::new().env("DIR", dir.path()).eval(
        r#"
        Path = fun(Name) -> filename:join(os:getenv("DIR"), Name) end,
        {ok, File} = file:read_file(Path("bytes")),
        Bytes = [B || <<Len:32, B:Len/binary>> <= File],
        FromBytes = [binary_to_term(B) || B <- Bytes],
        {ok, FromText} = file:consult(Path("text")),
        [] = [{A, B} || {A, B} <- lists:zip(FromBytes, FromText), A =/= B],
        [] = [{T, B} || {T, B} <- lists:zip(FromBytes, Bytes), term_to_binary(T, [deterministic, {minor_version, 2}]) =/= B],
        [io:format("~tp.~n", [T]) || T <- FromBytes],
        ok."#,
    );
    let read = text::consult(&printed).unwrap();
    assert_eq!(read.len(), terms.len());
    for (ours, theirs) in read.iter().zip(&terms) {
        assert!(ours == theirs, "{ours}\n{theirs}");
    }
}
