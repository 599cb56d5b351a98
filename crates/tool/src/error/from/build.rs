//! From git and the build.

use edeliver_core::{build_tool::ToolsError, hint::Hint, release::FilesError};

use super::super::{Error, Kind};
use crate::{build::BuildError, git::GitError, transport::TransportError};

impl From<GitError> for Error {
    fn from(error: GitError) -> Self {
        let kind = match &error {
            GitError::NoRepository { .. } | GitError::NoSuch { .. } | GitError::Empty => Kind::Usage,
            GitError::Submodule { .. } => Kind::Blocked,
            GitError::Start(_) | GitError::Failed { .. } => Kind::Internal,
            GitError::Rejected { .. } | GitError::Push { .. } => Kind::Build,
        };
        let hints = git_hints(&error);
        Self { hints, ..Self::new(kind, error) }
    }
}

fn git_hints(error: &GitError) -> Vec<Hint> {
    match error {
        GitError::Start(_) => vec![Hint::text("install git, version 2.31 or later")],
        GitError::NoRepository { .. } => vec![Hint::text("releases are built from a commit: put the project into git")],
        GitError::Empty => vec![Hint::command("releases are built from a commit", "git add --all && git commit")],
        GitError::NoSuch { wanted, similar, shallow } => {
            let similar = similar.iter().map(|name| Hint::text(format!("did you mean `{name}`?")));
            let fetch = shallow.then(|| Hint::command("only a part of the history is here", "git fetch --unshallow --tags"));
            // a classic config that names none means `master`
            let branch = wanted.starts_with("branch").then(|| {
                Hint::text(
                    "`--branch=` names another one; BRANCH in .deliver/config or build.branch in edeliver.toml does so for good",
                )
            });
            similar.chain(fetch).chain(branch).collect()
        }
        GitError::Submodule { .. } => vec![Hint::command("check it out here", "git submodule update --init --recursive")],
        GitError::Failed { .. } | GitError::Rejected { .. } | GitError::Push { .. } => Vec::new(),
    }
}

impl From<BuildError> for Error {
    fn from(error: BuildError) -> Self {
        if let BuildError::Unpublished { app, version, source } = error {
            let again = Hint::command("then publish it", format!("edeliver upload release {version}"));
            let what = format!("{app} {version} is built and on this machine, and could not be published");
            return Self::from(*source).context(what).hint(again);
        }
        let (kind, hints) = (build_kind(&error), build_hints(&error));
        Self { hints, ..Self::new(kind, error) }
    }
}

fn build_kind(error: &BuildError) -> Kind {
    match error {
        BuildError::Transport(TransportError::Interrupted) => Kind::Interrupted,
        BuildError::Busy => Kind::Locked,
        BuildError::Exists { .. } => Kind::Blocked,
        BuildError::Tools(_) | BuildError::OtherApp { .. } => Kind::Config,
        BuildError::Store(_) | BuildError::Archive(_) => Kind::Internal,
        _ => Kind::Build,
    }
}

fn build_hints(error: &BuildError) -> Vec<Hint> {
    match error {
        BuildError::Transport(error) => super::transport_hints(error),
        BuildError::Git(error) => git_hints(error),
        BuildError::Tools(ToolsError::NoProject) => {
            vec![Hint::text(
                "run edeliver in the project's folder, or name the build tool (`BUILD_CMD`, in edeliver.toml `build.tool`)",
            )]
        }
        BuildError::Tools(ToolsError::Unfit { .. }) => {
            vec![Hint::text("remove one of the two settings (`BUILD_CMD` and `RELEASE_CMD`); the other is then found by itself")]
        }
        BuildError::Command { status: 127, .. } => {
            vec![Hint::text("the program was not found: install it, or let the profile put it into PATH")]
        }
        BuildError::Busy => vec![Hint::text("wait until one of them has ended")],
        BuildError::SlotLost => vec![Hint::text("build again")],
        BuildError::NoRelease { .. } => {
            vec![Hint::text(
                "say where it is (`RELEASE_DIR`, in edeliver.toml `build.release_dir`); a relative path counts from the project",
            )]
        }
        BuildError::OtherApp { found, .. } => {
            vec![Hint::text(format!("set `APP` (in edeliver.toml `app`) to {found}, or rename the release"))]
        }
        BuildError::OutsideLink { .. } | BuildError::Files(FilesError::Link { .. } | FilesError::Misplaced { .. }) => dev_mode(),
        BuildError::Exists { .. } => vec![
            Hint::text("raise the version of the project, so that everybody knows which is which"),
            Hint::command("or replace the one in the store", "edeliver build release --force"),
        ],
        _ => Vec::new(),
    }
}

/// relx links libraries instead of copying them while one develops.
fn dev_mode() -> Vec<Hint> {
    vec![
        Hint::text("with rebar3: set `{mode, prod}` in the relx section of rebar.config"),
        Hint::text("or use a profile that does (`REBAR_PROFILE=prod`, in edeliver.toml `build.rebar_profile`)"),
    ]
}
