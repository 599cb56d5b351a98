//! The style sheet, and the policy that allows nothing but it.

use sha2::{Digest as _, Sha256};

use super::place::Places;
use crate::node::base64;

const SHEET: &str = include_str!("style.css");

/// The sheet with the places of this page.
pub(super) fn sheet(places: &Places) -> String {
    format!("{SHEET}{}\n", places.rules())
}

/// Nothing is loaded, nothing runs, nothing is sent; this one sheet counts, and the icon, which is in the page.
pub(super) fn policy(sheet: &str) -> String {
    let digest = base64::encode(&Sha256::digest(sheet));
    format!("default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'")
}
