//! The agent's answers, as types.

use std::{fmt::Write as _, time::Duration};

use edeliver_core::{name::Version, upgrade::restarts::Restarts};
use edeliver_erl::{Term, term::text};

use crate::ui::words;

/// `{Tag, Text, Term}`: something the agent has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it is about.
    pub tag: String,
    /// For people.
    pub text: String,
}

/// The upgrade would be possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Processes that would be suspended.
    pub processes: i64,
    /// What the user should know.
    pub warnings: Vec<Note>,
}

/// How a piece of work ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// The new release runs; the way back is open.
    Done(Report),
    /// The new release runs for good.
    Committed(Report),
    /// All is as before.
    Reverted(Note, Report),
    /// Something could not be put back.
    Broken(Note, Report),
}

/// What was done, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Processes that were suspended.
    pub processes: i64,
    /// How long they were.
    pub suspended: Duration,
    /// Modules that were loaded.
    pub modules: i64,
    /// Children and applications that were started, stopped, replaced.
    pub started: Vec<String>,
    /// See [`Report::started`].
    pub stopped: Vec<String>,
    /// See [`Report::started`].
    pub restarted: Vec<String>,
    /// Calls that the way back can't undo.
    pub not_undoable: Vec<String>,
    /// What instructions of the project have told.
    pub said: Vec<String>,
    /// Processes that still run old code, with its module.
    pub lingering: Vec<String>,
    /// Processes that were killed because they ran old code.
    pub killed: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<Note>,
}

/// What the agent is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Nothing, ever.
    Idle,
    /// It is at work.
    Working {
        /// The upgrade.
        id: String,
        /// What ran before it.
        from: Version,
        /// What it leads to, unless it is just taken back.
        to: Version,
    },
    /// An upgrade waits to be confirmed.
    Soaking {
        /// The upgrade.
        id: String,
        /// What ran before.
        from: Version,
        /// What runs.
        to: Version,
        /// Until it is taken back.
        left: Duration,
    },
    /// An upgrade has ended.
    Over {
        /// The upgrade.
        id: String,
        /// How; `None`: by a revert that was asked for while nothing was there.
        result: Option<Box<Moved>>,
    },
}

/// How a node does since its upgrade.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Children that are another process now.
    pub restarts: Vec<Restarted>,
    /// Children that should be there and are not.
    pub missing: Vec<String>,
    /// Processes that are suspended.
    pub suspended: Vec<String>,
    /// Processes in old code.
    pub old_code: Vec<String>,
    /// Modules whose code is another than the release's.
    pub other_code: Vec<String>,
}

/// A child that is another process than after the upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restarted {
    /// The child, for people.
    pub child: String,
    /// The process of its supervisor.
    pub supervisor: String,
    /// The process that it is now.
    pub process: String,
}

impl Note {
    pub(super) fn new(tag: &str, text: &str) -> Self {
        Self { tag: tag.to_owned(), text: text.to_owned() }
    }
    fn read(term: &Term) -> Option<Self> {
        let [tag, text, _] = term.as_tuple()? else { return None };
        let text = crate::report::readable(&text_of(text)?);
        Some(Self { tag: tag.as_atom()?.as_str().to_owned(), text })
    }
}

/// Text, as a binary or a list of characters.
pub(in crate::upgrade) fn text_of(term: &Term) -> Option<String> {
    term.as_binary().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).or_else(|| term.to_text())
}

fn notes(term: &Term) -> Option<Vec<Note>> {
    term.as_list()?.iter().map(Note::read).collect()
}

/// `{ok, #{processes, warnings}} | {refused, [Note]}`
pub(super) fn preflight(answer: &Term) -> Option<Result<Ready, Vec<Note>>> {
    match answer.as_tuple()? {
        [word, facts] if word.is_atom("ok") => {
            let processes = field(facts, "processes")?.as_i64()?;
            Some(Ok(Ready { processes, warnings: notes(field(facts, "warnings")?)? }))
        }
        [word, reasons] if word.is_atom("refused") => Some(Err(notes(reasons)?)),
        _ => None,
    }
}

/// `{done, Report} | {committed, Report} | {reverted, Note, Report} | {broken, Note, Report}`
pub(super) fn moved(answer: &Term) -> Option<Moved> {
    match answer.as_tuple()? {
        [word, report] if word.is_atom("done") => Some(Moved::Done(Report::read(report)?)),
        [word, report] if word.is_atom("committed") => Some(Moved::Committed(Report::read(report)?)),
        [word, why, report] if word.is_atom("reverted") => Some(Moved::Reverted(Note::read(why)?, Report::read(report)?)),
        [word, why, report] if word.is_atom("broken") => Some(Moved::Broken(Note::read(why)?, Report::read(report)?)),
        _ => None,
    }
}

