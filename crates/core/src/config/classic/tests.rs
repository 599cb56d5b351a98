//! What the variables of a classic config mean.

use super::{super::*, *};
use crate::config::{
    raw::Table,
    settings::{BuildTool, HostSpec, MixRelease},
};

fn script(variables: &[(&str, &str)]) -> Script {
    let variable = |(index, (name, value)): (usize, &(&str, &str))| Variable {
        name: (*name).to_owned(),
        values: vec![(*value).to_owned()],
        origin: Origin::File { path: ".deliver/config".to_owned(), line: Some(index + 1) },
    };
    Script {
        path: ".deliver/config".to_owned(),
        variables: variables.iter().enumerate().map(variable).collect(),
        functions: Vec::new(),
        project: "/src/hotapp".to_owned(),
        user: Some("me".to_owned()),
        home: Some("/home/me".to_owned()),
    }
}

fn settled(script: &Script) -> (Result<(Settings, Origins), String>, Vec<String>) {
    let Meaning { table, warnings, mut problems } = meaning(script);
    let around = Around { flags: &Table::default(), env: &|_| None, folder: "hotapp", home: Some("/home/me") };
    let settled = settle(&table, &around);
    let source: String = script.variables.iter().map(|v| format!("{}={:?}\n", v.name, v.values.join(" "))).collect();
    let shown = |problems| Problems::new(problems, &[(".deliver/config", &source)]).to_string();
    let warnings = warnings.into_iter().map(|(text, _)| text).collect();
    match settled {
        Ok(settled) if problems.is_empty() => (Ok(settled), warnings),
        Ok(_) => (Err(shown(problems)), warnings),
        Err(more) => {
            problems.extend(more);
            (Err(shown(problems)), warnings)
        }
    }
}

fn settings(variables: &[(&str, &str)]) -> Settings {
    settled(&script(variables)).0.unwrap_or_else(|problems| panic!("{problems}")).0
}

fn refused(variables: &[(&str, &str)]) -> String {
    settled(&script(variables)).0.map(|_| ()).unwrap_err()
}

#[test]
fn the_ecto_repository_of_a_classic_config_is_taken_over() {
    assert_eq!(with(&[("ECTO_REPOSITORY", "MyApp.Repo")]).targets[0].ecto_repos, ["MyApp.Repo"]);
    assert!(with(&[]).targets[0].ecto_repos.is_empty());
}

#[test]
fn files_of_the_host_are_named_in_every_start_scripts_way() {
    let settings = with(&[("LINK_VM_ARGS", "/etc/hotapp/vm.args"), ("LINK_SYS_CONFIG", "/etc/hotapp/sys.config")]);
    let env: Vec<String> = settings.targets[0].env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let expected = [
        "VMARGS_PATH=/etc/hotapp/vm.args",
        "RELEASE_VM_ARGS=/etc/hotapp/vm.args",
        "LINK_VM_ARGS=/etc/hotapp/vm.args",
        "RELX_CONFIG_PATH=/etc/hotapp/sys.config",
        "SYS_CONFIG_PATH=/etc/hotapp/sys.config",
        "LINK_SYS_CONFIG=/etc/hotapp/sys.config",
        "RELEASE_SYS_CONFIG=/etc/hotapp/sys",
    ];
    assert_eq!(env, expected);
    let wrong = refused(&[README, &[("LINK_VM_ARGS", "~/vm.args"), ("LINK_SYS_CONFIG", "/etc/hotapp.conf")]].concat());
    assert!(wrong.contains("LINK_VM_ARGS: \"~/vm.args\" is not a whole path"), "{wrong}");
    assert!(wrong.contains("LINK_SYS_CONFIG: \"/etc/hotapp.conf\" is not called .config"), "{wrong}");
}

const README: &[(&str, &str)] = &[
    ("APP", "myapp"),
    ("BUILD_HOST", "my-build-server.myapp.com"),
    ("BUILD_USER", "builder"),
    ("BUILD_AT", "/tmp/edeliver/myapp/builds"),
    ("STAGING_HOSTS", "stage.myapp.com"),
    ("STAGING_USER", "web"),
    ("DELIVER_TO", "/home/web"),
];

fn with(more: &[(&'static str, &'static str)]) -> Settings {
    settings(&[README, more].concat())
}

#[test]
fn the_readme_config_means_what_it_says() {
    let settings = settings(README);
    assert_eq!(settings.app.as_str(), "myapp");
    let build = settings.build.unwrap();
    assert_eq!((build.host.name.as_str(), build.host.path.as_str()), ("my-build-server.myapp.com", "/tmp/edeliver/myapp/builds"));
    assert_eq!((build.host.user.unwrap().as_str(), build.host.transport), ("builder", TransportKind::Ssh));
    assert_eq!((build.mix_env.as_str(), build.branch.unwrap().as_str()), ("prod", "master"));
    let staging = &settings.targets[0];
    assert_eq!((staging.name.as_str(), staging.hosts[0].name.as_str()), ("staging", "stage.myapp.com"));
    assert_eq!((staging.hosts[0].user.as_ref().unwrap().as_str(), staging.hosts[0].path.as_str()), ("web", "/home/web"));
    assert!(!staging.confirm);
}

