//! Hosts that are folders, and the shells that work in them.

use std::{
    collections::BTreeMap,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use edeliver_core::{
    config::{Service, TargetSettings},
    delta,
    event::{EventKind, Outcome},
    facts::{HostFacts, Seen},
    name::{HostName, Version},
    plan::{self, DeployRequest, HostPlan, Keep, Plan, RollbackRequest, Wanted},
    release::{Digest, Manifest, RelPath},
};
use tempfile::TempDir;

use super::{
    super::{Contents, Means, Site, run},
    folder::{Folder, Shell},
    releases::{Release, app, store},
};
use crate::{
    cancel::Cancel,
    ctx::Ctx,
    inventory::{self, Question},
    node::Place,
    report::Reporter,
    store::Store,
    transport::Transport,
    ui,
};

/// A host: its folder, and how it is reached.
pub(super) struct Host {
    pub(super) name: HostName,
    pub(super) root: PathBuf,
    pub(super) place: Place,
    pub(super) folder: Arc<Folder>,
    transport: Arc<dyn Transport>,
    pub(super) store: Store,
    dir: TempDir,
}

/// A folder in memory where there is one, so that the many syncs cost nothing.
pub(super) fn fast_dir() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

impl Host {
    pub(super) fn new(shell: Shell) -> Self {
        Self::below(shell, "deliver to/\u{fc}ber")
    }
    /// With its root at this path below the test's folder.
    pub(super) fn below(shell: Shell, path: &str) -> Self {
        let dir = fast_dir();
        let to = dir.path().join(path);
        Self::at(shell, dir, &to)
    }
    pub(super) fn at(shell: Shell, dir: TempDir, deliver_to: &Path) -> Self {
        let root = deliver_to.join("demo");
        let folder = Folder::new(shell);
        let place = Place { root: root.to_str().unwrap().parse().unwrap(), app: app(), node: None };
        let store = store(&dir.path().join("store"));
        Self { name: "a".parse().unwrap(), root, place, transport: folder.clone(), folder, store, dir }
    }
    /// Another host that looks just like this one.
    pub(super) fn copy(&self) -> Self {
        let dir = fast_dir();
        let below = self.root.strip_prefix(self.dir.path()).unwrap().parent().unwrap();
        let copied = std::process::Command::new("cp").arg("-aT").arg(self.dir.path()).arg(dir.path()).status().unwrap();
        assert!(copied.success());
        let to = dir.path().join(below);
        let copy = Self::at(self.folder.shell(), dir, &to);
        if self.folder.is_far() { copy.far() } else { copy }
    }
    /// The same on another machine.
    pub(super) fn far(self) -> Self {
        self.folder.move_away();
        self
    }
    /// The same folder, reached in another way.
    pub(super) fn through(self, transport: Arc<dyn Transport>) -> Self {
        Self { transport, ..self }
    }
    pub(super) fn site(&self) -> Site {
        Site { transport: self.transport.clone(), place: self.place.clone() }
    }
    pub(super) async fn seen(&self) -> Seen {
        let store = self.store.clone();
        let known = move |version: &Version, id: &Digest| {
            store.manifest(version).ok().filter(|manifest| manifest.id() == *id).map(Arc::new)
        };
        let question = Question { app: app(), known: Arc::new(known) };
        inventory::ask(&*self.folder.healthy(), &self.place, &question).await.unwrap()
    }
    fn facts(&self, seen: Seen) -> Vec<HostFacts> {
        vec![HostFacts { host: self.name.clone(), seen: Ok(seen) }]
    }
    /// The plan to deploy a release here.
    pub(super) async fn plan(&self, release: &Release, ask: fn(&mut DeployRequest)) -> Plan {
        self.plan_after(self.seen().await, release, ask)
    }
    /// The plan to deploy a release on a host that was found like this.
    pub(super) fn plan_after(&self, seen: Seen, release: &Release, ask: fn(&mut DeployRequest)) -> Plan {
        release.store(&self.store);
        let (manifest, rel) = (release.manifest(), release.rel());
        let facts = self.facts(seen);
        let wanted = Wanted::new(&manifest, &rel, rewritten(&manifest, &facts));
        let mut request = DeployRequest { app: app(), start: false, keep: Keep::Newest(9), force: false, hooks: Vec::new() };
        ask(&mut request);
        let plan = plan::deploy(&request, &settings(), &wanted, &facts);
        plan::lint(&plan, &facts).unwrap();
        plan
    }
    pub(super) async fn rollback_plan(&self) -> Plan {
        let facts = self.facts(self.seen().await);
        let plan = plan::rollback(&RollbackRequest { app: app(), to: None, restart: false, ways: vec![] }, &settings(), &facts);
        plan::lint(&plan, &facts).unwrap();
        plan
    }
    pub(super) fn contents(&self, release: &Release) -> Contents {
        let extra = [(Digest::of(REWRITTEN), Arc::from(REWRITTEN))].into();
        Contents { store: self.store.clone(), manifest: release.manifest(), extra }
    }
    pub(super) async fn apply(&self, plan: &Plan, release: Option<&Release>) -> Ran {
        apply_on(&[self], plan, release.map(|release| self.contents(release)), Cancel::never()).await
    }
    pub(super) async fn deploy(&self, release: &Release) -> Ran {
        let plan = self.plan(release, |_| {}).await;
        self.apply(&plan, Some(release)).await
    }
    pub(super) async fn rollback(&self) -> Ran {
        let plan = self.rollback_plan().await;
        self.apply(&plan, None).await
    }
    pub(super) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
    pub(super) fn has(&self, path: &str) -> bool {
        self.root.join(path).symlink_metadata().is_ok()
    }
    /// All files below the root with their modes and contents, but for what comes and goes.
    pub(super) fn tree(&self) -> BTreeMap<String, (u32, Vec<u8>)> {
        let mut tree = BTreeMap::new();
        collect(&self.root, &self.root, &mut tree);
        tree.retain(|path, _| !path.starts_with(".edeliver/staging"));
        tree
    }
    /// Nothing that was begun lies around.
    pub(super) fn assert_tidy(&self) {
        let mut all = BTreeMap::new();
        collect(&self.root, &self.root, &mut all);
        let litter: Vec<_> = all
            .keys()
            .filter(|path| path.contains(".edeliver-new") || path.contains("/staging/") || path.contains("/lock"))
            .collect();
        assert!(litter.is_empty(), "{litter:?}");
    }
    /// Every file of this release is there as it should be.
    pub(super) fn assert_complete(&self, release: &Release) {
        let top = format!(".edeliver/top/{}", release.version);
        for (path, (mode, content)) in &release.files {
            let in_place = path.starts_with("lib/")
                || path.starts_with("erts-")
                || path.starts_with(&format!("releases/{}/", release.version));
            let path = self.root.join(if in_place { path.clone() } else { format!("{top}/{path}") });
            assert_eq!(std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())), *content, "{}", path.display());
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, *mode, "{}", path.display());
        }
        let json = std::fs::read(self.root.join(format!(".edeliver/manifests/{}.json", release.version))).unwrap();
        assert_eq!(json, release.manifest().to_json());
    }
    /// This release boots, with its own small files.
    pub(super) fn assert_boots(&self, release: &Release) {
        for (path, (_, content)) in &release.files {
            if path.starts_with("bin/") || ["releases/COOKIE", "releases/start_erl.data"].contains(&path.as_str()) {
                assert_eq!(self.read(path).as_bytes(), content, "{path}");
            }
        }
        let permanent = self.read("releases/RELEASES").replace(char::is_whitespace, "");
        assert!(permanent.contains(&format!("{{release,\"demo\",\"{}\"", release.version)), "{permanent}");
    }
}