/// `{ok, Report}`
pub(super) fn committed(answer: &Term) -> Option<Report> {
    match answer.as_tuple()? {
        [word, report] if word.is_atom("ok") => Report::read(report),
        _ => None,
    }
}

/// `{error, Note}`
pub(super) fn refusal(answer: &Term) -> Option<Note> {
    match answer.as_tuple()? {
        [word, note] if word.is_atom("error") => Note::read(note),
        _ => None,
    }
}

/// `idle | {working, Id, #{from, to}} | {soaking, Id, #{from, to, left_ms}} | {over, Id, Result}`
pub(super) fn status(answer: &Term) -> Option<Status> {
    if answer.is_atom("idle") {
        return Some(Status::Idle);
    }
    let [word, id, rest @ ..] = answer.as_tuple()? else { return None };
    let id = text_of(id)?;
    let version = |facts, name| text_of(field(facts, name)?)?.parse().ok();
    match (word.as_atom()?.as_str(), rest) {
        ("working", [facts]) => Some(Status::Working { id, from: version(facts, "from")?, to: version(facts, "to")? }),
        ("soaking", [facts]) => {
            let left = field(facts, "left_ms")?.as_i64()?.try_into().unwrap_or_default();
            Some(Status::Soaking {
                id,
                from: version(facts, "from")?,
                to: version(facts, "to")?,
                left: Duration::from_millis(left),
            })
        }
        ("over", [result]) => Some(Status::Over { id, result: moved(result).map(Box::new) }),
        _ => None,
    }
}

/// `#{restarts => [{Sup, Id, Old, New}], missing => [{Sup, Id}], suspended => [Pid], old_code => [{Pid, Mod}], md5 => [Mod]}`
pub(super) fn health(answer: &Term) -> Option<Health> {
    let shown = |name| Some(field(answer, name)?.as_list()?.iter().map(show).collect());
    let restart = |term: &Term| match term.as_tuple()? {
        [supervisor, id, _, new] => {
            Some(Restarted { child: child(supervisor, id), supervisor: show(supervisor), process: show(new) })
        }
        _ => None,
    };
    let missing = |term: &Term| match term.as_tuple()? {
        [supervisor, id] => Some(child(supervisor, id)),
        _ => None,
    };
    Some(Health {
        restarts: field(answer, "restarts")?.as_list()?.iter().map(restart).collect::<Option<_>>()?,
        missing: field(answer, "missing")?.as_list()?.iter().map(missing).collect::<Option<_>>()?,
        suspended: shown("suspended")?,
        old_code: shown("old_code")?,
        other_code: shown("md5")?,
    })
}

/// `[{Supervisor, Restarts, Seconds, [Name]}]`
pub(super) fn restarts(answer: &Term) -> Option<Vec<Restarts>> {
    let one = |term: &Term| {
        let [supervisor, count, seconds, names] = term.as_tuple()? else { return None };
        Some(Restarts {
            supervisor: show(supervisor),
            count: count.as_i64()?.try_into().ok()?,
            within: Duration::from_secs(seconds.as_i64()?.try_into().ok()?),
            names: names.as_list()?.iter().map(|name| Some(name.as_atom()?.as_str().to_owned())).collect::<Option<_>>()?,
        })
    };
    answer.as_list()?.iter().map(one).collect()
}

fn child(supervisor: &Term, id: &Term) -> String {
    if id.is_atom("application") {
        return format!("application {}", show(supervisor));
    }
    format!("{} of {}", show(id), show(supervisor))
}

impl Report {
    /// A map in which anything may be missing: what failed early has done little.
    fn read(term: &Term) -> Option<Self> {
        term.as_map()?;
        let number = |name| field(term, name).and_then(Term::as_i64).unwrap_or_default();
        let list = |name| field(term, name).and_then(Term::as_list).unwrap_or_default();
        let pairs = |name| list(name).iter().map(pair).collect();
        Some(Self {
            processes: number("processes"),
            suspended: Duration::from_micros(number("suspended").try_into().unwrap_or_default()),
            modules: number("modules"),
            started: pairs("started"),
            stopped: pairs("stopped"),
            restarted: pairs("restarted"),
            not_undoable: list("not_undoable").iter().map(show).collect(),
            said: list("said").iter().map(show).collect(),
            lingering: pairs("lingering"),
            killed: pairs("killed"),
            warnings: list("warnings").iter().filter_map(Note::read).collect(),
        })
    }
    /// In one line.
    pub fn describe(&self) -> String {
        let millis = self.suspended.as_secs_f64() * 1000.0;
        let mut line = match self.processes {
            0 => format!("{}, no process was suspended", count(self.modules, "module")),
            1 => format!("{}, 1 process suspended for {millis:.1} ms", count(self.modules, "module")),
            more => format!("{}, {more} processes suspended for {millis:.1} ms", count(self.modules, "module")),
        };
        for (word, which) in [("started", &self.started), ("stopped", &self.stopped), ("replaced", &self.restarted)] {
            if !which.is_empty() {
                let _ = write!(line, ", {word} {}", which.join(", "));
            }
        }
        line
    }
}

