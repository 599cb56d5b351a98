//! Real builds: real git, mix and rebar3, over the local transport.

mod busybox;
mod failing;
mod incremental;
mod reproducible;
mod slots;
mod sources;
mod versions;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use edeliver_core::{
    auto_version::{Base, VersionRule},
    config::{BuildSettings, HookSource, HostSpec, Programs, Settings, SshSettings, StoreSettings, TransportKind},
    event::EventKind,
    name::RunId,
    plan::build::{self as plan, BuildPlan, BuildRequest, Caches},
    release::Manifest,
};
use edeliver_lab::samples::{self, Sample, SampleError};
use indexmap::IndexMap;
use tempfile::TempDir;

use super::{
    carry::{Carrying, Stopped},
    facts,
    hooks::Hooks,
    keep::Kept,
    lease::Lease,
    site::Site,
    version,
};
use crate::{
    config::Loaded,
    git::{Repository, Wanted},
    hook::{Options, Session},
    report::Reporter,
    store::{Existing, Store},
    transport::{Local, Transport},
};

type Make = fn(&Path, &str) -> Result<Sample, SampleError>;

/// A build host in a folder.
struct Host {
    dir: TempDir,
    at: PathBuf,
}

impl Host {
    fn new() -> Self {
        Self::named("builds")
    }
    fn named(name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join(name);
        Self { dir, at }
    }
    fn settings(&self) -> BuildSettings {
        BuildSettings {
            host: HostSpec {
                name: "build".parse().unwrap(),
                address: None,
                transport: TransportKind::Local,
                user: None,
                port: None,
                path: self.at.to_str().unwrap().parse().unwrap(),
                node: None,
                tags: Vec::new(),
            },
            image: None,
            tool: None,
            release_tool: None,
            mix_env: "prod".to_owned(),
            rebar_profile: None,
            rebar_config: None,
            branch: None,
            revision: None,
            auto_version: None,
            git_clean_paths: None,
            skip_git_clean: false,
            skip_mix_clean: false,
            relup_mod: None,
            skip_relup_mod: false,
            release_dir: None,
            release_options: Vec::new(),
            programs: Programs::default(),
            env: IndexMap::new(),
            profile: String::new(),
            timeout: Duration::from_secs(120),
        }
    }
}

/// What a build gave.
struct Outcome {
    slot: String,
    output: Vec<String>,
    notes: Vec<String>,
    random_cookie: bool,
    result: Result<Kept, Box<Stopped>>,
}

impl Outcome {
    fn manifest(self) -> Manifest {
        self.kept().manifest
    }
    fn kept(self) -> Kept {
        self.result.unwrap_or_else(|stopped| panic!("{stopped:#?}\n{:#?}", self.output))
    }
    fn compiled(&self) -> Vec<String> {
        self.output.iter().filter(|line| line.starts_with("Compil") || line.contains("===> Compil")).cloned().collect()
    }
}

struct Build<'a> {
    sample: &'a Sample,
    settings: BuildSettings,
    caches: Caches,
    wanted: Wanted,
    run: RunId,
    store: PathBuf,
    existing: Existing,
    version: VersionRule,
    /// `PATH` on the build host, if not ours.
    path: Option<String>,
}

/// Ids of runs: no two tests on this machine have the same, and a later one sorts behind.
fn next_run() -> RunId {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("20260101-{:08}-{count:04}", std::process::id()).parse().unwrap()
}

async fn no_hooks(project: &Path, reporter: &Reporter) -> Session {
    let settings = Settings {
        app: "none".parse().unwrap(),
        build: None,
        store: StoreSettings { path: PathBuf::new(), archive: false },
        remote_store: None,
        ssh: SshSettings { connect_timeout: Duration::from_secs(1), config: None },
        targets: IndexMap::new(),
        inventories: IndexMap::new(),
        hooks: HookSource::None,
        run_hooks: edeliver_core::config::RunHooks { programs: IndexMap::new(), timeout: Duration::from_secs(1) },
        notify: None,
    };
    let options = Options::new(Duration::from_secs(1), false);
    Session::start(&Loaded::from_settings(settings, project), &options, reporter).await.unwrap()
}

