//! The original's grammar, brought to the canonical form that clap parses: a pure function from argument list to argument list.
//!
//! `deploy to production --start-deploy` becomes `deploy release production --start-deploy`. What is decided here is decided by whole words in
//! their places, never by searching the text: the original took `--branch=non-production` for production.

mod code;

use std::ffi::OsString;

use clap::Command;

/// Why the words make no command.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// No such command here.
    #[error("there is no command `{}`", command_line(path, word))]
    Unknown {
        /// The commands in front of it.
        path: Vec<String>,
        /// The word.
        word: String,
        /// What it resembles.
        like: Option<String>,
    },
    /// `to` or `on` with nothing behind it.
    #[error("`{filler}` needs a target behind it")]
    NoTarget {
        /// The word.
        filler: String,
    },
    /// A command for the hosts that doesn't stand behind `--`.
    #[error("the command for the hosts stands behind `--`")]
    NoDashes {
        /// How to type it.
        line: String,
    },
    /// Two words, each of which may be the code or the target.
    #[error("either `{one}` or `{other}` is the target: put `on` in front of it")]
    WhichIsTheTarget {
        /// One.
        one: String,
        /// The other.
        other: String,
    },
    /// A target, and nothing to do there.
    #[error("there is nothing to call on `{target}`")]
    NoCode {
        /// The target.
        target: String,
    },
    /// Code that the shell has taken apart.
    #[error("the code has to be one word: put it in quotes")]
    NotOneWord,
    /// Two words that can only be targets.
    #[error("one target at a time, but there are two words for it: `{first}` and `{second}`")]
    TwoTargets {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
}

fn command_line(path: &[String], word: &str) -> String {
    path.iter().map(String::as_str).chain([word]).collect::<Vec<_>>().join(" ")
}

/// Words that may stand in front of a target.
const FILLERS: [&str; 2] = ["to", "on"];

/// Where the second word of a command may be left out, and what it is then.
const IMPLIED: [(&str, &str); 3] = [("build", "release"), ("deploy", "release"), ("rehearse", "upgrade")];

/// The original's names of the target on this machine.
const LOCAL: [&str; 2] = ["locally", "localhost"];

/// The argument list in canonical form: every word of the command is there, no filler is.
///
/// # Errors
/// [`WordError`], before anything was read or done.
pub fn canonical(argv: Vec<OsString>, tree: &Command) -> Result<Vec<OsString>, WordError> {
    if argv.get(1).is_some_and(|first| first == "-v" || first == "--version") {
        return Ok(argv); // asks for edeliver's own version, wherever `version` is a command and `--version=` an option
    }
    let mut argv = argv.into_iter();
    let mut reader = Reader::new(tree, argv.next());
    while let Some(token) = argv.next() {
        match token.to_str() {
            Some("--") if reader.takes_code() => reader.in_options = false,
            Some("--") => {
                reader.options.push(token);
                break;
            }
            Some(option) if reader.in_options && option.starts_with('-') && option.len() > 1 => {
                let takes_next = reader.takes_next(option);
                reader.options.push(token);
                reader.options.extend(argv.by_ref().take(usize::from(takes_next)));
            }
            Some(word) => {
                let word = word.to_owned();
                reader.word(&word, token)?;
            }
            None => reader.options.push(token),
        }
    }
    reader.options.extend(argv);
    reader.finish()
}

/// What a command of the project's own is called here.
pub const OWN: &str = "__own";

/// The argument list for a command that the project brings along: options of every command are ours, everything else is for the command.
pub fn own(argv: Vec<OsString>, word: &str, tree: &Command) -> Vec<OsString> {
    let is_global = |token: &OsString| {
        let name = token.to_string_lossy();
        let long = name.strip_prefix("--").map(|long| long.split('=').next().unwrap_or(long));
        let short = name.strip_prefix('-').filter(|rest| rest.chars().count() == 1).and_then(|rest| rest.chars().next());
        let mut globals = tree.get_arguments().filter(|arg| arg.is_global_set());
        globals.any(|arg| long.is_some() && arg.get_long() == long || short.is_some() && arg.get_short() == short)
    };
    let mut rest = argv.into_iter();
    let program = rest.next();
    let (globals, words): (Vec<_>, Vec<_>) = rest.partition(is_global);
    let at = words.iter().position(|token| token == word);
    let words = words.into_iter().enumerate().filter(|(place, _)| Some(*place) != at).map(|(_, token)| token);
    let head = [OWN.into(), word.into()];
    program.into_iter().chain(head).chain(globals).chain(["--".into()]).chain(words).collect()
}