#[test]
fn host_lists_are_separated_by_blanks_commas_lines_or_are_arrays() {
    let mut script = script(README);
    for value in ["a b", "a,b", " a\n  b ", "a, b"] {
        script.variables[4].values = vec![value.to_owned()];
        let (settings, _) = settled(&script).0.unwrap();
        assert_eq!(settings.targets[0].hosts.iter().map(|h| h.name.as_str()).collect::<Vec<_>>(), ["a", "b"], "{value:?}");
    }
    script.variables[4].values = vec!["a".to_owned(), "b c".to_owned()];
    assert_eq!(settled(&script).0.unwrap().0.targets[0].hosts.len(), 3);
}

#[test]
fn a_store_on_a_host_is_known_by_its_colon_and_leaves_the_folder_here_alone() {
    let store = |variables: &[(&'static str, &'static str)]| {
        let settings = with(variables);
        (settings.store.path.display().to_string(), settings.remote_store.map(|remote| remote.address()))
    };
    let remote = |address: &str| Some(address.to_owned());
    assert_eq!(store(&[]), (".deliver".to_owned(), None));
    assert_eq!(store(&[("RELEASE_STORE", "/var/a:b")]), ("/var/a:b".to_owned(), None));
    assert_eq!(store(&[("RELEASE_STORE", "store@shelf:/var/all")]), (".deliver".to_owned(), remote("store@shelf:/var/all")));
    // The original took this for a folder of this machine.
    assert_eq!(store(&[("RELEASE_STORE", "shelf:all")]), (".deliver".to_owned(), remote("shelf:all")));
    let both = [("LOCAL_RELEASE_STORE", "/here"), ("RELEASE_STORE", "shelf:all")];
    assert_eq!(store(&both), ("/here".to_owned(), remote("shelf:all")));
    assert_eq!(store(&[("LOCAL_RELEASE_STORE", "/here"), ("RELEASE_STORE", "/there")]), ("/there".to_owned(), None));
}

#[test]
fn tools_are_chosen_as_before() {
    let tools = |variables: &[(&'static str, &'static str)]| {
        let build = with(variables).build.unwrap();
        (build.tool, build.release_tool)
    };
    assert_eq!(tools(&[]), (None, None));
    assert_eq!(tools(&[("BUILD_CMD", "rebar3")]), (Some(BuildTool::Rebar3), None));
    assert_eq!(tools(&[("BUILD_CMD", "./rebar3"), ("RELEASE_CMD", "./rebar3")]), (Some(BuildTool::Rebar3), None));
    assert_eq!(tools(&[("RELEASE_CMD", "rebar")]), (Some(BuildTool::Rebar), None));
    assert_eq!(tools(&[("BUILD_CMD", "mix"), ("RELEASE_CMD", "relx")]), (Some(BuildTool::Mix), Some(MixRelease::Relx)));
    assert_eq!(tools(&[("USING_DISTILLERY", "true")]), (None, Some(MixRelease::Distillery)));
    assert_eq!(tools(&[("RELEASE_CMD", "mix"), ("USING_DISTILLERY", "false")]), (None, Some(MixRelease::Native)));
    assert_eq!(tools(&[("RELEASE_CMD", "mix")]), (None, None));
}

#[test]
fn everything_about_a_build_arrives() {
    let build = with(&[
        ("TARGET_MIX_ENV", "staging"),
        ("REBAR_CONFIG", "rebar.prod.config"),
        ("REBAR_PROFILE", "prod"),
        ("GIT_CLEAN_PATHS", "_build rel priv/static"),
        ("SKIP_GIT_CLEAN", "true"),
        ("SKIP_MIX_CLEAN", "yes"),
        ("RELUP_MODIFICATION_MODULE", "Elixir.Acme.Relup"),
        ("SKIP_RELUP_MODIFICATIONS", "true"),
        ("REFSPEC", "+develop:master"),
        ("REVISION", "v1.2"),
        ("AUTO_VERSION", "commit-count+branch-unless-master"),
        ("RELEASE_DIR", "/tmp/edeliver/myapp/builds/_build/prod/rel/myapp"),
        ("RELEASE_CMD_OPTIONS", "--quiet --overwrite"),
        ("MIX_CMD", "/opt/elixir/bin/mix"),
        ("PROFILE", "/home/me/.bash_profile"),
    ])
    .build
    .unwrap();
    assert_eq!(
        (build.mix_env.as_str(), build.rebar_config.as_deref(), build.rebar_profile.as_deref()),
        ("staging", Some("rebar.prod.config"), Some("prod"))
    );
    assert_eq!(build.git_clean_paths.unwrap(), ["_build", "rel", "priv/static"]);
    assert!(build.skip_git_clean && !build.skip_mix_clean && build.skip_relup_mod, "only `true` counts");
    assert_eq!(build.relup_mod.as_deref(), Some("Elixir.Acme.Relup"));
    assert_eq!((build.branch.unwrap().as_str(), build.revision.unwrap().as_str()), ("develop", "v1.2"));
    assert_eq!(build.auto_version.as_deref(), Some("commit-count+branch-unless-master"));
    assert_eq!(build.release_dir.unwrap().as_str(), "_build/prod/rel/myapp");
    assert_eq!(
        (build.release_options, build.programs.mix.as_deref()),
        (vec!["--quiet".to_owned(), "--overwrite".to_owned()], Some("/opt/elixir/bin/mix"))
    );
    assert_eq!(build.profile, "~/.bash_profile", "the login's home is meant, not this machine's");
}

