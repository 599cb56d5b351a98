//! What the instructions of a module say, as far as deciding about an upgrade needs them.

mod funs;
mod operand;
mod walk;

use funs::{Fate, Fresh};
use operand::{Operand, Stop};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Numbers of instructions (`genop.tab`).
mod op {
    /// label, int_code_end, test_heap, return, move, line, put_tuple2, executable_line: with these alone arguments are put into tuples.
    pub(super) const IDLE: [u8; 8] = [LABEL, 3, 16, RETURN, MOVE, 153, PUT_TUPLE2, 183];
    pub(super) const LABEL: u8 = 1;
    pub(super) const FUNC_INFO: u8 = 2;
    pub(super) const CALL: u8 = 4;
    pub(super) const CALL_LAST: u8 = 5;
    pub(super) const CALL_ONLY: u8 = 6;
    pub(super) const CALL_EXT: u8 = 7;
    pub(super) const CALL_EXT_LAST: u8 = 8;
    pub(super) const RETURN: u8 = 19;
    pub(super) const LOOP_REC: u8 = 23;
    pub(super) const WAIT: u8 = 25;
    pub(super) const WAIT_TIMEOUT: u8 = 26;
    pub(super) const MOVE: u8 = 64;
    pub(super) const CALL_EXT_ONLY: u8 = 78;
    pub(super) const MAKE_FUN2: u8 = 103;
    pub(super) const ON_LOAD: u8 = 149;
    pub(super) const RECV_SET: u8 = 151;
    pub(super) const IS_TAGGED_TUPLE: u8 = 159;
    pub(super) const PUT_TUPLE2: u8 = 164;
    pub(super) const SWAP: u8 = 169;
    pub(super) const MAKE_FUN3: u8 = 171;
    pub(super) const RECV_MARKER_USE: u8 = 176;
}

/// The code of a module. Atoms, imports and literals are numbers of the module's tables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Code {
    /// Its functions in the order of the file, those that the compiler made of funs among them.
    pub(crate) functions: Vec<Body>,
}

/// The code of a function.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Body {
    /// Name.
    pub(crate) name: u32,
    /// Number of arguments.
    pub(crate) arity: u32,
    /// It runs when the module is loaded.
    pub(crate) on_load: bool,
    /// It makes funs.
    pub(crate) makes_funs: bool,
    /// Some of them may live on when it has ended.
    pub(crate) keeps_funs: bool,
    /// Functions of other modules that some are made for, by their places in the table of imports: they may live on there.
    pub(crate) lends_funs: BTreeSet<u32>,
    /// It takes messages.
    pub(crate) receives: bool,
    /// It waits for a message without a limit of time, and not for the answer to a request of its own.
    pub(crate) waits: bool,
    /// Calls of functions of other modules by their full name.
    pub(crate) foreign: Vec<Foreign>,
    /// It does more than put its arguments into tuples.
    pub(crate) works: bool,
    /// Constants it uses.
    pub(crate) literals: BTreeSet<u32>,
    /// Atoms it uses, but for names in calls.
    pub(crate) atoms: BTreeSet<u32>,
    /// Tuples that start with an atom, made or matched: the atom and how many elements.
    pub(crate) tuples: BTreeMap<u32, BTreeSet<u32>>,
    entry: Option<u32>,
    calls: BTreeSet<u32>,
    waits_for_answer: bool,
}

/// A call of a function of another module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Foreign {
    /// Which, by its place in the table of imports.
    pub(crate) import: u32,
    /// Its first argument is an atom that stands in the code.
    pub(crate) first_is_atom: bool,
}

/// Why code can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// The chunk is damaged.
    Damaged,
    /// It has instructions that this reader does not know: the compiler is newer.
    Unknown,
}

impl Code {
    pub(super) fn parse(chunk: &[u8]) -> Result<Self, Unread> {
        let mut reading = Reading::default();
        let walked = walk::walk(chunk, |instruction, operands| reading.see(instruction, operands));
        walked.map_err(|stop| match stop {
            Stop::Damaged => Unread::Damaged,
            Stop::Unknown => Unread::Unknown,
        })?;
        Ok(Self { functions: reading.functions })
    }

    /// Functions that take messages and come back to themselves by calls inside of the module: loops written by hand, which go on in
    /// the old code.
    pub(crate) fn receive_loops(&self) -> impl Iterator<Item = &Body> {
        let entries: HashMap<u32, &Body> = self.functions.iter().filter_map(|body| Some((body.entry?, body))).collect();
        self.functions.iter().filter(move |body| body.receives && comes_back(body, &entries))
    }

    /// Functions that this one calls inside of the module.
    pub(crate) fn called_by<'a>(&'a self, body: &'a Body) -> impl Iterator<Item = &'a Body> {
        self.functions.iter().filter(|other| other.entry.is_some_and(|entry| body.calls.contains(&entry)))
    }
}

