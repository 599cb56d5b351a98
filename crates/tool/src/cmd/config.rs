//! `edeliver config show|hosts|check|default|import`: what the configuration says, and where it says so.

use edeliver_core::config::{HookSource, HostSpec, Origin, Origins, TransportKind, settle::DEFAULT_TOML};
use indexmap::IndexMap;

use crate::{
    cli::options::TargetArgs,
    config::{CLASSIC, Form, Loaded, TOML, import},
    ctx::Ctx,
    error::Error,
};

/// What to do with the configuration.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print every setting, its value and where that comes from; secrets are masked
    Show(ShowArgs),
    /// Print the hosts of a target; where they come from a command, a folder or SRV records, that is asked
    Hosts(HostsArgs),
    /// Read the configuration, say what is wrong with it, and do nothing else
    Check,
    /// Print all settings with their defaults and what they mean, as an edeliver.toml
    Default,
    /// Write an edeliver.toml and a hooks file from the .deliver/config of edeliver 1.x
    Import,
}

/// Arguments of `config show`.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// Only settings whose names begin with this: build, targets.production
    #[arg(value_name = "KEY")]
    pub key: Option<String>,
    /// Print the settings that every target has for each target again
    #[arg(long)]
    pub all: bool,
}

/// Arguments of `config hosts`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
No host is connected.

  edeliver config hosts production
  edeliver config hosts production --on @web")]
pub struct HostsArgs {
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
}

pub(crate) async fn run(ctx: &Ctx, command: &Command) -> Result<u8, Error> {
    match command {
        Command::Show(args) => show(ctx, args),
        Command::Hosts(args) => hosts(ctx, args).await,
        Command::Check => check(ctx),
        Command::Default => {
            ctx.answer_text(DEFAULT_TOML);
            Ok(0)
        }
        Command::Import => import_classic(ctx),
    }
}

fn show(ctx: &Ctx, args: &ShowArgs) -> Result<u8, Error> {
    let loaded = ctx.loaded()?;
    if loaded.form == Form::None {
        ctx.reporter.warn(format!("there is no {TOML} and no {CLASSIC} here: these are the defaults"), Vec::new());
    }
    ctx.answer_rows(rows(&loaded.origins, args), "no setting has such a name");
    Ok(0)
}

