//! `edeliver config show|check|default|import`: what the configuration says, and where it says so.

use edeliver_core::config::{HookSource, Origin, Origins, settle::DEFAULT_TOML};
use indexmap::IndexMap;

use crate::{
    config::{CLASSIC, Form, Loaded, TOML, import},
    ctx::Ctx,
    error::Error,
};

/// What to do with the configuration.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print every setting, its value and where that comes from; secrets are masked
    Show(ShowArgs),
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

pub(crate) fn run(ctx: &Ctx, command: &Command) -> Result<u8, Error> {
    match command {
        Command::Show(args) => show(ctx, args),
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
    let targets = settings.targets.values().map(|target| format!("{} ({})", target.name, count(target.hosts.len(), "host")));
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
