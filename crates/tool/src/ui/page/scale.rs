//! Where moments stand on the time line: as parts of a thousand of its width.
//!
//! A run may wait a long time for somebody's yes and then be over in seconds. Times in which no step went on are cut short, and that is
//! said on the page, so that the steps keep their room.

/// The whole width.
pub(super) const WIDTH: f64 = 1000.0;

/// A cut takes this much of the width.
const CUT: f64 = 30.0;

/// All cuts together take at most this much.
const ALL_CUTS: f64 = 300.0;

/// What is shorter is never cut.
const SHORTEST_CUT_MS: u64 = 2_000;

/// A time without steps is cut if it is longer than this part of all times with steps.
const CUT_FROM: u64 = 2;

/// Labels keep this distance.
const BETWEEN_LABELS: f64 = 75.0;

/// Times from one tick to the next that people can count in, in milliseconds.
const STEPS_MS: [u64; 20] = [
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000,
    7_200_000, 21_600_000, 43_200_000, 86_400_000,
];

/// A part of the time line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
    /// Nothing went on, and it is shorter than it was.
    pub(super) is_cut: bool,
    pub(super) from: f64,
    pub(super) to: f64,
}

/// From time to place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    pub(super) pieces: Vec<Piece>,
}

/// A mark with its label.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) label: String,
}

impl Scale {
    /// The scale on which all these times (begin and end) have their place.
    pub(super) fn over(times: impl Iterator<Item = (u64, u64)>) -> Self {
        let busy = union(times);
        let total: u64 = busy.iter().map(|(from, to)| to - from).sum();
        let mut pieces: Vec<(u64, u64, bool)> = Vec::new();
        let mut last = 0;
        for (from, to) in busy {
            let gap = from - last;
            let is_cut = gap > SHORTEST_CUT_MS.max(total / CUT_FROM);
            match pieces.last_mut() {
                Some(piece) if !is_cut => piece.1 = to,
                _ if is_cut => pieces.extend([(last, from, true), (from, to, false)]),
                _ => pieces.push((last, to, false)),
            }
            last = to;
        }
        Self { pieces: placed(&pieces) }
    }

    /// The place of this moment.
    pub(super) fn at(&self, ms: u64) -> f64 {
        let Some(piece) = self.pieces.iter().find(|piece| ms <= piece.to_ms).or(self.pieces.last()) else { return 0.0 };
        let length = float(piece.to_ms - piece.from_ms).max(1.0);
        let part = (float(ms.saturating_sub(piece.from_ms)) / length).min(1.0);
        piece.from + part * (piece.to - piece.from)
    }

    /// Marks at round times, where there is room for their labels.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        let shown: u64 = self.pieces.iter().filter(|piece| !piece.is_cut).map(|piece| piece.to_ms - piece.from_ms).sum();
        let step = STEPS_MS.into_iter().find(|step| shown / step <= 8).unwrap_or(STEPS_MS[STEPS_MS.len() - 1]);
        let mut ticks: Vec<Tick> = Vec::new();
        for piece in self.pieces.iter().filter(|piece| !piece.is_cut) {
            for number in piece.from_ms.div_ceil(step)..=(piece.to_ms / step) {
                let at = self.at(number * step).max(piece.from);
                if ticks.last().is_none_or(|last| at - last.at >= BETWEEN_LABELS) && at <= WIDTH - BETWEEN_LABELS / 2.0 {
                    ticks.push(Tick { at, label: label(number * step) });
                }
            }
        }
        ticks
    }
}

/// The times in which something went on, in order, none touching another.
fn union(times: impl Iterator<Item = (u64, u64)>) -> Vec<(u64, u64)> {
    let mut times: Vec<(u64, u64)> = times.map(|(from, to)| (from, to.max(from))).collect();
    times.sort_unstable();
    let mut busy: Vec<(u64, u64)> = Vec::new();
    for (from, to) in times {
        match busy.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => busy.push((from, to)),
        }
    }
    busy
}

