//! Numbers, sizes, durations and digests as people read them; the same in both languages.

/// `12.3 MB`: decimal units, as disks and networks count.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    // What would be shown as 1000.0 is the next unit's 1.0.
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `85 ms`, `0.8 s`, `2 min 05 s`, `1 h 02 min`.
pub fn duration_ms(ms: u64) -> String {
    match ms {
        0..100 => format!("{ms} ms"),
        100..59_950 => format!("{:.1} s", ms as f64 / 1000.0),
        59_950..3_599_500 => {
            let seconds = (ms + 500) / 1000;
            format!("{} min {:02} s", seconds / 60, seconds % 60)
        }
        _ => {
            let minutes = (ms + 30_000) / 60_000;
            format!("{} h {:02} min", minutes / 60, minutes % 60)
        }
    }
}

/// `40,000`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 row`, `40,000 rows`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// The first 12 characters of a digest: enough to tell two apart by eye.
pub fn short(digest: &str) -> &str {
    digest
        .char_indices()
        .nth(12)
        .map_or(digest, |(end, _)| &digest[..end])
}

/// The text on one line, without characters that would steer a terminal: errors quote servers, files and rows.
pub fn plain(text: &str) -> String {
    safe(text).replace('\n', " ").trim().to_owned()
}

/// As [`plain`], with its line ends: for texts that are commands or lists.
pub fn safe(text: &str) -> String {
    text.chars()
        .map(|c| if c == '\t' { ' ' } else { c })
        .filter(|c| *c == '\n' || !steers(*c))
        .collect()
}

/// Control characters, and those that turn the direction of writing.
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Columns that a text takes in a terminal: CJK and emoji take two, marks that join to the letter before take none.
pub fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Cuts a text to `columns`, with `…` where something is missing.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1; // the ellipsis
    for c in text.chars() {
        used += char_width(c);
        if used > columns {
            break;
        }
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

fn char_width(c: char) -> usize {
    match c {
        '\u{0300}'..='\u{036f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' => 2,
        '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let shown = [0, 999, 1000, 12_345_678, 999_949, 999_999, u64::MAX].map(bytes);
        assert_eq!(
            shown,
            [
                "0 B", "999 B", "1.0 kB", "12.3 MB", "999.9 kB", "1.0 MB", "18.4 EB"
            ]
        );
    }

    #[test]
    fn durations() {
        let shown = [
            0, 85, 800, 59_949, 59_950, 125_000, 3_599_499, 3_599_500, 3_720_000,
        ]
        .map(duration_ms);
        let wanted = [
            "0 ms",
            "85 ms",
            "0.8 s",
            "59.9 s",
            "1 min 00 s",
            "2 min 05 s",
            "59 min 59 s",
            "1 h 00 min",
            "1 h 02 min",
        ];
        assert_eq!(shown, wanted);
    }

    #[test]
    fn counts() {
        assert_eq!(
            [0, 999, 1000, 40_000, 1_234_567].map(count),
            ["0", "999", "1,000", "40,000", "1,234,567"]
        );
        let rows = [0, 1, 2].map(|n| counted(n, "row", "rows"));
        assert_eq!(rows, ["0 rows", "1 row", "2 rows"]);
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn digests_are_cut_at_characters() {
        assert_eq!(short("0123456789abcdef"), "0123456789ab");
        assert_eq!(short("abc"), "abc");
        assert_eq!(short("ñañañañañañañaña"), "ñañañañañaña");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\r\nc\u{202e}d\0"), "a[31mb cd");
        assert_eq!(safe("a\u{1b}[31mb\r\nc\td\n"), "a[31mb\nc d\n");
    }

    #[test]
    fn texts_are_cut_to_columns() {
        assert_eq!(cut("mantenimiento", 20), "mantenimiento");
        assert_eq!(cut("mantenimiento", 6), "mante…");
        assert_eq!(width(&cut("😀😀😀", 4)), 3);
        assert_eq!(cut("abc", 0), "");
    }
}
