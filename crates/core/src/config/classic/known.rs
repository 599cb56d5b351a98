//! The variables that edeliver 1.x knew by name.

/// Plain copies: variable and key.
pub(super) const PLAIN: &[(&str, &str)] = &[
    ("TARGET_MIX_ENV", "build.mix_env"),
    ("REBAR_CONFIG", "build.rebar_config"),
    ("REBAR_PROFILE", "build.rebar_profile"),
    ("MIX_CMD", "build.programs.mix"),
    ("REBAR_CMD", "build.programs.rebar"),
    ("REBAR3_CMD", "build.programs.rebar3"),
    ("RELX_CMD", "build.programs.relx"),
    ("AUTO_VERSION", "build.auto_version"),
    ("GIT_CLEAN_PATHS", "build.git_clean_paths"),
    ("RELEASE_CMD_OPTIONS", "build.release_options"),
    ("ECTO_REPOSITORY", "deploy.ecto_repos"),
    ("RELUP_MODIFICATION_MODULE", "build.relup_mod"),
];

/// Switches: on only if the variable is exactly `true`, as in edeliver 1.x.
pub(super) const SWITCHES: &[(&str, &str)] = &[
    ("SKIP_GIT_CLEAN", "build.skip_git_clean"),
    ("SKIP_MIX_CLEAN", "build.skip_mix_clean"),
    ("SKIP_RELUP_MODIFICATIONS", "build.skip_relup_mod"),
    ("START_DEPLOY", "deploy.start_deploy"),
    ("CLEAN_DEPLOY", "deploy.clean_deploy"),
];

/// Variables of the process's environment that edeliver 1.x listened to when the config did not set them. `HOST` and `HOSTS` are left out:
/// some shells export them, and it is not the user's wish to deploy to this machine.
pub const LISTENED: &[&str] = &[
    "APP",
    "BUILD_HOST",
    "BUILD_USER",
    "BUILD_AT",
    "STAGING_HOSTS",
    "STAGING_USER",
    "STAGING_NODES",
    "PRODUCTION_HOSTS",
    "PRODUCTION_USER",
    "PRODUCTION_NODES",
    "DELIVER_TO",
    "TEST_AT",
    "TEST_LOCALLY_AT",
    "RELEASE_STORE",
    "LOCAL_RELEASE_STORE",
    "RELEASE_DIR",
    "GIT_CLEAN_PATHS",
    "SKIP_GIT_CLEAN",
    "SKIP_MIX_CLEAN",
    "RELUP_MODIFICATION_MODULE",
    "SKIP_RELUP_MODIFICATIONS",
    "START_DEPLOY",
    "CLEAN_DEPLOY",
    "BUILD_CMD",
    "RELEASE_CMD",
    "RELEASE_CMD_OPTIONS",
    "USING_DISTILLERY",
    "REBAR_CONFIG",
    "REBAR_PROFILE",
    "REBAR_CMD",
    "REBAR3_CMD",
    "MIX_CMD",
    "RELX_CMD",
    "PROFILE",
    "DOCKER_BUILD_IMAGE",
    "ECTO_REPOSITORY",
    "BRANCH",
    "REFSPEC",
    "REVISION",
    "AUTO_VERSION",
];

/// Of these the environment wins over the config, as in edeliver 1.x: `BRANCH=fix edeliver build release`.
pub const STRONGER_THAN_CONFIG: &[&str] = &["APP", "BRANCH", "REFSPEC", "REVISION"];

/// The variable that has the same meaning as a setting, so that a config and hooks can see what a flag says.
pub fn variable_of(key: &str) -> Option<&'static str> {
    let others = [("app", "APP"), ("build.branch", "BRANCH"), ("build.revision", "REVISION"), ("build.profile", "PROFILE")];
    let all = PLAIN.iter().chain(SWITCHES).map(|(variable, key)| (*key, *variable)).chain(others);
    all.into_iter().find(|(of, _)| *of == key).map(|(_, variable)| variable)
}