fn comes_back(body: &Body, entries: &HashMap<u32, &Body>) -> bool {
    let mut seen = BTreeSet::new();
    let mut open: Vec<u32> = body.calls.iter().copied().collect();
    while let Some(label) = open.pop() {
        if Some(label) == body.entry {
            return true;
        }
        if seen.insert(label) {
            open.extend(entries.get(&label).into_iter().flat_map(|called| &called.calls));
        }
    }
    false
}

/// Code while it is read.
#[derive(Debug, Default)]
struct Reading {
    functions: Vec<Body>,
    /// The first argument of a call that would come now is an atom that was put there by the last instruction that had to do with it.
    first_is_atom: bool,
    fresh: Fresh,
}

impl Reading {
    fn see(&mut self, instruction: u8, operands: &[Operand]) {
        if let (op::FUNC_INFO, [_, Operand::Atom(name), Operand::Number(arity)]) = (instruction, operands) {
            self.fresh = Fresh::default();
            return self.functions.push(Body { name: *name, arity: *arity, ..Body::default() });
        }
        let fate = self.fresh.see(instruction, operands);
        let Some(body) = self.functions.last_mut() else { return };
        match fate {
            Some(Fate::Kept) => body.keeps_funs = true,
            Some(Fate::Lent(import)) => drop(body.lends_funs.insert(import)),
            None => {}
        }
        body.uses(operands);
        if let Some(import) = foreign(instruction, operands) {
            body.foreign.push(Foreign { import, first_is_atom: self.first_is_atom });
        }
        body.does(instruction, operands);
        self.first_argument(instruction, operands);
    }

    fn first_argument(&mut self, instruction: u8, operands: &[Operand]) {
        match (instruction, operands) {
            (op::MOVE, [Operand::Atom(_), Operand::X(0)]) => self.first_is_atom = true,
            (op::LABEL | op::CALL | op::CALL_EXT, _) => self.first_is_atom = false,
            (op::MOVE, [_, to]) if *to != Operand::X(0) => {}
            _ if operands.contains(&Operand::X(0)) => self.first_is_atom = false,
            _ => {}
        }
    }
}

/// The import that an instruction calls.
fn foreign(instruction: u8, operands: &[Operand]) -> Option<u32> {
    match (instruction, operands) {
        (op::CALL_EXT | op::CALL_EXT_ONLY, [_, Operand::Number(import)]) => Some(*import),
        (op::CALL_EXT_LAST, [_, Operand::Number(import), _]) => Some(*import),
        _ => None,
    }
}

impl Body {
    fn uses(&mut self, operands: &[Operand]) {
        for operand in operands {
            match operand {
                Operand::Atom(atom) if *atom > 0 => drop(self.atoms.insert(*atom)),
                Operand::Literal(literal) => drop(self.literals.insert(*literal)),
                _ => {}
            }
        }
    }

    fn does(&mut self, instruction: u8, operands: &[Operand]) {
        self.works |= !op::IDLE.contains(&instruction);
        match (instruction, operands) {
            (op::LABEL, [Operand::Number(label)]) if self.entry.is_none() => self.entry = Some(*label),
            (op::CALL | op::CALL_ONLY, [_, Operand::Label(to)]) | (op::CALL_LAST, [_, Operand::Label(to), _]) => {
                self.calls.insert(*to);
            }
            (op::ON_LOAD, _) => self.on_load = true,
            (op::MAKE_FUN2 | op::MAKE_FUN3, _) => self.makes_funs = true,
            (op::IS_TAGGED_TUPLE, [_, _, Operand::Number(size), Operand::Atom(tag)]) => self.tuple(*tag, *size),
            (op::PUT_TUPLE2, [_, Operand::List(size), Operand::Atom(tag), ..]) => self.tuple(*tag, *size),
            _ => self.waits_by(instruction),
        }
    }

    /// A receive is `loop_rec` … `wait` or `wait_timeout`; one for the answer to a request starts at a mark that was set before.
    fn waits_by(&mut self, instruction: u8) {
        match instruction {
            op::LOOP_REC => self.receives = true,
            op::RECV_SET | op::RECV_MARKER_USE => self.waits_for_answer = true,
            op::WAIT => self.waits |= !std::mem::take(&mut self.waits_for_answer),
            op::WAIT_TIMEOUT => self.waits_for_answer = false,
            _ => {}
        }
    }

    fn tuple(&mut self, tag: u32, size: u32) {
        if tag > 0 && size > 1 {
            self.tuples.entry(tag).or_default().insert(size);
        }
    }
}

#[cfg(test)]
mod tests;
