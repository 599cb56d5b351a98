//! The variables that hooks of edeliver 1.x see.

use edeliver_core::config::{BuildSettings, BuildTool, HostSpec, MixRelease, RemoteStore, Settings, TargetSettings};

use crate::config::{Form, Loaded};

type Vars = Vec<(String, String)>;

fn var(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}

/// What the configuration says. A classic config has set its variables itself, so only what is stronger than it is set again.
pub fn of(loaded: &Loaded) -> Vars {
    let settings = match loaded.form {
        Form::Classic => Vec::new(),
        Form::Toml | Form::None => of_settings(&loaded.settings),
    };
    settings.into_iter().chain(loaded.stronger_variables.iter().cloned()).collect()
}

/// Settings as the variables that edeliver 1.x had for them.
pub(crate) fn of_settings(settings: &Settings) -> Vars {
    let here = settings.store.path.display();
    let store = settings.remote_store.as_ref().map_or_else(|| here.to_string(), RemoteStore::address);
    let mut vars = vec![var("APP", &settings.app), var("RELEASE_STORE", store)];
    vars.push(var("LOCAL_RELEASE_STORE", here));
    vars.push(var("SSH_TIMEOUT", settings.ssh.connect_timeout.as_secs()));
    vars.extend(settings.build.iter().flat_map(of_build));
    for target in settings.targets.values() {
        vars.extend(of_target(target));
    }
    vars
}

fn of_build(build: &BuildSettings) -> Vars {
    let optional = [
        ("BUILD_USER", build.host.user.as_ref().map(ToString::to_string)),
        ("BUILD_CMD", build.tool.map(|tool| tool_name(tool).to_owned())),
        ("RELEASE_CMD", build.release_tool.map(|tool| if tool == MixRelease::Relx { "relx" } else { "mix" }.to_owned())),
        ("USING_DISTILLERY", build.release_tool.map(|tool| (tool == MixRelease::Distillery).to_string())),
        ("REBAR_PROFILE", build.rebar_profile.clone()),
        ("REBAR_CONFIG", build.rebar_config.clone()),
        ("BRANCH", build.branch.as_ref().map(ToString::to_string)),
        ("REVISION", build.revision.as_ref().map(ToString::to_string)),
        ("AUTO_VERSION", build.auto_version.clone()),
        ("RELUP_MODIFICATION_MODULE", build.relup_mod.clone()),
        ("MIX_CMD", build.programs.mix.clone()),
        ("REBAR_CMD", build.programs.rebar.clone()),
        ("REBAR3_CMD", build.programs.rebar3.clone()),
        ("RELX_CMD", build.programs.relx.clone()),
        ("GIT_CLEAN_PATHS", build.git_clean_paths.as_ref().map(|paths| paths.join(" "))),
    ];
    let always = vec![
        var("BUILD_HOST", &build.host.name),
        var("BUILD_AT", &build.host.path),
        var("TARGET_MIX_ENV", &build.mix_env),
        var("PROFILE", &build.profile),
        var("SKIP_GIT_CLEAN", build.skip_git_clean),
        var("SKIP_MIX_CLEAN", build.skip_mix_clean),
        var("SKIP_RELUP_MODIFICATIONS", build.skip_relup_mod),
    ];
    let optional = optional.into_iter().filter_map(|(name, value)| Some(var(name, value?)));
    always.into_iter().chain(optional).collect()
}

fn tool_name(tool: BuildTool) -> &'static str {
    match tool {
        BuildTool::Mix => "mix",
        BuildTool::Rebar3 => "rebar3",
        BuildTool::Rebar => "rebar",
    }
}

/// `PRODUCTION_HOSTS` and the like.
fn of_target(target: &TargetSettings) -> Vars {
    let upper = target.name.as_str().to_ascii_uppercase().replace('-', "_");
    let mut vars = vec![var(&format!("{upper}_HOSTS"), names(target.hosts.iter()))];
    if let Some(first) = target.hosts.first() {
        vars.extend(first.user.as_ref().map(|user| var(&format!("{upper}_USER"), user)));
        let path = if upper == "STAGING" { "TEST_AT" } else { "DELIVER_TO" };
        vars.push(var(path, &first.path));
    }
    vars
}

fn names<'a>(hosts: impl Iterator<Item = &'a HostSpec>) -> String {
    hosts.map(|host| host.name.as_str()).collect::<Vec<_>>().join(" ")
}

/// `user@host`.
fn login(host: &HostSpec) -> String {
    host.user.as_ref().map_or_else(|| host.name.to_string(), |user| format!("{user}@{}", host.name))
}

/// What helpers work on while a step is at hand: `HOSTS`, `APP_USER`, `HOSTS_APP_USER`, `DELIVER_TO`.
fn hosts<'a>(hosts: impl Iterator<Item = &'a HostSpec> + Clone, at: &str) -> Vars {
    let user = hosts.clone().next().and_then(|host| host.user.as_ref()).map(ToString::to_string).unwrap_or_default();
    let logins: Vec<String> = hosts.clone().map(login).collect();
    vec![var("HOSTS", names(hosts)), var("APP_USER", user), var("HOSTS_APP_USER", logins.join(" ")), var("DELIVER_TO", at)]
}

/// For hooks of a build. `at` is the folder with the sources on the build host: what hooks know as `BUILD_AT`, absolute.
pub fn building(build: &BuildSettings, at: &str) -> Vars {
    let mut vars = hosts(std::iter::once(&build.host), at);
    vars.push(var("BUILD_AT", at));
    vars
}

/// For hooks of a deploy, and of node commands.
pub fn deploying(target: &TargetSettings) -> Vars {
    let at = target.hosts.first().map_or("", |host| host.path.as_str());
    let mut vars = hosts(target.hosts.iter(), at);
    let node = |host: &HostSpec| format!("{}:{}", login(host), host.path);
    let nodes: Vec<String> = target.hosts.iter().map(node).collect();
    let names = [("DEPLOY_ENVIRONMENT", target.name.to_string()), ("NODE_ENVIRONMENT", target.name.to_string())];
    vars.extend(names.into_iter().chain([("NODES", nodes.join(" "))]).map(|(name, value)| var(name, value)));
    vars
}
