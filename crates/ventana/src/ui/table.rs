//! Lists for people: columns aligned by spaces, numbers to the right.

use super::format::{plain, width};

/// A table, a line for each row; the first row is its head. Line ends and control characters in cells are taken out.
pub fn render(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| plain(cell)).collect())
        .collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let below = |column: usize| rows.iter().skip(1).filter_map(move |row| row.get(column));
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| width(cell))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let right: Vec<bool> = (0..columns)
        .map(|column| below(column).all(|cell| amount(cell)) && below(column).any(|cell| cell != "-"))
        .collect();
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[column].saturating_sub(width(cell)));
            let gap = if column > 0 { "  " } else { "" };
            let (before, after) = if right[column] {
                (pad.as_str(), "")
            } else {
                ("", pad.as_str())
            };
            line.push_str(&format!("{gap}{before}{cell}{after}"));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.truncate(out.trim_end_matches('\n').len());
    out
}

/// A count, a size or a duration (`1,234`, `12.3 MB`, `0.8 s`), or `-` for none.
fn amount(cell: &str) -> bool {
    let unit = |text: &str| text.len() <= 3 && text.chars().all(char::is_alphabetic);
    let number =
        |text: &str| text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(char::is_alphabetic);
    let mut words = cell.split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some("-" | ""), None, None) => true,
        (Some(first), None, None) => number(first) && !first.contains('_'),
        (Some(first), Some(second), None) => number(first) && unit(second),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[&[&str]]) -> String {
        render(
            &rows
                .iter()
                .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        let shown = table(&[
            &["name", "rows", "size", "run"],
            &["equipos", "10,000", "12.3 MB", "20251106_230000"],
            &["líneas\n\u{1b}[2J", "-", "7 B", "x"],
            &["😀", "1", "-", ""],
        ]);
        let wanted = "\
name          rows     size  run
equipos     10,000  12.3 MB  20251106_230000
líneas [2J       -      7 B  x
😀               1        -";
        assert_eq!(shown, wanted);
    }

    #[test]
    fn short_and_empty_tables() {
        assert_eq!(render(&[]), "");
        assert_eq!(table(&[&["name", "rows"]]), "name  rows");
        assert_eq!(
            table(&[&["a", "b"], &["only"], &["-", "-"]]),
            "a     b\nonly\n-     -"
        );
    }
}