fn collect(root: &Path, dir: &Path, tree: &mut BTreeMap<String, (u32, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        let kind = path.symlink_metadata().unwrap();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if kind.is_dir() {
            collect(root, &path, tree);
        } else if kind.is_symlink() {
            tree.insert(name, (0, path.read_link().unwrap().to_str().unwrap().into()));
        } else {
            tree.insert(name, (kind.permissions().mode() & 0o777, std::fs::read(&path).unwrap()));
        }
    }
}

/// What a run gave.
pub(super) struct Ran {
    pub(super) outcome: Outcome,
    pub(super) events: Vec<EventKind>,
}

impl Ran {
    /// The causes of the first failure.
    pub(super) fn causes(&self) -> Vec<String> {
        let causes = self.events.iter().find_map(|event| match event {
            EventKind::StepFailed { causes, .. } => Some(causes.clone()),
            _ => None,
        });
        causes.unwrap_or_default()
    }
    pub(super) fn summary(&self) -> &str {
        &self.outcome.hosts[0].summary
    }
    pub(super) fn assert_done(&self) {
        assert_eq!(self.outcome.exit_code, 0, "{:?}\n{:?}", self.outcome, self.causes());
    }
}

pub(super) async fn apply_on(hosts: &[&Host], plan: &Plan, contents: Option<Contents>, cancel: Cancel) -> Ran {
    let sites = hosts.iter().map(|host| (host.name.clone(), host.site())).collect();
    apply_with(plan, Means { sites, contents, ..Means::default() }, cancel).await
}

pub(super) async fn apply_with(plan: &Plan, means: Means<'_>, cancel: Cancel) -> Ran {
    let (reporter, mut drafts) = Reporter::new();
    let ctx = Ctx::new("/nowhere".into(), Default::default(), reporter, ui::Handle::detached(true), cancel);
    let outcome = run(&ctx, plan, means).await.outcome();
    let mut events = Vec::new();
    while let Ok(draft) = drafts.try_recv() {
        events.push(draft.kind);
    }
    Ran { outcome, events }
}

/// The plan of one host.
pub(super) fn only(plan: &Plan) -> &HostPlan {
    let [host] = &plan.hosts[..] else { panic!("{plan:?}") };
    host
}

fn rewritten(manifest: &Manifest, facts: &[HostFacts]) -> BTreeMap<HostName, delta::Rewritten> {
    let rewritten = |facts: &HostFacts| {
        let delta = delta::against(manifest, facts.seen.as_ref().unwrap());
        let new = |path: &RelPath| (path.clone(), (Digest::of(REWRITTEN), REWRITTEN.len() as u64));
        (facts.host.clone(), delta.rewrite.iter().map(new).collect())
    };
    facts.iter().map(rewritten).collect()
}

/// What boot files are rewritten to.
pub(super) const REWRITTEN: &[u8] = b"rewritten";

pub(super) fn settings() -> TargetSettings {
    let second = Duration::from_secs(1);
    TargetSettings {
        name: "staging".parse().unwrap(),
        hosts: Vec::new(),
        confirm: false,
        keep_releases: 9,
        start_timeout: second,
        stop_timeout: second,
        step_timeout: Duration::from_secs(60),
        profile: String::new(),
        env: Default::default(),
        service: Service::Script,
        unit: None,
        migrate: None,
        migrate_down: None,
        ecto_repos: Vec::new(),
        start_deploy: false,
        clean_deploy: false,
        rollout: Default::default(),
        upgrade: Default::default(),
    }
}
