//! From the files of a release to its image.

use super::{AppImage, Config, ContentId, Image, Kind, Module, Modules};
use crate::app::App;
use crate::beam::BeamError;
use crate::rel::{Rel, RelApp, ResourceError};
use crate::term::{Atom, Term, text};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A release can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError<E: std::error::Error + 'static> {
    /// The release has no `.rel` file of its version.
    #[error("the release has no releases/{0}/NAME.rel")]
    NoRel(String),
    /// A file can't be had.
    #[error("{path} can't be read")]
    Read {
        /// Its path below the release root.
        path: String,
        /// Why.
        #[source]
        source: E,
    },
    /// A resource file is not what it should be.
    #[error("{path} can't be used")]
    Resource {
        /// Its path below the release root.
        path: String,
        /// Why.
        #[source]
        source: ResourceError,
    },
    /// A resource file says something else than where it lies.
    #[error("{path} is of {found}")]
    Other {
        /// Its path below the release root.
        path: String,
        /// What it says that it is of: `hotapp 0.2.0`.
        found: String,
    },
    /// An application of the release has files, but not the one that says what it is.
    #[error("{path} is missing")]
    NoApp {
        /// Where it should lie below the release root.
        path: String,
    },
    /// A file is no module.
    #[error("{path} can't be used")]
    Module {
        /// Its path below the release root.
        path: String,
        /// Why.
        #[source]
        source: BeamError,
    },
}

/// The files of a release while it is read.
struct Reading<'a, E> {
    files: &'a BTreeMap<String, ContentId>,
    read: &'a mut dyn FnMut(&ContentId) -> Result<Vec<u8>, E>,
    modules: &'a mut Modules,
}

impl Image {
    /// Reads a release. `files` are its paths below the release root with their content, `read` gives content.
    ///
    /// # Errors
    /// [`ImageError`] names the file.
    pub fn read<E: std::error::Error + 'static>(
        vsn: &str,
        files: &BTreeMap<String, ContentId>,
        modules: &mut Modules,
        read: &mut dyn FnMut(&ContentId) -> Result<Vec<u8>, E>,
    ) -> Result<Self, ImageError<E>> {
        Reading { files, read, modules }.image(vsn)
    }
}

impl<E: std::error::Error + 'static> Reading<'_, E> {
    fn image(mut self, vsn: &str) -> Result<Image, ImageError<E>> {
        let release = format!("releases/{vsn}/");
        let rel = self.rel(&release, vsn)?;
        let mut apps = BTreeMap::new();
        let mut consolidated = self.consolidated(&format!("{release}consolidated/"))?;
        for listed in &rel.applications {
            let app = self.app(listed)?;
            consolidated.extend(self.consolidated(&format!("{}/consolidated/", app.dir))?);
            apps.insert(listed.name.clone(), app);
        }
        let config = self.config(&release)?;
        Ok(Image { rel, apps, consolidated, config })
    }

    fn below(&self, dir: &str) -> Vec<(String, ContentId)> {
        let from = self.files.range(dir.to_owned()..);
        from.take_while(|(path, _)| path.starts_with(dir)).map(|(path, id)| (path.clone(), *id)).collect()
    }

    fn content(&mut self, path: &str) -> Result<Option<Vec<u8>>, ImageError<E>> {
        let Some(id) = self.files.get(path) else { return Ok(None) };
        (self.read)(id).map(Some).map_err(|source| ImageError::Read { path: path.to_owned(), source })
    }

    fn rel(&mut self, release: &str, vsn: &str) -> Result<Rel, ImageError<E>> {
        let path = self.rel_path(release).ok_or_else(|| ImageError::NoRel(vsn.to_owned()))?;
        let content = self.content(&path)?.unwrap_or_default();
        let rel = Rel::parse(&content).map_err(|source| ImageError::Resource { path: path.clone(), source })?;
        match rel.vsn.as_str() == vsn {
            true => Ok(rel),
            false => Err(ImageError::Other { path, found: format!("{} {}", rel.name, rel.vsn) }),
        }
    }

    /// Of several, the one that is named after a start script.
    fn rel_path(&self, release: &str) -> Option<String> {
        let name =
            |path: &str| path.strip_prefix(release)?.strip_suffix(".rel").filter(|name| !name.contains('/')).map(str::to_owned);
        let names: Vec<String> = self.below(release).iter().filter_map(|(path, _)| name(path)).collect();
        let started = names.iter().find(|name| self.files.contains_key(&format!("bin/{name}")));
        started.or(names.first()).map(|name| format!("{release}{name}.rel"))
    }

    fn app(&mut self, listed: &RelApp) -> Result<AppImage, ImageError<E>> {
        let dir = format!("lib/{}", listed.dir_name());
        let files = self.below(&format!("{dir}/"));
        if files.is_empty() {
            return Ok(elsewhere(listed, dir));
        }
        let app = self.resource(listed, &dir)?;
        let mut modules = self.beams(&format!("{dir}/ebin/"))?;
        starts(&app, &mut modules);
        let appup = self.content(&format!("{dir}/ebin/{}.appup", listed.name))?;
        let inside = dir.len() + 1;
        let others =
            files.into_iter().map(|(path, id)| (path[inside..].to_owned(), id)).filter(|(path, _)| is_other(path)).collect();
        Ok(AppImage { app, start: listed.start, dir, modules, others, appup })
    }

