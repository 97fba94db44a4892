//! Columns, aligned as Go's text/tabwriter aligns them for Docker: cells end with a tab, a column is as wide as its
//! widest cell and three spaces, and at least ten; the last cell of a line belongs to no column.

use unicode_width::UnicodeWidthStr;

/// The least width of a column, with its padding.
const LEAST: usize = 10;
const PADDING: usize = 3;

/// Aligns the cells of all lines. A column goes on over neighbouring lines that have it.
pub fn align(text: &str) -> String {
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let mut widths: Vec<Vec<usize>> = lines.iter().map(|cells| vec![0; cells.len() - 1]).collect();
    let columns = widths.iter().map(Vec::len).max().unwrap_or(0);
    for column in 0..columns {
        let mut start = 0;
        while start < lines.len() {
            let length = widths[start..]
                .iter()
                .take_while(|line| line.len() > column)
                .count();
            let block = start..start + length;
            let cells = lines[block.clone()]
                .iter()
                .map(|cells| cells[column].width() + PADDING);
            let width = cells.max().unwrap_or(0).max(LEAST);
            for line in &mut widths[block] {
                line[column] = width;
            }
            start += length.max(1);
        }
    }
    let mut aligned = String::with_capacity(text.len() * 2);
    for (cells, widths) in lines.iter().zip(&widths) {
        for (index, cell) in cells.iter().enumerate() {
            aligned.push_str(cell);
            if let Some(width) = widths.get(index) {
                aligned.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width())));
            }
        }
        aligned.push('\n');
    }
    aligned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns() {
        for (text, expected) in [
            (
                "a\tb\nlonger than ten\tc\n",
                "a                 b\nlonger than ten   c\n",
            ),
            ("a\tb\n", "a         b\n"),
            ("世界世界\tb\nabc\tc", "世界世界   b\nabc        c\n"),
            ("one\n\ntwo\t\n", "one\n\ntwo       \n"),
            (
                "a long first cell\tx\nno cells\nb\ty\n",
                "a long first cell   x\nno cells\nb         y\n",
            ),
            ("a\tb\tc\nd\te\n", "a         b         c\nd         e\n"),
            ("", ""),
        ] {
            assert_eq!(align(text), expected, "{text:?}");
        }
    }
}
