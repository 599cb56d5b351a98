//! `edeliver help [COMMAND…|TOPIC]`: prints and does nothing else.

use clap::CommandFactory as _;

use crate::{
    cmd::own::strategy,
    ctx::Ctx,
    error::{CHANGES_PLANNED, Error, Kind},
};

/// Arguments of `help`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A command (`deploy release`) or a topic (`exit-codes`)
    #[arg(value_name = "COMMAND")]
    pub words: Vec<String>,
}

pub(super) async fn run(ctx: &Ctx, args: &Args) -> Result<u8, Error> {
    let text = match &args.words[..] {
        [] => [Some(page(&[])?), strategy::commands(ctx).await?].into_iter().flatten().collect::<Vec<_>>().join("\n"),
        [word] => match page(&args.words) {
            Ok(text) => text,
            Err(unknown) => strategy::help(ctx, word).await?.ok_or(unknown)?,
        },
        words => page(words)?,
    };
    ctx.answer_text(text);
    Ok(0)
}

/// The page for these words.
///
/// # Errors
/// When no command or topic has this name.
pub fn page(words: &[String]) -> Result<String, Error> {
    if words == ["exit-codes"] {
        return Ok(exit_codes());
    }
    let mut tree = super::Cli::command();
    tree.build();
    let mut at = &mut tree;
    for word in words {
        if at.find_subcommand(word).is_none() {
            return Err(super::words::unknown(word, at).into());
        }
        at = at.find_subcommand_mut(word).expect("found just above");
    }
    Ok(descend(at).render_help().to_string())
}

/// A group with one member has nothing to say that the member's page does not say.
fn descend(at: &mut clap::Command) -> &mut clap::Command {
    let visible: Vec<String> = at.get_subcommands().filter(|sub| !sub.is_hide_set()).map(|sub| sub.get_name().to_owned()).collect();
    match &visible[..] {
        [only] => descend(at.find_subcommand_mut(only).expect("it was just listed")),
        _ => at,
    }
}

/// The table of exit codes.
fn exit_codes() -> String {
    let mut rows = vec![(0, "done"), (CHANGES_PLANNED, "`--plan --exit-code` found something to do")];
    rows.extend(Kind::ALL.map(|kind| (kind.exit_code(), kind.meaning())));
    rows.sort_unstable();
    let lines: String = rows.iter().map(|(code, meaning)| format!("{code:>5}  {meaning}\n")).collect();
    format!("Exit codes\n\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_codes_page_lists_every_class() {
        let page = page(&["exit-codes".to_owned()]).unwrap();
        for kind in Kind::ALL {
            assert!(page.contains(&format!("{:>5}  {}", kind.exit_code(), kind.meaning())), "{kind:?}");
        }
        assert!(page.contains("   10  "));
    }

    #[test]
    fn every_command_has_a_page_that_is_more_than_its_usage_line() {
        let mut tree = super::super::Cli::command();
        tree.build();
        check(&tree, &mut Vec::new());
    }

    fn check(at: &clap::Command, path: &mut Vec<String>) {
        assert!(at.get_about().is_some(), "{path:?} says nothing about itself");
        assert!(page(path).unwrap().contains("Usage: edeliver"), "{path:?}");
        for sub in at.get_subcommands() {
            path.push(sub.get_name().to_owned());
            check(sub, path);
            path.pop();
        }
    }
}