    fn resource(&mut self, listed: &RelApp, dir: &str) -> Result<App, ImageError<E>> {
        let path = format!("{dir}/ebin/{}.app", listed.name);
        let Some(content) = self.content(&path)? else { return Err(ImageError::NoApp { path }) };
        let app = App::parse(&content).map_err(|source| ImageError::Resource { path: path.clone(), source })?;
        match app.name == listed.name && app.vsn == listed.vsn {
            true => Ok(app),
            false => Err(ImageError::Other { path, found: format!("{} {}", app.name, app.vsn) }),
        }
    }

    fn consolidated(&mut self, dir: &str) -> Result<BTreeMap<Atom, Arc<Module>>, ImageError<E>> {
        let mut protocols = self.beams(dir)?;
        protocols.values_mut().filter(|module| matches!(module.kind, Kind::Protocol { .. })).for_each(|protocol| {
            *protocol = Arc::new(Module { kind: Kind::Protocol { consolidated: true }, ..Module::clone(protocol) });
        });
        Ok(protocols)
    }

    fn beams(&mut self, dir: &str) -> Result<BTreeMap<Atom, Arc<Module>>, ImageError<E>> {
        let mut modules = BTreeMap::new();
        for (path, id) in self.below(dir) {
            if path.ends_with(".beam") && !path[dir.len()..].contains('/') {
                let module = self.module(path, id)?;
                modules.insert(module.name.clone(), module);
            }
        }
        Ok(modules)
    }

    fn module(&mut self, path: String, id: ContentId) -> Result<Arc<Module>, ImageError<E>> {
        let module = match self.modules.get(&id) {
            Some(known) => known,
            None => {
                let content = self.content(&path)?.unwrap_or_default();
                self.modules.parse(id, &content).map_err(|source| ImageError::Module { path: path.clone(), source })?
            }
        };
        // The code server looks for a module in the file of its name, and refuses to load another one from there.
        match path.ends_with(&format!("/{}.beam", module.name)) {
            true => Ok(module),
            false => Err(ImageError::Other { path, found: module.name.to_string() }),
        }
    }

    fn config(&mut self, release: &str) -> Result<Config, ImageError<E>> {
        let path = format!("{release}sys.config");
        let sys = match self.content(&path)? {
            Some(content) => match text::consult_one(&content) {
                Ok(term) => Some(term),
                Err(source) => return Err(ImageError::Resource { path, source: source.into() }),
            },
            None => None,
        };
        const FILES: [&str; 6] = ["runtime.exs", "vm.args", "vm.args.src", "env.sh", "env.sh.src", "remote.vm.args"];
        let files = FILES.iter().filter_map(|name| Some(((*name).to_owned(), *self.files.get(&format!("{release}{name}"))?)));
        Ok(Config {
            providers: sys.as_ref().map(providers).unwrap_or_default(),
            sys_src: self.files.get(&format!("{release}sys.config.src")).copied(),
            files: files.collect(),
            sys,
        })
    }
}

/// An application that the release lists and does not bring.
fn elsewhere(listed: &RelApp, dir: String) -> AppImage {
    let app = App::named(listed.name.clone(), listed.vsn.clone());
    AppImage { app, start: listed.start, dir, modules: BTreeMap::new(), others: BTreeMap::new(), appup: None }
}

/// The resource file names the module that starts the application; whether that says so itself does not matter to OTP.
fn starts(app: &App, modules: &mut BTreeMap<Atom, Arc<Module>>) {
    let Some(module) = app.callback.as_ref().and_then(|(callback, _)| modules.get_mut(callback)) else { return };
    if module.kind == Kind::Plain {
        let list = |import: &crate::beam::Import| {
            import.module == "Elixir.Supervisor" && import.function.name == "start_link" && import.function.arity == 2
        };
        let kind = Kind::Application { starts_list: module.imports.iter().any(list) };
        *module = Arc::new(Module { kind, ..Module::clone(module) });
    }
}

/// Files that a running node may use.
fn is_other(path: &str) -> bool {
    !["ebin/", "src/", "include/", "consolidated/", "doc/", "examples/"].iter().any(|dir| path.starts_with(dir))
}

/// `{elixir, [{config_provider_init, #{providers => [{Module, Argument}]}}]}`
fn providers(sys: &Term) -> Vec<(Atom, Term)> {
    let find = || {
        let init = sys.property("elixir")?.property("config_provider_init")?;
        let providers = init.as_map()?.get(&Term::atom("providers"))?.as_list()?.to_vec();
        Some(providers)
    };
    let provider = |term: &Term| match term.as_tuple() {
        Some([module, argument]) => Some((module.as_atom()?.clone(), argument.clone())),
        _ => None,
    };
    find().unwrap_or_default().iter().filter_map(provider).collect()
}
