//! Tables for people: columns as wide as their widest cell, counted in terminal columns.

use unicode_width::UnicodeWidthStr as _;

/// The rows as lines, first row first. The last column is not padded.
pub fn lines(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0))
        .collect();
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| pad(cell, *width)).collect();
    cells.join("  ").trim_end().to_owned()
}

/// The text, filled up to this many terminal columns on its right.
pub fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// The text, filled up to this many terminal columns on its left.
pub fn pad_left(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(text.width())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_count_as_the_columns_they_take() {
        let rows = [
            vec!["host".to_owned(), "is".to_owned()],
            vec!["日本".to_owned(), "up".to_owned()],
            vec!["é".to_owned(), "down".to_owned()],
        ];
        assert_eq!(lines(&rows), ["host  is", "日本  up", "é     down"]);
        assert_eq!(pad_left("日", 4), "  日");
    }
}
