//! Applications of a release: sources compiled, and the `.app` file.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use edeliver_erl::term::{Term, text};

use super::{Recipe, path};
use crate::scenarios::{
    base::{self, Base},
    cache, digest,
    row::Tool,
    workshop::Workshop,
};

/// What compiles: what it made before counts no more once it has changed.
const COMPILER: &str = include_str!("../../../scenarios/workshop.exs");

/// Sources that were compiled together, and where what came of it is: `full` and `ebin`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Unit {
    pub(super) folder: PathBuf,
    /// Whether there may be protocols or implementations of protocols in it.
    pub(super) implements: bool,
    modules: Vec<String>,
}

/// An application that the base does not have.
pub(super) struct Application {
    pub(super) name: String,
    pub(super) vsn: String,
    pub(super) units: Vec<Unit>,
    /// `.app` terms of the rows.
    keys: BTreeMap<String, Term>,
    /// Other files, by path in the application's folder.
    files: Vec<(String, Vec<u8>)>,
    tool: Tool,
}

impl Application {
    /// The main one and those that rows bring.
    pub(super) fn all(recipe: &Recipe<'_>, base: &Base, workshop: &mut Workshop) -> Result<Vec<Self>, Box<dyn Error>> {
        let mut all: BTreeMap<String, Self> = BTreeMap::new();
        for (row, version) in &recipe.rows {
            let mut names: Vec<&str> = row.of(*version).map(|section| home(&section.path).0).collect();
            // What others may need comes first, the main application last.
            names.sort_unstable_by_key(|name| name.is_empty());
            names.dedup();
            for name in names {
                let (app, vsn) = name.split_once('-').unwrap_or(("scene", &recipe.version));
                let application = all.entry(app.to_owned()).or_insert_with(|| Self::new(app, vsn, base.tool));
                let sections = row.of(*version).filter(|section| home(&section.path).0 == name);
                let mut sources = Vec::new();
                for section in sections {
                    let file = home(&section.path).1;
                    match is_source(file) {
                        true => sources.push((file.to_owned(), recipe.filled(&section.text))),
                        false => application.take(file, &recipe.filled(&section.text))?,
                    }
                }
                application.units.extend(Unit::of(base.tool, &sources, workshop)?);
            }
        }
        let mut main = all.remove("scene").unwrap_or_else(|| Self::new("scene", &recipe.version, base.tool));
        main.units.extend(Unit::of(base.tool, &common(recipe, base), workshop)?);
        main.units.extend(Unit::of(base.tool, &[top(base.tool, &recipe.lines("children"))], workshop)?);
        main.needs(all.keys());
        Ok(all.into_values().chain([main]).collect())
    }

    fn new(name: &str, vsn: &str, tool: Tool) -> Self {
        Self { name: name.to_owned(), vsn: vsn.to_owned(), units: Vec::new(), keys: BTreeMap::new(), files: Vec::new(), tool }
    }
    /// `lib/NAME-VSN`.
    pub(super) fn folder(&self) -> String {
        format!("lib/{}-{}", self.name, self.vsn)
    }
    /// Whether another one starts it.
    pub(super) fn is_included_by(&self, other: &Self) -> bool {
        let included = other.keys.get("included_applications").and_then(Term::as_list).unwrap_or_default();
        included.iter().any(|name| name.is_atom(&self.name))
    }
    /// Puts it into a release.
    pub(super) fn put(&self, root: &Path) -> Result<(), Box<dyn Error>> {
        let dir = root.join(self.folder());
        for unit in &self.units {
            for beam in base::files(&unit.folder.join("ebin"))? {
                base::copy(&beam, &dir.join("ebin").join(beam.file_name().expect("a file")))?;
            }
        }
        fs::create_dir_all(dir.join("ebin"))?;
        fs::write(dir.join("ebin").join(format!("{}.app", self.name)), self.app_file()?)?;
        for (name, bytes) in &self.files {
            let to = dir.join(name);
            fs::create_dir_all(to.parent().expect("it is in a folder"))?;
            fs::write(to, bytes)?;
        }
        Ok(())
    }