fn placed(pieces: &[(u64, u64, bool)]) -> Vec<Piece> {
    let length = |(from, to, _): &(u64, u64, bool)| float(to - from);
    let cuts = float(pieces.iter().filter(|(.., is_cut)| *is_cut).count() as u64);
    let cut = if cuts * CUT > ALL_CUTS { ALL_CUTS / cuts } else { CUT };
    let shown: f64 = pieces.iter().filter(|(.., is_cut)| !is_cut).map(length).sum();
    let room = WIDTH - cuts * cut;
    let mut at = 0.0;
    let place = |piece: &(u64, u64, bool)| {
        let (from_ms, to_ms, is_cut) = *piece;
        let width = if is_cut { cut } else { room * length(piece) / shown.max(1.0) };
        let from = at;
        at += width;
        Piece { from_ms, to_ms, is_cut, from, to: at }
    };
    pieces.iter().map(place).collect()
}

/// A time since the begin: `0`, `1.5 s`, `20 s`, `1:30 min`, `2 h`.
fn label(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0 if ms == 0 => "0".to_owned(),
        0..60 if !ms.is_multiple_of(1_000) => format!("{seconds}.{} s", ms % 1_000 / 100),
        0..60 => format!("{seconds} s"),
        60..3_600 => in_sixties(seconds, "min"),
        _ => in_sixties(seconds / 60, "h"),
    }
}

fn in_sixties(parts: u64, unit: &str) -> String {
    match parts % 60 {
        0 => format!("{} {unit}", parts / 60),
        rest => format!("{}:{rest:02} {unit}", parts / 60),
    }
}

/// Times of runs are far below what a float can't count.
#[expect(clippy::cast_precision_loss, reason = "2^53 ms are many thousand years")]
fn float(ms: u64) -> f64 {
    ms as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<String> {
        scale.ticks().into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn what_goes_on_all_the_time_is_shown_as_it_was() {
        let scale = Scale::over([(0, 4_000), (3_000, 10_000)].into_iter());
        assert_eq!((scale.at(0), scale.at(5_000), scale.at(10_000), scale.at(99_000)), (0.0, 500.0, 1000.0, 1000.0));
        assert_eq!(labels(&scale), ["0", "2 s", "4 s", "6 s", "8 s"]);
    }

    #[test]
    fn a_long_wait_for_a_yes_does_not_take_the_room_of_the_steps() {
        let scale = Scale::over([(0, 1_000), (601_000, 605_000)].into_iter());
        assert_eq!(scale.pieces.iter().map(|piece| piece.is_cut).collect::<Vec<_>>(), [false, true, false]);
        assert!(scale.at(603_000) > 500.0 && scale.at(603_000) < 700.0);
        assert_eq!(labels(&scale), ["0", "1 s", "10:02 min", "10:03 min", "10:04 min"]);
    }

    #[test]
    fn a_short_gap_stays_and_a_late_begin_is_cut() {
        let scale = Scale::over([(60_000, 61_000), (62_500, 64_000)].into_iter());
        assert_eq!(scale.pieces.len(), 2);
        assert_eq!((scale.at(0), scale.at(60_000)), (0.0, 30.0));
        assert!(scale.at(62_000) > scale.at(61_000));
    }

    #[test]
    fn many_gaps_leave_room_for_the_steps() {
        let scale = Scale::over((0..100).map(|number| (number * 100_000, number * 100_000 + 10)));
        let cuts: f64 = scale.pieces.iter().filter(|piece| piece.is_cut).map(|piece| piece.to - piece.from).sum();
        assert!(cuts <= ALL_CUTS + 1.0, "{cuts}");
        assert!((scale.pieces.last().unwrap().to - WIDTH).abs() < 0.1);
    }

    #[test]
    fn nothing_at_all_has_a_scale_too() {
        assert_eq!(Scale::over(std::iter::empty()).at(5), 0.0);
        assert!(Scale::over([(7, 7)].into_iter()).at(7).is_finite());
        assert!(Scale::over([(0, 0)].into_iter()).ticks().len() < 3);
    }

    #[test]
    fn labels_are_round() {
        let labels: Vec<String> = [1_500, 20_000, 60_000, 90_000, 7_200_000, 5_400_000].map(label).to_vec();
        assert_eq!(labels, ["1.5 s", "20 s", "1 min", "1:30 min", "2 h", "1:30 h"]);
    }
}
