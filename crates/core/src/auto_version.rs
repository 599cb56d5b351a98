//! Versions that a build gives: `--auto-version`, `--increment-version`, `--set-version`, with the strings of edeliver 1.x.
//!
//! A rule has two parts: what becomes of the version that the project states (set, or counted up), and what is appended as
//! [build metadata](https://semver.org/#spec-item-10). The project's version is known on the build host only, so the rule travels there as
//! a [`Recipe`]: plain words, of which all but the project's version are known.

pub mod erlang;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A piece of build metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metadata {
    /// The commit, shortened: `82a5834`.
    Revision,
    /// The number of commits of all branches: `3027`.
    CommitCount,
    /// The number of commits of the branch: `512`.
    CommitCountBranch,
    /// The branch, without characters that have no place in metadata: `featurex1-b` for `feature/x_1-b`.
    Branch,
    /// The same, and nothing for `master`.
    BranchUnlessMaster,
    /// The day of the build: `20160414`.
    Date,
    /// Its time of day: `171013`.
    Time,
    /// `MIX_ENV`.
    MixEnv,
}

/// What becomes of the version that the project states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "base", content = "version")]
pub enum Base {
    /// It stays.
    Project,
    /// This one takes its place.
    Set(String),
    /// It is counted up.
    Increment(Part),
}

/// A part of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// `1.2.3` becomes `2.0.0`.
    Major,
    /// `1.2.3` becomes `1.3.0`.
    Minor,
    /// `1.2.3` becomes `1.2.4`.
    Patch,
}

/// How a build names its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRule {
    /// What the version begins with.
    pub base: Base,
    /// What is appended, in this order.
    pub metadata: Vec<Metadata>,
}

/// What metadata is made of, all of it read once, so that a build that goes on past midnight has one version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The commit, as short as git makes it.
    pub revision: String,
    /// Commits of all branches.
    pub commits: u64,
    /// Commits of the one that is built.
    pub commits_of_branch: u64,
    /// The branch, where one is known.
    pub branch: Option<String>,
    /// `YYYYMMDD` here and now.
    pub date: String,
    /// `HHMMSS` here and now.
    pub time: String,
    /// `MIX_ENV`.
    pub mix_env: String,
}

/// A rule as the build host needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// What becomes of the project's version.
    pub base: Base,
    /// What follows the `+`; empty: nothing.
    pub metadata: String,
}

/// Why a rule can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Not a piece of metadata that we know.
    #[error("`{0}` can't be appended to a version")]
    Unknown(String),
    /// A part of a version that there is not.
    #[error("a version has no part `{0}`: it is patch, minor or major")]
    NoPart(String),
    /// `--set-version` with something that can't be a version.
    #[error("`{0}` can't be a version")]
    NoVersion(String),
    /// The project's version can't be counted up.
    #[error("{0} has more than three numbers and can't be counted up")]
    NotCountable(String),
}

impl Metadata {
    /// Reads one token of `--auto-version`, with the prefixes that edeliver 1.x dropped.
    ///
    /// # Errors
    /// [`RuleError::Unknown`].
    pub fn parse(token: &str) -> Result<Self, RuleError> {
        let token = token.trim();
        let word = token.strip_prefix("append-").unwrap_or(token);
        let word = word.strip_prefix("git-").or_else(|| word.strip_prefix("build-")).unwrap_or(word);
        Ok(match word {
            "revision" => Self::Revision,
            "commit-count" | "commit-count-all" | "commit-count-all-branches" => Self::CommitCount,
            "commit-count-branch" => Self::CommitCountBranch,
            "branch" => Self::Branch,
            "branch-unless-master" => Self::BranchUnlessMaster,
            "date" => Self::Date,
            "time" => Self::Time,
            "mix-env" => Self::MixEnv,
            _ => return Err(RuleError::Unknown(token.to_owned())),
        })
    }

    /// All tokens of `commit-count+git-revision`.
    ///
    /// # Errors
    /// [`RuleError::Unknown`].
    pub fn parse_all(text: &str) -> Result<Vec<Self>, RuleError> {
        text.split('+').map(Self::parse).collect()
    }

