//! In which order modules are loaded.
//!
//! While modules are loaded one after the other, the new code of some runs with the old code of others. So a module comes before
//! those that call a function it did not have before, and after those that called a function it does not have any more; a new module
//! comes before all that call it. Where these wishes go in a circle, those of appups decide, and the circle is told.
//!
//! On the way down every wish is the other way round, and so is the order.

use super::super::Direction;
use super::plan::Load;
use super::view::View;
use crate::beam::Function;
use crate::graph::Graph;
use crate::image::{Kind, Module};
use crate::term::Atom;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// How much a wish counts. A circle is broken by leaving out the weakest ones in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// Between modules that are new: nothing calls them yet.
    BothNew,
    /// Because of functions that are new or gone.
    Functions,
    /// Because an appup says so.
    Appup,
}

/// `first` is to be loaded before `then`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    pub(super) first: usize,
    pub(super) then: usize,
    weight: Weight,
}

/// Numbers of the loads in order, and circles that could not be kept.
pub(super) struct Order {
    pub(super) order: Vec<usize>,
    pub(super) circles: Vec<Vec<Atom>>,
}

/// Puts the loads in order.
pub(super) fn order(direction: Direction, loads: &[Load], wishes: &[Wish]) -> Order {
    let mut wishes = wishes.to_vec();
    if direction == Direction::Down {
        wishes.iter_mut().for_each(|wish| std::mem::swap(&mut wish.first, &mut wish.then));
    }
    let keys = Keys::new(direction, loads);
    let mut circles = Vec::new();
    let mut order = arrange((0..loads.len()).collect(), &wishes, &keys, &mut circles);
    if direction == Direction::Down {
        order.reverse();
    }
    let names = |circle: Vec<usize>| {
        let names: BTreeSet<Atom> = circle.into_iter().map(|number| loads[number].module.clone()).collect();
        names.into_iter().collect()
    };
    Order { order, circles: circles.into_iter().map(names).collect() }
}

/// All wishes, in the direction of travel.
pub(super) fn wishes(direction: Direction, loads: &[Load]) -> Vec<Wish> {
    let numbers: BTreeMap<&Atom, usize> = loads.iter().enumerate().map(|(number, load)| (&load.module, number)).collect();
    let mut wishes = Vec::new();
    for (caller, load) in loads.iter().enumerate() {
        for (callee, function) in calls(load.after, &numbers, caller) {
            wishes.extend(wants_new(&loads[callee], load, function).map(|weight| Wish { first: callee, then: caller, weight }));
        }
        for (callee, function) in calls(load.before, &numbers, caller) {
            if is_gone(&loads[callee], function) {
                wishes.push(Wish { first: caller, then: callee, weight: Weight::Functions });
            }
        }
        let needs = load.needs.iter().filter_map(|module| numbers.get(module)).map(|needed| match direction {
            Direction::Up => Wish { first: *needed, then: caller, weight: Weight::Appup },
            Direction::Down => Wish { first: caller, then: *needed, weight: Weight::Appup },
        });
        wishes.extend(needs);
    }
    wishes
}

/// Calls of other modules that are loaded too.
fn calls<'a>(module: Option<&'a Module>, numbers: &BTreeMap<&Atom, usize>, caller: usize) -> Vec<(usize, &'a Function)> {
    let imports = module.into_iter().flat_map(|module| &module.imports);
    let calls = imports.filter_map(|import| Some((*numbers.get(&import.module)?, &import.function)));
    calls.filter(|(callee, _)| *callee != caller).collect()
}

/// Must `callee` be there before the code of `caller` that calls the function?
fn wants_new(callee: &Load, caller: &Load, function: &Function) -> Option<Weight> {
    match (callee.before, callee.after) {
        (None, Some(_)) if caller.before.is_none() => Some(Weight::BothNew),
        (None, Some(_)) => Some(Weight::Functions),
        (Some(before), Some(after)) if !before.exports.contains(function) && after.exports.contains(function) => {
            Some(Weight::Functions)
        }
        _ => None,
    }
}

/// Must the code that calls the function be gone before `callee` is loaded?
fn is_gone(callee: &Load, function: &Function) -> bool {
    match (callee.before, callee.after) {
        (Some(before), Some(after)) => before.exports.contains(function) && !after.exports.contains(function),
        _ => false,
    }
}

/// Does a module of the group call a function that is new in a module that is not of the group? Such ones are loaded by appups' own scripts.
pub(super) fn needs_first(view: &View, group: &[&Load]) -> bool {
    let of_group: BTreeSet<&Atom> = group.iter().map(|load| &load.module).collect();
    let imports = group.iter().filter_map(|load| load.after).flat_map(|module| &module.imports);
    let mut outside = imports.filter(|import| !of_group.contains(&import.module));
    outside.any(|import| match view.modules.get(&import.module) {
        Some(module) if view.consolidated_after.contains(&import.module) || module.after.is_none() => false,
        Some(module) => module.before.is_none_or(|before| !before.exports.contains(&import.function)),
        None => false,
    })
}

