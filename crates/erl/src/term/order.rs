//! The order of terms, as Erlang orders the keys of a map.

use super::{Bits, Term};
use std::cmp::Ordering;

/// number < atom < reference < fun < port < pid < tuple < map < list < bitstring (Erlang Reference Manual, "Term Comparisons").
fn rank(term: &Term) -> u8 {
    match term {
        Term::Integer(_) => 0,
        Term::Float(_) => 1,
        Term::Atom(_) => 2,
        Term::Reference(_) => 3,
        Term::Export(_) => 4,
        Term::Fun(_) => 5,
        Term::Port(_) => 6,
        Term::Pid(_) => 7,
        Term::Tuple(_) => 8,
        Term::Map(_) => 9,
        Term::List(list) if list.is_empty() => 10,
        Term::List(_) | Term::Improper(..) => 11,
        Term::Binary(_) | Term::Bits(_) => 12,
    }
}

impl Ord for Term {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.cmp(b),
            (Self::Atom(a), Self::Atom(b)) => a.cmp(b),
            (Self::Reference(a), Self::Reference(b)) => a.cmp(b),
            (Self::Export(a), Self::Export(b)) => a.cmp(b),
            (Self::Fun(a), Self::Fun(b)) => a.cmp(b),
            (Self::Port(a), Self::Port(b)) => a.cmp(b),
            (Self::Pid(a), Self::Pid(b)) => a.cmp(b),
            (Self::Tuple(a), Self::Tuple(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
            (Self::Map(a), Self::Map(b)) => {
                a.len().cmp(&b.len()).then_with(|| a.keys().cmp(b.keys())).then_with(|| a.values().cmp(b.values()))
            }
            _ => rank(self).cmp(&rank(other)).then_with(|| cmp_sequences(self, other)),
        }
    }
}

impl PartialOrd for Term {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Two lists or two bitstrings.
fn cmp_sequences(a: &Term, b: &Term) -> Ordering {
    match (bit_parts(a), bit_parts(b)) {
        (Some((a, a_last)), Some((b, b_last))) => cmp_bits(a, a_last, b, b_last),
        _ => cmp_lists(a, b),
    }
}

/// The elements of a list and its tail; no tail means `[]`.
fn list_parts(term: &Term) -> (&[Term], Option<&Term>) {
    match term {
        Term::List(elements) => (elements, None),
        Term::Improper(elements, tail) => (elements, Some(tail)),
        _ => (&[], None),
    }
}

/// Element by element; where one ends, its tail is compared with what is left of the other, which is a list.
fn cmp_lists(a: &Term, b: &Term) -> Ordering {
    let ((a, a_tail), (b, b_tail)) = (list_parts(a), list_parts(b));
    let common = a.len().min(b.len());
    let rest_rank = |rest: &[Term], tail: Option<&Term>| match tail {
        _ if !rest.is_empty() => 11,
        Some(tail) => rank(tail),
        None => 10,
    };
    a[..common]
        .cmp(&b[..common])
        .then_with(|| rest_rank(&a[common..], a_tail).cmp(&rest_rank(&b[common..], b_tail)))
        .then_with(|| a_tail.cmp(&b_tail))
}

fn bit_parts(term: &Term) -> Option<(&[u8], u8)> {
    match term {
        Term::Binary(bytes) => Some((bytes, 8)),
        Term::Bits(bits) => Some((bits.bytes(), bits.last())),
        _ => None,
    }
}

/// Bit by bit; a prefix comes first. Unused bits are zero, so bytes may be compared whole.
fn cmp_bits(a: &[u8], a_last: u8, b: &[u8], b_last: u8) -> Ordering {
    a.cmp(b).then(a_last.cmp(&b_last))
}

impl Ord for Bits {
    fn cmp(&self, other: &Self) -> Ordering {
        cmp_bits(self.bytes(), self.last(), other.bytes(), other.last())
    }
}

impl PartialOrd for Bits {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
