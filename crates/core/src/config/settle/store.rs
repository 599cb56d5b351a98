//! Reading where releases are kept.

pub(in crate::config) mod s3;

use super::{Settling, hosts::Fallback};
use crate::{
    config::{
        problem::{Place, Problem},
        raw::{Kind, Value},
        scope::Scope,
        secret,
        settings::{HostSpec, HostStore, RemoteStore, StoreSettings},
        typed::{FromValue, Wrong, string},
    },
    name::HostPath,
};

/// How an address of a store on a host is written.
const ADDRESS: &str = "write it like \"user@host:/path\"";

impl Settling<'_> {
    pub(super) fn store(&self, mut scope: Scope<'_>) -> Option<(StoreSettings, Option<RemoteStore>)> {
        let place = scope.place("path");
        let path = scope.get::<String>("path");
        let archive = scope.get("archive");
        let hosts_fetch = scope.get::<bool>("hosts_fetch");
        let host = self.store_host(&mut scope);
        let (both, bucket) = (scope.place("remote"), self.bucket(scope.table("s3"), hosts_fetch.unwrap_or(true)));
        scope.finish();
        let path = path?;
        if let Some(problem) = not_a_folder_here(&path, place) {
            self.found.problem(problem);
            return None;
        }
        let remote = match (host?, bucket?, both) {
            (Some(_), Some(_), Some(place)) => {
                let problem = Problem::new("`store.remote` and `store.s3` are two stores", place);
                self.found.problem(problem.label("releases are kept in one of them"));
                return None;
            }
            (Some(host), _, _) => Some(RemoteStore::Host(HostStore { host, hosts_fetch: hosts_fetch.unwrap_or(false) })),
            (None, bucket, _) => bucket.map(RemoteStore::S3),
        };
        Some((StoreSettings { path: self.here(&path), archive: archive? }, remote))
    }
    /// `user@host:/path`, or a host's table. `None`: it is wrong, and that was noted.
    fn store_host(&self, scope: &mut Scope<'_>) -> Option<Option<HostSpec>> {
        let Some((value, origin)) = scope.peek_by("remote", |value| Ok(value.clone())) else { return Some(None) };
        let key = scope.key("remote");
        let host = match &value.kind {
            Kind::Text(_) | Kind::Word(_) => self.store_address(&key, &value),
            _ => self.host(&key, &value, &Fallback::none(&format!("{key}.path"))),
        }?;
        self.host_origin(&key, &host, origin);
        Some(Some(host))
    }
    fn store_address(&self, key: &str, value: &Value) -> Option<HostSpec> {
        match address(value) {
            Ok((login, path)) => self.host(key, &login, &Fallback { path: Some(path), ..Fallback::none("") }),
            Err(wrong) => {
                self.found.problem(wrong.at(key, value));
                None
            }
        }
    }
}

/// The login and the path of an address.
fn address(value: &Value) -> Result<(Value, HostPath), Wrong> {
    let (login, path) = split(string(value)?).ok_or_else(|| Wrong::Rule("the address of a store", ADDRESS.to_owned()))?;
    let word = |text: &str| Value { kind: Kind::Word(text.to_owned()), place: value.place.clone() };
    Ok((word(login), HostPath::from_value(&word(path))?))
}

/// `user@host:path`, and `host:path` too: a colon before the first slash.
fn split(text: &str) -> Option<(&str, &str)> {
    text.split_once(':').filter(|(login, path)| !login.contains('/') && !path.starts_with("//"))
}

/// Whether the address of a store is one on a host; the original took one without a user for a folder on this machine.
pub(in crate::config) fn is_on_a_host(address: &str) -> bool {
    split(address).is_some()
}

/// What the folder on this machine can't be. An address may hold keys, so it is never quoted.
fn not_a_folder_here(path: &str, place: Option<Place>) -> Option<Problem> {
    let place = place?;
    let name = place.name.clone().unwrap_or_else(|| "store.path".to_owned());
    let lower = path.to_ascii_lowercase();
    let refuse = |text: String, label: &str| Problem::new(format!("`{name}`: {text}"), place.clone()).label(label);
    let here = "a folder on this machine is needed";
    if lower.starts_with("docker://") {
        let problem = refuse("a release store in a docker registry is not supported".to_owned(), here);
        return Some(problem.remedy("use a folder here, for example .deliver"));
    }
    if s3::is_in_s3(path) {
        return Some(refuse("this is a store in S3".to_owned(), here).remedy("write a table [store.s3] with the bucket"));
    }
    if split(path).is_some() {
        return Some(refuse("this is a store on another host".to_owned(), here).remedy("set store.remote to it"));
    }
    let wrong = if path.trim().is_empty() {
        "is empty"
    } else if path.chars().any(char::is_control) {
        "contains a control character"
    } else {
        return None;
    };
    Some(refuse(format!("{:?} {wrong}", secret::shown("", path)), here))
}
