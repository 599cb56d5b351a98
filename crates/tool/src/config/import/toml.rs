//! The edeliver.toml of an import.

use edeliver_core::config::{
    BuildSettings, BuildTool, HostSpec, MixRelease, Origin, RemoteStore, TargetSettings, TransportKind, duration,
};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value, value};

use super::{CLASSIC, HOOKS};
use crate::config::Loaded;

/// The text.
pub(super) fn text(loaded: &Loaded, has_hooks: bool) -> String {
    let mut writing = Writing { loaded, document: DocumentMut::new() };
    writing.whole(has_hooks);
    format!(
        "# Written by `edeliver config import` from {CLASSIC}. `edeliver config default` prints all settings and what they mean.\n\n{}",
        writing.document
    )
}

struct Writing<'a> {
    loaded: &'a Loaded,
    document: DocumentMut,
}

/// The variable a setting had, for the comment behind it.
const VARIABLES: &[(&str, &str)] = &[
    ("app", "APP"),
    ("build.host", "BUILD_HOST"),
    ("build.user", "BUILD_USER"),
    ("build.path", "BUILD_AT"),
    ("build.tool", "BUILD_CMD"),
    ("build.release_tool", "RELEASE_CMD, USING_DISTILLERY"),
    ("build.branch", "BRANCH"),
    ("build.revision", "REVISION"),
    ("build.release_dir", "RELEASE_DIR"),
    ("build.profile", "PROFILE"),
    ("deploy.profile", "PROFILE"),
    ("deploy.ecto_repos", "ECTO_REPOSITORY"),
    ("deploy.env.VMARGS_PATH", "LINK_VM_ARGS"),
    ("deploy.env.RELEASE_VM_ARGS", "LINK_VM_ARGS"),
    ("deploy.env.LINK_VM_ARGS", "LINK_VM_ARGS"),
    ("deploy.env.RELX_CONFIG_PATH", "LINK_SYS_CONFIG"),
    ("deploy.env.SYS_CONFIG_PATH", "LINK_SYS_CONFIG"),
    ("deploy.env.LINK_SYS_CONFIG", "LINK_SYS_CONFIG"),
    ("deploy.env.RELEASE_SYS_CONFIG", "LINK_SYS_CONFIG"),
    ("store.path", "RELEASE_STORE"),
    ("store.remote", "RELEASE_STORE"),
    ("store.s3.bucket", "RELEASE_STORE"),
    ("ssh.connect_timeout", "SSH_TIMEOUT"),
];