impl<'a> Build<'a> {
    fn of(sample: &'a Sample, host: &'a Host) -> Self {
        let settings = host.settings();
        Self {
            sample,
            settings,
            caches: Caches::Used,
            wanted: Wanted::Head,
            run: next_run(),
            store: host.dir.path().join("store"),
            existing: Existing::Replace,
            version: VersionRule { base: Base::Project, metadata: Vec::new() },
            path: None,
        }
    }
    async fn gathered(&self) -> (Arc<dyn Transport>, Repository, BuildPlan, String) {
        let transport: Arc<dyn Transport> = Arc::new(match &self.path {
            Some(path) => Local::new().env("PATH", path),
            None => Local::new(),
        });
        let repository = Repository::open(&self.sample.dir).await.unwrap();
        let chosen = repository.choose(&self.wanted).await.unwrap();
        let source = repository.source(&chosen, self.sample.app).await.unwrap();
        let app = self.sample.app.parse().unwrap();
        let version = version::change(&repository, &chosen, &app, &self.version, "prod").await.unwrap();
        let request = BuildRequest { app, source, caches: self.caches, version };
        let commands = plan::commands(&request, &self.settings).unwrap();
        let host = facts::gather(&*transport, &request, &self.settings, &commands, Vec::new()).await.unwrap();
        let plan = plan::build(&request, &self.settings, &host, &BTreeSet::new()).unwrap();
        (transport, repository, plan, host.base)
    }
    async fn plan(&self) -> BuildPlan {
        self.gathered().await.2
    }
    async fn run(&self) -> Outcome {
        let (transport, repository, plan, base) = self.gathered().await;
        let (reporter, mut events) = Reporter::new();
        let site =
            Site { transport: transport.clone(), repository: &repository, work: &plan.work, reporter, base: &base, run: &self.run };
        let lease = Lease::begin(transport, &site.own(), plan.work.key.as_str(), &self.run);
        let store = Store::open(&StoreSettings { path: self.store.clone(), archive: false }, &plan.work.app).unwrap();
        let session = no_hooks(&self.sample.dir, &site.reporter).await;
        let mut carrying = Carrying {
            hooks: Hooks::of(session, &self.settings, None, site.transport.clone()),
            site,
            lease,
            store: &store,
            archive: false,
            existing: self.existing,
            checked_out: None,
            assembled: None,
            kept: None,
        };
        let result = carrying.all(&plan.plan.hosts[0].steps).await;
        let slot = carrying.lease.slot().await.unwrap_or_default();
        let Carrying { lease, assembled, kept, site, .. } = carrying;
        lease.release().await;
        drop(site);
        let (mut output, mut notes) = (Vec::new(), Vec::new());
        while let Ok(draft) = events.try_recv() {
            match draft.kind {
                EventKind::StepOutput { line } => output.push(line),
                EventKind::StepFinished { what, note, .. } => notes.push(format!("{what}: {}", note.unwrap_or_default())),
                _ => {}
            }
        }
        let result = result.map(|()| kept.unwrap());
        let random_cookie = assembled.is_some_and(|assembled| assembled.described.random_cookie);
        Outcome { slot, output, notes, random_cookie, result }
    }
}

impl Host {
    fn elixir(&self) -> Sample {
        samples::elixir(&self.dir.path().join("source"), "0.1.0").unwrap()
    }
    fn erlang(&self) -> Sample {
        samples::erlang(&self.dir.path().join("source"), "0.1.0").unwrap()
    }
}

/// Paths of a manifest's files.
fn paths(manifest: &Manifest) -> Vec<&str> {
    manifest.files.iter().map(|entry| entry.path.as_str()).collect()
}

/// Names the files that differ.
fn assert_same(one: &Manifest, two: &Manifest) {
    let differing = |one: &Manifest, two: &Manifest| -> Vec<String> {
        one.files.iter().filter(|file| !two.files.contains(file)).map(|file| file.path.to_string()).collect()
    };
    assert_eq!(differing(one, two), differing(two, one));
    assert_eq!(differing(one, two), [""; 0]);
    assert_eq!(one.id(), two.id());
}

#[tokio::test]
async fn an_elixir_and_an_erlang_release_are_built() {
    for (make, title, own) in [
        (samples::elixir as Make, "hotapp 0.1.0", "lib/hotapp-0.1.0/ebin/Elixir.Hotapp.Version.beam"),
        (samples::erlang, "relapp 0.1.0", "lib/relapp-0.1.0/ebin/relapp_version.beam"),
    ] {
        let host = Host::new();
        let sample: Sample = make(&host.dir.path().join("source"), "0.1.0").unwrap();
        let manifest = Build::of(&sample, &host).run().await.manifest();
        assert_eq!(manifest.title(), title);
        assert!(paths(&manifest).contains(&own), "{:?}", paths(&manifest));
        assert_eq!(manifest.built_with.otp, "25");
    }
}
