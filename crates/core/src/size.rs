//! Sizes as people read and write them.

/// `0 bytes`, `31 KB`, `5.4 MB`: decimal units, rounded up below a megabyte so that something is never shown as nothing.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} KB", bytes.div_ceil(1_000)),
        1_000_000..1_000_000_000 => tenths(bytes / 100_000, "MB"),
        _ => tenths(bytes / 100_000_000, "GB"),
    }
}

/// Units that people write, with what they are in bytes.
const UNITS: [(&str, u64); 7] =
    [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("KB", 1_000), ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)];

/// The bytes of a size as people write it: `512MB`, `4 GB`, `1GiB`. `None`: it is none, or too large.
pub fn bytes(text: &str) -> Option<u64> {
    of_units(text, &UNITS)
}

/// A whole number and a unit.
pub(crate) fn of_units(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (digits, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let (_, size) = units.iter().find(|(known, _)| *known == unit.trim_start())?;
    digits.parse::<u64>().ok()?.checked_mul(*size)
}

fn tenths(tenths: u64, unit: &str) -> String {
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::{bytes, size};

    #[test]
    fn sizes_are_short_and_never_zero_for_something() {
        let shown = [0, 1, 999, 1_000, 1_001, 31_000, 5_449_999, 2_000_000_000].map(size);
        assert_eq!(shown, ["0 bytes", "1 bytes", "999 bytes", "1 KB", "2 KB", "31 KB", "5.4 MB", "2.0 GB"]);
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(["512MB", "4 GB", "1KiB", "0MB"].map(bytes), [Some(512_000_000), Some(4_000_000_000), Some(1024), Some(0)]);
        for wrong in ["", "MB", "5", "-1MB", "1.5GB", "5Mb", "5 MB/s", "99999999999999999999GB", "99999999999GB"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
