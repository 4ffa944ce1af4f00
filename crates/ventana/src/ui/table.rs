//! Lists for people: columns aligned by spaces, numbers to the right.

use super::format::{plain, width};

/// What stands between two columns.
const GAP: usize = 2;

/// A table, a line for each row; the first row is its head. Line ends and control characters in cells are taken out. Where
/// it would be wider than `columns`, the widest texts go on in further lines, at their blanks: a path, a digest or a number
/// stays whole, even if the table is wider then.
pub fn render(rows: &[Vec<String>], columns: usize) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| plain(cell)).collect())
        .collect();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let right: Vec<bool> = (0..count)
        .map(|column| {
            let below = || rows.iter().skip(1).filter_map(move |row| row.get(column));
            below().all(|cell| amount(cell)) && below().any(|cell| cell != "-")
        })
        .collect();
    let widths = widths(&rows, &right, columns);
    let mut out = String::new();
    for row in &rows {
        let cells: Vec<Vec<String>> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| wrapped(cell, *width))
            .collect();
        for at in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            let mut line = String::new();
            for (column, cell) in cells.iter().enumerate() {
                let text = cell.get(at).map_or("", String::as_str);
                let pad = " ".repeat(widths[column].saturating_sub(width(text)));
                let gap = if column > 0 {
                    " ".repeat(GAP)
                } else {
                    String::new()
                };
                let (before, after) = if right[column] {
                    (pad.as_str(), "")
                } else {
                    ("", pad.as_str())
                };
                line.push_str(&format!("{gap}{before}{text}{after}"));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out.truncate(out.trim_end_matches('\n').len());
    out
}

/// As wide as the widest cell; if that is too wide together, the widest columns of texts give way, down to their longest
/// word.
fn widths(rows: &[Vec<String>], right: &[bool], columns: usize) -> Vec<usize> {
    let widest = |column: usize, of: fn(&str) -> usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| of(cell)).max().unwrap_or(0)
    };
    let word = |cell: &str| cell.split(' ').map(width).max().unwrap_or(0);
    let mut widths: Vec<usize> = (0..right.len()).map(|column| widest(column, width)).collect();
    let least: Vec<usize> = (0..right.len())
        .map(|column| {
            if right[column] {
                widths[column]
            } else {
                widest(column, word)
            }
        })
        .collect();
    let room = columns.saturating_sub(GAP * right.len().saturating_sub(1));
    while widths.iter().sum::<usize>() > room {
        let gives = (0..widths.len()).filter(|column| widths[*column] > least[*column]);
        let Some(widest) = gives.max_by_key(|column| widths[*column]) else {
            break;
        };
        widths[widest] -= 1;
    }
    widths
}

/// The cell in lines of at most `room` columns, parted at blanks.
fn wrapped(cell: &str, room: usize) -> Vec<String> {
    if width(cell) <= room {
        return vec![cell.to_owned()];
    }
    let mut lines: Vec<String> = Vec::new();
    for word in cell.split(' ') {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
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
            100,
        )
    }

    #[test]
    fn texts_go_on_in_further_lines_and_nothing_else_is_parted() {
        let rows = [
            ["step", "what it does", "undo", "expected"],
            [
                "fence",
                "no writes reach the data, reads stay live",
                "lift the fence",
                "1.0 s",
            ],
            [
                "stage",
                "/a/path/that/is/never/parted/whatever/happens",
                "—",
                "12 ms",
            ],
        ];
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect();
        let wanted = "\
step   what it does                                   undo      expected
fence  no writes reach the data, reads stay live      lift the     1.0 s
                                                      fence
stage  /a/path/that/is/never/parted/whatever/happens  —            12 ms";
        assert_eq!(render(&rows, 72), wanted);
        // The longest words are what it cannot be narrower than.
        assert_eq!(render(&rows, 0), render(&rows, 69));
        assert!(render(&rows, 100).lines().count() == 3);
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
        assert_eq!(render(&[], 100), "");
        assert_eq!(table(&[&["name", "rows"]]), "name  rows");
        assert_eq!(
            table(&[&["a", "b"], &["only"], &["-", "-"]]),
            "a     b\nonly\n-     -"
        );
    }
}
