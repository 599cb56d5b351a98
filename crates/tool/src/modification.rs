//! Relups that a module of the project changes after they were generated, as with edeliver 1.x: `Edeliver.Relup.Modification` of the package in
//! `elixir/`.
//!
//! The module runs on the build host, in a VM of its own with the code of the release that the relup leads to, so that it does not matter when
//! that was built. What it gives is read and checked like what people write.

mod error;

use std::collections::BTreeSet;

use edeliver_core::{
    config::BuildSettings,
    name::Version,
    release::{Content, Manifest, Origin},
};
use edeliver_erl::{
    Vsn,
    image::Modules,
    relup::{Problem, Relup},
    term::Atom,
};

pub use error::ModificationError;

use crate::{
    image,
    relup::Prepared,
    store::{Store, blocking},
    tarball::Writer,
    transport::{self, Call, Input, Limits, Script},
};

const MODIFY: Script = Script {
    name: "modify relup",
    text: concat!(include_str!("node/process.sh"), include_str!("node/environment.sh"), include_str!("modification/modify.sh")),
};
const DRIVER: &str = include_str!("modification/modify.erl");
/// What such a module says it is.
const BEHAVIOUR: &str = "Elixir.Edeliver.Relup.Modification";
/// The application of the package itself, whose own modifications are for those that name them.
const PACKAGE: &str = "edeliver";
/// It has nothing to wait for.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);

/// Which module changes a relup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Modification {
    /// That of the project, if it has one.
    Found,
    /// This one.
    Named(String),
    /// None.
    Skipped,
}

impl Modification {
    /// What the configuration says about it.
    #[must_use]
    pub fn configured(build: &BuildSettings) -> Self {
        match (&build.relup_mod, build.skip_relup_mod) {
            (_, true) => Self::Skipped,
            (Some(module), false) => Self::Named(module.clone()),
            (None, false) => Self::Found,
        }
    }
}

/// What became of relups.
#[derive(Debug, Default)]
pub struct Modified {
    /// The modules of which one has changed them; empty: nothing was to be done.
    pub modules: Vec<String>,
    /// What the user should know about the result.
    pub warnings: Vec<String>,
}

/// The modules of a release of which one may change its relup, as Erlang writes their names. Blocks.
///
/// # Errors
/// The release can't be read, or has no such module.
pub fn candidates(store: &Store, to: &Manifest, wanted: &Modification) -> Result<Vec<String>, ModificationError> {
    let named = match wanted {
        Modification::Skipped => return Ok(Vec::new()),
        Modification::Found if !has(to, BEHAVIOUR) => return Ok(Vec::new()),
        Modification::Found => None,
        Modification::Named(name) => Some(erlang_name(name)),
    };
    if let Some(name) = named {
        return if has(to, &name) { Ok(vec![name]) } else { Err(ModificationError::NoModule { name, to: to.title() }) };
    }
    let release = image::read(store, to, &mut Modules::default())?;
    let apps = release.apps.iter().filter(|(app, _)| app.as_str() != PACKAGE);
    let modules = apps.flat_map(|(_, app)| app.modules.values());
    let behaves = modules.filter(|module| module.behaviours.iter().any(|behaviour| behaviour.as_str() == BEHAVIOUR));
    Ok(behaves.map(|module| module.name.to_string()).collect::<BTreeSet<_>>().into_iter().collect())
}

