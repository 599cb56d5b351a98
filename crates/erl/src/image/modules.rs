//! Modules that were read already.

use super::{ContentId, Module};
use crate::beam::BeamError;
use std::collections::HashMap;
use std::sync::Arc;

/// Modules by the content of their files: what two releases have in common is parsed once.
#[derive(Debug, Default)]
pub struct Modules(HashMap<ContentId, Arc<Module>>);

impl Modules {
    /// Whether the file at this path of a release is one that [`super::Image::read`] reads as a module, if its application is listed. For
    /// callers that parse modules in several threads beforehand.
    #[must_use]
    pub fn has_place(path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            ["lib", _, "ebin" | "consolidated", file] | ["releases", _, "consolidated", file] => file.ends_with(".beam"),
            _ => false,
        }
    }

    /// Adds a module that was parsed from the file with this content.
    pub fn insert(&mut self, content: ContentId, module: Module) {
        self.0.insert(content, Arc::new(module));
    }

    /// Whether the module with this content is there.
    #[must_use]
    pub fn contains(&self, content: &ContentId) -> bool {
        self.0.contains_key(content)
    }

    pub(super) fn get(&self, content: &ContentId) -> Option<Arc<Module>> {
        self.0.get(content).cloned()
    }

    pub(super) fn parse(&mut self, content: ContentId, file: &[u8]) -> Result<Arc<Module>, BeamError> {
        let module = Arc::new(Module::parse(file)?);
        self.0.insert(content, module.clone());
        Ok(module)
    }
}
