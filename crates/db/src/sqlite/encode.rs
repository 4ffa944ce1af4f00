//! Rows as INSERT statements that any sqlite3 reads back with the same storage classes and bits.

use crate::Dialect;
use crate::row::Value;
use crate::schema::Table;

/// Rows per statement: few enough for the shell's line handling, many enough for speed.
const ROWS_PER_STATEMENT: usize = 200;

pub(crate) struct Encoder {
    head: String,
    generated: Vec<bool>,
    rows: usize,
    /// Whether a row is open, and whether nothing of it is written yet.
    begun: bool,
    first: bool,
    /// Whether the long value that is open is text.
    long_text: bool,
}

impl Encoder {
    pub(crate) fn new(table: &Table) -> Encoder {
        let generated: Vec<bool> = table.columns.iter().map(|c| c.carry.computed()).collect();
        let columns: Vec<String> = table
            .columns
            .iter()
            .filter(|c| !c.carry.computed())
            .map(|c| Dialect::Sqlite.quote(&c.name))
            .collect();
        let head = format!(
            "INSERT INTO {}({}) VALUES\n",
            Dialect::Sqlite.quote(&table.name),
            columns.join(",")
        );
        Encoder {
            head,
            generated,
            rows: 0,
            begun: false,
            first: true,
            long_text: false,
        }
    }

    fn begin(&mut self, column: usize, out: &mut Vec<u8>) -> bool {
        if !self.begun {
            if self.rows.is_multiple_of(ROWS_PER_STATEMENT) {
                if self.rows > 0 {
                    out.extend_from_slice(b";\n");
                }
                out.extend_from_slice(self.head.as_bytes());
            } else {
                out.extend_from_slice(b",\n");
            }
            out.push(b'(');
            self.begun = true;
            self.first = true;
        }
        if self.generated[column] {
            return false;
        }
        if !self.first {
            out.push(b',');
        }
        self.first = false;
        true
    }

    pub(crate) fn value(&mut self, column: usize, value: Value<'_>, out: &mut Vec<u8>) {
        if self.begin(column, out) {
            literal(value, out);
        }
    }

    /// A value too long to hold begins: as bytes, cast where it is text, since only its end would tell what it needs.
    pub(crate) fn begin_long(&mut self, column: usize, text: bool, out: &mut Vec<u8>) {
        if self.begin(column, out) {
            self.long_text = text;
            out.extend_from_slice(if text { b"CAST(X'" } else { b"X'" });
        }
    }

    pub(crate) fn piece(&mut self, column: usize, piece: &[u8], out: &mut Vec<u8>) {
        if !self.generated[column] {
            digits(piece, out);
        }
    }

    pub(crate) fn end_long(&mut self, column: usize, out: &mut Vec<u8>) {
        if !self.generated[column] {
            out.extend_from_slice(if self.long_text { b"' AS TEXT)" } else { b"'" });
        }
    }

    pub(crate) fn end_row(&mut self, out: &mut Vec<u8>) {
        out.push(b')');
        self.begun = false;
        self.rows += 1;
    }

    /// Ends the statement that is open.
    pub(crate) fn close(&mut self, out: &mut Vec<u8>) {
        if self.rows > 0 {
            out.extend_from_slice(b";\n");
        }
        self.rows = 0;
    }
}

fn literal(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Int(v) => out.extend_from_slice(v.to_string().as_bytes()),
        Value::Double(v) => out.extend_from_slice(real(v).as_bytes()),
        Value::Text(t) => match std::str::from_utf8(t) {
            Ok(text) if !text.contains('\0') && !text.contains("\r\n") => {
                out.push(b'\'');
                out.extend_from_slice(text.replace('\'', "''").as_bytes());
                out.push(b'\'');
            }
            // A NUL ends a literal for the shell, it reads CR LF as LF, and text need not be UTF-8: all travel as bytes cast to text.
            _ => {
                out.extend_from_slice(b"CAST(");
                hex(t, out);
                out.extend_from_slice(b" AS TEXT)");
            }
        },
        Value::Bytes(b) => hex(b, out),
        _ => out.extend_from_slice(b"NULL"),
    }
}

