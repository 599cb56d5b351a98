//! Working on the build host: one method for each step of a build.

use std::{sync::Arc, time::Duration};

use edeliver_core::{
    name::RunId,
    plan::build::{Caches, ModuleFrom, ReleaseDir, Workplace},
    release::Found,
    step::{BuildStage, BuildStep, Step},
};

use super::{
    BuildError,
    describe::Described,
    keep::Kept,
    scripts::{self, status},
};
use crate::{
    git::{self, GitError, Repository},
    report::Reporter,
    transport::{Call, Input, Output, Reply, Script, Transport},
};

/// Longest time for anything that compiles nothing.
const PATIENCE: Duration = Duration::from_secs(600);

/// The build host and what is done there.
pub(super) struct Site<'a> {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) repository: &'a Repository,
    pub(super) work: &'a Workplace,
    pub(super) reporter: Reporter,
    /// Absolute path of the folder for builds.
    pub(super) base: &'a str,
    /// Names this build on the build host.
    pub(super) run: &'a RunId,
}

/// A release on the build host, recognised.
#[derive(Debug)]
pub(super) struct Assembled {
    /// What it is.
    pub(super) found: Found,
    /// Its folder and files.
    pub(super) described: Described,
}

/// What came of a step.
#[derive(Debug)]
pub(super) enum Came {
    /// It is done.
    Done,
    /// It is done, and this is worth a word.
    Noted(String),
    /// The release was read.
    Assembled(Box<Assembled>),
    /// The release is in the store.
    Kept(Box<Kept>),
}

