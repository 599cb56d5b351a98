//! Which rows are tried by themselves, with which engine.

use std::collections::BTreeSet;

use super::row::{Engine, Row};

/// Rows by name, with the engines they are tried with.
pub(super) type Choice = BTreeSet<(String, Engine)>;

/// All of them.
pub(super) fn all(rows: &[Row], engines: &[Engine]) -> Choice {
    rows.iter().flat_map(|row| engines.iter().map(|engine| (row.name.clone(), *engine))).collect()
}

/// Those that stand for the others where there is little time: of each tool, road and kind of outcome the first one. Rows that are hot and
/// need no node of their own are left out, because all of them are tried in one upgrade, with each engine; and release_handler is tried only where
/// something else than of the transactional engine is expected of it.
pub(super) fn short(rows: &[Row]) -> Choice {
    let mut seen = BTreeSet::new();
    let mut first = |row: &Row, engine: Engine| seen.insert((row.tool, row.road, engine, row.expected.of(engine).kind()));
    let [one, other] = Engine::ALL;
    let mut choice = Choice::new();
    for row in rows {
        let differs = row.expected.of(one) != row.expected.of(other);
        let is_with_others = !row.is_alone() && row.expected.of(one).is_hot();
        if !is_with_others && first(row, one) {
            choice.insert((row.name.clone(), one));
        }
        if differs && first(row, other) {
            choice.insert((row.name.clone(), other));
        }
    }
    choice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_choice_has_every_road_and_every_kind_of_outcome() {
        let rows = Row::all().unwrap();
        let short = short(&rows);
        let kinds = |chosen: &dyn Fn(&Row, Engine) -> bool| -> BTreeSet<_> {
            let pairs = rows.iter().flat_map(|row| Engine::ALL.map(|engine| (row, engine)));
            let pairs = pairs.filter(|(row, engine)| chosen(row, *engine) && !row.expected.of(*engine).is_hot());
            pairs.map(|(row, engine)| row.expected.of(engine).kind()).collect()
        };
        assert_eq!(kinds(&|row, engine| short.contains(&(row.name.clone(), engine))), kinds(&|_, _| true));
        let roads =
            |chosen: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| chosen(row)).map(|row| row.road).collect::<BTreeSet<_>>();
        assert_eq!(roads(&|row| short.contains(&(row.name.clone(), Engine::Transactional))), roads(&|_| true));
        assert!(short.len() < rows.len() / 3, "{}", short.len());
    }
}
