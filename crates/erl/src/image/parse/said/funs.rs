//! Funs that are kept, and functions that only call the funs they are given.

use crate::beam::{Body, Import};

/// Modules all of whose functions do.
const ALL: [&str; 2] = ["lists", "Elixir.Enum"];

/// Functions of modules that have others too.
const SOME: [(&str, &[&str]); 6] = [
    ("maps", &["filter", "filtermap", "fold", "foreach", "groups_from_list", "intersect_with", "map", "merge_with", "update_with"]),
    ("Elixir.Map", &MAP),
    ("Elixir.Keyword", &MAP),
    ("Elixir.MapSet", &["filter", "new", "reject", "split_with"]),
    ("Elixir.List", &["foldl", "foldr", "keymap", "update_at"]),
    ("ets", &["foldl", "foldr"]),
];

const MAP: [&str; 14] = [
    "filter",
    "get_and_update",
    "get_and_update!",
    "get_lazy",
    "intersect",
    "map",
    "merge",
    "new",
    "pop_lazy",
    "put_new_lazy",
    "reject",
    "replace_lazy",
    "update",
    "update!",
];

/// Whether funs that a function makes may live on.
pub(super) fn keeps(body: &Body, imports: &[Import]) -> bool {
    let lender = |at: &u32| usize::try_from(*at).ok().and_then(|at| imports.get(at));
    body.keeps_funs || body.lends_funs.iter().any(|at| !lender(at).is_some_and(only_calls))
}

fn only_calls(import: &Import) -> bool {
    let (module, name) = (import.module.as_str(), import.function.name.as_str());
    ALL.contains(&module) || SOME.iter().any(|(of, names)| *of == module && names.contains(&name))
}
