use std::time::Duration;

use indexmap::IndexMap;

use super::*;
use crate::{
    build_tool::ProjectFiles,
    config::{HostSpec, Programs, TransportKind},
    name::CommitId,
    release::Digest,
};

fn commit() -> CommitId {
    "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d".parse().unwrap()
}

fn settings() -> BuildSettings {
    BuildSettings {
        host: HostSpec {
            name: "build.example.org".parse().unwrap(),
            address: None,
            transport: TransportKind::Ssh,
            user: None,
            port: None,
            path: "builds".parse().unwrap(),
            node: None,
            tags: Vec::new(),
        },
        image: None,
        tool: None,
        release_tool: None,
        mix_env: "prod".to_owned(),
        rebar_profile: None,
        rebar_config: None,
        revision: None,
        auto_version: None,
        branch: None,
        git_clean_paths: None,
        skip_git_clean: false,
        skip_mix_clean: false,
        relup_mod: None,
        skip_relup_mod: false,
        release_dir: None,
        release_options: Vec::new(),
        programs: Programs::default(),
        env: IndexMap::new(),
        profile: "~/.profile".to_owned(),
        timeout: Duration::from_secs(600),
    }
}

fn request() -> BuildRequest {
    let files = ProjectFiles { mix: true, ..ProjectFiles::default() };
    BuildRequest {
        app: "hotapp".parse().unwrap(),
        source: Source {
            commit: commit(),
            unix: 1_767_225_600,
            branch: Some("main".to_owned()),
            folder: None,
            files,
            deps: Digest::of(b"mix.exs"),
            submodules: Vec::new(),
            tags: Vec::new(),
            shallow: false,
        },
        caches: Caches::Used,
        version: None,
    }
}

fn host() -> BuildHost {
    BuildHost {
        base: "/home/build/builds".to_owned(),
        writable: true,
        otp: Some("25.2.3".to_owned()),
        elixir: Some("1.14.0".to_owned()),
        ..BuildHost::default()
    }
}

/// What the host looks like once the request's build has been prepared and pushed.
fn host_after(request: &BuildRequest) -> BuildHost {
    let has = [request.source.commit.to_string()].into_iter().collect();
    BuildHost { prepared: true, has, ..host() }
}

