//! Releases and hosts made up for tests, and what a plan does to a host if every step succeeds.

use std::{collections::BTreeMap, time::Duration};

use edeliver_erl::rel::Rel;

use crate::{
    config::{RolloutSettings, Service, TargetSettings, Traffic, TrafficProgram, UpgradeSettings},
    delta::{self, Rewritten},
    facts::{Installed, NodeFacts, NodeState, Ongoing, Seen},
    name::Version,
    plan::{DeployRequest, HostPlan, Keep},
    release::{About, BuiltWith, Digest, Entry, EntryKind, Libc, Manifest, Platform, RelPath, ReleaseKind, layout::Place},
    step::{Activate, Hot, Stage, Step},
};

pub(super) fn version(text: &str) -> Version {
    text.parse().unwrap()
}

pub(super) fn path(text: &str) -> RelPath {
    text.parse().unwrap()
}

/// `app VERSION` with a library `dep-1.0` whose content is `dep`, so that two releases may differ under one version of it.
pub(crate) fn release(vsn: &str, dep: &str) -> Manifest {
    let file = |path: String, content: String| Entry {
        path: path.parse().unwrap(),
        kind: EntryKind::File { mode: 0o644, size: 100 * content.len() as u64, sha256: Digest::of(content.as_bytes()) },
    };
    let files = vec![
        file("bin/app".into(), "script".into()),
        file("erts-13.1.5/bin/beam.smp".into(), "beam".into()),
        file(format!("lib/app-{vsn}/ebin/app.beam"), format!("app {vsn}")),
        file("lib/dep-1.0/ebin/dep.beam".into(), format!("dep {dep}")),
        file(format!("releases/{vsn}/app.rel"), rel_text(vsn)),
        file(format!("releases/{vsn}/start.boot"), format!("boot {vsn}")),
        file("releases/COOKIE".into(), "cookie".into()),
        file("releases/start_erl.data".into(), format!("13.1.5 {vsn}")),
    ];
    Manifest::new(about(vsn), files).unwrap()
}

fn about(vsn: &str) -> About {
    About {
        app: "app".parse().unwrap(),
        version: version(vsn),
        kind: ReleaseKind::Mix,
        commit: None,
        built_with: BuiltWith { otp: "25".into(), erts: Some("13.1.5".into()), elixir: None },
        platform: platform(),
    }
}

pub(super) fn platform() -> Platform {
    Platform { os: "linux".into(), arch: "x86_64".into(), libc: Libc::Glibc("2.34".into()) }
}

pub(super) fn rel_text(vsn: &str) -> String {
    format!("{{release,{{\"app\",\"{vsn}\"}},{{erts,\"13.1.5\"}},[{{app,\"{vsn}\"}},{{dep,\"1.0\"}}]}}.\n")
}

pub(super) fn rel(vsn: &str) -> Rel {
    Rel::parse(rel_text(vsn).as_bytes()).unwrap()
}

pub(crate) fn empty_host() -> Seen {
    Seen {
        platform: Platform { libc: Libc::Glibc("2.36".into()), ..platform() },
        root: "/srv/app".into(),
        user: "deploy".into(),
        writable: true,
        free_kib: 1 << 20,
        missing_tools: Vec::new(),
        zstd: false,
        permanent: None,
        previous: None,
        installed: Vec::new(),
        unfinished: Vec::new(),
        dirs: Default::default(),
        strays: Default::default(),
        top: Default::default(),
        taken_back: Vec::new(),
        drained: None,
        alone: Default::default(),
        releases_file: None,
        node: NodeFacts::down(),
        unit: None,
    }
}

pub(crate) fn settings() -> TargetSettings {
    TargetSettings {
        name: "production".parse().unwrap(),
        hosts: Vec::new(),
        confirm: false,
        keep_releases: 3,
        start_timeout: Duration::from_secs(60),
        stop_timeout: Duration::from_secs(30),
        step_timeout: Duration::from_secs(600),
        profile: String::new(),
        env: Default::default(),
        service: Service::Script,
        unit: None,
        migrate: None,
        migrate_down: None,
        ecto_repos: Vec::new(),
        start_deploy: false,
        clean_deploy: false,
        rollout: RolloutSettings::default(),
        upgrade: UpgradeSettings::default(),
    }
}

/// The same, with programs that take hosts out of the traffic and back.
pub(super) fn drained(mut settings: TargetSettings) -> TargetSettings {
    let [drain, resume] = ["drain", "resume"].map(|program| TrafficProgram::Here(program.into()));
    settings.rollout.traffic = Some(Traffic { drain, resume, timeout: Duration::from_secs(60) });
    settings
}

pub(super) fn request() -> DeployRequest {
    DeployRequest { app: "app".parse().unwrap(), start: false, keep: Keep::Newest(3), force: false, hooks: Vec::new() }
}

/// The boot file of a release on a host where libraries are elsewhere; empty where none is.
pub(super) fn rewritten(manifest: &Manifest, seen: &Seen) -> Rewritten {
    let delta = delta::against(manifest, seen);
    let moved: Vec<String> = delta.relocated.iter().map(|moved| moved.to.to_string()).collect();
    let content = |path: &RelPath| format!("{path} {}", moved.join(" "));
    delta.rewrite.iter().map(|path| (path.clone(), (Digest::of(content(path).as_bytes()), 100))).collect()
}