/// Where we are while reading.
struct Reader<'a> {
    /// All commands.
    tree: &'a Command,
    /// The command reached so far.
    at: &'a Command,
    /// Its words.
    path: Vec<String>,
    out: Vec<OsString>,
    /// Options since the last word. They wait for the next one, because clap wants `deploy release --branch=x` for the user's
    /// `deploy --branch=x release`.
    options: Vec<OsString>,
    /// The second word that we filled in.
    implied: Option<&'static str>,
    /// A filler whose target has not come yet.
    filler: Option<String>,
    target: Option<String>,
    /// Whether a word that begins with a dash is an option.
    in_options: bool,
    /// The words of a command that takes code.
    code: code::Words,
}

impl<'a> Reader<'a> {
    fn new(tree: &'a Command, program: Option<OsString>) -> Self {
        let out = program.into_iter().collect();
        Self {
            tree,
            at: tree,
            path: Vec::new(),
            out,
            options: Vec::new(),
            implied: None,
            filler: None,
            target: None,
            in_options: true,
            code: code::Words::default(),
        }
    }

    /// Whether this option's value is the next argument (`--branch main`).
    fn takes_next(&self, option: &str) -> bool {
        let named = |arg: &&clap::Arg| match option.strip_prefix("--") {
            Some(long) => arg.get_long() == Some(long) || arg.get_all_aliases().is_some_and(|all| all.contains(&long)),
            None => option.len() == 2 && arg.get_short() == option.chars().nth(1),
        };
        // One that belongs to another command is refused later; until then it is read alike wherever it stands.
        arguments(self.at)
            .into_iter()
            .chain(arguments(self.tree))
            .find(named)
            .is_some_and(|arg| arg.get_action().takes_values() && !arg.is_require_equals_set())
    }

    /// Whether the command takes code beside its target.
    fn takes_code(&self) -> bool {
        self.at.get_positionals().any(|place| place.get_id() == "code")
    }

    fn word(&mut self, word: &str, token: OsString) -> Result<(), WordError> {
        if self.at.has_subcommands() { self.command_word(word, token) } else { self.argument_word(word, token) }
    }

    fn command_word(&mut self, word: &str, token: OsString) -> Result<(), WordError> {
        // `plan upgrade production` is `upgrade production --plan`.
        if word == "plan" && self.path.is_empty() && self.at.find_subcommand(word).is_none() {
            self.options.push("--plan".into());
            return Ok(());
        }
        if let Some(sub) = self.at.find_subcommand(word) {
            self.descend(sub.get_name().to_owned());
            return Ok(());
        }
        if self.at.get_name() == "run" && is_task(word) {
            self.become_task();
            return self.argument_word(word, token);
        }
        match implied(self.at) {
            Some(kind) if similar(word, self.at).is_none() => {
                self.imply(kind);
                self.argument_word(word, token)
            }
            _ => Err(WordError::Unknown { path: self.path.clone(), word: word.to_owned(), like: similar(word, self.at) }),
        }
    }

