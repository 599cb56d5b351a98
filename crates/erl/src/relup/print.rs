//! A relup as text that people read and edit.

use super::{Direction, Instruction, Relup, Way};
use crate::term::Term;
use crate::term::text::{self, NotConsultable};

/// Lines with lists of modules are broken when they are longer; a call stands in one line, however long.
const WIDTH: usize = 120;

const INDENT: usize = 4;

/// What stands above the one call that nobody can read.
const AGENT: &str = "loads edeliver's agent from the release that this leads to, unless it is loaded: leave it as it is";

pub(super) fn file(relup: &Relup) -> Result<String, NotConsultable> {
    text::to_file([&relup.to_term()])?; // says whether every term has a written form
    let mut out = format!("%% coding: utf-8\n{{{},\n", Term::string(relup.vsn.as_str()));
    ways(&mut out, relup, Direction::Up);
    out.push_str(",\n");
    ways(&mut out, relup, Direction::Down);
    out.push_str("}.\n");
    Ok(out)
}

fn ways(out: &mut String, relup: &Relup, direction: Direction) {
    let other = match direction {
        Direction::Up => "up: to this version from",
        Direction::Down => "down: from this version to",
    };
    out.push_str(&format!(" %% {other}\n ["));
    separated(out, relup.ways(direction), "\n  ", way);
    out.push(']');
}

fn way(out: &mut String, way: &Way) {
    out.push_str(&format!("{{{}, {},\n   [", Term::string(way.other.as_str()), way.description));
    separated(out, &way.script, "\n    ", instruction);
    out.push_str("]}");
}

fn separated<T>(out: &mut String, items: &[T], gap: &str, one: fn(&mut String, &T)) {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
            out.push_str(gap);
        }
        one(out, item);
    }
}

fn instruction(out: &mut String, instruction: &Instruction) {
    let term = instruction.to_term();
    let line = term.to_string();
    match instruction {
        Instruction::Apply(_) if instruction.loads_agent() => out.push_str(&format!("%% {AGENT}\n    {line}")),
        Instruction::Apply(_) => out.push_str(&line),
        _ if line.chars().count() + INDENT <= WIDTH => out.push_str(&line),
        _ => out.push_str(&text::pretty(&term).replace('\n', "\n    ")),
    }
}
