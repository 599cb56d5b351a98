//! Tables for people: columns as wide as their widest cell, counted in terminal columns.

use anstyle::Style;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::style::paint;

/// A cell, with the style it is shown in. The style does not count as width.
pub type Cell = (String, Style);

/// The rows as lines, first row first. The last column is not padded.
pub fn lines(rows: &[Vec<Cell>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|(text, _)| text.width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn line(row: &[Cell], widths: &[usize]) -> String {
    let used = row.iter().rposition(|(text, _)| !text.is_empty()).map_or(0, |last| last + 1);
    let cell = |(column, (text, style)): (usize, &Cell)| {
        let gap = if column + 1 == used { 0 } else { widths[column].saturating_sub(text.width()) + 2 };
        format!("{}{}", paint(*style, text), " ".repeat(gap))
    };
    row[..used].iter().enumerate().map(cell).collect()
}

/// The text, filled up to this many terminal columns on its left.
pub fn pad_left(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(text.width())))
}

/// As much of the text as these terminal columns hold; `~` at the end says that something is missing.
pub fn fit(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut room = columns.saturating_sub(1);
    let mut out: String = text
        .chars()
        .take_while(|c| {
            let width = c.width().unwrap_or(0);
            let fits = width <= room;
            room = room.saturating_sub(width);
            fits
        })
        .collect();
    if columns > 0 {
        out.push('~');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Vec<Cell> {
        cells.iter().map(|cell| ((*cell).to_owned(), Style::new())).collect()
    }

    #[test]
    fn wide_characters_count_as_the_columns_they_take() {
        let rows = [row(&["host", "is"]), row(&["日本", "up"]), row(&["é", "down"]), row(&["x", ""])];
        assert_eq!(lines(&rows), ["host  is", "日本  up", "é     down", "x"]);
        assert_eq!(pad_left("日", 4), "  日");
    }

    #[test]
    fn styles_do_not_shift_columns() {
        let bold = Style::new().bold();
        let rows = [vec![("a".to_owned(), bold), ("b".to_owned(), bold)], row(&["long", "c"])];
        let shown: Vec<String> = lines(&rows).iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect();
        assert_eq!(shown, ["a     b", "long  c"]);
    }

    #[test]
    fn a_long_text_is_cut_to_the_columns_and_says_so() {
        assert_eq!(fit("short", 5), "short");
        assert_eq!(fit("longer", 5), "long~");
        assert_eq!(fit("日本語です", 5), "日本~");
        assert_eq!(fit("日本語", 4), "日~");
        assert_eq!((fit("ab", 1).as_str(), fit("ab", 0).as_str()), ("~", ""));
    }
}