fn hooks(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn planned(request: &BuildRequest, settings: &BuildSettings, host: &BuildHost, hooks_: &[&str]) -> BuildPlan {
    build(request, settings, host, &hooks(hooks_)).unwrap()
}

fn lines(plan: &BuildPlan) -> Vec<String> {
    plan.plan.hosts[0].steps.iter().map(Step::describe).collect()
}

#[test]
fn a_first_build() {
    let plan = planned(&request(), &settings(), &host(), &[]);
    assert_eq!(plan.plan.title, "build hotapp 1a2b3c4");
    assert_eq!(plan.plan.hosts[0].reasons, ["commit 1a2b3c4 of main", "mix release with MIX_ENV=prod, OTP 25.2.3, Elixir 1.14.0"]);
    assert_eq!(plan.work.key.as_str(), "mix-prod-otp25.2.3-elixir1.14.0");
    assert_eq!(
        lines(&plan),
        [
            "prepare the build folder",
            "push commit 1a2b3c4",
            "check out 1a2b3c4",
            "clean (git clean -ffdx -e _build -e deps -e node_modules -e _rel)",
            "fetch dependencies (mix deps.get --only prod)",
            "compile and assemble the release (mix release --overwrite)",
            "read the release",
            "bring it to the store",
        ]
    );
}

#[test]
fn a_commit_that_is_there_is_not_pushed_again() {
    let request = request();
    let plan = planned(&request, &settings(), &host_after(&request), &[]);
    assert!(plan.work.push.is_empty());
    assert_eq!(lines(&plan)[0], "check out 1a2b3c4");
}

#[test]
fn only_tags_that_are_missing_or_have_moved_are_pushed() {
    let tag = |name: &str, object: &str| Tag { name: format!("refs/tags/{name}"), object: object.to_owned() };
    let mut request = request();
    request.source.tags = vec![tag("new", "1"), tag("same", "2"), tag("moved", "3")];
    let mut host = host_after(&request);
    host.tags = [("refs/tags/same", "2"), ("refs/tags/moved", "0")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
    let plan = planned(&request, &settings(), &host, &[]);
    let names: Vec<_> = plan.work.push.tags.iter().map(|tag| tag.name.as_str()).collect();
    assert_eq!(names, ["refs/tags/new", "refs/tags/moved"]);
    assert_eq!(plan.work.push.commit, None);
}

#[test]
fn hooks_run_in_the_order_of_edeliver() {
    let mut request = request();
    request.source.submodules = vec![Submodule {
        path: "vendor/x".parse().unwrap(),
        commit: commit(),
        module: "x".to_owned(),
        from: ModuleFrom::Url("https://example.org/x.git".to_owned()),
    }];
    let plan = planned(&request, &settings(), &host(), &HOOKS);
    assert_eq!(
        lines(&plan),
        [
            "hook pre_init_app_remotely",
            "prepare the build folder",
            "hook post_init_app_remotely",
            "hook pre_git_push",
            "push commit 1a2b3c4",
            "hook post_git_push",
            "check out 1a2b3c4",
            "clean (git clean -ffdx -e _build -e deps -e node_modules -e _rel)",
            "hook pre_git_submodules",
            "check out submodules (vendor/x)",
            "hook post_git_submodules",
            "hook pre_erlang_get_and_update_deps",
            "fetch dependencies (mix deps.get --only prod)",
            "hook post_erlang_get_and_update_deps",
            "hook pre_erlang_clean_compile",
            "compile (mix compile)",
            "hook post_erlang_clean_compile",
            "hook pre_erlang_generate_release",
            "assemble the release (mix release --overwrite)",
            "hook post_erlang_generate_release",
            "read the release",
            "bring it to the store",
        ]
    );
}

fn cleaning(caches: Caches, change: impl FnOnce(&mut BuildSettings)) -> Vec<String> {
    let (mut settings, request) = (settings(), BuildRequest { caches, ..request() });
    change(&mut settings);
    lines(&planned(&request, &settings, &host(), &[])).into_iter().filter(|line| line.starts_with("clean")).collect()
}

#[test]
fn cleaning_keeps_the_meaning_of_its_options() {
    let paths = |settings: &mut BuildSettings| settings.git_clean_paths = Some(vec!["lib".to_owned(), "my dir".to_owned()]);
    assert_eq!(cleaning(Caches::Used, paths), ["clean (git clean -ffdx -- lib my dir)"]);
    assert_eq!(cleaning(Caches::Removed, paths), ["clean (git clean -ffdx)"]);
    assert!(cleaning(Caches::Used, |settings| settings.skip_git_clean = true).is_empty());
    assert_eq!(cleaning(Caches::Removed, |settings| settings.skip_git_clean = true), ["clean (mix clean)"]);
    let neither = |settings: &mut BuildSettings| (settings.skip_git_clean, settings.skip_mix_clean) = (true, true);
    assert!(cleaning(Caches::Removed, neither).is_empty());
}

#[test]
fn hex_and_rebar3_are_installed_only_where_needed_and_missing() {
    let mut request = request();
    let deps = |request: &BuildRequest, host: &BuildHost| {
        lines(&planned(request, &settings(), host, &[])).into_iter().find(|line| line.starts_with("fetch")).unwrap()
    };
    request.source.files.needs_hex = true;
    request.source.files.needs_rebar3 = true;
    assert_eq!(
        deps(&request, &host()),
        "fetch dependencies (mix local.rebar --force, mix local.hex --force, mix deps.get --only prod)"
    );
    let equipped = BuildHost { has_hex: true, mix_has_rebar3: true, ..host() };
    assert_eq!(deps(&request, &equipped), "fetch dependencies (mix deps.get --only prod)");
}

#[test]
fn the_mark_of_dependencies_changes_with_what_decides_about_them() {
    let mark = |request: &BuildRequest, settings: &BuildSettings, hooks: &[&str]| {
        planned(request, settings, &host(), hooks).work.deps_mark
    };
    let (one, settings_) = (request(), settings());
    let same = mark(&one, &settings_, &[]);
    assert!(same.is_some());
    let mut later = one.clone();
    (later.source.unix, later.source.branch) = (later.source.unix + 1, None);
    assert_eq!(mark(&later, &settings_, &[]), same, "another commit with the same dependencies");
    let mut other_lock = one.clone();
    other_lock.source.deps = Digest::of(b"mix.lock");
    assert_ne!(mark(&other_lock, &settings_, &[]), same);
    assert_ne!(mark(&one, &BuildSettings { mix_env: "staging".to_owned(), ..settings() }, &[]), same);
    assert_eq!(mark(&one, &settings_, &["pre_erlang_get_and_update_deps"]), None, "a hook may write a lock file");
    let clean = BuildRequest { caches: Caches::Removed, ..one };
    assert_eq!(mark(&clean, &settings_, &[]), same, "a build from nothing leaves the mark for the next one");
}

#[test]
fn a_build_host_that_lacks_something_blocks_and_says_what() {
    let host = BuildHost { missing: vec!["mix".to_owned(), "sha256".to_owned()], writable: false, ..host() };
    let plan = planned(&request(), &settings(), &host, &[]);
    let Verdict::Blocked { hints } = &plan.plan.hosts[0].verdict else { panic!("not blocked") };
    let texts: Vec<_> = hints.iter().map(|hint| hint.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "give the login on the build host write permission in /home/build/builds",
            "install mix on the build host, or put it in the PATH that the profile sets",
            "install sha256sum, shasum or openssl on the build host",
        ]
    );
    assert!(plan.plan.is_empty());
}

#[test]
fn the_users_environment_wins_over_ours() {
    let mut settings = settings();
    settings.env.insert("MIX_ENV".to_owned(), "special".to_owned());
    settings.rebar_profile = Some("eu".to_owned());
    let env = planned(&request(), &settings, &host(), &[]).work.env;
    let shown: Vec<_> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        shown,
        [
            "APP=hotapp",
            "MIX_ENV=special",
            "BRANCH=main",
            "SOURCE_DATE_EPOCH=1767225600",
            "REBAR_PROFILE=eu",
            "USING_DISTILLERY=false"
        ]
    );
}

#[test]
fn a_shallow_clone_has_a_repository_and_worktrees_of_its_own() {
    let mut request = request();
    request.source.shallow = true;
    let work = planned(&request, &settings(), &host(), &[]).work;
    assert_eq!((work.repository, work.key.as_str()), ("shallow.git", "mix-prod-otp25.2.3-elixir1.14.0-shallow"));
}

#[test]
fn a_slot_key_is_a_file_name() {
    let mut host = host();
    host.otp = Some("25/../../x y".to_owned());
    let key = planned(&request(), &settings(), &host, &[]).work.key;
    assert_eq!(key.as_str(), "mix-prod-otp25_.._.._x_y-elixir1.14.0");
}
