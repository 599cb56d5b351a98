//! What every verb gets: the project, its settings, the way to tell and to ask, and whether the user has interrupted.

pub mod target;

use std::{
    collections::HashMap,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use edeliver_core::{
    config::{HostSpec, RemoteStore, S3Store, Settings, SshSettings, StoreSettings, TargetSettings},
    event::EventKind,
    name::{RunId, TargetName},
};
use indexmap::IndexMap;
use tokio::sync::Mutex;

use crate::{
    cancel::Cancel,
    cli::{
        Words,
        options::{Global, TargetArgs, Verbosity},
    },
    config::{self, Flags, Loaded},
    depot::{BucketDepot, Depot, HostDepot},
    error::Error,
    lease::Living,
    notices::Told,
    report::Reporter,
    sources::Asking,
    store::Store,
    transport::{Limits, prompt::Prompter},
    ui,
};

/// The context of one command.
#[derive(Debug)]
pub struct Ctx {
    /// The project's folder, absolute.
    pub project: PathBuf,
    /// Options of every command.
    pub global: Global,
    /// Says what happens.
    pub reporter: Reporter,
    /// Whether the user has interrupted.
    pub cancel: Cancel,
    /// Asks the user, and takes the journal.
    pub ui: ui::Handle,
    /// The command line without secrets.
    command: Vec<String>,
    /// The target that the command line names.
    aim: Option<TargetName>,
    flags: Flags,
    loaded: OnceLock<Loaded>,
    limits: OnceLock<Limits>,
    depot: OnceLock<Arc<dyn Depot>>,
    run: OnceLock<RunId>,
    in_hand: Arc<AtomicUsize>,
    endless: Arc<AtomicUsize>,
    /// Whether the configuration's warnings were told.
    warned: AtomicBool,
    /// Hosts that came from elsewhere.
    hosts: Mutex<HashMap<TargetName, Vec<HostSpec>>>,
    /// What hooks of the run and webhooks were told.
    pub(crate) told: Told,
    /// Leases that hosts have not heard the end of.
    pub(crate) leases: Living,
}

impl Ctx {
    /// A context whose settings are read when they are first asked for.
    pub fn new(project: PathBuf, global: Global, reporter: Reporter, ui: ui::Handle, cancel: Cancel) -> Self {
        Self {
            project,
            global,
            reporter,
            cancel,
            ui,
            command: Vec::new(),
            aim: None,
            flags: Flags::default(),
            loaded: OnceLock::new(),
            limits: OnceLock::new(),
            depot: OnceLock::new(),
            run: OnceLock::new(),
            in_hand: Arc::default(),
            endless: Arc::default(),
            warned: AtomicBool::new(false),
            hosts: Mutex::default(),
            told: Told::default(),
            leases: Living::default(),
        }
    }
    /// The same, with settings that were made elsewhere (in tests).
    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Self {
        let loaded = Loaded::from_settings(settings, &self.project);
        Self { loaded: OnceLock::from(loaded), ..self }
    }
    /// The same, with what the command line says about settings and tells a classic config.
    #[must_use]
    pub fn with_flags(self, flags: Flags) -> Self {
        Self { flags, ..self }
    }
    /// The same, knowing what the user typed.
    #[must_use]
    pub fn with_command(self, argv: &[OsString], words: &Words) -> Self {
        let aim = words.target.as_ref().and_then(|name| name.parse().ok());
        Self { command: crate::runs::masked(argv), aim, ..self }
    }
    /// How much is told.
    pub fn verbosity(&self) -> Verbosity {
        self.global.verbosity()
    }
    /// The validated configuration of the project.
    ///
    /// # Errors
    /// When it is missing or wrong.
    pub fn settings(&self) -> Result<&Settings, Error> {
        Ok(&self.loaded()?.settings)
    }
    /// The configuration of the project with all that belongs to it; read when it is first asked for.
    ///
    /// # Errors
    /// When it is missing or wrong.
    pub fn loaded(&self) -> Result<&Loaded, Error> {
        let loaded = self.load()?;
        self.tell_warnings();
        Ok(loaded)
    }
    fn load(&self) -> Result<&Loaded, Error> {
        if self.loaded.get().is_none() {
            let loaded = config::load(&self.project, &self.flags, |name| std::env::var(name).ok())?;
            let _ = self.loaded.set(loaded); // nobody else sets it meanwhile: a command begins as one task
        }
        Ok(self.loaded.get().expect("it has just been set"))
    }
    /// Says once what the configuration gives to say.
    fn tell_warnings(&self) {
        if let Some(loaded) = self.loaded.get().filter(|_| !self.warned.swap(true, Ordering::SeqCst)) {
            for (text, hints) in &loaded.warnings {
                self.reporter.warn(text, hints.clone());
            }
        }
    }
    /// How hosts may be reached: shared by all connections of this command, and asks the user for passphrases.
    ///
    /// # Errors
    /// When the configuration is missing or wrong.
    pub fn limits(&self) -> Result<&Limits, Error> {
        let ssh = self.settings()?.ssh.clone();
        let ssh = SshSettings { config: ssh.config.map(|file| self.resolve(&file)), ..ssh };
        Ok(self.limits.get_or_init(|| {
            let prompter =
                ui::PoliteTerminal::open(&self.ui, &self.reporter).map(|terminal| Arc::new(terminal) as Arc<dyn Prompter>);
            let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("edeliver"));
            Limits::new(&program, prompter).with_ssh(&ssh).told_to(&self.reporter)
        }))
    }
    /// The target that the user named, with just the hosts that they picked, in the order of the configuration. Where hosts come from
    /// elsewhere, that is asked now, and only once.
    ///
    /// # Errors
    /// When there is no such target or host, or its hosts can't be found out.
    pub async fn target(&self, args: &TargetArgs) -> Result<TargetSettings, Error> {
        let target = self.target_settings(&args.target)?.clone();
        Ok(target::pick(self.with_hosts(target).await?, args)?)
    }
    /// The settings of a target that its hosts are not needed for: they are not asked for where they come from elsewhere.
    ///
    /// # Errors
    /// When there is no such target.
    pub fn target_settings(&self, name: &TargetName) -> Result<&TargetSettings, Error> {
        Ok(target::named(self.settings()?, name)?)
    }
    async fn with_hosts(&self, target: TargetSettings) -> Result<TargetSettings, Error> {
        let loaded = self.loaded()?;
        let Some(inventory) = loaded.settings.inventories.get(&target.name) else { return Ok(target) };
        let mut known = self.hosts.lock().await;
        if let Some(hosts) = known.get(&target.name) {
            return Ok(TargetSettings { hosts: hosts.clone(), ..target });
        }
        let secrets = loaded.secrets();
        let asking = Asking { project: &self.project, target: &target.name, reporter: &self.reporter, secrets: &secrets };
        let hosts = asking.hosts(inventory).await?;
        known.insert(target.name.clone(), hosts.clone());
        Ok(TargetSettings { hosts, ..target })
    }
    /// Begins a run, unless it has begun: gives it its id, and tells. With [`Journal::Kept`] everything told from here on is recorded.
    ///
    /// # Errors
    /// When the configuration is missing or wrong, because that says where journals lie.
    pub fn begin(&self, title: impl Into<String>, journal: Journal) -> Result<RunId, Error> {
        if let Some(run) = self.run() {
            return Ok(run.clone());
        }
        let begun = crate::runs::Begun::now();
        if journal == Journal::Kept {
            self.ui.record_in(crate::runs::file_of(&self.runs_dir()?, &begun.run));
        }
        let run = self.run.get_or_init(|| begun.run).clone();
        self.reporter.send(EventKind::RunStarted {
            run: run.clone(),
            title: title.into(),
            unix: begun.unix,
            command: self.command.clone(),
            recorded: journal == Journal::Kept,
            by: crate::runs::operator(),
            target: self.aim.clone(),
        });
        self.tell_warnings();
        Ok(run)
    }
    /// The id of the run, once it has begun.
    pub fn run(&self) -> Option<&RunId> {
        self.run.get()
    }
    /// Where journals lie.
    ///
    /// # Errors
    /// When the configuration is missing or wrong.
    pub fn runs_dir(&self) -> Result<PathBuf, Error> {
        Ok(self.resolve(&self.load()?.settings.store.path).join("runs"))
    }
    /// The release store of the configured application.
    ///
    /// # Errors
    /// When the configuration is missing or wrong, or the store's path is no folder.
    pub fn store(&self) -> Result<Store, Error> {
        let settings = self.settings()?;
        let path = self.resolve(&settings.store.path);
        let store = Store::open(&StoreSettings { path, ..settings.store.clone() }, &settings.app)?;
        Ok(match self.depot()? {
            Some(depot) => store.published_to(depot, &self.reporter),
            None => store,
        })
    }
    /// The place elsewhere where releases are kept: one for the whole command, so that there is one login.
    fn depot(&self) -> Result<Option<Arc<dyn Depot>>, Error> {
        let Some(remote) = &self.settings()?.remote_store else { return Ok(None) };
        if let Some(depot) = self.depot.get() {
            return Ok(Some(depot.clone()));
        }
        let (cancel, reporter) = (self.cancel.clone(), &self.reporter);
        let depot: Arc<dyn Depot> = match remote {
            RemoteStore::Host(store) => Arc::new(HostDepot::new(store.clone(), self.limits()?.clone(), cancel, reporter)),
            RemoteStore::S3(bucket) => {
                let bucket =
                    S3Store { credentials: bucket.credentials.as_deref().map(|file| self.resolve(file)), ..bucket.clone() };
                Arc::new(BucketDepot::new(bucket, Box::new(|name| std::env::var(name).ok()), cancel, reporter))
            }
        };
        Ok(Some(self.depot.get_or_init(|| depot).clone()))
    }
    /// A path of the configuration, which is relative to the project.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.project.join(path)
    }
    /// A table as the command's result, on standard output. `none` is said instead of an empty one.
    pub fn answer_rows(&self, rows: Vec<IndexMap<String, String>>, none: impl Into<String>) {
        self.reporter.send(EventKind::Rows { rows, none: none.into() });
    }
    /// A text as the command's result, on standard output.
    pub fn answer_text(&self, text: impl Into<String>) {
        self.reporter.send(EventKind::Text { text: text.into() });
    }
    /// While the guard lives, the first Ctrl-C leaves the command running, so that it can bring the step in hand to its end; the command
    /// itself watches [`Ctx::cancel`]. Without a guard the first Ctrl-C drops the command where it stands.
    pub fn step_in_hand(&self) -> InHand {
        self.in_hand.fetch_add(1, Ordering::SeqCst);
        InHand(self.in_hand.clone())
    }
    /// While the guard lives, the command goes on until the first Ctrl-C, watches [`Ctx::cancel`] for it, and ends by itself: that is no
    /// failure, and nothing is said about it.
    pub fn until_interrupted(&self) -> InHand {
        self.endless.fetch_add(1, Ordering::SeqCst);
        InHand(self.endless.clone())
    }
    /// Whether the command ends by itself when it is interrupted.
    pub(crate) fn ends_by_itself(&self) -> bool {
        self.endless.load(Ordering::SeqCst) > 0
    }
    /// Whether some step must be brought to its end.
    pub(crate) fn has_step_in_hand(&self) -> bool {
        self.in_hand.load(Ordering::SeqCst) > 0
    }
}

/// Whether a run leaves a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Journal {
    /// It changes something, so it does.
    Kept,
    /// It only asks.
    None,
}

/// See [`Ctx::step_in_hand`] and [`Ctx::until_interrupted`].
#[derive(Debug)]
pub struct InHand(Arc<AtomicUsize>);

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
