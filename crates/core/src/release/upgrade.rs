//! A hot upgrade in the store: the relup that leads to a release, and the releases that it leads from.

use serde::{Deserialize, Serialize};

use super::{Digest, ManifestId};
use crate::name::{AppName, Version};

/// The format written; readers refuse a newer one with a clear word.
pub const UPGRADE_FORMAT: u32 = 1;

/// The ways from older releases to one. There is one for each release, with all its ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upgrade {
    /// [`UPGRADE_FORMAT`].
    pub format: u32,
    /// Release name.
    pub app: AppName,
    /// The release that it leads to.
    pub to: Version,
    /// Its manifest: another build of the same version needs another relup.
    pub manifest: ManifestId,
    /// The releases that it leads from, and back to.
    pub from: Vec<Origin>,
    /// Text of the relup, as it goes to `releases/VERSION/relup`.
    pub relup: String,
    /// Who wrote it.
    pub author: Author,
}

/// A release that an upgrade leads from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Its version.
    pub version: Version,
    /// Its manifest.
    pub manifest: ManifestId,
}

/// Who wrote a relup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Author {
    /// edeliver, from the two releases' files.
    Generated,
    /// edeliver, then changed by a module of the user's.
    Modified,
    /// Somebody edited it.
    Edited,
    /// It came with the release, from another tool.
    Shipped,
}

impl Author {
    /// As it stands in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Generated => "generated",
            Self::Modified => "modified",
            Self::Edited => "edited",
            Self::Shipped => "shipped",
        }
    }
}

/// Why an upgrade of the store can't be used.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// Not the JSON of an upgrade.
    #[error("this is not an upgrade")]
    Json(#[source] serde_json::Error),
    /// Written by a later edeliver, or by none.
    #[error("the upgrade has format {found}, this edeliver reads format {UPGRADE_FORMAT}")]
    Format {
        /// The format found.
        found: u32,
    },
}

impl Upgrade {
    /// Canonical JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an upgrade has only strings and lists")
    }
    /// Reads an upgrade.
    ///
    /// # Errors
    /// [`UpgradeError`]: not JSON, or another format.
    pub fn from_json(bytes: &[u8]) -> Result<Self, UpgradeError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_slice(bytes).map_err(UpgradeError::Json)?;
        if format != UPGRADE_FORMAT {
            return Err(UpgradeError::Format { found: format });
        }
        serde_json::from_slice(bytes).map_err(UpgradeError::Json)
    }
    /// Whether it leads from exactly this release.
    pub fn leads_from(&self, version: &Version, manifest: ManifestId) -> bool {
        self.from.iter().any(|origin| origin.version == *version && origin.manifest == manifest)
    }
    /// The digest of the relup's text, by which plans refer to it.
    pub fn relup_digest(&self) -> Digest {
        Digest::of(self.relup.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the first release of edeliver 2 wrote it; must be read for ever.
    const FIRST: &str = concat!(
        r#"{"format":1,"app":"hotapp","to":"0.2.0","manifest":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","#,
        r#""from":[{"version":"0.1.0","manifest":"486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7"}],"#,
        r#""relup":"{\"0.2.0\",[],[]}.\n","author":"generated"}"#
    );

    #[test]
    fn an_upgrade_of_the_first_format_is_read_and_written() {
        let upgrade = Upgrade::from_json(FIRST.as_bytes()).unwrap();
        assert_eq!(upgrade.to_json(), FIRST.as_bytes());
        assert!(upgrade.leads_from(&"0.1.0".parse().unwrap(), Digest::of(b"world")));
        assert!(!upgrade.leads_from(&"0.1.0".parse().unwrap(), Digest::of(b"another build")));
    }

    #[test]
    fn an_upgrade_of_a_later_format_is_refused() {
        let later = FIRST.replace(r#""format":1"#, r#""format":2,"more":true"#);
        assert_eq!(
            Upgrade::from_json(later.as_bytes()).unwrap_err().to_string(),
            "the upgrade has format 2, this edeliver reads format 1"
        );
    }
}
