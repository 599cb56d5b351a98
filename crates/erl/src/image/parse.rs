//! From a module's file to what deciding about it needs.

use super::{Kind, Known, Module, Nif};
use crate::beam::{Beam, BeamError, Function, Import};
use crate::term::{Atom, Term};
use std::collections::{BTreeMap, BTreeSet};

const SUPERVISORS: [&str; 3] = ["supervisor", "Elixir.Supervisor", "Elixir.DynamicSupervisor"];
const APPLICATIONS: [&str; 2] = ["application", "Elixir.Application"];
const PROCESSES: [&str; 7] = [
    "gen_server",
    "gen_statem",
    "gen_event",
    "Elixir.GenServer",
    "Elixir.GenStage",
    "Elixir.Phoenix.Channel",
    "Elixir.Phoenix.LiveView",
];

impl Module {
    /// Reads a `.beam` file.
    ///
    /// # Errors
    /// Not a module, or a damaged one.
    pub fn parse(file: &[u8]) -> Result<Self, BeamError> {
        let beam = Beam::parse(file)?;
        let name = beam.module().clone();
        let exports: BTreeSet<Function> = beam.exports()?.into_iter().collect();
        let imports: BTreeSet<Import> = beam.imports()?.into_iter().collect();
        let (behaviours, attributes) = (beam.behaviours()?, beam.attributes()?);
        let mut shapes = Shapes { module: &name, fields: None, structs: BTreeSet::new(), records: BTreeMap::new() };
        beam.literals()?.iter().for_each(|literal| shapes.look(literal));
        let Shapes { fields, mut structs, records, .. } = shapes;
        structs.extend(beam.atoms().iter().filter(|atom| atom.as_str().starts_with("Elixir.")).cloned());
        Ok(Self {
            md5: beam.md5()?,
            md5_without_meta: beam.md5_without_meta()?,
            vsn: beam.vsn()?,
            kind: kind(&exports, &imports, &behaviours, &attributes),
            struct_fields: exports.iter().any(|function| function.name == "__struct__").then_some(fields).flatten(),
            mentions_structs: structs,
            records,
            nif: calls(&imports, "erlang", "load_nif", 2).then_some(Nif { on_load_only: true }),
            on_load: Known::Unknown,
            receives: Known::Unknown,
            makes_funs: Known::Unknown,
            behaviours,
            exports,
            imports,
            name,
        })
    }
}

fn calls(imports: &BTreeSet<Import>, module: &str, name: &str, arity: u8) -> bool {
    imports.iter().any(|import| import.module == module && import.function.name == name && import.function.arity == arity)
}

fn kind(
    exports: &BTreeSet<Function>,
    imports: &BTreeSet<Import>,
    behaviours: &BTreeSet<Atom>,
    attributes: &[(Atom, Vec<Term>)],
) -> Kind {
    let has = |name: &str, arity: u8| exports.iter().any(|function| function.name == name && function.arity == arity);
    let is = |names: &[&str]| behaviours.iter().any(|behaviour| names.contains(&behaviour.as_str()));
    if has("__protocol__", 1) {
        return Kind::Protocol { consolidated: false };
    }
    if has("__impl__", 1) {
        let said = |key: &str| {
            let values = attributes.iter().filter(|(name, _)| name == "__impl__" || name == "impl").flat_map(|(_, values)| values);
            values
                .filter_map(|value| match value.as_tuple() {
                    Some([name, value]) if name.is_atom(key) => value.as_atom().cloned(),
                    _ => None,
                })
                .next()
        };
        return Kind::Implementation { of: said("protocol"), for_type: said("for") };
    }
    if is(&SUPERVISORS) && has("init", 1) {
        return Kind::Supervisor;
    }
    if is(&APPLICATIONS) && has("start", 2) {
        return Kind::Application { starts_list: calls(imports, "Elixir.Supervisor", "start_link", 2) };
    }
    if has("code_change", 3) || has("code_change", 4) || has("system_code_change", 4) {
        return Kind::Process;
    }
    if is(&PROCESSES) { Kind::ProcessWithoutCodeChange } else { Kind::Plain }
}

/// Shapes of data in a module's literals.
struct Shapes<'a> {
    module: &'a Atom,
    fields: Option<BTreeSet<Atom>>,
    structs: BTreeSet<Atom>,
    records: BTreeMap<Atom, BTreeSet<usize>>,
}

impl Shapes<'_> {
    fn look(&mut self, term: &Term) {
        match term {
            Term::Map(pairs) => {
                if let Some(name) = pairs.get(&Term::atom("__struct__")).and_then(Term::as_atom) {
                    if name == self.module && self.fields.is_none() {
                        self.fields =
                            Some(pairs.keys().filter_map(Term::as_atom).filter(|key| *key != "__struct__").cloned().collect());
                    }
                    self.structs.insert(name.clone());
                }
                pairs.values().for_each(|value| self.look(value));
            }
            Term::Tuple(parts) => {
                if let (Some(tag), true) = (parts.first().and_then(Term::as_atom), parts.len() > 1) {
                    self.records.entry(tag.clone()).or_default().insert(parts.len());
                }
                parts.iter().for_each(|part| self.look(part));
            }
            Term::List(parts) => parts.iter().for_each(|part| self.look(part)),
            _ => {}
        }
    }
}
