//! Figures in words.

/// A span of time, as exact as one cares at that length: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`.
pub fn span(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0..10 => format!("{}.{} s", seconds, milliseconds % 1000 / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// An amount of data: `17 B`, `31 KB`, `4.2 MB`.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} KB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}

/// `1 host`, `2 hosts`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_as_exact_as_one_cares() {
        let spans: Vec<String> = [0, 49, 499, 9_999, 12_345, 65_000, 7_630_000].map(span).to_vec();
        assert_eq!(spans, ["0.0 s", "0.0 s", "0.4 s", "9.9 s", "12 s", "1 min 05 s", "2 h 07 min"]);
        let sizes: Vec<String> = [0, 999, 31_999, 4_250_000, 3_000_000_000].map(size).to_vec();
        assert_eq!(sizes, ["0 B", "999 B", "31 KB", "4.2 MB", "3.0 GB"]);
        assert_eq!((count(1, "host"), count(0, "host")), ("1 host".to_owned(), "0 hosts".to_owned()));
    }
}
