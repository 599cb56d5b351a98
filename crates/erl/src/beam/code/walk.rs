//! The instructions of a module, one after the other.

use super::operand::{Operand, Reader, Stop};
use crate::beam::chunks::u32_at;

/// How many operands an instruction has, by its number from 1: what `beam_opcodes:opname/1` of OTP 29 says. Numbers are never used for
/// something else, so it holds for all versions before.
const ARITY: [u8; 191] = [
    1, 3, 0, 2, 3, 2, 2, 3, 2, 4, // 1 label
    5, 2, 3, 2, 3, 2, 1, 1, 0, 0, // 11 bif2
    0, 0, 2, 1, 1, 2, 4, 4, 4, 4, // 21 remove_message
    4, 4, 4, 4, 4, 4, 4, 3, 3, 3, // 31 int_div
    3, 3, 3, 3, 2, 2, 2, 2, 2, 2, // 41 is_eq
    2, 2, 2, 2, 2, 2, 2, 3, 3, 3, // 51 is_port
    1, 2, 1, 2, 3, 3, 3, 3, 3, 2, // 61 jump
    1, 1, 0, 1, 1, 3, 2, 2, 2, 5, // 71 put
    5, 5, 4, 2, 1, 1, 2, 2, 5, 5, // 81 bs_get_float
    5, 2, 1, 0, 1, 2, 2, 4, 4, 4, // 91 bs_put_float
    4, 3, 1, 2, 1, 1, 1, 2, 6, 3, // 101 fdiv
    5, 1, 2, 2, 3, 5, 7, 7, 7, 5, // 111 bs_add
    3, 2, 2, 5, 6, 2, 2, 2, 2, 1, // 121 bs_test_tail2
    3, 4, 0, 8, 6, 2, 6, 5, 4, 5, // 131 bs_test_unit
    4, 5, 4, 3, 3, 3, 3, 3, 0, 1, // 141 bs_skip_utf16
    1, 7, 1, 5, 5, 2, 3, 3, 4, 0, // 151 recv_set
    0, 2, 2, 2, 3, 4, 3, 2, 2, 4, // 161 raw_raise
    3, 1, 2, 1, 1, 1, 6, 3, 0, 1, // 171 make_fun3
    5, 3, 2, 4, 6, 2, 4, 3, 6, 3, // 181 update_record
    5, // 191 get_record_field
];

/// The set of instructions: the format number of `genop.tab`, zero in all versions so far.
const INSTRUCTION_SET: usize = 0;

/// The last instruction of every module, `int_code_end`.
const END: u8 = 3;

/// Calls `see` for every instruction with its number and operands.
pub(super) fn walk(chunk: &[u8], mut see: impl FnMut(u8, &[Operand])) -> Result<(), Stop> {
    let header = u32_at(chunk, 0).ok_or(Stop::Damaged)?;
    if u32_at(chunk, 4).ok_or(Stop::Damaged)? != INSTRUCTION_SET {
        return Err(Stop::Unknown);
    }
    let start = header.checked_add(4).ok_or(Stop::Damaged)?;
    let mut reader = Reader(chunk.get(start..).ok_or(Stop::Damaged)?);
    let mut operands = Vec::with_capacity(64);
    loop {
        let instruction = reader.byte()?;
        let arity = usize::from(instruction).checked_sub(1).and_then(|at| ARITY.get(at)).ok_or(Stop::Unknown)?;
        operands.clear();
        for _ in 0..*arity {
            reader.operand(&mut operands)?;
        }
        if instruction == END {
            return Ok(());
        }
        see(instruction, &operands);
    }
}
