//! A round played: the operation with its faults, all of it mended, a look, and the way to one version everywhere.

use std::{
    error::Error,
    fmt, mem,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use super::{
    field::{Done, Field},
    judge::{self, Case},
    look::{self, View},
    mishap,
    operator::{Ending, Note, Operator},
    recipe::{BAD, Fault, Operation, Planned, Recipe, host},
};

/// An operation that has not ended then never does.
const LONGEST: Duration = Duration::from_secs(240);

/// A fault whose moment has not come by then has it now.
const LATEST: Duration = Duration::from_secs(20);

/// Until a fleet is at rest after everything was mended: an upgrade or a restart that nobody confirms is taken back, lost sessions end.
const REST: Duration = Duration::from_secs(90);

/// How a round ended.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) second: Option<Option<i32>>,
    pub(super) breaches: Vec<String>,
    /// Hosts on which no node ran because the operator was lost half way.
    pub(super) down: usize,
    pub(super) took: Duration,
    /// Names of files and texts: all that was said.
    pub(super) said: Vec<(String, String)>,
}

impl Ended {
    fn keep(&mut self, name: &str, text: String) {
        self.said.push((name.to_owned(), text));
    }
    fn kept(&mut self, field: &Field, name: &str, words: &str) -> Result<Option<i32>, Box<dyn Error>> {
        let began = Instant::now();
        let Done { code, out, err } = field.run(words)?;
        self.keep(name, format!("edeliver {words}\n{out}{err}\nexit code {code:?} after {:?}\n", began.elapsed()));
        Ok(code)
    }
    /// The same; while what a lost operator has left stands in its way (an upgrade that nobody confirms, a lease), again after a while.
    fn kept_at_last(&mut self, field: &Field, name: &str, words: &str) -> Result<Option<i32>, Box<dyn Error>> {
        let end = Instant::now() + REST;
        loop {
            match self.kept(field, name, words)? {
                Some(4 | 5) if Instant::now() < end => thread::sleep(Duration::from_secs(2)),
                code => return Ok(code),
            }
        }
    }
    fn breach(&mut self, what: String) {
        self.breaches.push(what);
    }
}

/// Plays it.
///
/// # Errors
/// What is no fault of edeliver's: the lab does not answer.
pub(super) fn play(field: &Field, recipe: &Recipe) -> Result<Ended, Box<dyn Error>> {
    let began = Instant::now();
    let mut ended = Ended::default();
    ended.keep("recipe", recipe.to_string());
    let before = look::fleet(field)?;
    let mut under_way = UnderWay::start(field, recipe)?;
    under_way.until_over()?;
    mishap::mend_all(field);
    let (first, second) = under_way.endings(&mut ended)?;
    (ended.code, ended.second) = (first.code, second.as_ref().map(|second| second.code));
    let (after, breaches) =
        at_rest(field, |after| Case { recipe, before: &before, first: &first, second: second.as_ref(), after }.breaches())?;
    ended.keep("hosts", format!("before\n{before:#?}\n\nafter\n{after:#?}\n"));
    ended.keep("operator", first.text());
    ended.keep("second", second.as_ref().map(Ending::text).unwrap_or_default());
    ended.breaches.extend(breaches);
    ended.down = after.iter().filter(|view| view.nodes == 0).count();
    if ended.breaches.is_empty() {
        recover(field, recipe, &after, &mut ended)?;
    }
    ended.took = began.elapsed();
    Ok(ended)
}

/// Code as built, nodes where there are none, the same once more, and then one version everywhere.
fn recover(field: &Field, recipe: &Recipe, after: &[View], ended: &mut Ended) -> Result<(), Box<dyn Error>> {
    let version = field.run("version production")?;
    ended.keep("version", format!("{}{}", version.out, version.err));
    let running = after.iter().filter(|view| view.nodes == 1 && view.serves.is_some()).count();
    let falls = after.iter().any(|view| view.boots.as_deref() == Some(BAD));
    if !falls && version.out.matches("as built").count() != running {
        ended.breach(format!("code of {running} nodes is not as built: {}", version.out));
    }
    if !falls && running < after.len() && ended.kept_at_last(field, "start", "start production")? != Some(0) {
        ended.breach("`start` does not bring up what is down".to_owned());
    }
    if recipe.again && is_repeatable(recipe.operation, falls) {
        match ended.kept_at_last(field, "again", &recipe.line())? {
            Some(0) => {}
            code => ended.breach(format!("the same command again, without faults, ended with {code:?}")),
        }
    }
    let line = format!("deploy release to production --version={} --start-deploy --force", recipe.to);
    let code = ended.kept_at_last(field, "converged", &line)?;
    if code != Some(0) {
        ended.breach(format!("`edeliver {line}` without faults ended with {code:?}"));
        return Ok(());
    }
    let (views, wrong) = at_rest(field, |views| judge::together(views, recipe.to))?;
    ended.keep("together", format!("{views:#?}"));
    ended.breaches.extend(wrong.into_iter().map(|what| format!("brought to {}, {what}", recipe.to)));
    Ok(())
}

/// Whether the same once more has to succeed. Nodes that fall are no more upgraded than those that are not there.
fn is_repeatable(operation: Operation, falls: bool) -> bool {
    operation != Operation::Rollback && operation.version() != Some(BAD) && !(falls && matches!(operation, Operation::Upgrade(_)))
}

