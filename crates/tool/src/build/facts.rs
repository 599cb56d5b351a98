//! Asking the build host.

use std::time::Duration;

use edeliver_core::{
    build_tool::Commands,
    config::BuildSettings,
    plan::build::{BuildHost, BuildRequest, repository},
};

use super::scripts;
use crate::transport::{Call, Input, Output, Transport, TransportError};

/// Asking starts a VM at worst, and profiles of version managers are slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the build host has, as far as this build is concerned. `versions` is the commit's `.tool-versions`.
///
/// # Errors
/// [`TransportError`].
pub(super) async fn gather(
    transport: &dyn Transport,
    request: &BuildRequest,
    settings: &BuildSettings,
    commands: &Commands<'_>,
    versions: Vec<u8>,
) -> Result<BuildHost, TransportError> {
    let repository = repository(&request.source);
    let fixed = [settings.host.path.as_str(), request.app.as_str(), &settings.profile, request.source.commit.as_str(), repository];
    let programs = programs(commands).into_iter().map(|program| format!("program:{program}"));
    let modules = request.source.submodules.iter().map(|module| format!("module:{} {}", module.module, module.commit));
    let args = fixed.map(str::to_owned).into_iter().chain(programs).chain(modules).collect();
    let call = Call {
        script: scripts::FACTS,
        args,
        input: Input::Bytes(versions),
        output: Output::Collect,
        timeout: PATIENCE,
        before: Vec::new(),
    };
    let reply = transport.run(call).await?.ok(scripts::FACTS)?;
    Ok(parse(&reply.text()))
}

/// Programs that must be on the build host. A relative path is one of the project's own.
fn programs<'a>(commands: &'a Commands<'_>) -> Vec<&'a str> {
    let mut programs = vec![commands.build_program(), commands.assemble_program()];
    programs.dedup();
    programs.retain(|program| program.starts_with(['/', '~']) || !program.contains('/'));
    programs
}

/// One fact a line: a word and its value. Words of a later script are passed over.
fn parse(text: &str) -> BuildHost {
    let mut host = BuildHost::default();
    for line in text.lines() {
        let (word, value) = line.split_once(' ').unwrap_or((line, ""));
        let value = value.trim_end();
        match word {
            "base" => host.base = value.to_owned(),
            "writable" => host.writable = true,
            "otp" => host.otp = version(value),
            "elixir" => host.elixir = version(value),
            "missing" => host.missing.push(value.to_owned()),
            "hex" => host.has_hex = true,
            "mix-rebar3" => host.mix_has_rebar3 = true,
            "prepared" => host.prepared = true,
            "free" => host.free_kib = value.parse().ok(),
            "has" => {
                host.has.insert(value.to_owned());
            }
            "tag" => {
                if let Some((object, name)) = value.split_once(' ') {
                    host.tags.insert(name.to_owned(), object.to_owned());
                }
            }
            _ => {}
        }
    }
    host
}

/// A version, unless the answer is something else (a version manager's complaint).
fn version(text: &str) -> Option<String> {
    let fine = text.starts_with(|c: char| c.is_ascii_digit()) && text.len() < 40 && !text.contains(char::is_whitespace);
    fine.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_line_by_line() {
        let host = parse(
            "base /home/b/my builds\nwritable yes\nfree 123\notp 25.2.3\nelixir No version is set\nmissing relx\nhas abc\n\
             has lib-1 def\ntag 11 refs/tags/v1\nprepared yes\nnew fact\n",
        );
        assert_eq!((host.base.as_str(), host.writable, host.free_kib, host.prepared), ("/home/b/my builds", true, Some(123), true));
        assert_eq!((host.otp.as_deref(), host.elixir), (Some("25.2.3"), None));
        assert_eq!(host.missing, ["relx"]);
        assert!(host.has.contains("abc") && host.has.contains("lib-1 def"));
        assert_eq!(host.tags["refs/tags/v1"], "11");
    }
}