/// An expression that every SQLite computes to exactly this value, as a REAL.
///
/// SQLite's reading of long decimal literals is off by one bit now and then, differently in each version (3.40 on numbers
/// beyond 1e-300, say). Up to 15 digits and a power of ten up to 22 no reader can go wrong; any other value is
/// written as a whole number times or divided by powers of two, which rounds nowhere.
fn real(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 {
            "9e999".into()
        } else {
            "-9e999".into()
        };
    }
    let shortest = format!("{value:e}");
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count() as i32;
    let power = exponent
        .parse::<i32>()
        .unwrap_or(i32::MAX)
        .saturating_sub(digits - 1);
    if digits <= 15 && power.abs() <= 22 {
        return format!("{value:?}");
    }
    let bits = value.to_bits();
    let (biased, fraction) = ((bits >> 52 & 0x7ff) as i32, bits & ((1 << 52) - 1));
    let (mut whole, mut two) = if biased == 0 {
        (fraction, -1074)
    } else {
        (fraction | 1 << 52, biased - 1075)
    };
    let zeros = whole.trailing_zeros() as i32;
    whole >>= zeros;
    two += zeros;
    let mut out = format!("({}{whole}*1.0", if value < 0.0 { "-" } else { "" });
    while two != 0 {
        let step = two.abs().min(62);
        out.push_str(&format!("{}(1<<{step})", if two > 0 { '*' } else { '/' }));
        two -= step * two.signum();
    }
    out.push(')');
    out
}

/// Statements after which definitions with CR LF are what they were, although the shell has read them with LF. Of an index SQLite
/// keeps the line's end before the semicolon as well.
pub(crate) fn line_ends<'s>(definitions: impl Iterator<Item = &'s str>) -> Vec<String> {
    let mut out = Vec::new();
    for definition in definitions.filter(|d| d.contains("\r\n")) {
        let cast = |text: &str| {
            let mut sql = b"CAST(".to_vec();
            hex(text.as_bytes(), &mut sql);
            String::from_utf8_lossy(&sql).into_owned() + " AS TEXT)"
        };
        out.push(format!(
            "UPDATE sqlite_master SET sql={} WHERE RTRIM(sql, CHAR(10))=RTRIM({}, CHAR(10))",
            cast(definition),
            cast(&definition.replace("\r\n", "\n"))
        ));
    }
    if !out.is_empty() {
        out.insert(0, "PRAGMA writable_schema=ON".into());
        out.push("PRAGMA writable_schema=OFF".into());
    }
    out
}

fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"X'");
    digits(bytes, out);
    out.push(b'\'');
}

fn digits(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend(
        bytes
            .iter()
            .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_stay_readable_and_every_number_is_exact() {
        assert_eq!(real(12.5), "12.5");
        assert_eq!(real(-0.0), "-0.0");
        assert_eq!(real(3.0), "3.0");
        assert_eq!(real(1e20), "1e20");
        assert_eq!(real(f64::NEG_INFINITY), "-9e999");
        let connection = rusqlite::Connection::open_in_memory().expect("memory");
        let read = |sql: &str| {
            connection
                .query_row(&format!("SELECT {sql}"), [], |r| r.get::<_, f64>(0))
                .expect(sql)
        };
        // A fixed walk over all exponents, with the ends of the range.
        let mut bits = vec![
            1,
            2,
            (1 << 52) - 1,
            1 << 52,
            f64::MAX.to_bits(),
            0.1f64.to_bits(),
            (0.1f64 + 0.2).to_bits(),
        ];
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        for _ in 0..20_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            bits.push(state);
        }
        for value in bits.into_iter().map(f64::from_bits).filter(|v| v.is_finite()) {
            assert_eq!(
                read(&real(value)).to_bits(),
                value.to_bits(),
                "{value:e} as {}",
                real(value)
            );
        }
    }
}
