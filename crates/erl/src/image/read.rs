//! From the files of a release to its image.

use super::{AppImage, Config, ContentId, Image, Module};
use crate::app::App;
use crate::beam::BeamError;
use crate::rel::{Rel, RelApp, ResourceError};
use crate::term::{Atom, Term, text};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Modules by the content of their files: what two releases have in common is parsed once.
#[derive(Debug, Default)]
pub struct Modules(HashMap<ContentId, Arc<Module>>);

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
        let rel = self.rel(&release)?.ok_or_else(|| ImageError::NoRel(vsn.to_owned()))?;
        let mut apps = BTreeMap::new();
        let mut consolidated = self.beams(&format!("{release}consolidated/"))?;
        for app in &rel.applications {
            if let Some(image) = self.app(app)? {
                consolidated.extend(self.beams(&format!("{}/consolidated/", image.dir))?);
                apps.insert(app.name.clone(), image);
            }
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

    fn rel(&mut self, release: &str) -> Result<Option<Rel>, ImageError<E>> {
        let is_rel = |path: &String| path.ends_with(".rel") && !path[release.len()..].contains('/');
        let Some((path, _)) = self.below(release).into_iter().find(|(path, _)| is_rel(path)) else { return Ok(None) };
        let content = self.content(&path)?.unwrap_or_default();
        Rel::parse(&content).map(Some).map_err(|source| ImageError::Resource { path, source })
    }

    fn app(&mut self, listed: &RelApp) -> Result<Option<AppImage>, ImageError<E>> {
        let dir = format!("lib/{}", listed.dir_name());
        let path = format!("{dir}/ebin/{}.app", listed.name);
        let Some(content) = self.content(&path)? else { return Ok(None) };
        let app = App::parse(&content).map_err(|source| ImageError::Resource { path, source })?;
        let modules = self.beams(&format!("{dir}/ebin/"))?;
        let appup = self.content(&format!("{dir}/ebin/{}.appup", listed.name))?;
        let inside = dir.len() + 1;
        let others = self.below(&format!("{dir}/")).into_iter().map(|(path, id)| (path[inside..].to_owned(), id));
        let others = others.filter(|(path, _)| is_other(path)).collect();
        Ok(Some(AppImage { app, start: listed.start, dir, modules, others, appup }))
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
        if let Some(known) = self.modules.0.get(&id) {
            return Ok(known.clone());
        }
        let content = self.content(&path)?.unwrap_or_default();
        let module = Arc::new(Module::parse(&content).map_err(|source| ImageError::Module { path, source })?);
        self.modules.0.insert(id, module.clone());
        Ok(module)
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
