//! From a module's file to what deciding about it needs.

mod kind;
mod reach;
mod said;
mod shapes;

use super::Module;
use crate::beam::{Beam, BeamError, Function, Import};
use said::Said;
use shapes::Shapes;

impl Module {
    /// Reads a `.beam` file.
    ///
    /// # Errors
    /// Not a module, or a damaged one.
    pub fn parse(file: &[u8]) -> Result<Self, BeamError> {
        let beam = Beam::parse(file)?;
        let attributes = beam.attributes()?;
        let (exports, imports) = (beam.exports()?, beam.imports()?);
        let code = beam.code()?;
        let said = Said::of(&beam, code.as_ref(), &imports);
        let mut shapes = Shapes::of(&beam, code.as_ref())?;
        let defines_struct = exports.iter().any(|function| is(function, "__struct__", 0));
        let module = Self {
            name: beam.module().clone(),
            md5: beam.md5()?,
            md5_without_meta: beam.md5_without_meta()?,
            vsn: beam.vsn()?,
            behaviours: beam.behaviours()?,
            kind: kind::UNDECIDED,
            struct_fields: shapes.fields.take().filter(|_| defines_struct),
            mentions_structs: shapes.structs,
            records: shapes.records,
            nif: said.nif,
            on_load: said.on_load,
            receives: said.receives,
            keeps_funs: said.keeps_funs,
            keeps_states: said.keeps_states,
            start_calls: match &code {
                Some(code) => reach::foreign_calls(&beam, code, &imports, "start", 2),
                None => imports.iter().cloned().collect(),
            },
            exports: exports.into_iter().collect(),
            imports: imports.into_iter().collect(),
        };
        Ok(Self { kind: kind::of(&module, &attributes, said.starts_list), ..module })
    }
}

fn is(function: &Function, name: &str, arity: u8) -> bool {
    function.arity == arity && function.name == name
}

fn calls(import: &Import, module: &str, name: &str, arity: u8) -> bool {
    is(&import.function, name, arity) && import.module == module
}