/// Looks until nothing is wrong, or it is no more to be expected.
fn at_rest(field: &Field, wrong: impl Fn(&[View]) -> Vec<String>) -> Result<(Vec<View>, Vec<String>), Box<dyn Error>> {
    let end = Instant::now() + REST;
    loop {
        let views = look::fleet(field)?;
        let found = wrong(&views);
        let is_over = views.iter().all(|view| !view.guarded);
        if found.is_empty() && is_over || Instant::now() > end {
            return Ok((views, found));
        }
        thread::sleep(Duration::from_secs(1));
    }
}

/// An operation and the faults that have still to come.
struct UnderWay<'a> {
    field: &'a Field,
    first: Operator,
    second: Option<Operator>,
    began: Instant,
    told: u32,
    /// Faults that wait for their moment.
    waiting: Vec<Planned>,
    /// What is done when.
    due: Vec<(Instant, Deed)>,
    notes: Receiver<Note>,
    sender: Sender<Note>,
    hung: bool,
}

#[derive(Clone)]
enum Deed {
    Strike(Planned),
    Mend(Planned),
    CtrlC,
}

impl<'a> UnderWay<'a> {
    fn start(field: &'a Field, recipe: &Recipe) -> Result<Self, Box<dyn Error>> {
        let (sender, notes) = mpsc::channel();
        let first = Operator::start(field, &recipe.line(), &sender)?;
        let (began, waiting) = (Instant::now(), recipe.faults.clone());
        let mut one = Self { field, first, second: None, began, told: 0, waiting, due: Vec::new(), notes, sender, hung: false };
        one.arm(false);
        Ok(one)
    }
    /// Faults whose moment has come get a time.
    fn arm(&mut self, all: bool) {
        let (now, told) = (Instant::now(), self.told);
        let (come, wait): (Vec<_>, Vec<_>) = mem::take(&mut self.waiting).into_iter().partition(|one| all || one.told <= told);
        self.waiting = wait;
        self.due.extend(come.into_iter().map(|one| (now + Duration::from_millis(one.wait_ms.into()), Deed::Strike(one))));
    }
    fn until_over(&mut self) -> Result<(), Box<dyn Error>> {
        while !self.is_over() {
            let all = self.first.is_over() || self.began.elapsed() > LATEST;
            self.arm(all);
            self.do_what_is_due()?;
            let next = self.due.iter().map(|(when, _)| *when).min().unwrap_or_else(|| Instant::now() + Duration::from_secs(1));
            match self.notes.recv_timeout(next.saturating_duration_since(Instant::now()).min(Duration::from_secs(1))) {
                Ok(Note::Told) => self.told += 1,
                Ok(Note::Over) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            self.end_what_hangs();
        }
        Ok(())
    }
    fn is_over(&mut self) -> bool {
        let over = self.first.is_over() && self.second.as_mut().is_none_or(Operator::is_over);
        let strikes = self.due.iter().any(|(_, deed)| matches!(deed, Deed::Strike(_)));
        over && self.waiting.is_empty() && !strikes
    }
    fn do_what_is_due(&mut self) -> Result<(), Box<dyn Error>> {
        let now = Instant::now();
        let (due, later): (Vec<_>, Vec<_>) = mem::take(&mut self.due).into_iter().partition(|(when, _)| *when <= now);
        self.due = later;
        due.into_iter().try_for_each(|(_, deed)| self.perform(deed))
    }
    fn perform(&mut self, deed: Deed) -> Result<(), Box<dyn Error>> {
        match deed {
            Deed::Mend(planned) => mishap::mend(self.field, planned.fault, &host(planned.host)),
            Deed::CtrlC => self.first.signal("INT"),
            Deed::Strike(planned) => self.strike(planned)?,
        }
        Ok(())
    }
    fn strike(&mut self, planned: Planned) -> Result<(), Box<dyn Error>> {
        let now = Instant::now();
        match planned.fault {
            Fault::OperatorKilled => self.first.signal("KILL"),
            Fault::CtrlC => self.first.signal("INT"),
            Fault::CtrlCTwice => {
                self.first.signal("INT");
                self.due.push((now + Duration::from_millis(700), Deed::CtrlC));
            }
            Fault::SecondOperator(operation) => {
                self.second = Some(Operator::start(self.field, &operation.line(), &self.sender)?);
            }
            fault => {
                // What can't be done now, because of another fault, is not done.
                let _ = mishap::strike(self.field, fault, &host(planned.host));
                let mended = planned.lasts_ms.map(|ms| (Instant::now() + Duration::from_millis(ms.into()), Deed::Mend(planned)));
                self.due.extend(mended);
            }
        }
        Ok(())
    }
    fn end_what_hangs(&mut self) {
        if !self.hung && self.began.elapsed() > LONGEST {
            self.hung = true;
            self.first.signal("KILL");
            if let Some(second) = &self.second {
                second.signal("KILL");
            }
        }
    }
    fn endings(self, ended: &mut Ended) -> Result<(Ending, Option<Ending>), Box<dyn Error>> {
        if self.hung {
            ended.breach(format!("an operation has not ended after {} s", LONGEST.as_secs()));
        }
        Ok((self.first.end()?, self.second.map(Operator::end).transpose()?))
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = |code: Option<i32>| code.map_or("killed".to_owned(), |code| format!("exit code {code}"));
        write!(f, "{}", code(self.code))?;
        if let Some(second) = self.second {
            write!(f, ", the second operator's {}", code(second))?;
        }
        if self.down > 0 {
            write!(f, ", no node on {} hosts before it was started", self.down)?;
        }
        write!(f, "; {} ({:.0} s)", if self.breaches.is_empty() { "all holds" } else { "BREACH" }, self.took.as_secs_f64())
    }
}
