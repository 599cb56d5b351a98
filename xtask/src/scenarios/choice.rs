//! Which rows are tried by themselves, with which engine.

use std::collections::BTreeSet;

use super::row::{Engine, Road, Row};

/// Rows by name, with the engines they are tried with.
pub(super) type Choice = BTreeSet<(String, Engine)>;

/// All of them.
pub(super) fn all(rows: &[Row], engines: &[Engine]) -> Choice {
    rows.iter().flat_map(|row| engines.iter().map(|engine| (row.name.clone(), *engine))).collect()
}

/// Those that stand for the others where there is little time: of each road and kind of outcome the first one; with release_handler of each kind of
/// outcome. Rows that are hot and need no node of their own are left out, because all of them are tried in one upgrade, with each tool and engine.
pub(super) fn short(rows: &[Row]) -> Choice {
    let mut seen = BTreeSet::new();
    let mut first = |row: &Row, engine: Engine| seen.insert((row.road, engine, row.expected.of(engine).kind()));
    let mut choice = Choice::new();
    for row in rows {
        for engine in Engine::ALL {
            let is_with_others = !row.is_alone() && row.expected.of(engine).is_hot();
            let is_left_out = engine == Engine::ReleaseHandler && row.road != Road::UpAndDown;
            if !is_with_others && !is_left_out && first(row, engine) {
                choice.insert((row.name.clone(), engine));
            }
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
        for engine in Engine::ALL {
            let tried = kinds(&|row, of| of == engine && short.contains(&(row.name.clone(), of)));
            assert_eq!(tried, kinds(&|_, of| of == engine), "{}", engine.name());
        }
        let roads =
            |chosen: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| chosen(row)).map(|row| row.road).collect::<BTreeSet<_>>();
        assert_eq!(roads(&|row| short.contains(&(row.name.clone(), Engine::Transactional))), roads(&|_| true));
        assert!(short.len() < rows.len() / 3, "{}", short.len());
    }
}
