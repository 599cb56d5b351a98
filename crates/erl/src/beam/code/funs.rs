//! Funs that do not outlive the call they are made for: made, given to a function of another module, and seen no more. When in doubt, one is
//! kept.

use super::{Operand, op};
use std::collections::BTreeSet;

/// Instructions that take registers which are not among their operands: send, call_fun, apply, apply_last, call_fun2.
const TAKE_REGISTERS: [u8; 5] = [20, 75, 112, 113, 178];

/// Registers with funs that were made just now.
#[derive(Debug, Default)]
pub(super) struct Fresh(BTreeSet<u32>);

/// What an instruction does with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// They may live on.
    Kept,
    /// They are arguments of a function of another module, by its place in the table of imports.
    Lent(u32),
}

impl Fresh {
    pub(super) fn see(&mut self, instruction: u8, operands: &[Operand]) -> Option<Fate> {
        match (instruction, operands) {
            (op::MAKE_FUN3, [_, Operand::X(to), captured @ ..]) if !self.has_one_of(captured) => drop(self.0.insert(*to)),
            (op::MAKE_FUN2 | op::MAKE_FUN3, _) => return self.kept(),
            (op::CALL_EXT | op::CALL_EXT_ONLY | op::CALL_EXT_LAST, [Operand::Number(arity), Operand::Number(import), ..]) => {
                return std::mem::take(&mut self.0).iter().any(|x| x < arity).then_some(Fate::Lent(*import));
            }
            (op::MOVE, [from, Operand::X(to)]) if self.has_one_of(&[*from]) => drop(self.0.insert(*to)),
            (op::MOVE, [_, Operand::X(to)]) => drop(self.0.remove(to)),
            (op::SWAP, [Operand::X(one), Operand::X(other)]) => self.swap(*one, *other),
            _ if self.0.is_empty() => {}
            (op::RETURN, _) if !self.0.contains(&0) => self.0.clear(),
            (op::RETURN | op::LABEL, _) => return self.kept(),
            _ if TAKE_REGISTERS.contains(&instruction) || operands.iter().any(is_branch) || self.has_one_of(operands) => {
                return self.kept();
            }
            _ => {}
        }
        None
    }

    fn swap(&mut self, one: u32, other: u32) {
        let (in_one, in_other) = (self.0.remove(&one), self.0.remove(&other));
        self.0.extend(in_one.then_some(other).into_iter().chain(in_other.then_some(one)));
    }

    fn kept(&mut self) -> Option<Fate> {
        self.0.clear();
        Some(Fate::Kept)
    }

    fn has_one_of(&self, operands: &[Operand]) -> bool {
        operands.iter().any(|operand| matches!(operand, Operand::X(x) if self.0.contains(x)))
    }
}

fn is_branch(operand: &Operand) -> bool {
    matches!(operand, Operand::Label(to) if *to > 0)
}
