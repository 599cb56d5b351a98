//! Reading `[rollout.limits]`: what a node may have while it is watched.

use crate::{
    config::{
        raw::{Kind, Value},
        scope::Scope,
        typed::{FromValue, Wrong},
    },
    health::{MemoryLimit, VitalLimits},
    size,
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

fn memory(text: &str) -> Option<MemoryLimit> {
    let Some(percent) = text.strip_suffix('%') else {
        return size::bytes(text).filter(|bytes| *bytes > 0).map(MemoryLimit::Bytes);
    };
    let number = percent.bytes().all(|digit| digit.is_ascii_digit()).then(|| percent.parse().ok()).flatten();
    number.filter(|percent| *percent > 100).map(MemoryLimit::OfBefore)
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
            Some(MemoryLimit::Bytes(bytes)) if bytes.is_multiple_of(1_000_000) => format!("{}MB", bytes / 1_000_000),
            Some(MemoryLimit::Bytes(bytes)) => format!("{}KB", bytes / 1_000),
        }
    }
}
