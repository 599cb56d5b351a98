//! Made-up releases, and a node that only knows which modules it has loaded from which release.

use super::super::*;
use super::samples::*;
use crate::changes::ModuleChange;
use crate::image::{Kind, Module};
use crate::relup::{Instruction, check_script};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const NAMES: [&str; 7] = ["m0", "m1", "m2", "m3", "m4", "m5", "m6"];
const FUNCTIONS: [&str; 3] = ["f", "g", "h"];

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Plain),
        Just(Kind::Process),
        Just(Kind::ProcessWithoutCodeChange),
        Just(Kind::Supervisor),
        Just(Kind::Application { starts_list: true }),
        Just(Kind::Implementation { of: None, for_type: None }),
    ]
}

/// Exports of a module, and what it calls.
type Code = (Vec<bool>, Vec<(usize, usize)>);

fn code() -> impl Strategy<Value = Code> {
    (prop::collection::vec(any::<bool>(), FUNCTIONS.len()), prop::collection::vec((0..NAMES.len(), 0..FUNCTIONS.len()), 0..5))
}

fn made(name: &str, kind: Kind, (exports, calls): &Code) -> Module {
    let exports: Vec<&str> = FUNCTIONS.iter().zip(exports).filter(|(_, is)| **is).map(|(name, _)| *name).collect();
    let calls: Vec<String> =
        calls.iter().map(|(module, function)| format!("{}:{}", NAMES[*module], FUNCTIONS[*function])).collect();
    module(name, kind, &exports, &calls.iter().map(String::as_str).collect::<Vec<_>>())
}

/// One application in both releases, one that is new, one that is gone.
fn release(presence: f64) -> impl Strategy<Value = Changes> {
    let one = (kind(), prop::option::weighted(presence, code()), prop::option::weighted(presence, code()));
    prop::collection::vec(one, NAMES.len()).prop_map(|modules| {
        let (mut both, mut new, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        for (name, (kind, before, after)) in NAMES.iter().zip(modules) {
            let side = |code: &Option<Code>| code.as_ref().map(|code| made(name, kind.clone(), code));
            let pair = (side(&before), side(&after));
            match (&pair, *name) {
                ((None, None), _) => {}
                ((None, Some(_)), "m5" | "m6") => new.push(pair),
                ((Some(_), None), "m5" | "m6") => gone.push(pair),
                _ => both.push(pair),
            }
        }
        changes(vec![app("both", "1", "2", both), app("new", "", "1", new), app("gone", "1", "", gone)])
    })
}

fn sides(change: &ModuleChange) -> (Option<&Module>, Option<&Module>) {
    match change {
        ModuleChange::Added(after) => (None, Some(after)),
        ModuleChange::Removed(before) => (Some(before), None),
        ModuleChange::Changed { before, after, .. } => (Some(before), Some(after)),
    }
}

/// Modules by name, before and after.
fn modules(changes: &Changes, direction: Direction) -> BTreeMap<&Atom, (Option<&Module>, Option<&Module>)> {
    let all = changes.apps.values().flat_map(|app| &app.modules);
    let turned = |(before, after)| if direction == Direction::Up { (before, after) } else { (after, before) };
    all.map(|(name, change)| (name, turned(sides(change)))).collect()
}

fn loads<'a>(script: &'a [Instruction]) -> Vec<&'a Atom> {
    let load = |instruction: &'a Instruction| match instruction {
        Instruction::Load { module, .. } => Some(module),
        _ => None,
    };
    script.iter().filter_map(load).collect()
}

/// Calls between modules that are there before and afterwards, after each load, that meet no function though the function is there both
/// before or after, in the time of the caller. Callers that are gone afterwards do not count: nothing can take their place earlier.
fn missed_calls(changes: &Changes, direction: Direction, script: &[Instruction]) -> Vec<BTreeSet<Atom>> {
    let modules = modules(changes, direction);
    let mut missed = Vec::new();
    let mut loaded = BTreeSet::new();
    for name in loads(script) {
        loaded.insert(name);
        let now = |name: &Atom| modules.get(name).and_then(|(before, after)| if loaded.contains(name) { *after } else { *before });
        for caller in modules.iter().filter(|(_, sides)| matches!(sides, (Some(_), Some(_)))).filter_map(|(name, _)| now(name)) {
            for import in &caller.imports {
                let Some((before, after)) = modules.get(&import.module) else { continue };
                let has = |module: Option<&Module>| module.is_some_and(|module| module.exports.contains(&import.function));
                let is_new = loaded.contains(&caller.name);
                let was_there = if is_new { has(*after) } else { has(*before) };
                if was_there && !has(now(&import.module)) && import.module != caller.name {
                    missed.push([caller.name.clone(), import.module.clone()].into());
                }
            }
        }
    }
    missed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_call_meets_a_function_that_is_not_there_but_in_circles_that_are_told(changes in release(0.8)) {
        let generated = generate(&changes).unwrap();
        let circles: Vec<BTreeSet<Atom>> = generated.circles.iter().map(|circle| circle.iter().cloned().collect()).collect();
        for direction in [Direction::Up, Direction::Down] {
            let script = &generated.relup.way(direction, &changes.from).unwrap().script;
            for pair in missed_calls(&changes, direction, script) {
                // what is gone is removed only when nothing calls it any more: after the loads
                prop_assert!(circles.iter().any(|circle| circle.is_superset(&pair)), "{direction} {pair:?} {circles:?}");
            }
        }
    }

    #[test]
    fn the_way_up_leads_to_the_new_release_and_the_way_down_back(changes in release(0.8)) {
        let relup = generate(&changes).unwrap().relup;
        for direction in [Direction::Up, Direction::Down] {
            let script = &relup.way(direction, &changes.from).unwrap().script;
            prop_assert_eq!(check_script(direction, script), []);
            let modules = modules(&changes, direction);
            let mut node: BTreeSet<&Atom> = modules.iter().filter(|(_, (before, _))| before.is_some()).map(|(name, _)| *name).collect();
            let mut fresh = BTreeSet::new();
            for instruction in script {
                match instruction {
                    Instruction::Load { module, .. } => { node.insert(module); fresh.insert(module); }
                    Instruction::Remove { module, .. } => { prop_assert!(node.remove(module)); }
                    _ => {}
                }
            }
            let expected: BTreeSet<&Atom> = modules.iter().filter(|(_, (_, after))| after.is_some()).map(|(name, _)| *name).collect();
            prop_assert_eq!(&fresh, &expected);
            prop_assert_eq!(node, expected);
        }
    }

    #[test]
    fn the_way_down_loads_in_the_opposite_order(changes in release(0.999_999)) {
        let relup = generate(&changes).unwrap().relup;
        let order = |direction| loads(&relup.way(direction, &changes.from).unwrap().script).into_iter().cloned().collect::<Vec<_>>();
        let (mut up, down) = (order(Direction::Up), order(Direction::Down));
        up.reverse();
        prop_assert_eq!(up, down);
    }
}
