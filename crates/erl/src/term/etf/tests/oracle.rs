//! `eetf`, a codec of other authors, as the judge of ours in both directions.
//!
//! It knows funs as fields, where ours keeps bytes; [`its`] has the only other differences in how the same term is held, and
//! [`miswritten`] what it gets wrong. It isn't given damaged bytes: it allocates what a length field says.

use super::*;
use crate::term::testing::arbitrary_atom;
use crate::term::{Atom, Integer};

/// The same term as that codec has it after reading.
fn its(term: &Term) -> eetf::Term {
    match term {
        Term::Atom(name) => it_names(name).into(),
        Term::Integer(value) => it_counts(value),
        Term::Float(value) => eetf::Float { value: value.get() }.into(),
        Term::Binary(bytes) => eetf::Binary { bytes: bytes.clone() }.into(),
        Term::Bits(bits) => {
            let mut bytes = bits.bytes().to_vec();
            *bytes.last_mut().unwrap() >>= 8 - bits.last();
            eetf::BitBinary { bytes, tail_bits_size: bits.last() }.into()
        }
        Term::Tuple(elements) => eetf::Tuple::from(all(elements)).into(),
        Term::List(elements) => match bytes(elements) {
            Some(bytes) => eetf::ByteList::from(bytes).into(),
            None => eetf::List::from(all(elements)).into(),
        },
        Term::Improper(elements, tail) => eetf::ImproperList::from((all(elements), its(tail))).into(),
        Term::Map(pairs) => eetf::Map { map: pairs.iter().map(|(key, value)| (its(key), its(value))).collect() }.into(),
        Term::Export(fun) => {
            eetf::ExternalFun { module: it_names(&fun.module), function: it_names(&fun.function), arity: fun.arity }.into()
        }
        Term::Pid(pid) => eetf::Pid { node: it_names(&pid.node), id: pid.id, serial: pid.serial, creation: pid.creation }.into(),
        Term::Port(port) => eetf::Port { node: it_names(&port.node), id: port.id, creation: port.creation }.into(),
        Term::Reference(reference) => {
            let node = it_names(&reference.node);
            eetf::Reference { node, id: reference.ids.clone(), creation: reference.creation }.into()
        }
        Term::Fun(fun) => eetf::Term::decode(&[&[VERSION][..], fun.external()].concat()[..]).unwrap(),
    }
}

fn all(terms: &[Term]) -> Vec<eetf::Term> {
    terms.iter().map(its).collect()
}

fn it_names(name: &Atom) -> eetf::Atom {
    eetf::Atom::from(name.as_str())
}

/// By way of decimal digits, so that these are judged as well.
fn it_counts(value: &Integer) -> eetf::Term {
    match value.to_i64().and_then(|value| i32::try_from(value).ok()) {
        Some(value) => eetf::FixInteger { value }.into(),
        None => eetf::BigInteger { value: value.to_string().parse().unwrap() }.into(),
    }
}

/// What `STRING_EXT` is for.
fn bytes(elements: &[Term]) -> Option<Vec<u8>> {
    let short = (1..=usize::from(u16::MAX)).contains(&elements.len());
    let bytes = elements.iter().map(|element| u8::try_from(element.as_i64()?).ok()).collect();
    if short { bytes } else { None }
}

/// Does `test` hold for the term or anything in it?
fn any_in(term: &Term, test: &dyn Fn(&Term) -> bool) -> bool {
    let within = |term: &Term| any_in(term, test);
    test(term)
        || match term {
            Term::Tuple(elements) | Term::List(elements) => elements.iter().any(within),
            Term::Improper(elements, tail) => elements.iter().any(within) || within(tail),
            Term::Map(pairs) => pairs.iter().any(|(key, value)| within(key) || within(value)),
            _ => false,
        }
}

/// What eetf 0.12 gets wrong when it writes.
fn miswritten(term: &Term) -> bool {
    any_in(term, &|term| written_as_other_bytes(term) || not_found_by_key(term))
}

