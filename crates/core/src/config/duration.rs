//! Lengths of time as people write them: `30s`, `5m`, `1h30m`, `500ms`.

use std::time::Duration;

/// Units with their milliseconds, the longer names first because `m` begins `ms`.
const UNITS: &[(&str, u64)] = &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Parses one or more numbers with units. `None` for everything else, zero and more than a year among it: a limit of zero would end
/// every step, and nobody waits a year.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest[..digits].parse().ok()?;
        let (unit, millis) = UNITS.iter().find(|(unit, _)| unit_at(&rest[digits..], unit))?;
        total = total.checked_add(number.checked_mul(*millis)?)?;
        rest = &rest[digits + unit.len()..];
    }
    (1..=365 * 86_400_000).contains(&total).then(|| Duration::from_millis(total))
}

/// Whether this unit stands here, and not only its first letter.
fn unit_at(rest: &str, unit: &str) -> bool {
    rest.strip_prefix(unit).is_some_and(|after| !after.starts_with(|c: char| c.is_alphabetic()))
}

/// The shortest way to write it that [`parse`] reads back.
pub fn show(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut out = String::new();
    for (unit, millis) in UNITS.iter().rev() {
        if rest >= *millis {
            out.push_str(&format!("{}{unit}", rest / millis));
            rest %= millis;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_as_people_write_them() {
        assert_eq!(parse("30s"), Some(Duration::from_secs(30)));
        assert_eq!(parse("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(parse("500ms"), Some(Duration::from_millis(500)));
        for bad in ["", "30", "s", "30 s", "-1s", "1.5s", "0s", "1y", "30sec", "9999999999999999999s", "400d"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(millis in 1u64..365 * 86_400_000) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&show(duration)), Some(duration));
        }
    }
}
