//! What an edeliver.toml means, and what is said about a wrong one, word for word.

use std::time::Duration;

use super::{
    Around, Origins, Settings, TransportKind,
    raw::Table,
    settings::{BuildTool, HookSource, HostSpec, MixRelease, RemoteStore, Service},
    settle::{DEFAULT_TOML, settle_toml},
};
use crate::config::origin::Origin;
use crate::config::problem::Place;

struct Loading<'a> {
    text: &'a str,
    env: &'a [(&'a str, &'a str)],
    flags: Table,
}

impl<'a> Loading<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, env: &[], flags: Table::default() }
    }
    fn flag(mut self, key: &str, value: &str, flag: &str) -> Self {
        self.flags.set(key, value, &Place::of(Origin::Flag { flag: flag.to_owned() }));
        self
    }
    fn load(&self) -> Result<(Settings, Origins), String> {
        let env = |name: &str| self.env.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        let around = Around { flags: &self.flags, env: &env, folder: "hotapp", home: Some("/home/me") };
        settle_toml("edeliver.toml", self.text, &around).map_err(|problems| problems.to_string())
    }
}

fn settings(text: &str) -> Settings {
    Loading::of(text).load().unwrap_or_else(|problems| panic!("{problems}")).0
}

fn refused(text: &str) -> String {
    Loading::of(text).load().map(|_| ()).unwrap_err()
}

const WHOLE: &str = r#"
app = "hotapp"
hooks = ".deliver/hooks.sh"

[build]
host = "build.example.com"
user = "builder"
path = "~/builds/hotapp"
tool = "mix"
release_tool = "distillery"
env = { LANG = "C.UTF-8", JOBS = 4, VERBOSE = true }
programs = { mix = "/opt/elixir/bin/mix" }

[store]
path = "~/releases"

[deploy]
path = "/srv"
keep_releases = 3

[targets.staging]
hosts = ["stage"]

[targets.production]
user = "deploy"
hosts = ["web1", "root@web2", { name = "web3", port = 2222, tags = ["canary"], node = "hotapp@web3", path = "/opt/my apps" }]
keep_releases = 7
env = { PORT = "4000", SECRET_KEY_BASE = "hunter2" }
start_timeout = "90s"

[targets.lab]
transport = "local"
hosts = ["a"]
confirm = true
"#;

#[test]
fn an_image_is_enough_to_build_in_a_container() {
    let built_in = |more: &str| settings(&format!("app = \"hotapp\"\n[build]\nimage = \"elixir:1.17\"\n{more}")).build.unwrap();
    let build = built_in("");
    assert_eq!((build.host.name.as_str(), build.host.path.as_str()), ("container", "/builds"));
    assert_eq!(build.host.transport, TransportKind::Local);
    assert_eq!(built_in("path = \"/work\"").host.path.as_str(), "/work");
}

#[test]
fn a_whole_file_is_read() {
    let settings = settings(WHOLE);
    assert_eq!(settings.app.as_str(), "hotapp");
    assert_eq!(settings.hooks, HookSource::Bash { file: ".deliver/hooks.sh".into() });
    assert_eq!(settings.store.path.to_str(), Some("/home/me/releases"));
    let build = settings.build.unwrap();
    assert_eq!(build.host.user.unwrap().as_str(), "builder");
    assert_eq!(build.host.path.as_str(), "builds/hotapp");
    assert_eq!((build.tool, build.release_tool), (Some(BuildTool::Mix), Some(MixRelease::Distillery)));
    assert_eq!(build.env.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>(), ["LANG=C.UTF-8", "JOBS=4", "VERBOSE=true"]);
    assert_eq!(build.programs.mix.as_deref(), Some("/opt/elixir/bin/mix"));
    assert_eq!(settings.targets.keys().map(|name| name.as_str()).collect::<Vec<_>>(), ["staging", "production", "lab"]);
}

#[test]
fn hosts_have_what_they_say_and_else_what_their_target_says() {
    let production = &settings(WHOLE).targets[1];
    let web = |index: usize| -> &HostSpec { &production.hosts[index] };
    assert_eq!(web(0).user.as_ref().unwrap().as_str(), "deploy");
    assert_eq!(web(0).path.as_str(), "/srv");
    assert_eq!(web(1).user.as_ref().unwrap().as_str(), "root");
    assert_eq!((web(2).port, web(2).path.as_str()), (Some(2222), "/opt/my apps"));
    assert_eq!(web(2).tags[0].as_str(), "canary");
    assert_eq!(web(2).node.as_ref().unwrap().as_str(), "hotapp@web3");
    assert_eq!(settings(WHOLE).targets[2].hosts[0].transport, TransportKind::Local);
}

