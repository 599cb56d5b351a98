//! The arguments of the script that writes a unit, and that script for people to run themselves.

use edeliver_core::{step::Setup, unit::Scope};

use super::WRITE;
use crate::transport::quote;

/// `$1`, `$2`, …
pub(super) fn arguments(setup: &Setup, environment: &str) -> Vec<String> {
    let linger = match setup.unit.scope {
        Scope::System => String::new(),
        Scope::User => setup.user.clone(),
    };
    vec![
        setup.unit.scope.word().to_owned(),
        setup.unit.file_name(),
        setup.path.clone(),
        setup.environment.clone(),
        linger,
        if setup.sudo { "sudo" } else { "" }.to_owned(),
        setup.text.clone(),
        environment.to_owned(),
    ]
}

/// The same as [`super::write`] as a script of its own, for an administrator to run as root. It has the environment in it.
pub fn for_an_administrator(setup: &Setup, environment: &str) -> String {
    let setup = Setup { sudo: false, ..setup.clone() };
    let words = arguments(&setup, environment);
    format!("set -- {}\n{}", quote::words(words.iter().map(String::as_str)), WRITE.text)
}