impl Site<'_> {
    /// The application's folder on the build host.
    pub(super) fn own(&self) -> String {
        format!("{}/.edeliver/{}", self.base, self.work.app)
    }

    /// Where the project lies in a slot; hooks see it as `BUILD_AT`.
    pub(super) fn project(&self, slot: &str) -> String {
        let folder = self.work.folder.as_ref().map_or(String::new(), |folder| format!("/{folder}"));
        format!("{slot}/{}{folder}", self.work.app)
    }

    /// Makes the folders and repositories.
    pub(super) async fn prepare(&self) -> Result<Came, BuildError> {
        self.prepare_anew("").await
    }

    /// The same; if `anew` names one of the repositories, that one is thrown away first.
    async fn prepare_anew(&self, anew: &str) -> Result<Came, BuildError> {
        let modules = self.work.submodules.iter().map(|module| format!("modules/{}.git", module.module));
        let fixed = [self.base, self.work.app.as_str(), anew, self.work.repository].map(str::to_owned);
        self.done(scripts::PREPARE, fixed.into_iter().chain(modules).collect()).await.map(|_| Came::Done)
    }

    /// Sends the source. A repository that holds a part of a history can't take every other part: then it begins anew. The repository
    /// of whole histories is never thrown away.
    pub(super) async fn push(&self) -> Result<Came, BuildError> {
        let (transport, own) = (&*self.transport, self.own());
        match git::push(self.repository, self.work.repository, &self.work.push, transport, &own).await {
            Err(GitError::Rejected { repository, .. }) if repository != "repo.git" => {
                self.prepare_anew(&repository).await?;
                git::push(self.repository, self.work.repository, &self.work.everything, transport, &own).await?;
            }
            pushed => pushed?,
        }
        Ok(Came::Done)
    }

    /// Carries a step out in the slot.
    pub(super) async fn in_slot(&self, slot: &str, step: &Step) -> Result<Came, BuildError> {
        match step {
            Step::Checkout { .. } => self.checkout(slot).await,
            Step::Submodules { .. } => self.submodules(slot).await,
            Step::Build(build) => self.build(slot, build).await,
            Step::Describe => Ok(Came::Assembled(Box::new(self.describe(slot).await?))),
            other => unreachable!("a build has no step {other:?} in its slot"),
        }
    }

    async fn checkout(&self, slot: &str) -> Result<Came, BuildError> {
        let repository = format!("{}/{}", self.own(), self.work.repository);
        let copy = if self.work.caches == Caches::Used { "copy" } else { "" };
        let mut args = self.args(slot, [&repository, self.work.app.as_str(), self.work.commit.as_str(), self.folder(), copy]);
        args.extend(self.version());
        let reply = self.done(scripts::CHECKOUT, args).await?;
        let note = reply.text().trim().to_owned();
        Ok(if note.is_empty() { Came::Done } else { Came::Noted(note) })
    }

    /// The last arguments of `checkout.sh`.
    fn version(&self) -> Vec<String> {
        let Some(version) = &self.work.version else { return vec![String::new(); 2] };
        let own = [version.recipe.values(), scripts::VERSION.to_owned()];
        own.into_iter().chain(version.files.iter().flat_map(|(path, text)| [path.to_string(), text.clone()])).collect()
    }

    async fn submodules(&self, slot: &str) -> Result<Came, BuildError> {
        let modules = format!("{}/modules", self.own());
        let mut args = self.args(slot, [modules.as_str(), self.work.app.as_str()]);
        args.push(self.work.clean_submodules.word().to_owned());
        for module in &self.work.submodules {
            let url = match &module.from {
                ModuleFrom::Here { .. } => "",
                ModuleFrom::Url(url) => url,
            };
            args.extend([module.path.as_str(), &module.module, module.commit.as_str(), url].map(str::to_owned));
        }
        self.done(scripts::SUBMODULES, args).await.map(|_| Came::Done)
    }

    async fn build(&self, slot: &str, build: &BuildStep) -> Result<Came, BuildError> {
        let last = build.commands.len().saturating_sub(1);
        for (at, words) in build.commands.iter().enumerate() {
            let around = self.around(build.stage, words, at == 0, at == last);
            let reply = self.command(slot, words, around).await?;
            match reply.status {
                0 => {}
                status::KEPT => return Ok(Came::Noted("unchanged".to_owned())),
                status::LOST => return Err(BuildError::SlotLost),
                status => return Err(BuildError::Command { command: words.join(" "), status, tail: reply.tail }),
            }
        }
        Ok(Came::Done)
    }

    /// What `run.sh` does besides running the command.
    fn around(&self, stage: BuildStage, words: &[String], first: bool, last: bool) -> [String; 2] {
        let mark = || self.work.deps_mark.as_ref().map_or(String::new(), ToString::to_string);
        // A build from nothing does not look for the mark, and leaves it.
        let looks = first && self.work.caches == Caches::Used;
        match (stage, looks, last) {
            (BuildStage::Deps, true, true) => ["deps".to_owned(), mark()],
            (BuildStage::Deps, true, false) => ["deps-check".to_owned(), mark()],
            (BuildStage::Deps, false, true) => ["deps-mark".to_owned(), mark()],
            (BuildStage::Release | BuildStage::CompileAndRelease, ..) if first => ["release".to_owned(), self.place()],
            // git, or the build tool's own clean.
            (BuildStage::Clean, ..) if words.first().is_some_and(|word| word == "git") => ["bare".to_owned(), String::new()],
            _ => ["plain".to_owned(), String::new()],
        }
    }

    async fn command(&self, slot: &str, words: &[String], around: [String; 2]) -> Result<Reply, BuildError> {
        let mut args = self.args(slot, [self.work.app.as_str(), self.folder(), &self.work.profile]);
        args.extend(around);
        args.push(self.work.env.len().to_string());
        args.extend(self.work.env.iter().map(|(name, value)| format!("{name}={value}")));
        args.extend(words.iter().cloned());
        let mut lines = |line: &str| self.reporter.output(line);
        let output = Output::Lines(&mut lines);
        let call = Call { script: scripts::RUN, args, input: Input::Empty, output, timeout: self.work.timeout, before: Vec::new() };
        Ok(self.transport.run(call).await?)
    }

    async fn describe(&self, slot: &str) -> Result<Assembled, BuildError> {
        let args = self.args(slot, [self.work.app.as_str(), self.folder(), &self.place()]);
        let reply = self.run(scripts::DESCRIBE, args).await?;
        if reply.status == status::NO_RELEASE {
            return Err(BuildError::NoRelease { places: reply.tail });
        }
        let reply = Self::checked(reply, scripts::DESCRIBE)?;
        let described = Described::parse(&reply.text())?;
        if let Some((path, target)) = described.outside_link() {
            return Err(BuildError::OutsideLink { path: path.clone(), target: target.to_owned() });
        }
        let found = Found::recognise(&described.listing, &described.boots)?;
        if found.app != self.work.app {
            return Err(BuildError::OtherApp { found: found.app, wanted: self.work.app.clone() });
        }
        Ok(Assembled { found, described })
    }

    /// A call that sends files of the release, given one path a line, as a compressed archive.
    pub(super) fn collecting(&self, slot: &str, dir: &str) -> Call<'static> {
        Call::new(scripts::COLLECT, self.args(slot, [dir]), self.work.timeout)
    }

    fn folder(&self) -> &str {
        self.work.folder.as_ref().map_or("", |folder| folder.as_str())
    }

    /// As `release_dirs` in `assembled.sh` wants it.
    fn place(&self) -> String {
        match &self.work.release_dir {
            ReleaseDir::Fixed(dir) => format!("={dir}"),
            ReleaseDir::Usual(dir) => dir.clone(),
        }
    }

    fn args<'s>(&self, slot: &str, words: impl IntoIterator<Item = &'s str>) -> Vec<String> {
        let own = [slot.to_owned(), self.run.to_string()];
        own.into_iter().chain(words.into_iter().map(str::to_owned)).collect()
    }

    async fn run(&self, script: Script, args: Vec<String>) -> Result<Reply, BuildError> {
        let call = Call { script, args, input: Input::Empty, output: Output::Collect, timeout: PATIENCE, before: Vec::new() };
        Ok(self.transport.run(call).await?)
    }

    async fn done(&self, script: Script, args: Vec<String>) -> Result<Reply, BuildError> {
        Self::checked(self.run(script, args).await?, script)
    }

    /// The reply of a script that must succeed.
    pub(super) fn checked(reply: Reply, script: Script) -> Result<Reply, BuildError> {
        match reply.status {
            status::LOST => Err(BuildError::SlotLost),
            _ => Ok(reply.ok(script)?),
        }
    }
}