#[test]
fn a_target_is_stronger_than_the_settings_of_all_targets() {
    let settings = settings(WHOLE);
    let keep = |index: usize| settings.targets[index].keep_releases;
    assert_eq!((keep(0), keep(1)), (3, 7));
    assert_eq!(settings.targets[1].start_timeout, Duration::from_secs(90));
    let confirm: Vec<bool> = settings.targets.values().map(|target| target.confirm).collect();
    assert_eq!(confirm, [false, true, true]);
}

#[test]
fn the_environment_is_stronger_than_files_and_flags_are_stronger_than_it() {
    let loading = Loading {
        env: &[
            ("EDELIVER_BUILD_MIX_ENV", "staging"),
            ("EDELIVER_DEPLOY_KEEP_RELEASES", "9"),
            ("EDELIVER_TARGETS_STAGING_HOSTS", "s1 admin@s2"),
            ("EDELIVER_BUILD_SKIP_MIX_CLEAN", "true"),
        ],
        ..Loading::of(WHOLE)
    };
    let (settings, origins) = loading.flag("build.mix_env", "test", "--mix-env").load().unwrap();
    let build = settings.build.unwrap();
    assert_eq!((build.mix_env.as_str(), build.skip_mix_clean), ("test", true));
    assert_eq!(settings.targets[1].keep_releases, 9);
    assert_eq!(settings.targets[0].hosts.len(), 2);
    let origin = |key: &str| origins.get(key).unwrap().origin.to_string();
    assert_eq!(origin("build.mix_env"), "--mix-env");
    assert_eq!(origin("targets.production.keep_releases"), "$EDELIVER_DEPLOY_KEEP_RELEASES");
    assert_eq!(origin("targets.staging.hosts.s2"), "$EDELIVER_TARGETS_STAGING_HOSTS");
    assert_eq!(origin("targets.production.start_timeout"), "edeliver.toml:29");
    assert_eq!(origin("build.timeout"), "default");
    assert_eq!(origin("targets.staging.confirm"), "default: only the target `production` asks");
}

#[test]
fn secrets_are_not_among_the_origins() {
    let (_, origins) = Loading::of(WHOLE).load().unwrap();
    assert_eq!(origins.get("targets.production.env.PORT").unwrap().value, "4000");
    assert_eq!(origins.get("targets.production.env.SECRET_KEY_BASE").unwrap().value, "********");
    assert!(!format!("{origins:?}").contains("hunter2"));
}

#[test]
fn the_documented_defaults_are_these() {
    let settings = settings("[build]\nhost = 'b'\npath = 'p'\n[targets.t]\nhosts = ['h']\npath = '/srv'");
    let build = settings.build.unwrap();
    assert_eq!((build.mix_env.as_str(), build.profile.as_str(), build.timeout), ("prod", "~/.profile", Duration::from_secs(3600)));
    assert!(!build.skip_git_clean && !build.skip_mix_clean && build.branch.is_none() && build.env.is_empty());
    assert_eq!((settings.store.path.to_str(), settings.store.archive), (Some(".deliver"), true));
    assert_eq!(settings.ssh.connect_timeout, Duration::from_secs(10));
    let target = &settings.targets[0];
    assert_eq!((target.keep_releases, target.confirm, target.service), (5, false, Service::Script));
    assert_eq!((target.start_timeout, target.stop_timeout), (Duration::from_secs(120), Duration::from_secs(60)));
    assert_eq!((target.step_timeout, target.profile.as_str()), (Duration::from_secs(900), "~/.profile"));
    assert!(!target.start_deploy && !target.clean_deploy && target.env.is_empty());
    assert_eq!(settings.app.as_str(), "hotapp"); // the folder's name
    assert_eq!(settings.hooks, HookSource::None);
}