/// Carries out a host's steps.
pub(super) fn apply(plan: &HostPlan, manifest: &Manifest, seen: &mut Seen) {
    plan.steps.iter().for_each(|step| apply_step(step, manifest, seen));
}

pub(super) fn apply_step(step: &Step, manifest: &Manifest, seen: &mut Seen) {
    match step {
        Step::Stage(stage) => apply_stage(stage, manifest, seen),
        Step::Activate(activate) => apply_activate(activate, seen),
        // A node that runs it already, whatever it was booted into, is left alone.
        Step::Start { version, .. } if seen.node.state == NodeState::Running && seen.node.version.as_ref() == Some(version) => {}
        Step::Start { version, .. } => run(version, seen),
        Step::Stop { version, .. } if version.is_none() || *version == seen.node.booted => seen.node = NodeFacts::down(),
        Step::Prune(prune) => {
            seen.installed.retain(|installed| !prune.versions.contains(&installed.version));
            seen.unfinished.retain(|unfinished| !prune.versions.contains(&unfinished.version));
            let gone = |dir: &RelPath| {
                prune.dirs.contains(dir)
                    || prune.versions.iter().any(|vsn| [format!("releases/{vsn}"), delta::top_dir(vsn)].contains(&dir.to_string()))
            };
            seen.dirs.retain(|dir| !gone(dir));
            seen.strays.retain(|path, _| !gone(&path_top(path)));
            seen.releases_file = Some(prune.releases_file.clone());
        }
        Step::Drain(_) => seen.drained = Some("run".into()),
        Step::Resume(_) => seen.drained = None,
        Step::PlaceUpgrade(place) => seen.releases_file = Some(place.releases_file.clone()),
        Step::Preflight(hot) => assert_eq!(seen.node.version.as_ref(), Some(&hot.from)),
        Step::Install(hot) => apply_install(hot, seen),
        Step::Soak(soak) => assert_eq!(seen.node.version.as_ref(), Some(&soak.version)),
        Step::Commit(ending) => {
            assert_eq!(seen.permanent.as_ref(), Some(&ending.to), "committed before it boots");
            seen.node.ongoing = None;
        }
        Step::Revert(ending) if seen.node.version.as_ref() == Some(&ending.to) => {
            (seen.node.version, seen.node.ongoing) = (Some(ending.from.clone()), None);
        }
        _ => {}
    }
}

fn path_top(file: &RelPath) -> RelPath {
    path(file.top(if file.as_str().starts_with("erts-") { 1 } else { 2 }))
}

pub(super) fn run(version: &Version, seen: &mut Seen) {
    let version = Some(version.clone());
    seen.node = NodeFacts { state: NodeState::Running, pid: Some(7), booted: version.clone(), version, ..NodeFacts::down() };
    let booted = seen.node.booted.clone();
    seen.installed.iter_mut().filter(|installed| Some(&installed.version) == booted.as_ref()).for_each(|it| it.failed = false);
}

fn apply_stage(stage: &Stage, manifest: &Manifest, seen: &mut Seen) {
    assert_eq!(stage.manifest, manifest.id());
    seen.dirs.extend(stage.place.iter().map(|place| place.dir.clone()));
    seen.dirs.extend(stage.dirs.iter().cloned());
    seen.installed.retain(|installed| installed.version != stage.version);
    seen.unfinished.retain(|unfinished| unfinished.version != stage.version);
    seen.strays.retain(|path, _| !stage.dirs.contains(&path_top(path)));
    let installed = Installed {
        version: stage.version.clone(),
        manifest: Some(stage.manifest),
        dirs: stage.dirs.clone(),
        rel: Some(rel_text(stage.version.as_str())),
        failed: false,
        files: Some(manifest.clone().into()),
    };
    seen.installed.insert(0, installed);
}

fn apply_install(hot: &Hot, seen: &mut Seen) {
    assert_eq!(seen.node.version.as_ref(), Some(&hot.from));
    assert!(hot.libs.iter().chain(&hot.old_libs).all(|lib| seen.dirs.contains(&lib.dir)), "its libraries are there: {hot:#?}");
    seen.node.version = Some(hot.to.clone());
    let (from, to) = (hot.from.clone(), hot.to.clone());
    seen.node.ongoing = Some(Ongoing { run: "run".into(), from, to, left_ms: Some(1) });
}

fn apply_activate(activate: &Activate, seen: &mut Seen) {
    // What boots already may be made to boot again, as the script has it.
    let expected = [activate.from.as_ref(), Some(&activate.version)].contains(&seen.permanent.as_ref());
    assert!(expected, "the plan is stale: {:?} boots, {activate:#?}", seen.permanent);
    seen.permanent = Some(activate.version.clone());
    seen.previous = activate.previous.clone();
    seen.releases_file = Some(activate.releases_file.clone());
    let installed = seen.installed.iter().find(|installed| installed.version == activate.version).unwrap();
    if let Some(manifest) = &installed.files {
        seen.top = top_files(manifest);
    }
}

fn top_files(manifest: &Manifest) -> BTreeMap<RelPath, Digest> {
    let files = manifest.files.iter().filter(|entry| Place::of(&entry.path, &manifest.version) == Place::Top);
    files
        .filter_map(|entry| match &entry.kind {
            EntryKind::File { sha256, .. } => Some((entry.path.clone(), *sha256)),
            EntryKind::Link { .. } | EntryKind::EmptyDir { .. } => None,
        })
        .collect()
}
