use super::*;
use crate::config::{Around, raw::Table, settle_toml};

fn named(files: &[(&str, &str)], sources: &[&str]) -> (String, &'static str) {
    let read = |name: &str| files.iter().find(|(file, _)| *file == name).map(|(_, text)| (*text).to_owned());
    let sources: Vec<String> = sources.iter().map(|name| (*name).to_owned()).collect();
    let project = look(read, &sources, "folder");
    (project.app, project.named_by)
}

#[test]
fn the_release_is_named_as_the_project_names_it() {
    let mix = "def project do\n [app: :shop, version: \"0.1.0\", deps: deps()]";
    assert_eq!(named(&[("mix.exs", mix)], &[]), ("shop".to_owned(), "the application in mix.exs"));
    let releases = "[apps_path: \"apps\", releases: [\n  big_shop: [applications: [shop: :permanent]]]]";
    assert_eq!(named(&[("mix.exs", releases)], &[]), ("big_shop".to_owned(), "the release in mix.exs"));
    let rebar = "{erl_opts, []}.\n{relx, [{dev_mode, false}, {release, {relapp, \"0.1.0\"}, [relapp, sasl]}]}.";
    assert_eq!(named(&[("rebar.config", rebar)], &["other.app.src"]), ("relapp".to_owned(), "the release in rebar.config"));
    assert_eq!(named(&[("rebar.config", "{deps, []}.")], &["lonely.app.src"]), ("lonely".to_owned(), "the application in src"));
    assert_eq!(named(&[], &[]), ("folder".to_owned(), "the project's folder"));
}

fn answers(build: &str, targets: &[(&str, &[&str])]) -> Answers {
    let hosts = |hosts: &[&str]| hosts.iter().map(|host| host.parse().unwrap()).collect();
    Answers {
        app: "shop".parse().unwrap(),
        build: build.parse().unwrap(),
        targets: targets.iter().map(|(name, all)| (name.parse().unwrap(), hosts(all))).collect(),
        path: "/srv".parse().unwrap(),
    }
}

#[test]
fn what_is_written_is_a_configuration_that_says_what_the_user_said() {
    let targets: &[(&str, &[&str])] =
        &[("staging", &["localhost:/tmp/stage"]), ("production", &["deploy@web1", "deploy@web2", "root@web3:/opt"])];
    let text = toml(&answers("builder@build.example.com", targets));
    let around = Around { flags: &Table::default(), env: &|_| None, folder: "elsewhere", home: None };
    let (settings, _) = settle_toml("edeliver.toml", &text, &around).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
    assert_eq!(settings.app.as_str(), "shop");
    let build = settings.build.unwrap().host;
    assert_eq!((build.name.as_str(), build.user.unwrap().as_str()), ("build.example.com", "builder"));
    let hosts = |target: &str| {
        let hosts = &settings.targets[&target.parse::<TargetName>().unwrap()].hosts;
        let host = |host: &crate::config::HostSpec| format!("{:?} {:?} {} {}", host.transport, host.user, host.name, host.path);
        hosts.iter().map(host).collect::<Vec<_>>()
    };
    assert_eq!(hosts("staging"), ["Local None localhost /tmp/stage"]);
    let user = |name: &str| format!("{:?}", Some(name.parse::<UserName>().unwrap()));
    assert_eq!(hosts("production")[0], format!("Ssh {} web1 /srv", user("deploy")));
    assert_eq!(hosts("production")[2], format!("Ssh {} web3 /opt", user("root")));
}

#[test]
fn the_store_is_kept_out_of_git_once() {
    assert_eq!(not_ignored("_build\n"), IGNORED);
    assert_eq!(not_ignored("/.deliver/store\n.deliver/runs/\n"), ["/.deliver/releases/"]);
    assert!(not_ignored("/.deliver/\n").is_empty());
}