#[test]
fn upgrades_are_settled_for_each_target() {
    use super::settings::{Engine, HealthCheck, HttpCheck, OnRestart, UpgradeSettings};
    let text = "\
[upgrade]
engine = \"release_handler\"
soak = \"1m\"
health = { command = \"bin/healthy\" }
[targets.a]
hosts = [\"h\"]
path = \"/srv\"
[targets.b]
hosts = [\"h\"]
path = \"/srv\"
upgrade = { soak = \"2m\", health = { http = \"http://[::1]:4000/health\", status = 204, body = \"up\" }, on_restart = \"restart\", allow_nif = [\"My.Nif\"] }
";
    let plain = settings("[targets.a]\nhosts = [\"h\"]\npath = \"/srv\"");
    assert_eq!(plain.targets[0].upgrade, UpgradeSettings::default(), "default.toml and the program say the same");
    let (all, origins) =
        Loading { env: &[("EDELIVER_TARGETS_B_UPGRADE_ENGINE", "transactional")], ..Loading::of(text) }.load().unwrap();
    let [a, b] = [0, 1].map(|at: usize| all.targets[at].upgrade.clone());
    assert_eq!((a.engine, a.soak, a.on_restart), (Engine::ReleaseHandler, Duration::from_secs(60), OnRestart::Refuse));
    assert_eq!(a.health, Some(HealthCheck::Command("bin/healthy".into())));
    assert_eq!((b.engine, b.soak, b.on_restart), (Engine::Transactional, Duration::from_secs(120), OnRestart::Restart));
    assert_eq!(
        b.health,
        Some(HealthCheck::Http(HttpCheck {
            address: "http://[::1]:4000/health".into(),
            status: Some(204),
            body: Some("up".into())
        })),
        "a target's check takes the place of all targets'"
    );
    assert_eq!((b.allow_nif, b.limits), (vec!["My.Nif".to_owned()], UpgradeSettings::default().limits));
    let origin = |key: &str| origins.get(key).map(|setting| setting.origin.to_string()).unwrap();
    assert_eq!(origin("targets.b.upgrade.soak"), "edeliver.toml:11");
    assert_eq!(origin("targets.a.upgrade.soak"), "edeliver.toml:3");
    assert_eq!(origin("targets.b.upgrade.engine"), "$EDELIVER_TARGETS_B_UPGRADE_ENGINE");
}

#[test]
fn rollouts_are_settled_for_each_target() {
    use super::settings::{OnFailure, Peers, RolloutSettings};
    let text = "\
[rollout]
waves = [1, \"10%\", \"rest\"]
on_failure = \"rollback\"
[targets.a]
hosts = [\"h\"]
path = \"/srv\"
[targets.b]
hosts = [\"h\"]
path = \"/srv\"
rollout = { waves = [\"@canary\", \"eu-*\"], max_unavailable = \"25%\", max_failures = 2, soak = \"10s\", peers = \"all\", settled = \"my:settled\", min_healthy = \"80%\" }
";
    let plain = settings("[targets.a]\nhosts = [\"h\"]\npath = \"/srv\"");
    assert_eq!(plain.targets[0].rollout, RolloutSettings::default(), "default.toml and the program say the same");
    let (all, _) = Loading { env: &[("EDELIVER_TARGETS_A_ROLLOUT_WAVES", "2,rest")], ..Loading::of(text) }.load().unwrap();
    let [a, b] = [0, 1].map(|at: usize| all.targets[at].rollout.clone());
    let shown = |rollout: &RolloutSettings| rollout.waves.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!((shown(&a).as_str(), a.on_failure, a.max_unavailable), ("2 rest", OnFailure::Rollback, None));
    assert_eq!((shown(&b).as_str(), b.on_failure, b.max_failures), ("@canary eu-*", OnFailure::Rollback, 2));
    assert_eq!((b.peers, b.settled.as_deref(), b.settle_within), (Peers::All, Some("my:settled"), Duration::from_secs(60)));
    assert_eq!((a.min_healthy, b.min_healthy.map(|share| share.to_string())), (None, Some("80%".to_owned())));
    assert_eq!((b.max_unavailable.map(|share| share.to_string()), b.soak), (Some("25%".to_owned()), Duration::from_secs(10)));
    for wrong in [
        "waves = []",
        "waves = [0]",
        "waves = [\"110%\"]",
        "max_unavailable = 0",
        "on_failure = \"undo\"",
        "max_failures = -1",
        "peers = \"most\"",
        "settled = \"ok\"",
        "min_healthy = 0",
        "settle_within = 5",
    ] {
        let refused = refused(&format!("[rollout]\n{wrong}"));
        assert!(refused.contains("edeliver.toml:2"), "{wrong}: {refused}");
    }
}

#[test]
fn limits_of_watched_nodes_are_settled_for_each_target() {
    use crate::health::{MemoryLimit, VitalLimits};
    let text = "\
[rollout.limits]
memory = \"2GB\"
errors = 60
[targets.a]
hosts = [\"h\"]
path = \"/srv\"
[targets.b]
hosts = [\"h\"]
path = \"/srv\"
[targets.b.rollout.limits]
memory = \"150%\"
run_queue = \"off\"
";
    let (all, origins) =
        Loading { env: &[("EDELIVER_TARGETS_A_ROLLOUT_LIMITS_MAILBOX", "off")], ..Loading::of(text) }.load().unwrap();
    let [a, b] = [0, 1].map(|at: usize| all.targets[at].rollout.limits.clone());
    let common = VitalLimits { errors: Some(60), ..VitalLimits::usual() };
    assert_eq!(a, VitalLimits { memory: Some(MemoryLimit::Bytes(2_000_000_000)), mailbox: None, ..common.clone() });
    assert_eq!(b, VitalLimits { memory: Some(MemoryLimit::OfBefore(150)), run_queue: None, ..common });
    assert_eq!(origins.get("targets.b.rollout.limits.errors").unwrap().origin.to_string(), "edeliver.toml:3");
    for wrong in ["restarts = -1", "run_queue = \"10\"", "memory = \"100%\"", "memory = \"lots\"", "memory = 5", "mailboxes = 1"] {
        let refused = refused(&format!("[rollout.limits]\n{wrong}"));
        assert!(refused.contains("edeliver.toml:2"), "{wrong}: {refused}");
    }
}

#[test]
fn hosts_fetch_from_a_bucket_and_from_a_host_where_they_are_told_to() {
    let fetch = |text: &str| match settings(text).remote_store {
        Some(RemoteStore::Host(store)) => store.hosts_fetch,
        Some(RemoteStore::S3(store)) => store.hosts_fetch,
        None => panic!("{text}"),
    };
    let (host, bucket) = ("[store]\nremote = \"shelf:releases\"\n", "[store.s3]\nbucket = \"releases\"\n");
    assert_eq!([fetch(host), fetch(bucket)], [false, true]);
    assert!(fetch(&format!("{host}hosts_fetch = true")));
    assert!(!fetch(&format!("[store]\nhosts_fetch = false\n{bucket}")));
}

/// The documentation with every setting uncommented is a valid configuration: no setting in it is misspelt or outdated.
#[test]
fn every_documented_setting_exists() {
    // There is one store elsewhere at most.
    let uncommented: Vec<&str> = DEFAULT_TOML.lines().map(uncommented).filter(|line| !line.starts_with("remote = ")).collect();
    let settings = settings(&uncommented.join("\n"));
    assert!(matches!(settings.remote_store, Some(RemoteStore::S3(_))));
    let build = settings.build.unwrap();
    assert!(build.rebar_config.is_some() && build.programs.relx.is_some() && build.release_options == ["--quiet"]);
    assert_eq!(settings.targets[0].hosts.len(), 3);
    assert_eq!(settings.inventories[0].sources().count(), 5);
}

/// A commented line that is a setting or a table, without the `# `.
fn uncommented(line: &str) -> &str {
    let Some(rest) = line.strip_prefix("# ") else { return line };
    let first = rest.split(' ').next().unwrap_or_default();
    let setting = rest.contains(" = ") && first.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if setting || first.starts_with(['[', ']']) { rest } else { line }
}

/// Every key that can be read is documented.
#[test]
fn every_setting_is_documented() {
    for table in [
        "",
        "[build]\n",
        "[build.programs]\n",
        "[store]\n",
        "[store.s3]\n",
        "[ssh]\n",
        "[deploy]\n",
        "[upgrade]\n",
        "[rollout]\n",
        "[rollout.limits]\n",
        "[run_hooks]\n",
        "[notify]\n",
    ] {
        let refused = refused(&format!("{table}zzzzzz = 1"));
        let known = refused.split("these are known here: ").nth(1).unwrap();
        // `url` is read for classic configs alone.
        for key in known.split(',').map(str::trim).filter(|key| *key != "url") {
            let documented = DEFAULT_TOML.lines().any(|line| {
                line.trim_start_matches("# ").starts_with(&format!("{key} = ")) || line.starts_with(&format!("[{key}"))
            }) || DEFAULT_TOML.contains(&format!(".{key}]"));
            assert!(documented, "{table}{key}");
        }
    }
}

/// The examples of the README are configurations that work.
#[test]
fn the_examples_of_the_readme_are_valid() {
    let readme = include_str!("../../../../README.md");
    let examples: Vec<&str> = readme.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!examples.is_empty());
    for example in examples {
        assert!(settings(example).build.is_some(), "{example}");
    }
}

/// Every kind of error, word for word: `errors.txt` has each file, a line of dashes, and what is said about it.
#[test]
fn every_error_is_told_with_its_place_and_a_remedy() {
    let golden = include_str!("tests/errors.txt");
    let mut actual = String::new();
    for case in golden.split("=== ").skip(1) {
        let (name, case) = case.split_once('\n').unwrap();
        let text = case.split("-----\n").next().unwrap();
        actual.push_str(&format!("=== {name}\n{text}-----\n{}\n\n", refused(text)));
    }
    assert!(actual.trim() == golden.trim(), "it says now:\n{actual}# end");
}
