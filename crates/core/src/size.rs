//! Sizes as people read them.

/// `0 bytes`, `31 KB`, `5.4 MB`: decimal units, rounded up below a megabyte so that something is never shown as nothing.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} KB", bytes.div_ceil(1_000)),
        1_000_000..1_000_000_000 => tenths(bytes / 100_000, "MB"),
        _ => tenths(bytes / 100_000_000, "GB"),
    }
}

fn tenths(tenths: u64, unit: &str) -> String {
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_short_and_never_zero_for_something() {
        let shown = [0, 1, 999, 1_000, 1_001, 31_000, 5_449_999, 2_000_000_000].map(size);
        assert_eq!(shown, ["0 bytes", "1 bytes", "999 bytes", "1 KB", "2 KB", "31 KB", "5.4 MB", "2.0 GB"]);
    }
}
