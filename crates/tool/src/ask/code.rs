//! Source that is evaluated on a node, and its value as text of the same language, made there.

use std::time::Duration;

use edeliver_core::hint::Hint;
use edeliver_erl::Term;

use super::{
    Site,
    form::{self, Form},
    heard,
};
use crate::{
    error::{Error, Kind},
    node::link::{CallError, Link},
};

static EVAL: Form = Form::new(|| form::read(include_str!("code/eval.form")));

/// What the source is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// Elixir.
    Elixir,
    /// Erlang.
    Erlang,
}

/// Something to be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    /// The language of the source, and of the text that is made of the value.
    pub(crate) language: Language,
    /// As the user typed it.
    pub(crate) source: String,
}

/// How much of a value becomes text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amount {
    /// As much as one reads; `...` stands for the rest.
    Readable,
    /// All of it.
    All,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    /// As its language writes it, over several lines where it is long.
    pub(crate) text: String,
    /// Whether it is what functions of both languages return when they failed: `error`, `{error, …}`.
    pub(crate) is_error: bool,
}

/// Why there is no value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodeError {
    /// It can't be read. Nothing was evaluated.
    #[error("the code can't be read")]
    Unread(#[source] Told),
    /// It ended otherwise than by a value.
    #[error("{}", match class.as_str() { "throw" => "it threw a value", "exit" => "it exited", _ => "it raised an exception" })]
    Raised {
        /// `error`, `exit` or `throw`.
        class: String,
        /// The exception and its stack trace.
        #[source]
        told: Told,
    },
    /// The call.
    #[error(transparent)]
    Call(CallError),
    /// No answer of ours.
    #[error("the node's answer can't be read")]
    Strange,
}

/// The node's own words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Told(String);

/// Characters of a message and its stack trace; more reads nobody, and a reason may be anything.
const TOLD: usize = 64_000;

impl Told {
    fn new(text: &str) -> Self {
        match text.char_indices().nth(TOLD) {
            Some((end, _)) => Self(format!("{}...", &text[..end])),
            None => Self(text.to_owned()),
        }
    }
}

impl Code {
    /// Evaluates it on a node. What it prints is told as its host's.
    ///
    /// # Errors
    /// See [`CodeError`].
    pub(crate) async fn evaluate(
        &self,
        site: &Site,
        link: &mut dyn Link,
        patience: Duration,
        amount: Amount,
    ) -> Result<Value, CodeError> {
        let call = EVAL.call([
            ("Language", Term::atom(if self.language == Language::Elixir { "elixir" } else { "erlang" })),
            ("Limits", amount.limits()),
            ("Source", Term::binary(self.source.as_bytes())),
        ]);
        answer(heard::call(site, link, &call, patience).await.map_err(CodeError::Call)?)
    }
}

impl Amount {
    /// Items of collections, and characters.
    fn limits(self) -> Term {
        match self {
            Self::Readable => Term::tuple([Term::from(1_000), Term::from(64_000)]),
            Self::All => Term::tuple([Term::atom("infinity"), Term::atom("infinity")]),
        }
    }
}

fn answer(term: Term) -> Result<Value, CodeError> {
    let text = |term: &Term| Some(crate::report::readable(&String::from_utf8_lossy(term.as_binary()?)));
    let told = |term: &Term| text(term).map(|text| Told::new(&text));
    let answer = match term.as_tuple() {
        Some([kind, value]) if kind.is_atom("ok") => text(value).map(|text| Ok(Value { text, is_error: false })),
        Some([kind, value]) if kind.is_atom("error") => text(value).map(|text| Ok(Value { text, is_error: true })),
        Some([kind, why]) if kind.is_atom("unread") => told(why).map(|why| Err(CodeError::Unread(why))),
        Some([kind, class, why]) if kind.is_atom("raised") => told(why).map(|told| {
            let class = class.as_atom().map(|class| class.as_str().to_owned()).unwrap_or_default();
            Err(CodeError::Raised { class, told })
        }),
        _ => None,
    };
    answer.unwrap_or(Err(CodeError::Strange))
}

impl From<CodeError> for Error {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::Unread(_) => Self::usage(error),
            CodeError::Raised { .. } => Self::new(Kind::Stopped, error),
            CodeError::Strange => Self::new(Kind::Internal, error),
            CodeError::Call(CallError::Timeout { .. }) => {
                Self::new(Kind::Unknown, error).hint(Hint::text("give it more time with `--timeout=TIME`"))
            }
            CodeError::Call(CallError::Lost) => {
                Self::new(Kind::Unknown, error).hint(Hint::text("look at the node before you call it again"))
            }
            CodeError::Call(_) => Self::new(Kind::Stopped, error),
        }
    }
}

/// Whether the code may have done its work although this error stands there instead of its value.
pub(crate) fn is_unknown(error: &Error) -> bool {
    let code = error.source.downcast_ref::<CodeError>();
    matches!(code, Some(CodeError::Call(error)) if error.is_unknown())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(source: &str) -> String {
        match answer(edeliver_erl::term::text::parse(source).unwrap()) {
            Ok(Value { text, is_error }) => format!("{text} {is_error}"),
            Err(error) => crate::error::chain(&error).join(": "),
        }
    }

    #[test]
    fn every_answer_of_the_node_is_understood() {
        assert_eq!(told("{ok, <<\"[1]\">>}"), "[1] false");
        assert_eq!(told("{error, <<\"{error,nope}\">>}"), "{error,nope} true");
        assert_eq!(told("{unread, <<\"line 1: no\">>}"), "the code can't be read: line 1: no");
        assert_eq!(told("{raised, throw, <<\"** (throw) :x\">>}"), "it threw a value: ** (throw) :x");
        assert_eq!(told("{raised, error, <<\"boom\">>}"), "it raised an exception: boom");
        for strange in ["ok", "{ok, 1}", "{raised, <<\"x\">>}"] {
            assert_eq!(told(strange), "the node's answer can't be read");
        }
    }

    #[test]
    fn of_a_reason_without_an_end_the_start_is_told() {
        let source = format!("{{raised, exit, <<\"{}\"/utf8>>}}", "ü".repeat(TOLD + 5));
        assert_eq!(told(&source), format!("it exited: {}...", "ü".repeat(TOLD)));
    }

    #[test]
    fn a_value_cannot_drive_the_terminal() {
        assert_eq!(told("{ok, <<\"a\\e[31m\\nb\">>}"), "a\nb false");
    }
}
