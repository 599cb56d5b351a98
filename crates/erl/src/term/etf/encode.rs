//! Terms to bytes, the way `term_to_binary(Term, [{minor_version, 2}])` writes them: this is OTP's default since OTP 26, and
//! every OTP since 20 reads it.

use super::{VERSION, tag};
use crate::term::{Atom, Integer, Term};
use std::collections::BTreeMap;

/// The term with its version byte.
#[must_use]
pub fn encode(term: &Term) -> Vec<u8> {
    let mut out = Vec::new();
    encode_into(&mut out, term);
    out
}

/// Appends the term with its version byte.
pub fn encode_into(out: &mut Vec<u8>, term: &Term) {
    out.push(VERSION);
    put(out, term);
}

fn put(out: &mut Vec<u8>, term: &Term) {
    match term {
        Term::Atom(name) => atom(out, name),
        Term::Integer(value) => integer(out, value),
        Term::Float(value) => {
            out.push(tag::NEW_FLOAT);
            out.extend(value.get().to_be_bytes());
        }
        Term::Binary(bytes) => {
            out.push(tag::BINARY);
            len32(out, bytes.len());
            out.extend(bytes);
        }
        Term::Bits(bits) => {
            out.push(tag::BIT_BINARY);
            len32(out, bits.bytes().len());
            out.push(bits.last());
            out.extend(bits.bytes());
        }
        Term::Tuple(elements) => tuple(out, elements),
        Term::List(elements) => list(out, elements),
        Term::Improper(elements, tail) => {
            out.push(tag::LIST);
            len32(out, elements.len());
            elements.iter().for_each(|element| put(out, element));
            put(out, tail);
        }
        Term::Map(pairs) => map(out, pairs),
        Term::Fun(fun) => out.extend(fun.external()),
        Term::Export(fun) => {
            out.push(tag::EXPORT);
            atom(out, &fun.module);
            atom(out, &fun.function);
            out.extend([tag::SMALL_INTEGER, fun.arity]);
        }
        Term::Pid(_) | Term::Port(_) | Term::Reference(_) => identifier(out, term),
    }
}

fn identifier(out: &mut Vec<u8>, term: &Term) {
    match term {
        Term::Pid(pid) => {
            out.push(tag::NEW_PID);
            atom(out, &pid.node);
            [pid.id, pid.serial, pid.creation].iter().for_each(|word| out.extend(word.to_be_bytes()));
        }
        Term::Port(port) => {
            // The wide form only where it is needed: OTP 23 does not read it.
            match u32::try_from(port.id) {
                Ok(id) if id < 1 << 28 => {
                    out.push(tag::NEW_PORT);
                    atom(out, &port.node);
                    out.extend(id.to_be_bytes());
                }
                _ => {
                    out.push(tag::V4_PORT);
                    atom(out, &port.node);
                    out.extend(port.id.to_be_bytes());
                }
            }
            out.extend(port.creation.to_be_bytes());
        }
        Term::Reference(reference) => {
            out.push(tag::NEWER_REFERENCE);
            len16(out, reference.ids.len());
            atom(out, &reference.node);
            out.extend(reference.creation.to_be_bytes());
            reference.ids.iter().for_each(|word| out.extend(word.to_be_bytes()));
        }
        _ => {}
    }
}

fn len16(out: &mut Vec<u8>, len: usize) {
    out.extend(u16::try_from(len).expect("callers have checked the length").to_be_bytes());
}

/// # Panics
/// Beyond 4 GiB, where the format ends; no caller can hold such a term.
fn len32(out: &mut Vec<u8>, len: usize) {
    out.extend(u32::try_from(len).expect("the external term format ends at 4 GiB").to_be_bytes());
}

fn atom(out: &mut Vec<u8>, name: &Atom) {
    let name = name.as_str().as_bytes();
    match u8::try_from(name.len()) {
        Ok(len) => out.extend([tag::SMALL_ATOM_UTF8, len]),
        Err(_) => {
            out.push(tag::ATOM_UTF8);
            len16(out, name.len()); // 255 characters of 4 bytes at most
        }
    }
    out.extend(name);
}

fn integer(out: &mut Vec<u8>, value: &Integer) {
    if let Some(small) = value.to_i64() {
        if let Ok(byte) = u8::try_from(small) {
            return out.extend([tag::SMALL_INTEGER, byte]);
        }
        if let Ok(word) = i32::try_from(small) {
            out.push(tag::INTEGER);
            return out.extend(word.to_be_bytes());
        }
    }
    let magnitude = value.magnitude();
    match u8::try_from(magnitude.len()) {
        Ok(len) => out.extend([tag::SMALL_BIG, len]),
        Err(_) => {
            out.push(tag::LARGE_BIG);
            len32(out, magnitude.len());
        }
    }
    out.push(u8::from(value.is_negative()));
    out.extend(magnitude);
}

fn tuple(out: &mut Vec<u8>, elements: &[Term]) {
    match u8::try_from(elements.len()) {
        Ok(len) => out.extend([tag::SMALL_TUPLE, len]),
        Err(_) => {
            out.push(tag::LARGE_TUPLE);
            len32(out, elements.len());
        }
    }
    elements.iter().for_each(|element| put(out, element));
}

/// Lists of bytes have a form of their own, as long as their length fits it.
fn list(out: &mut Vec<u8>, elements: &[Term]) {
    if elements.is_empty() {
        return out.push(tag::NIL);
    }
    if let Some(bytes) = as_bytes(elements) {
        out.push(tag::STRING);
        len16(out, bytes.len());
        return out.extend(bytes);
    }
    out.push(tag::LIST);
    len32(out, elements.len());
    elements.iter().for_each(|element| put(out, element));
    out.push(tag::NIL);
}

fn as_bytes(elements: &[Term]) -> Option<Vec<u8>> {
    if elements.len() > usize::from(u16::MAX) {
        return None;
    }
    elements.iter().map(|element| element.as_i64().and_then(|value| u8::try_from(value).ok())).collect()
}

fn map(out: &mut Vec<u8>, pairs: &BTreeMap<Term, Term>) {
    out.push(tag::MAP);
    len32(out, pairs.len());
    for (key, value) in pairs {
        put(out, key);
        put(out, value);
    }
}
