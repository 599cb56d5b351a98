//! Reading `[rollout.limits]`: what a node may have while it is watched.

use crate::{
    config::{
        raw::{Kind, Value},
        scope::Scope,
        typed::{FromValue, Wrong},
    },
    health::{MemoryLimit, VitalLimits},
};

/// What takes a limit away.
const OFF: &str = "off";

pub(super) fn limits(mut scope: Scope<'_>) -> Option<VitalLimits> {
    let restarts = scope.get::<AtMost>("restarts");
    let memory = scope.get::<Memory>("memory");
    let run_queue = scope.get::<AtMost>("run_queue");
    let mailbox = scope.get::<AtMost>("mailbox");
    let errors = scope.get::<AtMost>("errors");
    let old_code = scope.get::<AtMost>("old_code");
    scope.finish();
    Some(VitalLimits {
        restarts: restarts?.0,
        memory: memory?.0,
        run_queue: run_queue?.0,
        mailbox: mailbox?.0,
        errors: errors?.0,
        old_code: old_code?.0,
    })
}

/// A number, or none.
struct AtMost(Option<u32>);

impl FromValue for AtMost {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        match &value.kind {
            Kind::Text(text) | Kind::Word(text) if text == OFF => Ok(Self(None)),
            _ => u32::from_value(value)
                .map(|number| Self(Some(number)))
                .map_err(|_| Wrong::Kind("a whole number or \"off\"", "write it without quotes, like 5, or \"off\"")),
        }
    }
    fn show(&self) -> String {
        self.0.map_or_else(|| OFF.to_owned(), |number| number.to_string())
    }
}

/// A part of what was there before, or bytes, or none.
struct Memory(Option<MemoryLimit>);

/// Units as [`crate::size::size`] has them.
const UNITS: [(&str, u64); 2] = [("MB", 1_000_000), ("GB", 1_000_000_000)];

fn memory(text: &str) -> Option<MemoryLimit> {
    let number =
        |digits: &str| digits.parse::<u64>().ok().filter(|number| *number > 0 && digits.bytes().all(|c| c.is_ascii_digit()));
    if let Some(percent) = text.strip_suffix('%') {
        return u32::try_from(number(percent)?).ok().filter(|percent| *percent > 100).map(MemoryLimit::OfBefore);
    }
    let (digits, unit) = UNITS.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, bytes)))?;
    number(digits.trim_end())?.checked_mul(*unit).map(MemoryLimit::Bytes)
}

impl FromValue for Memory {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        let how = "write it like \"300%\" (of what the node before had, more than 100%), \"4GB\", \"512MB\" or \"off\"";
        match &value.kind {
            Kind::Text(text) | Kind::Word(text) if text == OFF => Ok(Self(None)),
            Kind::Text(text) | Kind::Word(text) => {
                memory(text).map(|limit| Self(Some(limit))).ok_or_else(|| Wrong::Rule("a limit of memory", how.to_owned()))
            }
            _ => Err(Wrong::Kind("a limit of memory", how)),
        }
    }
    fn show(&self) -> String {
        match self.0 {
            None => OFF.to_owned(),
            Some(MemoryLimit::OfBefore(percent)) => format!("{percent}%"),
            Some(MemoryLimit::Bytes(bytes)) => format!("{}MB", bytes / 1_000_000),
        }
    }
}