    fn text(self, origin: &Origin) -> Option<String> {
        let branch = || origin.branch.as_deref().map(fit).filter(|branch| !branch.is_empty());
        match self {
            Self::Revision => Some(origin.revision.clone()),
            Self::CommitCount => Some(origin.commits.to_string()),
            Self::CommitCountBranch => Some(origin.commits_of_branch.to_string()),
            Self::Branch => branch(),
            Self::BranchUnlessMaster => branch().filter(|branch| branch != "master"),
            Self::Date => Some(origin.date.clone()),
            Self::Time => Some(origin.time.clone()),
            Self::MixEnv => Some(fit(&origin.mix_env)),
        }
    }
}

/// Metadata has letters, digits and dashes only.
fn fit(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

impl FromStr for Part {
    type Err = RuleError;
    fn from_str(text: &str) -> Result<Self, RuleError> {
        match text {
            "major" => Ok(Self::Major),
            "minor" => Ok(Self::Minor),
            "patch" => Ok(Self::Patch),
            other => Err(RuleError::NoPart(other.to_owned())),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Major => "major",
            Self::Minor => "minor",
            Self::Patch => "patch",
        })
    }
}

impl VersionRule {
    /// Whether the project's own version is what the release gets.
    pub fn changes_nothing(&self) -> bool {
        self.base == Base::Project && self.metadata.is_empty()
    }

    /// The rule with all that is known here.
    pub fn recipe(&self, origin: &Origin) -> Recipe {
        let metadata: Vec<String> = self.metadata.iter().filter_map(|piece| piece.text(origin)).collect();
        Recipe { base: self.base.clone(), metadata: metadata.join("-") }
    }
}

impl Recipe {
    /// The three lines that `version.exs` on the build host reads: what becomes of the project's version, the one that is set, metadata.
    pub fn values(&self) -> String {
        let (word, set) = match &self.base {
            Base::Project => ("project".to_owned(), ""),
            Base::Set(version) => ("set".to_owned(), version.as_str()),
            Base::Increment(part) => (part.to_string(), ""),
        };
        format!("{word}\n{set}\n{}", self.metadata)
    }

    /// In words, for a plan: `counted up (minor), +3027-82a5834`.
    pub fn describe(&self) -> String {
        let base = match &self.base {
            Base::Project => None,
            Base::Set(version) => Some(version.clone()),
            Base::Increment(part) => Some(format!("the project's with {part} counted up")),
        };
        let metadata = (!self.metadata.is_empty()).then(|| format!("+{}", self.metadata));
        match (base, metadata) {
            (Some(base), metadata) => base + &metadata.unwrap_or_default(),
            (None, Some(metadata)) => format!("the project's{metadata}"),
            (None, None) => "the project's".to_owned(),
        }
    }

    /// The version that comes of the one the project states. Metadata that it has already is kept only where nothing is appended.
    ///
    /// # Errors
    /// [`RuleError::NotCountable`].
    pub fn apply(&self, project: &str) -> Result<String, RuleError> {
        let base = match &self.base {
            Base::Project => project.to_owned(),
            Base::Set(version) => version.clone(),
            Base::Increment(part) => increment(project, *part)?,
        };
        Ok(match &self.metadata[..] {
            "" => base,
            metadata => format!("{}+{metadata}", base.split('+').next().unwrap_or_default()),
        })
    }
}

/// Counts a version up by the rules of edeliver 1.x: missing numbers are zero, what follows the third one (`-rc1`) goes.
fn increment(version: &str, part: Part) -> Result<String, RuleError> {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let mut numbers = [0_u64; 3];
    for (at, text) in core.split('.').enumerate().filter(|(_, text)| !text.is_empty()) {
        let number = text.parse().ok().filter(|_| at < 3);
        numbers[at.min(2)] = number.ok_or_else(|| RuleError::NotCountable(version.to_owned()))?;
    }
    let [major, minor, patch] = numbers;
    Ok(match part {
        Part::Major => format!("{}.0.0", major + 1),
        Part::Minor => format!("{major}.{}.0", minor + 1),
        Part::Patch => format!("{major}.{minor}.{}", patch + 1),
    })
}

#[cfg(test)]
mod tests;
