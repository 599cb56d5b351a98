//! Terms for property tests.

use super::{Atom, Bits, Export, Float, Integer, Pid, Port, Reference, Term};
use proptest::prelude::*;

/// Any term that has a written form.
pub(crate) fn arbitrary_written_term() -> impl Strategy<Value = Term> {
    nested(written_leaf())
}

/// Any term but a local fun, which cannot be made up.
pub(crate) fn arbitrary_term() -> impl Strategy<Value = Term> {
    nested(prop_oneof![4 => written_leaf(), 1 => identifier()])
}

fn identifier() -> impl Strategy<Value = Term> {
    let (node, creation) = (arbitrary_atom(), any::<u32>());
    prop_oneof![
        (node, any::<u32>(), any::<u32>(), creation).prop_map(|(node, id, serial, creation)| Term::Pid(Pid {
            node,
            id,
            serial,
            creation
        })),
        (arbitrary_atom(), any::<u64>(), any::<u32>()).prop_map(|(node, id, creation)| Term::Port(Port { node, id, creation })),
        (arbitrary_atom(), any::<u32>(), prop::collection::vec(any::<u32>(), 1..6))
            .prop_map(|(node, creation, ids)| Term::Reference(Reference { node, creation, ids })),
    ]
}

fn nested(leaf: impl Strategy<Value = Term> + 'static) -> impl Strategy<Value = Term> {
    leaf.prop_recursive(5, 60, 6, |inner| {
        let many = || prop::collection::vec(inner.clone(), 0..6);
        prop_oneof![
            many().prop_map(Term::Tuple),
            many().prop_map(Term::List),
            (many(), inner.clone()).prop_map(|(elements, tail)| Term::improper(elements, tail)),
            prop::collection::btree_map(inner.clone(), inner.clone(), 0..5).prop_map(Term::Map),
        ]
    })
}

fn written_leaf() -> impl Strategy<Value = Term> {
    prop_oneof![
        arbitrary_atom().prop_map(Term::Atom),
        any::<i64>().prop_map(Term::from),
        (0i64..300).prop_map(Term::from),
        arbitrary_big().prop_map(Term::Integer),
        any::<f64>().prop_filter_map("finite", |value| Float::new(value).map(Term::Float)),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(Term::Binary),
        ".{0,12}".prop_map(|text| Term::binary(text.as_bytes())),
        ".{0,12}".prop_map(|text| Term::string(&text)),
        (prop::collection::vec(any::<u8>(), 1..5), 1u8..8).prop_map(|(bytes, last)| Term::Bits(Bits::new(bytes, last).unwrap())),
        (plain_atom(), plain_atom(), any::<u8>())
            .prop_map(|(module, function, arity)| { Term::Export(Export { module, function, arity }) }),
    ]
}

fn arbitrary_big() -> impl Strategy<Value = Integer> {
    (any::<bool>(), prop::collection::vec(any::<u8>(), 0..40))
        .prop_map(|(negative, bytes)| Integer::from_magnitude(negative, &bytes))
}

pub(crate) fn arbitrary_atom() -> impl Strategy<Value = Atom> {
    prop_oneof!["[a-z][a-zA-Z0-9_@]{0,8}", "\\PC{0,8}", "Elixir[.][A-Z][a-z]{1,5}", "when|maybe|end|'|\\\\|\n"]
        .prop_filter("characters to erl_scan", |name| !name.contains(['\u{fffe}', '\u{ffff}']))
        .prop_map(|name| Atom::new(name).unwrap())
}

/// OTP 25 prints names in funs unquoted if they are reserved words, and in Latin-1, and so cannot read them back.
fn plain_atom() -> impl Strategy<Value = Atom> {
    "[a-z][a-z_]{3,6}x|Elixir[.][A-Z]|[ '?]{1,3}".prop_map(|name| Atom::new(name).unwrap())
}
