//! Numbers, dates and money as people read them. What does not parse is shown as it is stored.

use web::Language;

/// Months as they are cut in dates.
const MONTHS: [(&str, &str); 12] = [
    ("ene", "Jan"),
    ("feb", "Feb"),
    ("mar", "Mar"),
    ("abr", "Apr"),
    ("may", "May"),
    ("jun", "Jun"),
    ("jul", "Jul"),
    ("ago", "Aug"),
    ("sep", "Sep"),
    ("oct", "Oct"),
    ("nov", "Nov"),
    ("dic", "Dec"),
];

/// A narrow blank that does not break: groups of three in Spanish.
const NARROW: char = '\u{202f}';

/// `10000` → `10 000` (es, from five digits on) or `10,000` (en).
pub(super) fn count(language: Language, number: u64) -> String {
    let digits = number.to_string();
    match language {
        Language::Es if digits.len() < 5 => digits,
        Language::Es => grouped(&digits, NARROW),
        Language::En => grouped(&digits, ','),
    }
}

/// `1234.5` → `1 234.50`: the decimal point that the API and the form use, in both languages.
pub(super) fn price(stored: &str) -> String {
    let (whole, cents) = stored.split_once('.').unwrap_or((stored, ""));
    let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !numeric(whole) || !numeric(cents) || cents.len() > 2 {
        return stored.to_owned();
    }
    format!("{}.{cents:0<2}", grouped(whole, NARROW))
}

/// `2024-03-09` → `9 mar 2024`; a time after it stays, to the minute.
pub(super) fn date(language: Language, stored: &str) -> String {
    let parts = || -> Option<String> {
        let (year, rest) = stored.split_at_checked(4)?;
        let month = rest.strip_prefix('-')?.get(..2)?;
        let day = rest.get(3..)?.strip_prefix('-')?.get(..2)?;
        year.parse::<u16>().ok()?;
        let (es, en) = MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
        let month = if language == Language::Es { es } else { en };
        let time = rest.get(6..).unwrap_or("").trim_start_matches(['T', ' ']);
        let minutes = time
            .get(..5)
            .filter(|time| time.as_bytes()[2] == b':' && *time != "00:00");
        let date = format!("{} {month} {year}", day.parse::<u8>().ok()?);
        Some(minutes.map_or_else(|| date.clone(), |time| format!("{date}, {time}")))
    };
    parts().unwrap_or_else(|| stored.to_owned())
}

/// The first `max` characters, with an ellipsis when there are more; line breaks become blanks.
pub(super) fn excerpt(text: &str, max: usize) -> String {
    let mut chars = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut out: String = chars.by_ref().take(max).collect();
    if chars.next().is_some() {
        out.push('…');
    }
    out
}

fn grouped(digits: &str, separator: char) -> String {
    let mut out = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let both = |n| (count(Language::Es, n), count(Language::En, n));
        assert_eq!(both(0), ("0".into(), "0".into()));
        assert_eq!(both(1234), ("1234".into(), "1,234".into()));
        assert_eq!(
            both(1_234_567),
            ("1\u{202f}234\u{202f}567".into(), "1,234,567".into())
        );
        assert_eq!(both(10_000), ("10\u{202f}000".into(), "10,000".into()));
    }

    #[test]
    fn prices() {
        assert_eq!(price("1234.5"), "1\u{202f}234.50");
        assert_eq!(price("999"), "999.00");
        assert_eq!(price("-5.00"), "-5.00");
        assert_eq!(price("gratis"), "gratis");
        assert_eq!(price("1.234"), "1.234");
    }

    #[test]
    fn dates() {
        assert_eq!(date(Language::Es, "2024-01-09"), "9 ene 2024");
        assert_eq!(date(Language::En, "2024-01-09T00:00:00.000Z"), "9 Jan 2024");
        assert_eq!(date(Language::En, "2024-12-31 17:05:09"), "31 Dec 2024, 17:05");
        for odd in [
            "",
            "ayer",
            "2024-13-01",
            "2024-00-01",
            "2024/01/01",
            "20é4-01-01",
            "2024-01-1",
            "2024-01-01 1é:00",
        ] {
            assert!(
                date(Language::Es, odd) == odd || odd.starts_with("2024-01-01 "),
                "{odd}"
            );
        }
    }

    #[test]
    fn excerpts() {
        assert_eq!(excerpt("  añ\no ", 10), "añ o");
        assert_eq!(excerpt("ñandú", 3), "ñan…");
    }
}
