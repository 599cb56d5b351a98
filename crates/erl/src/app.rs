//! Application resource files, `ebin/NAME.app` (kernel reference manual, "app").

use crate::resource::{atom, atoms, list, shape, text, vsn};
use crate::term::{Atom, Term, text as source};
use crate::vsn::Vsn;

pub use crate::resource::ResourceError;

/// An application as its resource file describes it.
///
/// Keys that only concern the running node (`maxT`, `maxP`, `start_phases`, `runtime_dependencies`) are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Name.
    pub name: Atom,
    /// Version.
    pub vsn: Vsn,
    /// One line about it; empty if none is given.
    pub description: String,
    /// All modules it brings.
    pub modules: Vec<Atom>,
    /// Names its processes register.
    pub registered: Vec<Atom>,
    /// Applications that must be started before it.
    pub applications: Vec<Atom>,
    /// Applications it loads and starts itself.
    pub included_applications: Vec<Atom>,
    /// Those of `applications` that may be missing.
    pub optional_applications: Vec<Atom>,
    /// Callback module and start argument; none for a library.
    pub callback: Option<(Atom, Term)>,
    /// Default configuration.
    pub env: Vec<(Atom, Term)>,
}

impl App {
    /// Reads an `.app` file.
    ///
    /// # Errors
    /// Not one term, not an application, or a known key with a value of the wrong type.
    pub fn parse(file: &[u8]) -> Result<Self, ResourceError> {
        Self::from_term(&source::consult_one(file)?)
    }

    /// An application of which no more than name and version is known.
    pub(crate) fn named(name: Atom, vsn: Vsn) -> Self {
        Self {
            name,
            vsn,
            description: String::new(),
            modules: Vec::new(),
            registered: Vec::new(),
            applications: Vec::new(),
            included_applications: Vec::new(),
            optional_applications: Vec::new(),
            callback: None,
            env: Vec::new(),
        }
    }

    /// Takes `{application, Name, Keys}` apart; boot scripts hold the same term.
    ///
    /// # Errors
    /// As [`App::parse`].
    pub fn from_term(term: &Term) -> Result<Self, ResourceError> {
        let expected = "{application, Name, Keys}";
        match term.as_tuple() {
            Some([tag, name, keys]) if tag.is_atom("application") => Self::from_keys(atom(name, expected)?, keys),
            _ => Err(shape(expected, term)),
        }
    }

    fn from_keys(name: Atom, keys: &Term) -> Result<Self, ResourceError> {
        let names = |key| keys.property(key).map_or(Ok(Vec::new()), |value| atoms(value, "a list of atoms"));
        let version = keys.property("vsn").ok_or_else(|| shape("a `vsn` key", keys))?;
        Ok(Self {
            name,
            vsn: vsn(version, "a version string")?,
            description: keys.property("description").map_or(Ok(String::new()), |value| text(value, "a description"))?,
            modules: names("modules")?,
            registered: names("registered")?,
            applications: names("applications")?,
            included_applications: names("included_applications")?,
            optional_applications: names("optional_applications")?,
            callback: keys.property("mod").map_or(Ok(None), callback)?,
            env: keys.property("env").map_or(Ok(Vec::new()), env)?,
        })
    }
}

/// `{Module, Args}`; `[]` and `undefined` stand for none.
fn callback(term: &Term) -> Result<Option<(Atom, Term)>, ResourceError> {
    match term {
        Term::Tuple(pair) if pair.len() == 2 => Ok(Some((atom(&pair[0], "a callback module")?, pair[1].clone()))),
        Term::List(none) if none.is_empty() => Ok(None),
        undefined if undefined.is_atom("undefined") => Ok(None),
        other => Err(shape("{Module, StartArgs}", other)),
    }
}

fn env(term: &Term) -> Result<Vec<(Atom, Term)>, ResourceError> {
    let pair = |term: &Term| match term.as_tuple() {
        Some([name, value]) => Ok((atom(name, "a parameter's name")?, value.clone())),
        _ => Err(shape("{Parameter, Value}", term)),
    };
    list(term, "a list of parameters")?.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_file_is_read() {
        let file = br#"
            %% a comment
            {application, hotapp,
             [{applications,[kernel,stdlib,elixir,logger]}, {optional_applications,[logger]},
              {description,"hot app"}, {modules,['Elixir.Hotapp','Elixir.Hotapp.Counter']},
              {registered,[]}, {vsn,"0.1.0"}, {env,[{greeting,<<"hi">>}]},
              {mod,{'Elixir.Hotapp',[]}}, {runtime_dependencies,["kernel-8.0"]}]}."#;
        let app = App::parse(file).unwrap();
        assert_eq!((app.name.as_str(), app.vsn.as_str(), app.description.as_str()), ("hotapp", "0.1.0", "hot app"));
        assert_eq!(app.modules, [Atom::literal("Elixir.Hotapp"), Atom::literal("Elixir.Hotapp.Counter")]);
        assert_eq!(app.optional_applications, [Atom::literal("logger")]);
        assert_eq!(app.callback, Some((Atom::literal("Elixir.Hotapp"), Term::List(vec![]))));
        assert_eq!(app.env, [(Atom::literal("greeting"), Term::binary(*b"hi"))]);
        assert!(app.included_applications.is_empty());
    }

    #[test]
    fn what_is_no_app_is_an_error() {
        let message = |file: &str| App::parse(file.as_bytes()).unwrap_err().to_string();
        assert_eq!(message("{application, a, [{vsn,git}]}."), "expected a version string, found git");
        assert_eq!(message("{application, a, []}."), "expected a `vsn` key, found []");
        assert_eq!(message("{app, a}."), "expected {application, Name, Keys}, found {app,a}");
        assert_eq!(message("{application, a, [{vsn,\"1\"},{modules,x}]}."), "expected a list of atoms, found x");
        assert_eq!(message("{application, a"), "not a file of Erlang terms");
    }

    #[test]
    fn every_app_file_of_otp_is_read() {
        let lib = std::path::Path::new("/usr/lib/erlang/lib");
        let mut read = 0;
        for dir in std::fs::read_dir(lib).unwrap().map(|entry| entry.unwrap().path()) {
            let name = dir.file_name().unwrap().to_str().unwrap().rsplit_once('-').unwrap();
            let Ok(file) = std::fs::read(dir.join(format!("ebin/{}.app", name.0))) else { continue };
            let app = App::parse(&file).unwrap();
            assert_eq!((app.name.as_str(), app.vsn.as_str()), name);
            read += 1;
        }
        assert!(read > 20);
    }
}
