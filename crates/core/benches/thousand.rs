//! Planning for a thousand hosts: `cargo bench -p edeliver-core`. Prints milliseconds and the memory it took at most.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench looks at the clock and at /proc"
)]

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use edeliver_core::{
    config::{HostSpec, Settings},
    facts::{HostFacts, Installed, NodeFacts, NodeState, Seen},
    plan::{self, DeployRequest, Keep, Plan, Wanted},
    release::{About, BuiltWith, Digest, Entry, EntryKind, Libc, Manifest, Platform, ReleaseKind},
};
use edeliver_erl::rel::Rel;

const HOSTS: usize = 1000;
/// As many as a web application has.
const FILES: usize = 1500;

fn file(path: String, content: &str) -> Entry {
    let sha256 = Digest::of(content.as_bytes());
    Entry { path: path.parse().unwrap(), kind: EntryKind::File { mode: 0o644, size: 12_345, sha256 } }
}

fn rel(vsn: &str) -> String {
    format!("{{release,{{\"app\",\"{vsn}\"}},{{erts,\"13.1.5\"}},[{{app,\"{vsn}\"}},{{dep,\"1.0\"}}]}}.\n")
}

/// One module of a release is another than in the one before.
fn manifest(vsn: &str) -> Manifest {
    let mut files = vec![
        file("bin/app".into(), "script"),
        file(format!("lib/app-{vsn}/ebin/app.beam"), vsn),
        file(format!("releases/{vsn}/app.rel"), &rel(vsn)),
        file(format!("releases/{vsn}/start.boot"), vsn),
        file("releases/COOKIE".into(), "cookie"),
        file("releases/start_erl.data".into(), &format!("13.1.5 {vsn}")),
    ];
    files.extend((0..FILES).map(|at| file(format!("lib/dep-1.0/ebin/m{at}.beam"), &format!("m{at}"))));
    files.extend((0..100).map(|at| file(format!("lib/app-{vsn}/priv/{at}.png"), &format!("p{at}"))));
    let about = About {
        app: "app".parse().unwrap(),
        version: vsn.parse().unwrap(),
        kind: ReleaseKind::Mix,
        commit: None,
        built_with: BuiltWith { otp: "25".into(), erts: Some("13.1.5".into()), elixir: None },
        platform: Platform { os: "linux".into(), arch: "x86_64".into(), libc: Libc::Glibc("2.34".into()) },
    };
    Manifest::new(about, files).unwrap()
}

/// A host that runs a release.
fn seen(old: &Arc<Manifest>) -> Seen {
    let dirs = ["lib/app-0.1.0", "lib/dep-1.0", "releases/0.1.0"].map(|dir| dir.parse().unwrap());
    let installed = Installed {
        version: old.version.clone(),
        manifest: Some(old.id()),
        dirs: dirs[..2].to_vec(),
        rel: Some(rel("0.1.0")),
        failed: false,
        files: Some(old.clone()),
    };
    let version = Some(old.version.clone());
    Seen {
        platform: old.platform.clone(),
        root: "/srv/app".into(),
        user: "deploy".into(),
        writable: true,
        free_kib: 1 << 22,
        missing_tools: Vec::new(),
        zstd: false,
        permanent: version.clone(),
        previous: None,
        installed: vec![installed],
        unfinished: Vec::new(),
        taken_back: Vec::new(),
        drained: None,
        alone: Default::default(),
        dirs: dirs.into(),
        strays: BTreeMap::new(),
        top: BTreeMap::new(),
        releases_file: None,
        node: NodeFacts { state: NodeState::Running, pid: Some(4711), booted: version.clone(), version, ..NodeFacts::down() },
        unit: None,
    }
}

fn settings() -> Settings {
    let names: Vec<String> = (1..=HOSTS).map(|at| format!("\"web{at}\"")).collect();
    let text = format!(
        "app = \"app\"\n[rollout]\nwaves = [1, \"10%\", \"rest\"]\n[targets.production]\npath = \"/srv\"\nhosts = [{}]\n",
        names.join(", ")
    );
    let flags = Default::default();
    let around = edeliver_core::config::Around { flags: &flags, env: &|_| None, folder: "app", home: None };
    edeliver_core::config::settle_toml("edeliver.toml", &text, &around).map(|(settings, _)| settings).unwrap()
}

fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1000
}

fn main() {
    let (old, new) = (Arc::new(manifest("0.1.0")), manifest("0.2.0"));
    let began = Instant::now();
    let settings = settings();
    let configured = began.elapsed();
    let target = &settings.targets[0];
    let facts: Vec<HostFacts> =
        target.hosts.iter().map(|host: &HostSpec| HostFacts { host: host.name.clone(), seen: Ok(seen(&old)) }).collect();
    let rel = Rel::parse(rel("0.2.0").as_bytes()).unwrap();
    let wanted = Wanted::new(&new, &rel, BTreeMap::new());
    let request =
        DeployRequest { app: "app".parse().unwrap(), start: true, keep: Keep::Newest(3), force: false, hooks: Vec::new() };
    let began = Instant::now();
    let plan: Plan = plan::deploy(&request, target, &wanted, &facts);
    let planned = began.elapsed();
    let began = Instant::now();
    plan::lint(&plan, &facts).unwrap();
    let linted = began.elapsed();
    assert_eq!((plan.hosts.len(), plan.rollout.waves.len()), (HOSTS, 3));
    println!(
        "hosts {HOSTS} config-ms {} plan-ms {} lint-ms {} peak-mb {}",
        configured.as_millis(),
        planned.as_millis(),
        linted.as_millis(),
        peak_mb()
    );
}
