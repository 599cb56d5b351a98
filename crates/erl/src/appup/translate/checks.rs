//! What `systools_rc` checks of low-level instructions in an appup. It does not look at their order.

use super::super::Step;
use super::{Parts, TranslateError};
use crate::relup::Instruction;
use crate::term::Atom;
use std::collections::BTreeSet;

pub(super) fn check(parts: &Parts<Step>) -> Result<(), TranslateError> {
    let low: Vec<&Instruction> = parts.after.iter().filter_map(Step::low).collect();
    let read: BTreeSet<&Atom> = parts.before.iter().flat_map(read).collect();
    let loaded = low.iter().filter_map(|instruction| match instruction {
        Instruction::Load { module, .. } => Some(module),
        _ => None,
    });
    none_missing(loaded, &read, TranslateError::NotRead)?;
    paired(&low, suspended, resumed, [TranslateError::NeverResumed, TranslateError::NeverSuspended])?;
    paired(&low, stopped, started, [TranslateError::NeverStarted, TranslateError::NeverStopped])
}

type Named = fn(&Instruction) -> Vec<&Atom>;

fn paired(
    low: &[&Instruction],
    first: Named,
    second: Named,
    errors: [fn(Atom) -> TranslateError; 2],
) -> Result<(), TranslateError> {
    let all = |named: Named| low.iter().flat_map(|instruction| named(instruction)).collect::<BTreeSet<_>>();
    let (first, second) = (all(first), all(second));
    none_missing(first.iter().copied(), &second, errors[0])?;
    none_missing(second.iter().copied(), &first, errors[1])
}

fn none_missing<'a>(
    mut these: impl Iterator<Item = &'a Atom>,
    among: &BTreeSet<&Atom>,
    error: fn(Atom) -> TranslateError,
) -> Result<(), TranslateError> {
    these.find(|module| !among.contains(module)).map_or(Ok(()), |module| Err(error(module.clone())))
}

fn read(instruction: &Instruction) -> &[Atom] {
    match instruction {
        Instruction::LoadObjectCode { modules, .. } => modules,
        _ => &[],
    }
}

fn suspended(instruction: &Instruction) -> Vec<&Atom> {
    match instruction {
        Instruction::Suspend(modules) => modules.iter().map(|suspend| &suspend.module).collect(),
        _ => Vec::new(),
    }
}

fn resumed(instruction: &Instruction) -> Vec<&Atom> {
    match instruction {
        Instruction::Resume(modules) => modules.iter().collect(),
        _ => Vec::new(),
    }
}

fn stopped(instruction: &Instruction) -> Vec<&Atom> {
    match instruction {
        Instruction::Stop(modules) => modules.iter().collect(),
        _ => Vec::new(),
    }
}

fn started(instruction: &Instruction) -> Vec<&Atom> {
    match instruction {
        Instruction::Start(modules) => modules.iter().collect(),
        _ => Vec::new(),
    }
}