/// Has the relups that the store lacks changed.
///
/// # Errors
/// [`ModificationError`]; the relups are as before.
pub async fn modify(
    prepared: &mut Prepared,
    modules: Vec<String>,
    (store, build, limits): (&Store, &BuildSettings, &Limits),
) -> Result<Modified, ModificationError> {
    if prepared.already() || modules.is_empty() {
        return Ok(Modified::default());
    }
    let relup = prepared.fresh_relup().expect("there is at least one");
    let (to, packed) = (prepared.to().clone(), store.clone());
    let text = relup.to_file()?;
    let input = blocking(move || pack(&packed, &to, &text)).await?;
    let erts = erts_of(prepared.to()).unwrap_or("-").to_owned();
    let (name, version) = (prepared.to().app.to_string(), prepared.to().version.to_string());
    let mut args = vec![build.profile.clone(), erts, name, version, DRIVER.to_owned()];
    args.extend(modules.iter().cloned());
    let host = transport::open_builder(build, store.root(), limits).await?;
    let call = Call { input: Input::Bytes(input), ..Call::new(MODIFY, args, PATIENCE) };
    let replied = host.run(call).await;
    host.close().await;
    let reply = replied?;
    if reply.status != 0 {
        return Err(ModificationError::Failed { modules: modules.join(", "), said: reply.tail.join("\n") });
    }
    let changed = Relup::parse(&reply.stdout).map_err(|error| ModificationError::NoRelup(modules.join(", "), Box::new(error)))?;
    let warnings = checked(&changed, prepared, &modules)?;
    prepared.change(&changed);
    Ok(Modified { modules, warnings })
}

/// What the checks find about it, which must be harmless.
fn checked(changed: &Relup, prepared: &Prepared, modules: &[String]) -> Result<Vec<String>, ModificationError> {
    let vsn = |version: &Version| Vsn::new(version.as_str()).map_err(|_| ModificationError::Version(version.clone()));
    let others = prepared.fresh.iter().map(|(origin, _): &(Origin, _)| vsn(&origin.version)).collect::<Result<Vec<_>, _>>()?;
    let findings = changed.check(&vsn(&prepared.to().version)?, &others);
    // Instructions of 1.x that look at the node stand there.
    let (early, wrong): (Vec<_>, Vec<_>) = findings.iter().partition(|finding| matches!(finding.problem, Problem::TooEarly(_)));
    let lines = |findings: Vec<_>| findings.into_iter().map(ToString::to_string).collect::<Vec<String>>();
    match wrong.is_empty() {
        true => Ok(lines(early)),
        false => Err(ModificationError::Wrong { modules: modules.join(", "), findings: lines(wrong) }),
    }
}

/// `Acme.Relup` is `Elixir.Acme.Relup` for the VM; `acme_relup` is itself.
fn erlang_name(name: &str) -> String {
    let is_elixir = name.starts_with(char::is_uppercase) && !name.starts_with("Elixir.");
    if is_elixir { format!("Elixir.{name}") } else { name.to_owned() }
}

fn has(release: &Manifest, module: &str) -> bool {
    let (file, valid) = (format!("/ebin/{module}.beam"), Atom::new(module).is_ok());
    valid && release.contents().any(|content| content.path.as_str().ends_with(&file))
}

fn erts_of(release: &Manifest) -> Option<&str> {
    let mut tops = release.contents().filter(|file| file.path.as_str().ends_with("/bin/erlexec"));
    tops.find_map(|file| file.path.as_str().strip_suffix("/bin/erlexec"))
}

/// What a VM needs of a release to run its code, and the relup.
fn pack(store: &Store, release: &Manifest, relup: &str) -> Result<Vec<u8>, ModificationError> {
    let mut archive = Writer::gzip(Vec::new(), 1);
    for file in release.contents().filter(|file| is_needed(file.path.as_str())) {
        let Content { path, mode, size, sha256 } = file;
        archive.file(path, mode, size, &mut store.open_blob(&sha256)?, &mut |_| {})?;
    }
    let path = "relup".parse().expect("it is a path");
    archive.file(&path, 0o600, relup.len() as u64, &mut relup.as_bytes(), &mut |_| {})?;
    Ok(archive.finish()?)
}

fn is_needed(path: &str) -> bool {
    let code = path.starts_with("lib/") && path.contains("/ebin/");
    code || (path.starts_with("erts-") && path.contains("/bin/")) || path.ends_with("/start_clean.boot")
}
