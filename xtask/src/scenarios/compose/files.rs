//! The files of a release.

use std::{collections::BTreeMap, error::Error, fs, io, os::unix::fs::PermissionsExt as _, path::Path};

use edeliver::store::{Existing, Store};
use edeliver_core::release::{Entry, EntryKind, Found};
use edeliver_erl::{rel::StartType, term::Term};

use super::{Application, path};
use crate::scenarios::{
    base::{self, Base, VERSION},
    row::Tool,
    workshop::Workshop,
};

/// Everything of the base but its own application, in the version that is made. What is the same is listed; what is not, is written.
pub(super) fn base(base: &Base, root: &Path, version: &str, directives: &[String]) -> Result<Vec<Entry>, Box<dyn Error>> {
    let renamed = renamed(base, directives);
    let mut same = Vec::new();
    for entry in &base.manifest.files {
        let (name, file) = (entry.path.as_str(), base.root.join(entry.path.as_str()));
        if name.starts_with(&format!("lib/scene-{VERSION}/")) || name.contains("start.") || name.ends_with("scene.rel") {
            continue;
        }
        let moved = renamed.iter().find_map(|(from, to)| Some(format!("{to}/{}", name.strip_prefix(from)?.strip_prefix('/')?)));
        let is_moved = moved.is_some();
        let to = moved.unwrap_or_else(|| name.replace(VERSION, version));
        match (is_text(name), is_moved) {
            (true, _) => {
                rewrite(&file, &root.join(to), &|text| text.replace(VERSION, version).replace(&codes(VERSION), &codes(version)))?
            }
            (false, true) if name.ends_with(".app") => rewrite(&file, &root.join(to), &|text| app_file(text, name, &renamed))?,
            (false, true) => base::copy(&file, &root.join(to))?,
            (false, false) => same.push(Entry { path: to.parse()?, kind: entry.kind.clone() }),
        }
    }
    Ok(same)
}

/// Old and new folders of what the release has in another version than the base.
fn renamed(base: &Base, directives: &[String]) -> Vec<(String, String)> {
    let one = |line: &String| {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["erts", vsn] => Some((format!("erts-{}", base.rel.erts), format!("erts-{vsn}"))),
            ["vsn", app, vsn] => {
                let old = &base.rel.application(app)?.vsn;
                Some((format!("lib/{app}-{old}"), format!("lib/{app}-{vsn}")))
            }
            _ => None,
        }
    };
    directives.iter().filter_map(one).collect()
}

/// An `.app` file with the version of the folder that it is in now.
fn app_file(text: &str, name: &str, renamed: &[(String, String)]) -> String {
    let versions = renamed.iter().find(|(from, _)| name.starts_with(&format!("{from}/")));
    let vsn = |folder: &str| folder.split_once('-').map(|(_, vsn)| format!("\"{vsn}\"")).unwrap_or_default();
    versions.map_or_else(|| text.to_owned(), |(from, to)| text.replace(&vsn(from), &vsn(to)))
}

/// Files with the version in them.
fn is_text(name: &str) -> bool {
    let in_release = name.starts_with(&format!("releases/{VERSION}/")) && !name.ends_with(".beam") && !name.ends_with(".boot");
    in_release || name.starts_with("bin/scene") || name == "releases/start_erl.data" || name == "releases/RELEASES"
}

/// Text as `sys.config` of mix has it in binaries.
fn codes(text: &str) -> String {
    text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(",")
}

fn rewrite(from: &Path, to: &Path, change: &dyn Fn(&str) -> String) -> io::Result<()> {
    fs::create_dir_all(to.parent().expect("it is in a folder"))?;
    fs::write(to, change(&fs::read_to_string(from)?))?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())
}

/// `scene.rel`, boot files, and what relx lists.
pub(super) fn boot(
    base: &Base,
    workshop: &mut Workshop,
    root: &Path,
    version: &str,
    applications: &[Application],
    directives: &[String],
) -> Result<(), Box<dyn Error>> {
    let mut parts: BTreeMap<String, (String, StartType)> = BTreeMap::new();
    let mut order = Vec::new();
    for app in base.rel.applications.iter().filter(|app| app.name != "scene") {
        order.push(app.name.as_str().to_owned());
        parts.insert(app.name.as_str().to_owned(), (app.vsn.to_string(), app.start));
    }
    let main = applications.last().ok_or("no application")?;
    for app in applications {
        let start = if app.is_included_by(main) { StartType::Load } else { StartType::Permanent };
        order.push(app.name.clone());
        parts.insert(app.name.clone(), (app.vsn.clone(), start));
    }
    let mut erts = base.rel.erts.to_string();
    for line in directives {
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["erts", vsn] => erts = (*vsn).to_owned(),
            ["vsn", app, vsn] => parts.get_mut(*app).ok_or("the base has no such application")?.0 = (*vsn).to_owned(),
            _ => {}
        }
    }
    let listed = order.iter().map(|name| (name, &parts[name]));
    let term = |(name, (vsn, start)): (&String, &(String, StartType))| {
        edeliver_erl::term::text::parse(&format!("{{{name},\"{vsn}\",{}}}", start.as_str()))
    };
    let list = listed.clone().map(term).collect::<Result<Vec<_>, _>>()?;
    let tool = Term::atom(base.tool.name());
    let words = [
        Term::atom("boot"),
        tool,
        path(root),
        path(&base.root),
        Term::binary(version.as_bytes()),
        Term::string(&erts),
        Term::list(list),
    ];
    workshop.ask(&Term::tuple(words))?;
    if base.tool == Tool::Relx {
        let libs: Vec<_> = listed.map(|(name, (vsn, _))| format!("{{{name},\"{vsn}\",\"./lib/{name}-{vsn}\"}}")).collect();
        let text = format!("[{{release,\"scene\",\"{version}\",\"{erts}\",[{}],permanent}}].\n", libs.join(",\n  "));
        fs::write(root.join("releases/RELEASES"), text)?;
    }
    Ok(())
}

/// What the rows want to be wrong with it.
pub(super) fn unmake(root: &Path, directives: &[String]) -> Result<(), Box<dyn Error>> {
    for line in directives {
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["omit", path] => fs::remove_file(root.join(path))?,
            ["break", path] => fs::write(root.join(path), "[{this is, no file of Erlang")?,
            _ => {}
        }
    }
    Ok(())
}

/// Puts a release into the store: what it shares with the base, whose content is there, and what is below this folder.
pub(super) fn store(base: &Base, root: &Path, mut listing: Vec<Entry>, store: &Store) -> Result<(), Box<dyn Error>> {
    let intake = store.intake()?;
    for file in base::files(root)? {
        let path = file.strip_prefix(root)?.to_str().ok_or("a name that is no text")?.parse()?;
        let bytes = fs::read(&file)?;
        let mode = fs::metadata(&file)?.permissions().mode() & 0o777;
        let kind = EntryKind::File { mode, size: u64::try_from(bytes.len())?, sha256: intake.put(&bytes)? };
        listing.push(Entry { path, kind });
    }
    let found = Found::recognise(&listing, &fs::read_to_string(root.join("releases/start_erl.data"))?)?;
    let manifest = found.manifest(None, base.manifest.platform.clone(), found.select(listing).files)?;
    intake.finish(&manifest, Existing::Refuse)?;
    Ok(())
}