#[test]
fn a_deploy_path_may_be_in_the_logins_home() {
    let path = |value: &'static str| {
        with(&[("PRODUCTION_HOSTS", "p"), ("PRODUCTION_USER", "web"), ("TEST_AT", value)]).targets[0].hosts[0].path.to_string()
    };
    assert_eq!(path("~/app"), "app");
    assert_eq!(path("~web/apps/x"), "apps/x");
    assert_eq!(path("~web"), ".");
    assert_eq!(path("relative"), "relative");
    let without: Vec<_> = README.iter().filter(|(name, _)| *name != "DELIVER_TO").copied().collect();
    let (settings, origins) = settled(&script(&without)).0.unwrap();
    assert_eq!(settings.targets[0].hosts[0].path.as_str(), "app");
    assert_eq!(origins.get("targets.staging.path").unwrap().origin.to_string(), "default of edeliver 1.x");
    assert_eq!(
        refused(&[README, &[("TEST_AT", "~root/x")]].concat()),
        "\
TEST_AT: \"~root/x\" is in the home of another user
 --> .deliver/config:8:1
  |
8 | TEST_AT=\"~root/x\"
  | ^^^^^^^^^^^^^^^^^ the login there is web
  |
  = help: write the whole path, or one that begins with ~/"
    );
}

#[test]
fn staging_has_a_path_of_its_own_if_it_is_set() {
    let settings = with(&[("TEST_AT", "/srv/test"), ("PRODUCTION_HOSTS", "a b"), ("PRODUCTION_USER", "deploy")]);
    assert_eq!(settings.targets[0].hosts[0].path.as_str(), "/srv/test");
    assert_eq!(settings.targets[1].hosts[1].path.as_str(), "/home/web");
    assert!(settings.targets[1].confirm);
}

#[test]
fn localhost_is_this_machine_unless_another_user_is_wanted() {
    let host = |user: &str| {
        settings(&[
            ("BUILD_HOST", "localhost"),
            ("BUILD_USER", user),
            ("BUILD_AT", "/b"),
            ("STAGING_HOSTS", "localhost"),
            ("STAGING_USER", user),
        ])
    };
    let transports = |settings: Settings| (settings.build.unwrap().host.transport, settings.targets[0].hosts[0].transport);
    assert_eq!(transports(host("me")), (TransportKind::Local, TransportKind::Local));
    assert_eq!(transports(host("")), (TransportKind::Local, TransportKind::Local));
    assert_eq!(transports(host("builder")), (TransportKind::Ssh, TransportKind::Ssh));
}

#[test]
fn any_word_can_be_a_target() {
    let settings = with(&[
        ("DEMO_HOSTS", "d1 d2"),
        ("LOAD_TEST_NODES", "ops@n1:/opt/app n2:/opt/app"),
        ("DB_HOSTS", "db1:5432,db2:5432"),
        ("lower_HOSTS", "x"),
    ]);
    let names: Vec<&str> = settings.targets.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["staging", "demo", "load_test", "local"]);
    let demo: &HostSpec = &settings.targets[1].hosts[1];
    assert_eq!((demo.name.as_str(), demo.user.as_ref().unwrap().as_str(), demo.path.as_str()), ("d2", "web", "/home/web"));
    let nodes: Vec<String> =
        settings.targets[2].hosts.iter().map(|h| format!("{}@{}:{}", h.user.as_ref().unwrap(), h.name, h.path)).collect();
    assert_eq!(nodes, ["ops@n1:/opt/app", "web@n2:/opt/app"]);
}