/// A list of small integers is written as bytes, those below zero too.
fn written_as_other_bytes(term: &Term) -> bool {
    let small = |term: &Term| term.as_i64().is_some_and(|value| (i64::from(i32::MIN)..256).contains(&value));
    term.as_list().is_some_and(|list| list.iter().all(small) && list.iter().any(|term| term.as_i64() < Some(0)))
}

/// Maps have hashes that depend on chance, so that maps whose keys hold maps are never equal; `0.0` and `-0.0` are one key.
fn not_found_by_key(term: &Term) -> bool {
    let unlike_itself = |term: &Term| match term {
        Term::Map(pairs) => pairs.len() > 1,
        Term::Float(value) => value.get() == 0.0,
        _ => false,
    };
    term.as_map().is_some_and(|pairs| pairs.keys().any(|key| any_in(key, &unlike_itself)))
}

fn it_writes(term: &eetf::Term) -> Vec<u8> {
    let mut bytes = vec![];
    term.encode(&mut bytes).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn another_codec_reads_what_we_write(term in arbitrary_term()) {
        prop_assume!(!any_in(&term, &not_found_by_key));
        prop_assert_eq!(eetf::Term::decode(&encode(&term)[..]).unwrap(), its(&term));
    }

    #[test]
    fn we_read_what_another_codec_writes(term in arbitrary_term()) {
        prop_assume!(!miswritten(&term));
        prop_assert_eq!(decode(&it_writes(&its(&term))).unwrap(), term);
    }

    /// A local fun is made up by the other codec, since ours can't, and comes back from us as it was.
    #[test]
    fn a_fun_of_another_codec_passes_through_unchanged(
        module in arbitrary_atom(), arity: u8, uniq: [u8; 16], index: u32, old_index: i32, old_uniq: i32,
        pid in any::<(u32, u32, u32)>(), free in prop::collection::vec(arbitrary_term(), 0..4),
    ) {
        prop_assume!(!free.iter().any(miswritten));
        let (id, serial, creation) = pid;
        let pid = eetf::Pid { node: eetf::Atom::from("a@b"), id, serial, creation };
        let (module, free_vars) = (it_names(&module), all(&free));
        let fun = eetf::InternalFun::New { module, arity, pid, free_vars, index, uniq, old_index, old_uniq }.into();
        let read = decode(&it_writes(&fun)).unwrap();
        prop_assert!(matches!(read, Term::Fun(_)));
        prop_assert_eq!(eetf::Term::decode(&encode(&read)[..]).unwrap(), fun);
    }
}

/// Where a length outgrows the short form of its tag, which arbitrary terms are too small for.
#[test]
fn another_codec_and_we_change_forms_at_the_same_lengths() {
    let zeros = |len| vec![Term::from(0); len];
    let mut terms = vec![];
    for len in [254, 255, 256] {
        terms.push(Term::Tuple(zeros(len)));
        terms.push(Term::Integer(Integer::from_magnitude(true, &vec![255; len])));
        terms.push(Term::from(Atom::new("é".repeat(len / 2)).unwrap()));
    }
    for len in [65_535, 65_536] {
        terms.push(Term::List(zeros(len)));
        terms.push(Term::Binary(vec![1; len]));
    }
    for bits in [31, 32, 63, 64] {
        let power = 1i128 << bits;
        for value in [power - 1, power, -power, -power - 1] {
            terms.push(Term::Integer(Integer::from_magnitude(value < 0, &value.unsigned_abs().to_le_bytes())));
        }
    }
    for term in terms {
        let (bytes, other) = (encode(&term), its(&term));
        assert_eq!(it_writes(&other), bytes, "{other}");
        assert_eq!(decode(&bytes).unwrap(), term);
        assert_eq!(eetf::Term::decode(&bytes[..]).unwrap(), other);
    }
}