    fn take(&mut self, file: &str, section: &str) -> Result<(), Box<dyn Error>> {
        match file {
            "app" => {
                for pair in text::consult(section.as_bytes())? {
                    self.add(&pair)?;
                }
            }
            "appup" => self.files.push((format!("ebin/{}.appup", self.name), section.as_bytes().to_vec())),
            "nif.c" => self.files.push(nif(section)?),
            _ => {}
        }
        Ok(())
    }
    fn add(&mut self, pair: &Term) -> Result<(), Box<dyn Error>> {
        let Some([key, value]) = pair.as_tuple() else { return Err(format!("{pair} is no pair").into()) };
        let key = key.as_atom().ok_or("a key is no atom")?.as_str().to_owned();
        let merged = match (self.keys.remove(&key), value) {
            (Some(Term::List(mut there)), Term::List(more)) => {
                there.extend(more.iter().cloned());
                Term::List(there)
            }
            (_, value) => value.clone(),
        };
        self.keys.insert(key, merged);
        Ok(())
    }
    /// The main application depends on all others but those it includes.
    fn needs<'a>(&mut self, others: impl Iterator<Item = &'a String>) {
        let included = self.keys.get("included_applications").and_then(Term::as_list).unwrap_or_default().to_vec();
        let own: &[&str] = match self.tool {
            Tool::Mix => &["kernel", "stdlib", "elixir", "logger"],
            Tool::Relx => &["kernel", "stdlib", "sasl"],
        };
        let others: Vec<_> = others.filter(|name| !included.iter().any(|known| known.is_atom(name))).map(String::as_str).collect();
        let all = own.iter().copied().chain(others).collect::<Vec<_>>().join(",");
        let all = text::parse(&format!("[{all}]")).expect("a list of atoms");
        self.keys.insert("applications".to_owned(), all);
        let module = if self.tool == Tool::Mix { "'Elixir.Scene.Application'" } else { "scene_app" };
        let start = text::parse(&format!("{{{module},[]}}")).expect("a term");
        self.keys.entry("mod".to_owned()).or_insert(start);
    }
    fn app_file(&self) -> Result<String, Box<dyn Error>> {
        let modules: BTreeSet<&String> = self.units.iter().flat_map(|unit| &unit.modules).collect();
        let modules = modules.into_iter().map(|module| format!("'{module}'")).collect::<Vec<_>>().join(",");
        let mut text = format!("{{application,{},[{{description,\"a scenario\"}},{{vsn,\"{}\"}}", self.name, self.vsn);
        write!(text, ",{{modules,[{modules}]}}")?;
        for (key, default) in [("registered", "[]"), ("applications", "[kernel,stdlib]")] {
            if !self.keys.contains_key(key) {
                write!(text, ",{{{key},{default}}}")?;
            }
        }
        for (key, value) in &self.keys {
            write!(text, ",\n {{{key},{value}}}")?;
        }
        text.push_str("]}.\n");
        Ok(text)
    }
}

impl Unit {
    /// Compiles, unless the same was compiled before.
    fn of(tool: Tool, sources: &[(String, String)], workshop: &mut Workshop) -> Result<Option<Self>, Box<dyn Error>> {
        if sources.is_empty() {
            return Ok(None);
        }
        let folder = cache().join(format!("unit-{:016x}", digest(&(COMPILER, tool, sources))));
        if !folder.exists() {
            let making = tempfile::TempDir::new_in(cache())?;
            let mut files = Vec::new();
            for (name, text) in sources {
                let file = making.path().join("src").join(name);
                fs::create_dir_all(file.parent().expect("it is in a folder"))?;
                fs::write(&file, text)?;
                files.push(path(&file));
            }
            let tool = Term::atom(tool.name());
            let request = Term::tuple([Term::atom("compile"), tool, path(making.path()), Term::list(files)]);
            workshop.ask(&request)?;
            fs::rename(making.keep(), &folder)?;
        }
        let implements =
            sources.iter().any(|(_, text)| ["defprotocol", "defimpl", "@derive"].iter().any(|word| text.contains(word)));
        let beams = base::files(&folder.join("ebin"))?;
        let modules = beams.iter().filter_map(|beam| Some(beam.file_stem()?.to_str()?.to_owned())).collect();
        Ok(Some(Self { folder, implements, modules }))
    }
}

/// `APP-VSN` and the file in it; nothing and the file for the main application.
fn home(path: &str) -> (&str, &str) {
    path.split_once('/').unwrap_or(("", path))
}

pub(super) fn is_source(file: &str) -> bool {
    file.ends_with(".ex") || file.ends_with(".erl")
}

/// What the base brings, but for what rows have another text of.
fn common(recipe: &Recipe<'_>, base: &Base) -> Vec<(String, String)> {
    let own: BTreeSet<&str> = recipe.sections().map(|section| section.path.as_str()).collect();
    base.sources.iter().filter(|(name, _)| !own.contains(name.as_str())).cloned().collect()
}

/// The module with the children of the main application.
pub(super) fn top(tool: Tool, children: &[String]) -> (String, String) {
    let children = children.iter().fold(String::new(), |all, child| format!("{all},\n      {child}"));
    match tool {
        Tool::Mix => ("application.ex".to_owned(), include_str!("top.ex").replace("# more", children.trim_start_matches(",\n"))),
        Tool::Relx => ("scene_sup.erl".to_owned(), include_str!("top.erl").replace("%% more", &children)),
    }
}

/// A library for a NIF, compiled as `NAME.so`: the text begins with a comment that says the name.
fn nif(source: &str) -> Result<(String, Vec<u8>), Box<dyn Error>> {
    let name = source.trim_start_matches("// ").split_whitespace().next().ok_or("no name in the first line")?;
    let dir = tempfile::TempDir::new_in(cache())?;
    let (from, to) = (dir.path().join("nif.c"), dir.path().join("nif.so"));
    fs::write(&from, source)?;
    let mut cc = Command::new("cc");
    base::run(cc.args(["-shared", "-fPIC", "-O1", "-I/usr/lib/erlang/usr/include", "-o"]).arg(&to).arg(&from))?;
    Ok((format!("priv/{name}.so"), fs::read(to)?))
}