fn rows(origins: &Origins, args: &ShowArgs) -> Vec<IndexMap<String, String>> {
    let wanted = |key: &str| {
        args.key
            .as_ref()
            .is_none_or(|prefix| key.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    };
    let shown = origins.iter().filter(|(key, _)| wanted(key) && (args.all || args.key.is_some() || !is_shared(origins, key)));
    shown
        .map(|(key, setting)| {
            let cells = [("setting", key.to_owned()), ("value", setting.value.clone()), ("from", setting.origin.to_string())];
            cells.into_iter().map(|(column, cell)| (column.to_owned(), cell)).collect()
        })
        .collect()
}

/// Whether a target has this setting from the settings of all targets, where it is shown already; or is the target `local` that every
/// classic config has.
fn is_shared(origins: &Origins, key: &str) -> bool {
    let mut parts = key.splitn(3, '.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("targets"), Some("local"), _) if is_derived(origins, "targets.local.path") => true,
        (Some("targets"), Some(_), Some(name)) => {
            let shared = origins.get(&format!("deploy.{name}"));
            shared.is_some() && shared == origins.get(key)
        }
        _ => false,
    }
}

fn is_derived(origins: &Origins, key: &str) -> bool {
    origins.get(key).is_some_and(|setting| matches!(setting.origin, Origin::Derived { .. }))
}

async fn hosts(ctx: &Ctx, args: &HostsArgs) -> Result<u8, Error> {
    let target = ctx.target(&args.target).await?;
    ctx.answer_rows(target.hosts.iter().map(host).collect(), "the target has no hosts");
    Ok(0)
}

fn host(host: &HostSpec) -> IndexMap<String, String> {
    let transport = match host.transport {
        TransportKind::Ssh => "ssh",
        TransportKind::Local => "local",
    };
    let or_none = |value: Option<String>| value.unwrap_or_default();
    let cells = [
        ("host", host.name.to_string()),
        ("address", or_none(host.address.as_ref().map(ToString::to_string))),
        ("port", or_none(host.port.map(|port| port.to_string()))),
        ("user", or_none(host.user.as_ref().map(ToString::to_string))),
        ("path", host.path.to_string()),
        ("by", transport.to_owned()),
        ("node", or_none(host.node.as_ref().map(ToString::to_string))),
        ("tags", host.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>().join(" ")),
    ];
    cells.into_iter().map(|(column, cell)| (column.to_owned(), cell)).collect()
}

pub(super) fn check(ctx: &Ctx) -> Result<u8, Error> {
    let loaded = ctx.loaded()?;
    if loaded.form == Form::None {
        loaded.build()?; // says what is missing
    }
    ctx.answer_text(summary(loaded));
    Ok(0)
}

/// One line: what there is.
fn summary(loaded: &Loaded) -> String {
    let settings = &loaded.settings;
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let targets = settings.targets.values().map(|target| match settings.inventories.get(&target.name) {
        Some(inventory) => format!("{} (hosts from {inventory})", target.name),
        None => format!("{} ({})", target.name, count(target.hosts.len(), "host")),
    });
    let targets: Vec<String> = targets.collect();
    let build = settings.build.as_ref().map_or_else(|| "no build host".to_owned(), |build| format!("built on {}", build.host.name));
    let targets = if targets.is_empty() { "no targets".to_owned() } else { format!("targets {}", targets.join(", ")) };
    let hooks = match &settings.hooks {
        HookSource::None => "no hooks".to_owned(),
        HookSource::Bash { file } => format!("hooks in {}", file.display()),
    };
    format!("{} is valid: {build}, {targets}, {hooks}", settings.app)
}

fn import_classic(ctx: &Ctx) -> Result<u8, Error> {
    let imported = import::import(&ctx.project, |name| std::env::var(name).ok())?;
    for (text, hints) in &imported.warnings {
        ctx.reporter.warn(text, hints.clone());
    }
    let hooks = imported.hooks.as_ref().map_or(String::new(), |_| format!(" and {}", import::HOOKS));
    ctx.answer_text(format!("wrote {TOML}{hooks}"));
    ctx.reporter.info(format!("{CLASSIC} is not read any more; when `edeliver config show` looks right: git rm {CLASSIC}"));
    Ok(0)
}

#[cfg(test)]
mod tests {
    use edeliver_core::config::{Around, raw::Table, settle_toml};

    use super::*;

    fn keys(args: &ShowArgs) -> Vec<String> {
        let text = "[deploy]\nkeep_releases = 3\npath = \"/srv\"\n[targets.a]\nhosts = [\"h\"]\n[targets.b]\nhosts = [\"h\"]\nkeep_releases = 4\n";
        let around = Around { flags: &Table::default(), env: &|_| None, folder: "app", home: None };
        let (_, origins) = settle_toml("edeliver.toml", text, &around).unwrap();
        let keys = rows(&origins, args).into_iter().map(|row| row["setting"].clone());
        keys.filter(|key| key.ends_with("keep_releases") || key.ends_with(".h")).collect()
    }

    #[test]
    fn what_all_targets_share_is_shown_once_unless_asked_for() {
        let args = |key: Option<&str>, all| ShowArgs { key: key.map(str::to_owned), all };
        assert_eq!(
            keys(&args(None, false)),
            ["deploy.keep_releases", "targets.a.hosts.h", "targets.b.hosts.h", "targets.b.keep_releases"]
        );
        assert_eq!(keys(&args(None, true)).len(), 5);
        assert_eq!(keys(&args(Some("targets.a"), false)), ["targets.a.hosts.h", "targets.a.keep_releases"]);
        assert!(keys(&args(Some("targ"), false)).is_empty());
    }
}
