//! Many rows on one node, one after the other; and a row on a node of its own.

use std::{collections::BTreeMap, error::Error, path::Path};

use super::{
    base::Base,
    choice::Choice,
    compose::{self, Composed, Recipe},
    node::Node,
    roads,
    row::{Engine, Expected, Outcome, Road, Row, Tool},
    stage::{Done, Stage},
    trial::{Found, Trial},
    workshop::Workshop,
};

/// The version that a node of a tour has at first.
const OLD: &str = "1.0.0";

/// That in which all rows have come to their second version.
const ALL: &str = "2.0.0";

/// Releases of several rows: all in their first version, each with one in its second, and all in their second.
pub(super) struct Tour<'a> {
    pub(super) tool: Tool,
    rows: Vec<&'a Row>,
    /// Which of them are tried by themselves too.
    choice: &'a Choice,
    stage: Stage,
    old: Composed,
    new: BTreeMap<&'a str, Composed>,
    all: Composed,
    /// What was said when upgrades to these versions were made.
    built: BTreeMap<String, Done>,
}

impl<'a> Tour<'a> {
    /// Makes the releases.
    ///
    /// # Errors
    /// A row that can't be compiled.
    pub(super) fn prepare(edeliver: &Path, base: &Base, rows: Vec<&'a Row>, choice: &'a Choice) -> Result<Self, Box<dyn Error>> {
        let stage = Stage::new(edeliver, base, &[])?;
        let (mut workshop, store) = (Workshop::open()?, stage.store()?);
        let mut make = |version: String, in_second: &dyn Fn(&Row) -> bool| {
            let rows = rows.iter().map(|row| (*row, if in_second(row) { 2 } else { 1 })).collect();
            Recipe { version, rows, old: OLD }.make(base, &mut workshop, &store)
        };
        let old = make(OLD.to_owned(), &|_| false)?;
        let mut new = BTreeMap::new();
        let chosen = |row: &Row| Engine::ALL.iter().any(|engine| choice.contains(&(row.name.clone(), *engine)));
        for (at, row) in rows.iter().enumerate().filter(|(_, row)| chosen(row)) {
            let made = make(format!("1.{}.0", at + 1), &|other| other.name == row.name);
            new.insert(row.name.as_str(), made.map_err(|why| format!("{}: {why}", row.name))?);
        }
        let all = make(ALL.to_owned(), &Self::is_for_all)?;
        let built = new.values().chain([&all]).map(|new| Ok((new.version.clone(), stage.build_upgrade(OLD, &new.version)?)));
        let built = built.collect::<Result<_, Box<dyn Error>>>()?;
        Ok(Self { tool: base.tool, rows, choice, stage, old, new, all, built })
    }
    /// Whether it can be upgraded together with others: one that can't would stop all.
    fn is_for_all(row: &Row) -> bool {
        Engine::ALL.iter().all(|engine| row.expected.of(*engine).is_hot())
    }
    /// All rows with this engine; the last result is that of all rows at once.
    ///
    /// # Errors
    /// The node can't be brought back to its first version.
    pub(super) fn walk(&self, engine: Engine, tell: &dyn Fn(&str, &Found)) -> Result<Found, Box<dyn Error>> {
        let mut node = Node::new(&self.stage, engine, self.tool)?;
        node.start(OLD)?;
        for row in self.rows.iter().filter(|row| self.choice.contains(&(row.name.clone(), engine))) {
            let new = &self.new[row.name.as_str()];
            let mut trial = Trial::new(&mut node, row, &self.old);
            trial.found.said.clone_from(&self.built[&new.version].said);
            if let Err(why) = trial.up_and_down(new) {
                trial.found.faults.push(why.to_string());
            }
            let found = trial.found;
            if !found.faults.is_empty() {
                recover(&mut node, OLD)?;
            }
            tell(&row.name, &found);
        }
        Ok(self.at_once(&mut node))
    }
    fn at_once(&self, node: &mut Node<'_>) -> Found {
        let mut row = Row::nothing(self.tool, "everything at once");
        for part in self.rows.iter().filter(|row| Self::is_for_all(row)) {
            row.seeds.extend(part.seeds.iter().cloned());
            row.checks.extend(part.checks.iter().cloned());
            row.restarted.extend(part.restarted.iter().cloned());
        }
        // Some of these are warned of.
        row.expected = Expected::all(Outcome::Warned(String::new()));
        let mut trial = Trial::new(node, &row, &self.old);
        trial.found.said.clone_from(&self.built[ALL].said);
        if let Err(why) = trial.for_good(&self.all) {
            trial.found.faults.push(why.to_string());
        }
        trial.found
    }
}

/// A node that runs this version and serves, whatever there was.
fn recover(node: &mut Node<'_>, version: &str) -> Result<(), Box<dyn Error>> {
    node.kill();
    node.start(version)
}

/// A row with a stage of its own: its releases, and for each engine a node.
pub(super) struct Alone<'a> {
    row: &'a Row,
    stage: Stage,
    composed: Vec<Composed>,
    /// What was said when its upgrades were made.
    built: String,
}

impl<'a> Alone<'a> {
    /// Makes the releases.
    ///
    /// # Errors
    /// They can't be made.
    pub(super) fn prepare(edeliver: &Path, base: &Base, row: &'a Row) -> Result<Self, Box<dyn Error>> {
        let stage = Stage::new(edeliver, base, &row.settings)?;
        let (mut workshop, store) = (Workshop::open()?, stage.store()?);
        let make = |version: u8| {
            let recipe = Recipe { version: format!("1.{}.0", version - 1), rows: vec![(row, version)], old: OLD };
            recipe.make(base, &mut workshop, &store)
        };
        let composed = match row.road {
            Road::Built => compose::build(&stage, base, row, &mut workshop)?,
            _ => (1..=row.versions().max(2)).map(make).collect::<Result<Vec<_>, _>>()?,
        };
        let pairs = if row.road == Road::OtherFrom { 1 } else { composed.len() - 1 };
        let mut built = String::new();
        for pair in composed.windows(2).take(pairs) {
            built.push_str(&stage.build_upgrade(&pair[0].version, &pair[1].version)?.said);
        }
        Ok(Self { row, stage, composed, built })
    }
    /// The row's road with this engine.
    ///
    /// # Errors
    /// Its first release does not start.
    pub(super) fn walk(&self, engine: Engine) -> Result<Found, Box<dyn Error>> {
        let mut node = Node::new(&self.stage, engine, self.row.tool)?;
        match self.row.road {
            Road::ByHand => {
                roads::unpack(&self.stage.archive(OLD)?, &self.stage.root(engine), self.row.tool)?;
                node.start_by_hand()?;
            }
            _ => node.start(OLD)?,
        }
        let mut trial = Trial::new(&mut node, self.row, &self.composed[0]);
        trial.found.said.clone_from(&self.built);
        if let Err(why) = trial.road(&self.composed[1..]) {
            trial.found.faults.push(why.to_string());
        }
        Ok(trial.found)
    }
}
