//! The version in the files of Erlang projects: they are rewritten, because rebar takes it from nowhere else.
//!
//! Comments and layout of a rewritten file are lost, in the build's own worktree only.

use edeliver_erl::{
    Term,
    term::text::{self, NotConsultable, ParseError},
};

use super::{Recipe, RuleError};

/// Why a file can't be given another version.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// Not a file of terms.
    #[error("it is not a file of Erlang terms")]
    Text(#[from] ParseError),
    /// A term without a written form; no file can hold one.
    #[error("it can't be written again")]
    Write(#[from] NotConsultable),
    /// The version is made by the build tool.
    #[error("its version is made by the build: {0}")]
    Made(String),
    /// The rule can't be applied to the version that stands there.
    #[error("the version there can't be used")]
    Rule(#[from] RuleError),
}

/// `src/APP.app.src` under another version; `None` if it says the version already.
///
/// # Errors
/// [`RewriteError`].
pub fn app_src(file: &[u8], recipe: &Recipe) -> Result<Option<String>, RewriteError> {
    rewrite(file, &mut |term| match term {
        Term::Tuple(pair) if pair.len() == 2 && pair[0].is_atom("vsn") => replace(&mut pair[1], recipe),
        _ => Ok(()),
    })
}

/// `rebar.config`, `relx.config` or `reltool.config` with another version for the release `app`; `None` if it says the version already, or
/// has no such release.
///
/// # Errors
/// [`RewriteError`].
pub fn release(file: &[u8], app: &str, recipe: &Recipe) -> Result<Option<String>, RewriteError> {
    rewrite(file, &mut |term| match term {
        // relx: {release, {Name, Vsn}, Apps …}
        Term::Tuple(parts) if parts.len() >= 3 && parts[0].is_atom("release") => match &mut parts[1] {
            Term::Tuple(named) if named.len() == 2 && named[0].is_atom(app) => replace(&mut named[1], recipe),
            _ => Ok(()),
        },
        // reltool: {rel, "Name", "Vsn", Apps}
        Term::Tuple(parts) if parts.len() >= 4 && parts[0].is_atom("rel") && parts[1].to_text().as_deref() == Some(app) => {
            replace(&mut parts[2], recipe)
        }
        _ => Ok(()),
    })
}

fn replace(vsn: &mut Term, recipe: &Recipe) -> Result<(), RewriteError> {
    let stated = vsn.to_text();
    let text = match (&stated, &recipe.base) {
        (Some(stated), _) => recipe.apply(stated)?,
        (None, super::Base::Set(_)) => recipe.apply("")?,
        (None, _) => return Err(RewriteError::Made(vsn.to_string())),
    };
    *vsn = Term::string(&text);
    Ok(())
}

fn rewrite(file: &[u8], change: &mut dyn FnMut(&mut Term) -> Result<(), RewriteError>) -> Result<Option<String>, RewriteError> {
    let before = text::consult(file)?;
    let mut after = before.clone();
    after.iter_mut().try_for_each(|term| walk(term, change))?;
    Ok(if after == before { None } else { Some(text::to_file(&after)?) })
}

/// Every tuple, outer ones first. Depth is bounded by the reader.
fn walk(term: &mut Term, change: &mut dyn FnMut(&mut Term) -> Result<(), RewriteError>) -> Result<(), RewriteError> {
    change(term)?;
    match term {
        Term::Tuple(parts) | Term::List(parts) => parts.iter_mut().try_for_each(|part| walk(part, change)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Base, Part};
    use super::*;

    fn appended() -> Recipe {
        Recipe { base: Base::Project, metadata: "82a5834".to_owned() }
    }

    #[test]
    fn the_application_and_its_release_get_the_same_version() {
        let src = b"%% the app\n{application, relapp, [{description, \"x\"}, {vsn, \"0.1.0\"}, {env, [{vsn2, \"0.1.0\"}]}]}.";
        let written = app_src(src, &appended()).unwrap().unwrap();
        assert!(written.contains("{vsn,\"0.1.0+82a5834\"}") && written.contains("{vsn2,\"0.1.0\"}"), "{written}");
        let config =
            b"{erl_opts, [debug_info]}.\n{relx, [{release, {relapp, \"0.1.0\"}, [relapp, sasl]}, {release, {other, \"7\"}, [x]}]}.";
        let written = release(config, "relapp", &appended()).unwrap().unwrap();
        assert!(written.contains("{relapp,\"0.1.0+82a5834\"}") && written.contains("{other,\"7\"}"), "{written}");
        let reltool = b"{sys, [{rel, \"relapp\", \"0.1.0\", [kernel]}]}.";
        let counted = Recipe { base: Base::Increment(Part::Minor), metadata: String::new() };
        assert!(release(reltool, "relapp", &counted).unwrap().unwrap().contains("{rel,\"relapp\",\"0.2.0\",[kernel]}"));
    }

    #[test]
    fn what_says_the_version_already_stays_as_it_is() {
        let set = Recipe { base: Base::Set("0.1.0".to_owned()), metadata: String::new() };
        assert_eq!(app_src(b"{application, a, [{vsn, \"0.1.0\"}]}.", &set).unwrap(), None);
        assert_eq!(release(b"{deps, []}.", "a", &set).unwrap(), None);
    }

    #[test]
    fn a_version_that_git_makes_can_be_set_and_not_appended_to() {
        let src = b"{application, a, [{vsn, git}]}.";
        assert_eq!(app_src(src, &appended()).unwrap_err().to_string(), "its version is made by the build: git");
        let set = Recipe { base: Base::Set("2.0.0".to_owned()), metadata: String::new() };
        assert!(app_src(src, &set).unwrap().unwrap().contains("{vsn,\"2.0.0\"}"));
    }
}