fn count(number: i64, noun: &str) -> String {
    words::count(usize::try_from(number).unwrap_or_default(), noun)
}

/// `{App, Id}` as `Id of App`, `{Pid, Mod}` as `Pid in Mod`.
fn pair(term: &Term) -> String {
    match term.as_tuple() {
        Some([pid @ Term::Pid(_), module]) => format!("{} in {}", show(pid), show(module)),
        Some([app, id]) if id.is_atom("application") => show(app),
        Some([app, id]) => format!("{} of {}", show(id), show(app)),
        _ => show(term),
    }
}

/// A term for people; Elixir's modules as Elixir writes them.
fn show(term: &Term) -> String {
    let text = term.as_binary().map_or_else(|| text::pretty(term), |bytes| String::from_utf8_lossy(bytes).into_owned());
    let text = text.strip_prefix("'Elixir.").and_then(|rest| rest.strip_suffix('\'')).unwrap_or(&text);
    crate::report::printable(text)
}

fn field<'a>(term: &'a Term, name: &'static str) -> Option<&'a Term> {
    term.as_map()?.get(&Term::atom(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(source: &str) -> Term {
        edeliver_erl::term::text::parse(source).unwrap()
    }

    #[test]
    fn every_answer_of_the_agent_is_understood() {
        let ready = preflight(&parse("{ok, #{processes => 3, warnings => [{vm, <<\"vm.args differ\">>, []}]}}")).unwrap().unwrap();
        assert_eq!((ready.processes, ready.warnings[0].text.as_str()), (3, "vm.args differ"));
        let refused = preflight(&parse("{refused, [{busy, <<\"<0.1.0> is busy\">>, x}]}")).unwrap().unwrap_err();
        assert_eq!(refused, [Note::new("busy", "<0.1.0> is busy")]);
        let done = moved(&parse(
            "{done, #{processes => 1, suspended => 2500, modules => 4, started => [{hotapp, 'Elixir.Hotapp.Ticker'}]}}",
        ));
        let Some(Moved::Done(report)) = done else { panic!("{done:?}") };
        assert_eq!(report.describe(), "4 modules, 1 process suspended for 2.5 ms, started Hotapp.Ticker of hotapp");
        assert!(matches!(moved(&parse("{reverted, {code_change, <<\"no\">>, none}, #{}}")), Some(Moved::Reverted(..))));
        assert!(matches!(moved(&parse("{broken, {code_change, <<\"no\">>, none}, #{}}")), Some(Moved::Broken(..))));
        assert_eq!(status(&parse("idle")), Some(Status::Idle));
        let soaking = status(&parse("{soaking, <<\"r1\">>, #{from => \"0.1.0\", to => \"0.2.0\", left_ms => 1500}}")).unwrap();
        assert!(matches!(soaking, Status::Soaking { left, .. } if left == Duration::from_millis(1500)));
        let working = status(&parse("{working, <<\"r1\">>, #{from => \"0.1.0\", to => \"0.2.0\"}}")).unwrap();
        assert!(matches!(working, Status::Working { to, .. } if to.as_str() == "0.2.0"));
        assert!(matches!(status(&parse("{over, <<\"r1\">>, {committed, #{}}}")), Some(Status::Over { result: Some(_), .. })));
        let health =
            health(&parse("#{restarts => [], missing => [{sup, a}], suspended => [], old_code => [], md5 => [m]}")).unwrap();
        assert_eq!((health.missing, health.other_code), (vec!["a of sup".to_owned()], vec!["m".to_owned()]));
        let before = restarts(&parse("[{sup, 2, 9, [worker]}]")).unwrap().remove(0);
        assert_eq!((before.count, before.within, before.names), (2, Duration::from_secs(9), vec!["worker".to_owned()]));
        for strange in ["ok", "{ok, 1}", "{soaking, <<\"x\">>, #{}}", "{reverted, #{}}"] {
            assert!(preflight(&parse(strange)).is_none() && moved(&parse(strange)).is_none() && status(&parse(strange)).is_none());
        }
    }
}
