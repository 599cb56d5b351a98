//! Shapes of data: the fields of structs and the sizes of records, as literals and instructions show them.

use super::said;
use crate::beam::{Beam, BeamError, Code};
use crate::term::{Atom, Term};
use std::collections::{BTreeMap, BTreeSet};

const STRUCT: Atom = Atom::literal("__struct__");

/// What is seen in a module.
pub(super) struct Shapes {
    /// Fields of the struct it defines, if it does.
    pub(super) fields: Option<BTreeSet<Atom>>,
    /// Structs it makes or asks for.
    pub(super) structs: BTreeSet<Atom>,
    /// Tuples with a tag, by their sizes.
    pub(super) records: BTreeMap<Atom, BTreeSet<usize>>,
}

impl Shapes {
    pub(super) fn of(beam: &Beam<'_>, code: Option<&Code>) -> Result<Self, BeamError> {
        let literals = beam.literals()?;
        let mut shapes = Self { fields: None, structs: BTreeSet::new(), records: BTreeMap::new() };
        literals.iter().for_each(|literal| shapes.look(literal));
        shapes.fields = defaults(beam, code, &literals).or_else(|| widest(beam.module(), &literals));
        shapes.mention(beam, code);
        shapes.tuples(beam, code);
        Ok(shapes)
    }

    fn look(&mut self, term: &Term) {
        match term {
            Term::Map(pairs) => {
                self.structs.extend(struct_name(term).cloned());
                pairs.values().for_each(|value| self.look(value));
            }
            Term::Tuple(parts) => {
                if let (Some(tag), true) = (parts.first().and_then(Term::as_atom), parts.len() > 1) {
                    self.record(tag, parts.len());
                }
                parts.iter().for_each(|part| self.look(part));
            }
            Term::List(parts) => parts.iter().for_each(|part| self.look(part)),
            Term::Improper(parts, tail) => parts.iter().chain([&**tail]).for_each(|part| self.look(part)),
            _ => {}
        }
    }

    fn record(&mut self, tag: &Atom, size: usize) {
        match self.records.get_mut(tag) {
            Some(sizes) => drop(sizes.insert(size)),
            None => drop(self.records.insert(tag.clone(), [size].into())),
        }
    }

    /// Names of Elixir modules in the code of one that knows structs: `%Name{}` in a pattern is a test for that atom. Some of them
    /// define no struct, which does no harm: they are looked for by name.
    fn mention(&mut self, beam: &Beam<'_>, code: Option<&Code>) {
        if !beam.atoms().contains(&STRUCT) {
            return;
        }
        let elixir = |atom: &&Atom| atom.as_str().starts_with("Elixir.");
        match code {
            Some(code) => {
                self.structs.extend(said::atoms(code).into_iter().filter_map(|atom| beam.atom(atom)).filter(elixir).cloned());
            }
            None => self.structs.extend(beam.atoms().iter().filter(elixir).cloned()),
        }
    }

    fn tuples(&mut self, beam: &Beam<'_>, code: Option<&Code>) {
        for (tag, sizes) in code.iter().flat_map(|code| &code.functions).flat_map(|body| &body.tuples) {
            let Some(tag) = beam.atom(*tag) else { continue };
            sizes.iter().filter_map(|size| usize::try_from(*size).ok()).for_each(|size| self.record(tag, size));
        }
    }
}

/// What `__struct__/0` returns.
fn defaults(beam: &Beam<'_>, code: Option<&Code>, literals: &[Term]) -> Option<BTreeSet<Atom>> {
    let is_default = |name: u32, arity: u32| arity == 0 && beam.atom(name) == Some(&STRUCT);
    let body = code?.functions.iter().find(|body| is_default(body.name, body.arity))?;
    let used = body.literals.iter().filter_map(|at| literals.get(usize::try_from(*at).ok()?));
    used.filter_map(|literal| fields(beam.module(), literal)).next()
}

/// The one with most fields among the literals of that struct.
fn widest(module: &Atom, literals: &[Term]) -> Option<BTreeSet<Atom>> {
    literals.iter().filter_map(|literal| fields(module, literal)).max_by_key(BTreeSet::len)
}

fn fields(module: &Atom, literal: &Term) -> Option<BTreeSet<Atom>> {
    let pairs = literal.as_map().filter(|_| struct_name(literal) == Some(module))?;
    Some(pairs.keys().filter_map(Term::as_atom).filter(|key| **key != STRUCT).cloned().collect())
}

fn struct_name(term: &Term) -> Option<&Atom> {
    term.as_map()?.get(&Term::Atom(STRUCT))?.as_atom()
}
