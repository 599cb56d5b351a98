//! Where the answers of many hosts wait until all have answered: long ones on disk, equal ones once, so that they do not fill our memory.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    sync::{Arc, Mutex},
};

use edeliver_core::release::Digest;

use crate::error::{Error, Kind};

/// A text up to this length stays in memory.
const SHORT: usize = 256 << 10;

/// The long texts of one question. Their files have no names and are gone with it.
#[derive(Clone, Default)]
pub(crate) struct Shelf(Arc<Mutex<HashMap<Digest, Arc<File>>>>);

/// A text that was put there.
#[derive(Debug, Clone)]
pub(crate) enum Text {
    /// In memory.
    Short(String),
    /// On disk.
    Long(Digest, Arc<File>),
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Short(one), Self::Short(other)) => one == other,
            (Self::Long(one, _), Self::Long(other, _)) => one == other,
            _ => false,
        }
    }
}

impl Shelf {
    /// Keeps a text.
    ///
    /// # Errors
    /// A long one can't be written.
    pub(crate) async fn put(&self, text: String) -> Result<Text, Error> {
        if text.len() <= SHORT {
            return Ok(Text::Short(text));
        }
        let shelf = self.clone();
        let written = tokio::task::spawn_blocking(move || shelf.write(&text)).await;
        written.map_err(|error| Error::new(Kind::Internal, error))?.map_err(on_disk)
    }
    fn write(&self, text: &str) -> io::Result<Text> {
        let digest = Digest::of(text.as_bytes());
        let mut known = self.0.lock().expect("nobody panics while holding it");
        if let Some(file) = known.get(&digest) {
            return Ok(Text::Long(digest, file.clone()));
        }
        let mut file = tempfile::tempfile()?;
        file.write_all(text.as_bytes())?;
        let file = Arc::new(file);
        known.insert(digest, file.clone());
        Ok(Text::Long(digest, file))
    }
}

impl Text {
    /// The text.
    ///
    /// # Errors
    /// It can't be read again.
    pub(crate) fn read(&self) -> Result<String, Error> {
        match self {
            Self::Short(text) => Ok(text.clone()),
            Self::Long(_, file) => whole(file).map_err(on_disk),
        }
    }
}

fn whole(mut file: &File) -> io::Result<String> {
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    Ok(text)
}

fn on_disk(error: io::Error) -> Error {
    let folder = std::env::temp_dir();
    Error::new(Kind::Internal, error).context(format!("a long answer can't be kept in {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn long_texts_are_kept_on_disk_and_equal_ones_once() {
        let shelf = Shelf::default();
        let long = |fill: &str| fill.repeat(SHORT / fill.len() + 1);
        let texts = [long("wörld"), "short".to_owned(), long("wörld"), long("other"), "short".to_owned()];
        let mut kept = Vec::new();
        for text in &texts {
            kept.push(shelf.put(text.clone()).await.unwrap());
        }
        assert!(matches!(kept[..], [Text::Long(..), Text::Short(_), Text::Long(..), Text::Long(..), Text::Short(_)]));
        assert_eq!(shelf.0.lock().unwrap().len(), 2);
        assert!(kept[0] == kept[2] && kept[1] == kept[4] && kept[0] != kept[3] && kept[0] != kept[1]);
        for (text, kept) in texts.iter().zip(&kept) {
            assert_eq!(*text, kept.read().unwrap());
        }
    }
}
