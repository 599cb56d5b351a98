//! Instructions about modules, which are ordered by what depends on what.

use super::super::{Change, ModuleType, Step};
use super::{Owners, Parts, TranslateError};
use crate::graph::Graph;
use crate::relup::{Direction, Instruction, Suspend, Timeout};
use crate::term::{Atom, Term};
use std::collections::BTreeMap;

/// The steps that are about modules, by module.
///
/// # Errors
/// Two about one module, or one that depends on a module without any.
pub(super) fn check_dependencies<'a>(
    steps: impl IntoIterator<Item = &'a Step>,
) -> Result<BTreeMap<&'a Atom, usize>, TranslateError> {
    let mut numbers = BTreeMap::new();
    let steps: Vec<&Step> = steps.into_iter().collect();
    for (number, module) in steps.iter().enumerate().filter_map(|(number, step)| Some((number, step.module()?))) {
        if numbers.insert(module, number).is_some() {
            return Err(TranslateError::TwoInstructions(module.clone()));
        }
    }
    for (step, on) in steps.iter().flat_map(|step| step.needs().iter().map(move |on| (step, on))) {
        dependency(&numbers, step.module(), on)?;
    }
    Ok(numbers)
}

/// The number of the step that a module depends on.
///
/// # Errors
/// There is none.
pub(super) fn dependency(numbers: &BTreeMap<&Atom, usize>, module: Option<&Atom>, on: &Atom) -> Result<usize, TranslateError> {
    let missing = || TranslateError::NoInstruction { module: module.unwrap_or(on).clone(), on: on.clone() };
    numbers.get(on).copied().ok_or_else(missing)
}

/// Steps that hang together stand where the first of them did; all others stay where they are.
pub(super) fn translate(direction: Direction, steps: &[Step], owners: &Owners) -> Result<Parts<Instruction>, TranslateError> {
    let mut groups = groups(steps)?;
    let mut parts = Parts { before: Vec::new(), after: Vec::new() };
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Low(low) => parts.after.push(low.clone()),
            _ => {
                let Some(group) = groups.remove(&number) else { continue };
                let group: Vec<&Step> = group.into_iter().map(|number| &steps[number]).collect();
                for module in
                    group.iter().filter(|step| !matches!(step, Step::DeleteModule { .. })).filter_map(|step| step.module())
                {
                    parts.before.push(owners.read(module)?);
                }
                parts.after.extend(low(direction, &group));
            }
        }
    }
    Ok(parts)
}

/// Groups of steps that hang together by their first one; within a group, what depends on something comes before it.
fn groups(steps: &[Step]) -> Result<BTreeMap<usize, Vec<usize>>, TranslateError> {
    let numbers = check_dependencies(steps)?;
    let mut graph = Graph::new(steps.len());
    for (number, step) in steps.iter().enumerate() {
        for on in step.needs() {
            graph.add(number, dependency(&numbers, step.module(), on)?);
        }
    }
    let order = condensed_order(&graph);
    let place: BTreeMap<usize, usize> = order.into_iter().enumerate().map(|(place, number)| (number, place)).collect();
    let mut groups = BTreeMap::new();
    for mut group in graph.components() {
        let first = group[0];
        group.sort_by_key(|number| place[number]);
        groups.insert(first, group);
    }
    Ok(groups)
}

/// An order of all nodes that agrees with the edges between circles; the nodes of a circle stand together, in their own order.
fn condensed_order(graph: &Graph) -> Vec<usize> {
    let circle = graph.circles();
    let count = circle.iter().max().map_or(0, |max| max + 1);
    let mut members = vec![Vec::new(); count];
    circle.iter().enumerate().for_each(|(node, circle)| members[*circle].push(node));
    let mut condensed = Graph::new(count);
    graph.edges().for_each(|(first, then)| condensed.add(circle[first], circle[then]));
    let order = condensed.order(|group| members[group].first().copied(), |_| Vec::new());
    order.into_iter().flat_map(|group| members[group].clone()).collect()
}

/// The instructions of steps that hang together.
fn low(direction: Direction, group: &[&Step]) -> Vec<Instruction> {
    let suspended: Vec<Suspend> = group.iter().filter_map(|step| step.suspend()).collect();
    let resumed: Vec<Atom> = suspended.iter().rev().map(|suspend| suspend.module.clone()).collect();
    let mut code: Vec<Vec<Instruction>> = group.iter().map(|step| step.code()).collect();
    if direction == Direction::Up {
        code.reverse();
    }
    let change = |kind| code_change(direction, group, kind);
    let (early, late) = match direction {
        Direction::Up => (None, change(None)),
        Direction::Down => (change(Some(ModuleType::Dynamic)), change(Some(ModuleType::Static))),
    };
    let suspend = (!suspended.is_empty()).then_some(Instruction::Suspend(suspended));
    let resume = (!resumed.is_empty()).then_some(Instruction::Resume(resumed));
    suspend.into_iter().chain(early).chain(code.into_iter().flatten()).chain(late).chain(resume).collect()
}

fn code_change(direction: Direction, group: &[&Step], only: Option<ModuleType>) -> Option<Instruction> {
    let changes = group.iter().filter_map(|step| step.code_change(only));
    let modules: Vec<(Atom, Term)> = changes.collect();
    (!modules.is_empty()).then_some(Instruction::CodeChange { mode: Some(direction), modules })
}

impl Step {
    /// The low-level instruction, if it is one.
    #[must_use]
    pub fn low(&self) -> Option<&Instruction> {
        match self {
            Self::Low(instruction) => Some(instruction),
            _ => None,
        }
    }

    /// The name in the file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Update { .. } => "update",
            Self::LoadModule { .. } => "load_module",
            Self::AddModule { .. } => "add_module",
            Self::DeleteModule { .. } => "delete_module",
            Self::AddApplication { .. } => "add_application",
            Self::RemoveApplication(_) => "remove_application",
            Self::RestartApplication(_) => "restart_application",
            Self::Low(instruction) => instruction.name(),
        }
    }

    /// What is suspended for it.
    pub(crate) fn suspend(&self) -> Option<Suspend> {
        match self {
            Self::Update { module, timeout, .. } => {
                let timeout = Some(*timeout).filter(|timeout| *timeout != Timeout::Default);
                Some(Suspend { module: module.clone(), timeout })
            }
            _ => None,
        }
    }

    /// How it changes the code.
    pub(crate) fn code(&self) -> Vec<Instruction> {
        match self {
            Self::Update { module, pre, post, .. } | Self::LoadModule { module, pre, post, .. } => {
                vec![Instruction::Load { module: module.clone(), pre: *pre, post: *post }]
            }
            Self::AddModule { module, .. } => vec![Instruction::load(module.clone())],
            Self::DeleteModule { module, .. } => {
                vec![Instruction::remove(module.clone()), Instruction::Purge(vec![module.clone()])]
            }
            _ => Vec::new(),
        }
    }

    /// The change of states that it asks for, if it is of that kind.
    fn code_change(&self, only: Option<ModuleType>) -> Option<(Atom, Term)> {
        match self {
            Self::Update { module, kind, change: Change::Advanced(extra), .. } if only.is_none_or(|only| only == *kind) => {
                Some((module.clone(), extra.clone()))
            }
            _ => None,
        }
    }
}