/// Orders `nodes` by the wishes between them. Those of a circle stand together, ordered by the stronger ones of their wishes.
fn arrange(nodes: Vec<usize>, wishes: &[Wish], keys: &Keys, circles: &mut Vec<Vec<usize>>) -> Vec<usize> {
    let place: BTreeMap<usize, usize> = nodes.iter().enumerate().map(|(place, node)| (*node, place)).collect();
    let inner = |wish: &&Wish| place.contains_key(&wish.first) && place.contains_key(&wish.then);
    let wishes: Vec<Wish> = wishes.iter().filter(inner).copied().collect();
    let mut graph = Graph::new(nodes.len());
    wishes.iter().for_each(|wish| graph.add(place[&wish.first], place[&wish.then]));
    let group = graph.circles();
    let mut members = vec![Vec::new(); group.iter().max().map_or(0, |max| max + 1)];
    group.iter().enumerate().for_each(|(at, group)| members[*group].push(nodes[at]));
    let mut condensed = Graph::new(members.len());
    graph.edges().for_each(|(first, then)| condensed.add(group[first], group[then]));
    let of_node = |node: &usize| place.get(node).map(|place| group[*place]);
    let sequence = condensed.order(
        |group| members[group].iter().map(|node| keys.get(*node)).min(),
        |group| members[group].iter().flat_map(|node| keys.done(*node)).filter_map(|node| of_node(&node)).collect(),
    );
    let ordered = sequence.into_iter().flat_map(|group| match &members[group][..] {
        [one] => vec![*one],
        many => arrange(many.to_vec(), &stronger(many, &wishes, circles), keys, circles),
    });
    ordered.collect()
}

/// The wishes that are left when the weakest ones between these nodes are not kept.
fn stronger(nodes: &[usize], wishes: &[Wish], circles: &mut Vec<Vec<usize>>) -> Vec<Wish> {
    let among: BTreeSet<usize> = nodes.iter().copied().collect();
    let inner = || wishes.iter().filter(|wish| among.contains(&wish.first) && among.contains(&wish.then));
    let weakest = inner().map(|wish| wish.weight).min();
    if weakest != Some(Weight::BothNew) {
        circles.push(nodes.to_vec());
    }
    inner().filter(|wish| Some(wish.weight) > weakest).copied().collect()
}

/// Which of several modules comes first on the way up: the one that calls the fewest others that are not loaded yet, then by what it
/// is.
struct Keys {
    fixed: Vec<(bool, u8, Atom)>,
    callers: Vec<Vec<usize>>,
    calls: RefCell<Vec<usize>>,
}

type Key = (bool, usize, u8, Atom);

impl Keys {
    fn new(direction: Direction, loads: &[Load]) -> Self {
        let numbers: BTreeMap<&Atom, usize> = loads.iter().enumerate().map(|(number, load)| (&load.module, number)).collect();
        let mut callers = vec![Vec::new(); loads.len()];
        let mut calls_of = vec![0; loads.len()];
        for (caller, load) in loads.iter().enumerate() {
            let callees: BTreeSet<usize> =
                calls(load.newer(direction), &numbers, caller).into_iter().map(|(callee, _)| callee).collect();
            calls_of[caller] = callees.len();
            callees.into_iter().for_each(|callee| callers[callee].push(caller));
        }
        let fixed = loads.iter().map(|load| (is_only_older(direction, load), rank(direction, load), load.module.clone())).collect();
        Self { fixed, callers, calls: RefCell::new(calls_of) }
    }

    fn get(&self, node: usize) -> Key {
        let (only_older, rank, name) = &self.fixed[node];
        (*only_older, self.calls.borrow()[node], *rank, name.clone())
    }

    /// A module is loaded; returns those that call it.
    fn done(&self, node: usize) -> Vec<usize> {
        let mut calls = self.calls.borrow_mut();
        self.callers[node].iter().for_each(|caller| calls[*caller] = calls[*caller].saturating_sub(1));
        self.callers[node].clone()
    }
}

/// Is it a module that is gone in the newer release? On the way down such a one is loaded first.
fn is_only_older(direction: Direction, load: &Load) -> bool {
    match direction {
        Direction::Up => load.after.is_none(),
        Direction::Down => load.before.is_none(),
    }
}

fn rank(direction: Direction, load: &Load) -> u8 {
    match load.newer(direction).map(|module| &module.kind) {
        Some(Kind::Protocol { .. }) => 0,
        Some(Kind::Implementation { .. }) => 1,
        Some(Kind::ProcessWithoutCodeChange) => 3,
        Some(Kind::Process) => 4,
        Some(Kind::Supervisor) => 5,
        _ => 2,
    }
}
