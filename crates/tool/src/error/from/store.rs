//! The store's errors.

use edeliver_core::{choose::ChooseError, hint::Hint, name::Version};

use super::super::{Error, Kind};
use crate::{
    depot::DepotError, image::ImageError, modification::ModificationError, relocate::RelocateError, relup::MakeError,
    store::StoreError,
};

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        if let StoreError::Depot { place, source } = error {
            return Self::from(*source).context(format!("the release store {place} can't be used"));
        }
        let kind = match &error {
            StoreError::Absent { .. } | StoreError::NoUpgrade { .. } => Kind::Usage,
            StoreError::Exists { .. } => Kind::Blocked,
            StoreError::Busy { .. } => Kind::Locked,
            _ => Kind::Internal,
        };
        let hint = store_hint(&error);
        Self { hints: hint.into_iter().collect(), ..Self::new(kind, error) }
    }
}

impl From<DepotError> for Error {
    fn from(error: DepotError) -> Self {
        let hint = match error {
            DepotError::Transport(error) => return error.into(),
            DepotError::Store(error) => return Self::from(*error),
            DepotError::Refused { .. } => Hint::text("check the folder, who may write there, and the space on its disk"),
            DepotError::Unreachable { .. } => {
                return Self::new(Kind::Unreachable, error).hint(Hint::text("check the network and store.s3.endpoint"));
            }
            DepotError::NoKeys { .. } => {
                let hint =
                    Hint::text("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or store.s3.credentials and store.s3.profile");
                return Self::new(Kind::Config, error).hint(hint);
            }
            DepotError::Denied { .. } => {
                let hint = Hint::text("check the keys, and that they may list, read and write in that bucket");
                return Self::new(Kind::Unreachable, error).hint(hint);
            }
            DepotError::Lacks { .. } | DepotError::Damaged { .. } | DepotError::Came(_) => {
                Hint::command("a machine that has the release mends it", "edeliver upload release VERSION --force")
            }
            DepotError::Taken { .. } | DepotError::Here { .. } => return Self::new(Kind::Internal, error),
        };
        Self::new(Kind::Internal, error).hint(hint)
    }
}

fn store_hint(error: &StoreError) -> Option<Hint> {
    Some(match error {
        StoreError::Absent { .. } => Hint::command("these releases are there", "edeliver show releases"),
        StoreError::NoUpgrade { to, .. } => Hint::command("make one", format!("edeliver build upgrade --with=VERSION --to={to}")),
        StoreError::Upgrade { path, .. } | StoreError::UpgradeDamaged { path } => {
            Hint::text(format!("remove {}, then build that upgrade again", path.display()))
        }
        StoreError::Exists { .. } => Hint::text("give the release another version"),
        StoreError::Busy { .. } => Hint::text("wait until it has finished"),
        StoreError::Full { .. } => Hint::text("free some space on that disk; what was there before is whole"),
        StoreError::ReadOnly { .. } => {
            Hint::text("check who may write there, or choose another folder for the store; what was there before is whole")
        }
        StoreError::Damaged { .. } | StoreError::Gone { .. } => {
            Hint::text("build that release again: what the build brings takes the place of what is damaged")
        }
        StoreError::Archive { path, .. } => {
            Hint::text(format!("remove {}, then build that release again or put a whole archive in its place", path.display()))
        }
        StoreError::ManifestDamaged { path } | StoreError::Misnamed { path, .. } | StoreError::Manifest { path, .. } => {
            Hint::text(format!("remove {}, then build that release again", path.display()))
        }
        _ => return None,
    })
}

impl From<ImageError> for Error {
    fn from(error: ImageError) -> Self {
        Self::new(Kind::Internal, error)
            .hint(Hint::text("build that release again; if it happens again, it was built by a tool that edeliver does not know"))
    }
}

impl From<MakeError> for Error {
    fn from(error: MakeError) -> Self {
        let hint = match error {
            MakeError::Image(error) => return error.into(),
            MakeError::Store(error) => return error.into(),
            MakeError::Generate { .. } => Hint::text(
                "change or remove the appup that is named there: in the project, or in the store by `edeliver edit appups`",
            ),
            MakeError::Stored { ref to, .. } => Hint::command("mend it", format!("edeliver edit relup --version={to}")),
            error => return Self::new(Kind::Internal, error),
        };
        Self::new(Kind::Blocked, error).hint(hint)
    }
}

impl From<ModificationError> for Error {
    fn from(error: ModificationError) -> Self {
        let kind = match error {
            ModificationError::Image(error) => return error.into(),
            ModificationError::Store(error) => return error.into(),
            ModificationError::Transport(error) => return error.into(),
            ModificationError::NoModule { .. } => Kind::Usage,
            ModificationError::Failed { .. } | ModificationError::NoRelup(..) | ModificationError::Wrong { .. } => Kind::Build,
            _ => return Self::new(Kind::Internal, error),
        };
        Self::new(kind, error)
            .hint(Hint::text("`--skip-relup-mod` of `edeliver build upgrade` leaves the relup as it was generated"))
    }
}

impl From<RelocateError> for Error {
    fn from(error: RelocateError) -> Self {
        match error {
            RelocateError::Store { path, source } => Self::from(source).context(format!("the content of {path} can't be read")),
            error => Self::new(Kind::Internal, error),
        }
    }
}

impl From<ChooseError> for Error {
    fn from(error: ChooseError) -> Self {
        let hint = match &error {
            ChooseError::Empty { .. } => Hint::command("build one", "edeliver build release"),
            ChooseError::Absent { version, has, .. } => match like(version, has) {
                Some(like) => Hint::text(format!("did you mean --version={like}?")),
                None => Hint::command("these releases are there", "edeliver show releases"),
            },
            ChooseError::Several { has, .. } => Hint::text(format!("name one of them: {}", flags(has))),
        };
        Self::usage(error).hint(hint)
    }
}

/// The newest of what could have been meant: the same version with metadata, or a longer or similar one.
fn like<'a>(version: &Version, has: &'a [Version]) -> Option<&'a Version> {
    let version = version.as_str();
    let same = |other: &&Version| other.as_str().split('+').next() == Some(version);
    let close = |other: &&Version| other.as_str().starts_with(version) || strsim::damerau_levenshtein(other.as_str(), version) < 2;
    has.iter().find(same).or_else(|| has.iter().find(close))
}

/// The newest five, as they are typed.
fn flags(has: &[Version]) -> String {
    let shown: Vec<_> = has.iter().take(5).map(|version| format!("--version={version}")).collect();
    let more = if has.len() > shown.len() { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(texts: &[&str]) -> Vec<Version> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_missing_version_is_told_with_what_could_have_been_meant() {
        let has = versions(&["1.2.4+7-abc", "1.2.3", "0.9.0"]);
        let like = |text: &str| like(&text.parse().unwrap(), &has).map(Version::as_str);
        assert_eq!(like("1.2.4"), Some("1.2.4+7-abc"));
        assert_eq!(like("0.9"), Some("0.9.0"));
        assert_eq!(like("1.2.2"), Some("1.2.3"));
        assert_eq!(like("7.0"), None);
    }

    #[test]
    fn several_versions_without_a_terminal_are_named() {
        let has = versions(&["6.0", "5.0", "4.0", "3.0", "2.0", "1.0"]);
        let error = Error::from(ChooseError::Several { app: "hotapp".parse().unwrap(), has });
        assert_eq!(error.kind, Kind::Usage);
        let said = "name one of them: --version=6.0, --version=5.0, --version=4.0, --version=3.0, --version=2.0, …";
        assert_eq!(error.hints, [Hint::text(said)]);
    }
}
