//! A running node that functions can be called on.
//!
//! Erlang distribution over the [`Transport`]: the node takes us for a hidden node on its own machine. Where that is refused or
//! impossible, and only there, the release's own programs do the same ([`Way::Scripts`]).

mod connect;
mod driver;
mod error;
mod names;
mod room;
mod scripts;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use edeliver_erl::{
    Term,
    dist::NodeName,
    term::{Atom, AtomTooLong},
};

pub use self::error::{CallError, LinkError};
use super::{Found, Place, find};
use crate::transport::Transport;

/// Takes what is printed, piece by piece.
pub type Printed<'a> = &'a mut (dyn FnMut(&str) + Send);

/// A node, and a way to call its functions. One call at a time.
#[async_trait]
pub trait Link: Send + Sync {
    /// Its full name.
    fn node(&self) -> &NodeName;
    /// How it is spoken with.
    fn way(&self) -> Way;
    /// Changes with every start of the node, in place too; none if this way does not tell.
    fn creation(&self) -> Option<u32>;
    /// Calls a function. What it, and the processes it starts, print goes to `printed` as it comes, in pieces that need not be lines.
    ///
    /// # Errors
    /// It did not return a value, or nobody knows whether it did.
    async fn call(&mut self, call: &Mfa, patience: Duration, printed: Printed<'_>) -> Result<Term, CallError>;
    /// Ends the connection. Dropping the link does that too, without waiting.
    async fn close(self: Box<Self>);
}

/// How a node is spoken with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Erlang distribution.
    Distribution,
    /// The release's own programs.
    Scripts,
}

impl Way {
    /// Why it is another one than usual, for the user: calls take longer then, and what they print comes at their end.
    pub fn why(self, found: &Found) -> Option<&'static str> {
        match self {
            Self::Distribution => None,
            Self::Scripts if found.is_tls() => Some("it speaks TLS with nodes: the release's own programs ask it"),
            Self::Scripts => Some("no connection to it can be made: the release's own programs ask it"),
        }
    }
}

/// A function and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mfa {
    /// Module; Elixir's begin with `Elixir.`.
    pub module: Atom,
    /// Function.
    pub function: Atom,
    /// Its arguments.
    pub arguments: Vec<Term>,
}

impl Mfa {
    /// A function known when this program is written.
    ///
    /// # Panics
    /// When a literal is longer than an atom may be.
    pub fn literal(module: &'static str, function: &'static str, arguments: impl IntoIterator<Item = Term>) -> Self {
        Self { module: Atom::literal(module), function: Atom::literal(function), arguments: arguments.into_iter().collect() }
    }
    /// Any function.
    ///
    /// # Errors
    /// A name is longer than an atom may be.
    pub fn new(module: &str, function: &str, arguments: Vec<Term>) -> Result<Self, AtomTooLong> {
        Ok(Self { module: Atom::new(module)?, function: Atom::new(function)?, arguments })
    }
    /// `{Module, Function, Arguments}`
    fn to_term(&self) -> Term {
        Term::tuple([self.module.clone().into(), self.function.clone().into(), Term::List(self.arguments.clone())])
    }
}

impl std::fmt::Display for Mfa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (module, function) = (self.module.as_str(), self.function.as_str());
        match module.strip_prefix("Elixir.") {
            Some(module) => write!(f, "{module}.{function}/{}", self.arguments.len()),
            None => write!(f, "{module}:{function}/{}", self.arguments.len()),
        }
    }
}

/// Finds the node of a release root and connects to it.
///
/// # Errors
/// [`LinkError`] says what state the node is in, as far as that keeps it from being called.
pub async fn open(host: &Arc<dyn Transport>, place: &Place, patience: Duration) -> Result<Box<dyn Link>, LinkError> {
    let found = find::find(&**host, place).await.map_err(LinkError::Find)?.ok_or(LinkError::Down)?;
    open_found(host, place, &found, patience).await
}

/// Connects to a node that was found before.
///
/// # Errors
/// As [`open`].
pub async fn open_found(
    host: &Arc<dyn Transport>,
    place: &Place,
    found: &Found,
    patience: Duration,
) -> Result<Box<dyn Link>, LinkError> {
    let error = match connect::connect(&**host, found, patience).await {
        Ok(link) => return Ok(Box::new(link)),
        Err(error) => error,
    };
    if !error.leaves_scripts() {
        return Err(error);
    }
    match scripts::connect(host, place, found, patience).await {
        Ok(link) => Ok(Box::new(link)),
        Err(LinkError::Ended) => Err(error),
        Err(other) => Err(other),
    }
}

/// Calls by the release's own programs, whether or not distribution would do.
///
/// # Errors
/// As [`open`].
pub async fn open_scripts(
    host: &Arc<dyn Transport>,
    place: &Place,
    found: &Found,
    patience: Duration,
) -> Result<Box<dyn Link>, LinkError> {
    Ok(Box::new(scripts::connect(host, place, found, patience).await?))
}