    fn argument_word(&mut self, word: &str, token: OsString) -> Result<(), WordError> {
        if self.takes_code() {
            if self.filler.is_none() && FILLERS.contains(&word) {
                self.filler = Some(word.to_owned());
                return Ok(());
            }
            let filler = self.filler.take();
            return self.code.take(word.to_owned(), filler.is_some());
        }
        if self.at.get_name() == "migrate" && self.filler.is_none() && ["up", "down"].contains(&word) {
            self.options.push(format!("--direction={word}").into());
            return Ok(());
        }
        // What may only stand behind `--` is no word of ours.
        let mut places = self.at.get_positionals().filter(|place| !place.is_last_set());
        let only_a_target = places.next().is_some_and(|place| place.get_id() == "target") && places.next().is_none();
        if !only_a_target {
            self.push(token);
        } else if FILLERS.contains(&word) {
            self.filler = Some(word.to_owned());
        } else if self.implied == Some(word) {
            self.implied = None; // `deploy production release`
        } else if let (Some(target), true) = (&self.target, self.at.get_positionals().any(clap::Arg::is_last_set)) {
            return Err(WordError::NoDashes { line: format!("edeliver {} {target} -- {word}", self.path.join(" ")) });
        } else if let Some(first) = &self.target {
            return Err(WordError::TwoTargets { first: first.clone(), second: word.to_owned() });
        } else {
            self.filler = None;
            self.target = Some(word.to_owned());
            self.push(if LOCAL.contains(&word) { "local".into() } else { token });
        }
        Ok(())
    }

    fn imply(&mut self, kind: &'static str) {
        self.implied = Some(kind);
        self.descend(kind.to_owned());
    }

    fn descend(&mut self, name: String) {
        self.at = self.at.find_subcommand(&name).expect("it was found or is known to be there");
        self.out.push(OsString::from(&name));
        self.path.push(name);
    }

    fn push(&mut self, word: OsString) {
        self.out.append(&mut self.options);
        self.out.push(word);
    }

    fn finish(mut self) -> Result<Vec<OsString>, WordError> {
        if let Some(filler) = self.filler {
            return Err(WordError::NoTarget { filler });
        }
        if let Some(kind) = implied(self.at) {
            self.descend(kind.to_owned());
        }
        self.out.append(&mut self.options);
        let (code, target) = self.code.sort_out()?;
        if code.as_ref().is_some_and(|code| code.starts_with('-')) {
            self.out.push("--".into());
        }
        let target = target.map(|target| if LOCAL.contains(&target.as_str()) { "local".to_owned() } else { target });
        self.out.extend(code.into_iter().chain(target).map(OsString::from));
        Ok(self.out)
    }

    /// `run MyApp.Release.migrate` is another command than `run list`, under the same word.
    fn become_task(&mut self) {
        self.path.pop();
        self.out.pop();
        self.at = self.tree;
        self.descend("task".to_owned());
    }
}

/// Whether this names a function: `MyApp.Release.migrate`, `my_app:migrate`. No command has such a name.
fn is_task(word: &str) -> bool {
    word.contains(['.', ':'])
}

/// The arguments of this command, and then those of all below it: options may stand in front of the words that they belong to.
fn arguments(at: &Command) -> Vec<&clap::Arg> {
    at.get_arguments().chain(at.get_subcommands().flat_map(arguments)).collect()
}

/// The second word that may be left out here.
fn implied(at: &Command) -> Option<&'static str> {
    let (_, kind) = IMPLIED.iter().find(|(name, _)| *name == at.get_name())?;
    at.find_subcommand(kind).map(|_| *kind)
}

/// The error for a word that is no command of `at`.
pub fn unknown(word: &str, at: &Command) -> WordError {
    WordError::Unknown { path: Vec::new(), word: word.to_owned(), like: similar(word, at) }
}

/// The command here that the user probably meant.
fn similar(word: &str, at: &Command) -> Option<String> {
    let names = at.get_subcommands().filter(|sub| !sub.is_hide_set()).map(Command::get_name);
    nearest(word, names).map(str::to_owned)
}

/// The candidate within two slips of the keyboard, for words long enough that this says something.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = match word.chars().count() {
        0..=2 => 0,
        3..=4 => 1,
        _ => 2,
    };
    let distance = |candidate: &&str| strsim::damerau_levenshtein(word, candidate);
    candidates.into_iter().min_by_key(distance).filter(|best| distance(best) <= allowed)
}

#[cfg(test)]
mod tests;