#[test]
fn the_local_target_is_a_folder_of_the_project() {
    let local = |more: &[(&'static str, &'static str)]| with(more).targets.last().unwrap().1.hosts[0].clone();
    assert_eq!(local(&[]).path.as_str(), "/src/hotapp/.local-release");
    assert_eq!(local(&[("TEST_LOCALLY_AT", "rel")]).path.as_str(), "/src/hotapp/rel");
    assert_eq!(local(&[]).transport, TransportKind::Local);
}

#[test]
fn what_is_not_used_is_told() {
    let mut script = script(&[README, &[("VERSION", "1.0"), ("STAGING_NODES", "web@other:/x|conf")]].concat());
    for (name, line) in [
        ("pre_git_pussh", 20),
        ("git_push", 30),
        ("post_git_push", 40),
        ("get_start_node_command", 50),
        ("my_own", 60),
        ("pre_relx_generate_relup", 70),
    ] {
        script
            .functions
            .push(Function { name: name.into(), origin: Origin::File { path: ".deliver/config".into(), line: Some(line) } });
    }
    let (_, warnings) = settled(&script);
    assert_eq!(
        warnings,
        [
            "the part after `|` in STAGING_NODES (\"conf\") is not used: a node's start script gets no --config",
            "STAGING_NODES and STAGING_HOSTS name different hosts: node commands act on STAGING_HOSTS",
            "VERSION (.deliver/config:8) is not used",
            "the function pre_git_pussh (.deliver/config:20) is never called",
            "the function git_push (.deliver/config:30) is not called: steps of edeliver can't be replaced",
            "the function get_start_node_command (.deliver/config:50) is called by node commands, and not when a deploy starts nodes",
            "the function pre_relx_generate_relup (.deliver/config:70) is not called: relups are not made by relx",
        ]
    );
}

/// Each line of a config of each build tool, with a slip of the keyboard in its name: silence would have another thing built, or deployed
/// to another place.
#[test]
fn a_slip_in_the_name_of_a_variable_is_told() {
    let shared: &[(&str, &str)] = &[("PRODUCTION_HOSTS", "p"), ("PRODUCTION_USER", "web"), ("TEST_AT", "/t")];
    let tools: [&[(&str, &str)]; 5] = [
        &[("TARGET_MIX_ENV", "staging"), ("USING_DISTILLERY", "false")],
        &[("USING_DISTILLERY", "true"), ("GIT_CLEAN_PATHS", "_build")],
        &[("BUILD_CMD", "mix"), ("RELEASE_CMD", "relx")],
        &[("BUILD_CMD", "rebar3"), ("REBAR_PROFILE", "prod")],
        &[("BUILD_CMD", "rebar"), ("RELEASE_CMD", "rebar"), ("REBAR_CONFIG", "other.config")],
    ];
    for tool in tools {
        let config = [README, shared, tool].concat();
        assert_eq!(settled(&script(&config)).1, Vec::<String>::new(), "{config:?}");
        for (at, (name, value)) in config.iter().enumerate() {
            let (head, tail) = name.split_at(name.len() / 2);
            let slip = format!("{head}X{tail}");
            let mut wrong = config.clone();
            wrong[at] = (&slip, value);
            let warnings = settled(&script(&wrong)).1;
            let told = format!("{slip} (.deliver/config:{}) means nothing to edeliver", at + 1);
            assert!(warnings.contains(&told), "{slip}: {warnings:?}");
        }
    }
    let own = [README, &[("DB_PASSWORD", "x"), ("HOST", "x"), ("BUILD_HOST2", "other"), ("NODE_NAME", "x")]].concat();
    assert_eq!(settled(&script(&own)).1, Vec::<String>::new(), "variables of its own are a project's business");
}

#[test]
fn a_path_in_the_home_of_this_machine_is_told_when_another_user_logs_in() {
    let (settings, warnings) = settled(&script(&[README, &[("TEST_AT", "/home/me/apps")]].concat()));
    assert_eq!(settings.unwrap().0.targets[0].hosts[0].path.as_str(), "/home/me/apps");
    assert_eq!(warnings, ["TEST_AT is /home/me/apps, which is in your home on this machine, and is used as it stands on the host"]);
}

/// `errors.txt` has the variables of each case, a line of dashes, and what is said about them.
#[test]
fn every_error_is_told_with_its_place_and_a_remedy() {
    let golden = include_str!("tests/errors.txt");
    let mut actual = String::new();
    for case in golden.split("=== ").skip(1) {
        let (name, case) = case.split_once('\n').unwrap();
        let text = case.split("-----\n").next().unwrap();
        let variables: Vec<(&str, &str)> = text.lines().map(|line| line.split_once('=').unwrap()).collect();
        actual.push_str(&format!("=== {name}\n{text}-----\n{}\n\n", refused(&variables)));
    }
    assert!(actual.trim() == golden.trim(), "it says now:\n{actual}# end");
}
