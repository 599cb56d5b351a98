//! Writing the journal of one run: the events as JSON lines, in a file that only its owner may read.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use edeliver_core::event::{Event, EventKind};

use crate::ui::{Render, json::Json};

/// The journal of the run that goes on.
pub struct Journal {
    lines: Json<File>,
}

impl Journal {
    /// Makes the file, and the folder for it.
    ///
    /// # Errors
    /// When it can't be made, or a file of this name exists.
    pub fn create(path: &Path) -> io::Result<Self> {
        if let Some(dir) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self { lines: Json::new(file) })
    }
}

impl Render for Journal {
    /// Progress is left out: what it says is of no interest once the step is over.
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event.kind {
            EventKind::Progress { .. } => Ok(()),
            _ => self.lines.event(event),
        }
    }
    fn name(&self) -> &'static str {
        "the journal of this run"
    }
}
