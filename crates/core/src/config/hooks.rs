//! The hooks: which functions of a hooks file are called, and which functions of edeliver 1.x can't be replaced any more.

/// Every hook that edeliver calls, in the order of a build and a deploy.
pub const NAMES: &[&str] = &[
    "pre_init_app_remotely",
    "post_init_app_remotely",
    "pre_git_push",
    "post_git_push",
    "pre_git_submodules",
    "post_git_submodules",
    "pre_erlang_get_and_update_deps",
    "post_erlang_get_and_update_deps",
    "pre_erlang_clean_compile",
    "post_erlang_clean_compile",
    "pre_erlang_generate_release",
    "post_erlang_generate_release",
    "pre_extract_release_archive",
    "post_extract_release_archive",
    "pre_start_deployed_release",
    "post_start_deployed_release",
    "pre_upgrade_release",
    "post_upgrade_release",
    "pre_erlang_update",
    "post_erlang_deployed_update",
    "post_erlang_update",
    "pre_edit_relup",
];

/// Functions that do a node command in the project's own way, and by which edeliver 1.x started what it had deployed, too. Here a deploy starts
/// nodes in edeliver's way, because it has to know whether they come up, and to go back if not.
pub const STARTING: &[&str] = &["get_start_node_command", "get_restart_node_command"];

/// Hooks around relx's own way to make a relup, which is not used: relups are made from what differs between two releases.
pub const OF_RELX: &[&str] = &["pre_relx_generate_relup", "post_relx_generate_relup"];

/// Steps and frames of edeliver 1.x, which was one shell program: a config could replace them. Here it can't.
pub const NOT_REPLACEABLE: &[&str] = &[
    "authorize_hosts",
    "authorize_deploy_hosts_on_release_store",
    "authorize_release_store_on_build_host",
    "authorize_release_store_host",
    "init_app_remotely",
    "git_push",
    "git_reset_remote",
    "git_clean_remote",
    "git_submodules",
    "git_checkout_remote",
    "set_build_hosts",
    "set_deploy_hosts",
    "require_deploy_config",
    "require_node_config",
    "erlang_get_and_update_deps",
    "erlang_clean_compile",
    "erlang_generate_release",
    "erlang_archive_release",
    "relx_generate_relup",
    "rebar_generate_appup",
    "rebar_generate_upgrade",
    "copy_release_to_release_store",
    "select_release_from_store",
    "upload_release_archive",
    "upgrade_release",
    "remote_clean_release_dir",
    "remote_extract_release_archive",
    "force_start_release",
    "execute_node_command",
    "run",
    "begin",
    "finish",
];