impl Writing<'_> {
    fn whole(&mut self, has_hooks: bool) {
        let settings = &self.loaded.settings;
        self.put("app", value(settings.app.as_str()));
        if has_hooks {
            self.put("hooks", value(HOOKS));
        }
        if let Some(build) = &settings.build {
            self.build(build);
        }
        self.given("store.path", || value(settings.store.path.display().to_string()));
        if let Some(RemoteStore::S3(store)) = &settings.remote_store {
            self.put("store.s3.bucket", value(&store.bucket));
        }
        self.given("store.remote", || optional(settings.remote_store.as_ref().map(RemoteStore::address).as_ref()));
        self.given("ssh.connect_timeout", || value(duration::show(settings.ssh.connect_timeout)));
        self.shared();
        for target in settings.targets.values() {
            self.target(target);
        }
    }
    /// Settings of all targets. Every target has them, so they are taken from the first.
    fn shared(&mut self) {
        let Some(any) = self.loaded.settings.targets.values().next() else { return };
        self.given("deploy.profile", || value(&any.profile));
        self.given("deploy.start_deploy", || value(any.start_deploy));
        self.given("deploy.clean_deploy", || value(any.clean_deploy));
        self.given("deploy.ecto_repos", || list(&any.ecto_repos));
        for (name, text) in &any.env {
            self.given(&format!("deploy.env.{name}"), || value(text));
        }
    }
    fn build(&mut self, build: &BuildSettings) {
        self.put("build.host", value(build.host.name.as_str()));
        self.given("build.user", || optional(build.host.user.as_ref()));
        self.put("build.path", value(home_relative(build.host.path.as_str())));
        if build.host.transport == TransportKind::Local {
            self.put("build.transport", value("local"));
        }
        self.given("build.image", || optional(build.image.as_ref()));
        self.given("build.tool", || value(build.tool.map_or("", tool)));
        self.given("build.release_tool", || value(build.release_tool.map_or("", release_tool)));
        self.given("build.mix_env", || value(&build.mix_env));
        self.given("build.rebar_profile", || optional(build.rebar_profile.as_ref()));
        self.given("build.rebar_config", || optional(build.rebar_config.as_ref()));
        self.given("build.branch", || optional(build.branch.as_ref()));
        self.given("build.revision", || optional(build.revision.as_ref()));
        self.given("build.auto_version", || optional(build.auto_version.as_ref()));
        self.given("build.git_clean_paths", || list(build.git_clean_paths.iter().flatten()));
        self.given("build.skip_git_clean", || value(build.skip_git_clean));
        self.given("build.skip_mix_clean", || value(build.skip_mix_clean));
        self.given("build.relup_mod", || optional(build.relup_mod.as_ref()));
        self.given("build.skip_relup_mod", || value(build.skip_relup_mod));
        self.given("build.release_dir", || optional(build.release_dir.as_ref()));
        self.given("build.release_options", || list(&build.release_options));
        self.given("build.profile", || value(&build.profile));
        self.given("build.programs.mix", || optional(build.programs.mix.as_ref()));
        self.given("build.programs.rebar3", || optional(build.programs.rebar3.as_ref()));
        self.given("build.programs.rebar", || optional(build.programs.rebar.as_ref()));
        self.given("build.programs.relx", || optional(build.programs.relx.as_ref()));
    }
    fn target(&mut self, target: &TargetSettings) {
        let key = format!("targets.{}", target.name);
        let by_itself = matches!(self.origin(&format!("{key}.path")), Some(Origin::Derived { .. }) | None);
        if target.name.as_str() == "local" && by_itself {
            return; // edeliver 1.x had it without being told
        }
        let Some(first) = target.hosts.first() else { return };
        self.put(&format!("{key}.hosts"), Item::Value(Value::Array(hosts(target, first))));
        if let Some(user) = &first.user {
            self.put(&format!("{key}.user"), value(user.as_str()));
        }
        self.put(&format!("{key}.path"), value(home_relative(first.path.as_str())));
        if first.transport == TransportKind::Local {
            self.put(&format!("{key}.transport"), value("local"));
        }
    }
    fn origin(&self, key: &str) -> Option<&Origin> {
        self.loaded.origins.get(key).map(|setting| &setting.origin)
    }
    /// Writes a setting that is not just a default here.
    fn given(&mut self, key: &str, make: impl FnOnce() -> Item) {
        match self.origin(key) {
            None | Some(Origin::Default) => {}
            Some(_) => self.put(key, make()),
        }
    }
    fn put(&mut self, key: &str, mut item: Item) {
        let comment = VARIABLES.iter().find(|(of, _)| *of == key).map(|(_, variable)| *variable);
        let comment = match self.origin(key) {
            Some(Origin::Derived { why }) if key != "app" => Some(*why),
            _ => comment,
        };
        if let (Some(comment), Some(value)) = (comment, item.as_value_mut()) {
            value.decor_mut().set_suffix(format!(" # {comment}"));
        }
        let (tables, name) = key.rsplit_once('.').unwrap_or(("", key));
        let mut table: &mut Table = self.document.as_table_mut();
        for part in tables.split('.').filter(|part| !part.is_empty()) {
            let entry = table.entry(part).or_insert_with(|| Item::Table(implicit()));
            table = entry.as_table_mut().expect("only tables are made here");
        }
        table.set_implicit(false);
        table.insert(name, item);
    }
}

/// A table that is not written as long as there are only tables in it.
fn implicit() -> Table {
    let mut table = Table::new();
    table.set_implicit(true);
    table
}

/// A value that is there if its origin is.
fn optional(text: Option<impl ToString>) -> Item {
    value(text.map(|text| text.to_string()).unwrap_or_default())
}

fn list<'a>(texts: impl IntoIterator<Item = &'a String>) -> Item {
    Item::Value(Value::Array(texts.into_iter().collect()))
}

/// `~/` makes clear where a relative path begins. The home itself can only be written as `.`.
fn home_relative(path: &str) -> String {
    if path.starts_with('/') || path == "." { path.to_owned() } else { format!("~/{path}") }
}

fn tool(tool: BuildTool) -> &'static str {
    match tool {
        BuildTool::Mix => "mix",
        BuildTool::Rebar3 => "rebar3",
        BuildTool::Rebar => "rebar",
    }
}

fn release_tool(tool: MixRelease) -> &'static str {
    match tool {
        MixRelease::Native => "native",
        MixRelease::Distillery => "distillery",
        MixRelease::Relx => "relx",
    }
}

/// Names where that says it all; tables where a host differs from the target's first one.
fn hosts(target: &TargetSettings, first: &HostSpec) -> Array {
    let mut array: Array = target.hosts.iter().map(|host| own(host, first)).collect();
    if target.hosts.len() > 4 {
        for value in array.iter_mut() {
            value.decor_mut().set_prefix("\n  ");
        }
        array.set_trailing("\n");
        array.set_trailing_comma(true);
    }
    array
}

fn own(host: &HostSpec, first: &HostSpec) -> Value {
    let mut table = InlineTable::new();
    if host.user != first.user {
        table.extend(host.user.as_ref().map(|user| ("user", user.as_str())));
    }
    if host.path != first.path {
        table.insert("path", home_relative(host.path.as_str()).into());
    }
    if host.transport != first.transport {
        table.insert("transport", if host.transport == TransportKind::Local { "local" } else { "ssh" }.into());
    }
    if table.is_empty() {
        return host.name.as_str().into();
    }
    let mut named = InlineTable::new();
    named.insert("name", host.name.as_str().into());
    named.extend(table);
    Value::InlineTable(named)
}
