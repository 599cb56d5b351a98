use super::*;
use crate::config::{Around, HttpCheck, raw, settle_toml};

const CONFIG: &str = r#"
app = "hotapp"
[build]
host = "builder"
path = "builds"
env = { PORT = "4000", HOTAPP_PORT = 4001, RELEASE_COOKIE = "builds", TRANSPORT = "tcp", REGION = "eu" }
[upgrade]
soak = "30s"
health = { http = "http://127.0.0.1:4000/health" }
[targets.production]
path = "/srv"
hosts = [{ name = "web1", tags = ["canary"], node = "hotapp@web1" }]
service = "systemd"
clean_deploy = true
env = { PORT = "4000", SECRET_KEY = "of production" }
"#;

fn rehearsed(more: &str) -> (TargetSettings, TargetSettings) {
    let (flags, _) = raw::parse("flags", "");
    let around = Around { flags: &flags, env: &|_| None, folder: "hotapp", home: None };
    let text = CONFIG.replace("[targets.production]", &format!("{more}\n[targets.production]"));
    let (settings, _) = settle_toml("edeliver.toml", &text, &around).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    let real = settings.targets.values().next().unwrap().clone();
    let stage = Stage {
        dir: "/b/rehearsals/1".parse().unwrap(),
        node: "hotapp_rehearsal_1".parse().unwrap(),
        variables: vec![("RELEASE_COOKIE".to_owned(), "made for it".to_owned())],
    };
    let name = "rehearsal".parse().unwrap();
    let target = target(&real, &name, &settings.build.unwrap(), &stage);
    (real, target)
}

fn pairs(target: &TargetSettings) -> Vec<(&str, &str)> {
    target.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn nothing_of_a_targets_environment_gets_into_a_rehearsal_and_no_port_or_cookie_of_builds() {
    let (_, target) = rehearsed("");
    assert_eq!(pairs(&target), [("TRANSPORT", "tcp"), ("REGION", "eu"), ("RELEASE_COOKIE", "made for it")]);
}

#[test]
fn ports_come_from_the_rehearsals_own_environment_and_its_cookie_is_never_another() {
    let (_, target) = rehearsed("rehearsal_env = { PORT = 14000, RELEASE_COOKIE = \"of production\", REGION = \"test\" }");
    let expected = [("TRANSPORT", "tcp"), ("REGION", "test"), ("PORT", "14000"), ("RELEASE_COOKIE", "made for it")];
    assert_eq!(pairs(&target), expected);
}

#[test]
fn a_rehearsal_is_on_the_build_host_with_a_node_of_its_own_and_asks_nobody() {
    let (real, target) = rehearsed("");
    let host = &target.hosts[0];
    assert_eq!((target.hosts.len(), host.name.as_str(), host.path.as_str()), (1, "builder", "/b/rehearsals/1"));
    assert_eq!(host.node.as_ref().map(NodeName::as_str), Some("hotapp_rehearsal_1"));
    assert!(real.confirm && !target.confirm && !target.clean_deploy);
    assert_eq!((target.service, target.upgrade.soak), (Service::Script, Duration::from_secs(5)));
    assert_eq!(target.upgrade.engine, real.upgrade.engine);
}

#[test]
fn the_health_check_never_asks_a_port_that_the_rehearsal_was_not_given() {
    let http = |address: &str| Some(HealthCheck::Http(HttpCheck { address: address.to_owned(), status: None, body: None }));
    let (real, target) = rehearsed("");
    assert_eq!(health(&real), Err("http://127.0.0.1:4000/health".to_owned()));
    assert_eq!(target.upgrade.health, None);
    let (_, same_port) = rehearsed("rehearsal_env = { PORT = 4000 }");
    assert_eq!(same_port.upgrade.health, http("http://127.0.0.1:4000/health"));
    let (_, own) = rehearsed("rehearsal_health = { http = \"http://127.0.0.1:14000/\" }");
    assert_eq!(own.upgrade.health, http("http://127.0.0.1:14000/"));
}
