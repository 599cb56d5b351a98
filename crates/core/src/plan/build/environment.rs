//! The environment of build commands.

use indexmap::IndexMap;

use super::BuildRequest;
use crate::{
    build_tool::{Assembler, Commands},
    config::{BuildSettings, BuildTool},
};

/// What edeliver 1.9 hands to build commands, then the user's own. (`LANG` and `ERL_COMPILER_OPTIONS` depend on what the profile
/// sets, so the script that runs a command completes them.)
pub(super) fn environment(request: &BuildRequest, settings: &BuildSettings, commands: &Commands<'_>) -> IndexMap<String, String> {
    let mut env = IndexMap::new();
    let mut set = |name: &str, value: &str| env.insert(name.to_owned(), value.to_owned());
    set("APP", request.app.as_str());
    set("MIX_ENV", &settings.mix_env);
    set("BRANCH", request.source.branch.as_deref().unwrap_or_default());
    set("SOURCE_DATE_EPOCH", &request.source.unix.to_string());
    if let Some(profile) = &settings.rebar_profile {
        set("REBAR_PROFILE", profile);
    }
    if let Some(file) = &settings.rebar_config {
        set("REBAR_CONFIG", file);
    }
    if commands.tools.build == BuildTool::Mix {
        set("USING_DISTILLERY", if commands.tools.assemble == Assembler::Distillery { "true" } else { "false" });
    }
    env.extend(settings.env.iter().map(|(name, value)| (name.clone(), value.clone())));
    env
}
