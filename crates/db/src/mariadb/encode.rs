//! Rows as LOAD DATA text, and the statement with which any client loads them back exactly.

use crate::row::Value;
use crate::schema::{Carry, Column, Table};

/// The `sql_mode` under which a dump is loaded: every value that a column can hold is taken as it is.
pub(super) const LOAD_MODE: &str = "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION";

/// Session settings under which a dump's files mean what they say; for a stock client, at the head of each file.
pub(crate) const PREAMBLE: &str = "SET NAMES utf8mb4;\nSET SESSION time_zone='+00:00', unique_checks=0, foreign_key_checks=0, \
sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION';\n\
/*M!100201 SET SESSION check_constraint_checks=0, innodb_strict_mode=0 */;\n/*M!100804 SET SESSION explicit_defaults_for_timestamp=1 */;\n\n";

/// The same for our own sessions; see [`super::MariaDb`]'s `begin_load`.
pub(super) const LOAD_SESSION: &[&str] = &[
    "SET NAMES utf8mb4",
    "SET SESSION time_zone='+00:00', unique_checks=0, foreign_key_checks=0",
    "SET SESSION sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION'",
    // Rows may be older than a check, a table made with options that InnoDB would not take together any more; timestamps get
    // no defaults that their definition does not name.
    "/*M!100201 SET SESSION check_constraint_checks=0, innodb_strict_mode=0 */",
    "/*M!100804 SET SESSION explicit_defaults_for_timestamp=1 */",
    "/*M!100101 SET SESSION max_error_count=65535 */",
];

/// Whether the digest must see a column's number: ENUM's invalid member and its empty one print alike.
pub(super) fn is_numbered(column: &Column) -> bool {
    let declared = column.declared.as_str();
    declared.starts_with("enum(") || declared.starts_with("set(") || declared.starts_with("bit(")
}

/// What is read of a column, given its quoted name. Nothing of a virtual one: it may be computed from the clock.
pub(super) fn selected(column: &Column, quoted: String) -> String {
    // Not `+0`: that is a floating-point sum, too coarse for a SET of 64 members.
    if column.carry == Carry::Virtual {
        return "NULL".into();
    }
    if is_numbered(column) {
        return format!("CAST({quoted} AS UNSIGNED)");
    }
    // Their bytes, in the order of their text: under character set binary LOAD DATA reads the text of none of them.
    match column.declared.as_str() {
        "uuid" | "inet6" => format!("CAST({quoted} AS BINARY(16))"),
        "inet4" => format!("CAST({quoted} AS BINARY(4))"),
        _ => quoted,
    }
}

/// What follows a table's name where all that it holds is meant, its history too.
pub(super) fn all_rows(table: &Table) -> &'static str {
    if table.is_versioned() {
        " FOR SYSTEM_TIME ALL"
    } else {
        ""
    }
}

/// A query that counts the rows of a chunked table, history included.
pub fn count_statement(table: &Table) -> String {
    let name = table.name.replace('`', "``");
    format!("SELECT COUNT(*) FROM `{name}`{}", all_rows(table))
}

/// Whether a warning of a load was to be expected: the server warns of ENUM's invalid member, which has the number 0,
/// although it stores it. `warning` is level, number and message. What was really stored, the digest says.
pub(super) fn expected(table: &Table, warning: &[String]) -> bool {
    let [_, number, message] = warning else {
        return false;
    };
    // Computing a generated column may warn of a row that has always been there; it names no column. What was sent and
    // not stored is told with its column.
    let computes = |c: &Column| matches!(c.carry, Carry::Discarded | Carry::Generated | Carry::Virtual);
    if table.columns.iter().any(computes) && !message.contains(" column ") {
        return true;
    }
    number == "1265"
        && table.columns.iter().any(|c| {
            c.declared.starts_with("enum(")
                && message.starts_with(&format!("Data truncated for column '{}' at row", c.name))
        })
}

/// The LOAD DATA statement of a table: character set binary, so that no byte is converted on the way.
pub fn load_statement(table: &Table, file: &str) -> String {
    let quote = |name: &str| format!("`{}`", name.replace('`', "``"));
    let mut fields = Vec::new();
    let mut sets = Vec::new();
    for (i, column) in table.columns.iter().enumerate() {
        match column.carry {
            Carry::Generated | Carry::Virtual => {}
            // MySQL's own type, which takes no text of character set binary. MariaDB's JSON is a LONGTEXT.
            Carry::Text if column.declared == "json" => {
                fields.push(format!("@v{i}"));
                sets.push(format!("{}=CONVERT(@v{i} USING utf8mb4)", quote(&column.name)));
            }
            Carry::Text | Carry::Raw | Carry::History => fields.push(quote(&column.name)),
            Carry::Discarded => fields.push(format!("@skip{i}")),
            Carry::Hex => {
                fields.push(format!("@v{i}"));
                sets.push(format!("{}=UNHEX(@v{i})", quote(&column.name)));
            }
            Carry::Number => {
                fields.push(format!("@v{i}"));
                sets.push(format!("{}=CAST(@v{i} AS UNSIGNED)", quote(&column.name)));
            }
        }
    }
    // With a SET clause MariaDB numbers rows anew whose AUTO_INCREMENT value is 0, sql_mode or not, unless the clause
    // itself assigns the column.
    if !sets.is_empty() {
        let counted = table.columns.iter().map(|c| quote(&c.name)).filter(|name| {
            let head = format!("  {name} ");
            table
                .create
                .lines()
                .any(|line| line.starts_with(&head) && line.contains("AUTO_INCREMENT"))
        });
        sets.extend(counted.map(|name| format!("{name}={name}")));
    }
    let set = if sets.is_empty() {
        String::new()
    } else {
        format!(" SET {}", sets.join(", "))
    };
    // History is taken as it is told, and only then: a server may forbid that (secure_timestamp).
    let history = if table.is_versioned() {
        "SET STATEMENT system_versioning_insert_history=1 FOR "
    } else {
        ""
    };
    format!(
        "{history}LOAD DATA LOCAL INFILE '{file}' INTO TABLE {} CHARACTER SET binary FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' \
         LINES TERMINATED BY '\\n' ({}){set}",
        quote(&table.name),
        fields.join(", ")
    )
}

/// Writes rows of one table, value by value.
pub(crate) struct Encoder {
    shapes: Vec<Shape>,
    begun: bool,
    integers: itoa::Buffer,
    floats: ryu::Buffer,
}

/// How a column's values print.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// Not at all: the server computes it.
    Left,
    Plain,
    Hex,
    /// Always four digits: the text `0` would be the year 2000.
    Year,
    Date,
}

impl Encoder {
    pub(crate) fn new(table: &Table) -> Encoder {
        let shape = |column: &Column| match (
            column.carry,
            column.declared.split(['(', ' ']).next().unwrap_or(""),
        ) {
            (Carry::Generated | Carry::Virtual, _) => Shape::Left,
            (Carry::Hex, _) => Shape::Hex,
            (_, "year") => Shape::Year,
            (_, "date") => Shape::Date,
            _ => Shape::Plain,
        };
        Encoder {
            shapes: table.columns.iter().map(shape).collect(),
            begun: false,
            integers: itoa::Buffer::new(),
            floats: ryu::Buffer::new(),
        }
    }

    /// Whether the column is written at all; what separates it from the one before is.
    #[inline]
    fn begin(&mut self, column: usize, out: &mut Vec<u8>) -> bool {
        if self.shapes[column] == Shape::Left {
            return false;
        }
        if self.begun {
            out.push(b'\t');
        }
        self.begun = true;
        true
    }

    #[inline]
    pub(crate) fn value(&mut self, column: usize, value: Value<'_>, out: &mut Vec<u8>) {
        if !self.begin(column, out) {
            return;
        }
        let shape = self.shapes[column];
        match value {
            Value::Null => out.extend_from_slice(b"\\N"),
            Value::Int(v) if shape == Shape::Year => four(v as u16, out),
            Value::UInt(v) if shape == Shape::Year => four(v as u16, out),
            Value::Int(v) => out.extend_from_slice(self.integers.format(v).as_bytes()),
            Value::UInt(v) => out.extend_from_slice(self.integers.format(v).as_bytes()),
            Value::Float(v) if v.abs() == TWICE_ROUNDED || v.abs() == f32::MAX => {
                real(self.floats.format(f64::from(v)), out);
            }
            Value::Float(v) => real(self.floats.format(v), out),
            Value::Double(v) => real(self.floats.format(v), out),
            Value::Bytes(b) | Value::Text(b) if shape == Shape::Hex => hex(b, out),
            Value::Bytes(b) | Value::Text(b) => escape(b, out),
            Value::Date(y, m, d, ..) if shape == Shape::Date => date(y, m, d, out),
            Value::Date(y, m, d, h, min, s, us) => {
                date(y, m, d, out);
                two(h, out);
                two(min, out);
                two(s, out);
                fraction(us, out);
            }
            Value::Time(negative, days, h, m, s, us) => {
                if negative {
                    out.push(b'-');
                }
                let hours = days * 24 + u32::from(h);
                if hours < 100 {
                    two(hours as u8, out);
                } else {
                    out.extend_from_slice(self.integers.format(hours).as_bytes());
                }
                out.push(b':');
                two(m, out);
                out.push(b':');
                two(s, out);
                fraction(us, out);
            }
        }
    }

    /// A value too long to hold begins, which [`Encoder::piece`] gives.
    pub(crate) fn begin_long(&mut self, column: usize, out: &mut Vec<u8>) {
        self.begin(column, out);
    }

    pub(crate) fn piece(&mut self, column: usize, piece: &[u8], out: &mut Vec<u8>) {
        match self.shapes[column] {
            Shape::Left => {}
            Shape::Hex => hex(piece, out),
            _ => escape(piece, out),
        }
    }

    pub(crate) fn end_row(&mut self, out: &mut Vec<u8>) {
        self.begun = false;
        out.push(b'\n');
    }
}

/// The one FLOAT whose shortest digits, read as a DOUBLE as servers do, lie so near the middle between it and the next that
/// a second rounding goes the wrong way; all 2³² were tried. It is written with the digits of the DOUBLE that equals it, and so
/// is the largest one, whose shortest digits are more than itself: MySQL takes those for out of range.
const TWICE_ROUNDED: f32 = f32::from_bits(0x15ae_43fd);

/// The shortest digits that read back to the same bits.
fn real(digits: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(digits.strip_suffix(".0").unwrap_or(digits).as_bytes());
}

fn two(v: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'0' + v / 10, b'0' + v % 10]);
}

fn four(v: u16, out: &mut Vec<u8>) {
    two((v / 100) as u8, out);
    two((v % 100) as u8, out);
}

/// Without signs between them: a server takes eight digits for a date and fourteen for a moment, and reads every byte one by one.
fn date(y: u16, m: u8, d: u8, out: &mut Vec<u8>) {
    four(y, out);
    two(m, out);
    two(d, out);
}

/// The microseconds, where there are some.
fn fraction(us: u32, out: &mut Vec<u8>) {
    if us != 0 {
        out.extend_from_slice(format!(".{us:06}").as_bytes());
    }
}

fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend(
        bytes
            .iter()
            .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]),
    );
}

/// Escapes what LOAD DATA gives a meaning to; every other byte stands for itself.
fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some(at) = special(rest) {
        out.extend_from_slice(&rest[..at]);
        out.push(b'\\');
        out.push(match rest[at] {
            b'\t' => b't',
            b'\n' => b'n',
            0 => b'0',
            _ => b'\\',
        });
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// The first byte that must be escaped. In long values they are looked for many bytes at a time, and in short ones too:
/// most hold none, and a loop without a way out is one that the processor takes sixteen bytes of at once.
fn special(bytes: &[u8]) -> Option<usize> {
    if bytes.len() < 64 {
        let any = match bytes.len() {
            16.. => any_special::<16>(bytes),
            8.. => any_special::<8>(bytes),
            4.. => any_special::<4>(bytes),
            _ => bytes.iter().any(is_special),
        };
        return any.then(|| bytes.iter().position(is_special)).flatten();
    }
    let first = memchr::memchr3(b'\\', b'\t', b'\n', bytes);
    memchr::memchr(0, &bytes[..first.unwrap_or(bytes.len())]).or(first)
}

/// Looks at `N` bytes at a time, of which there are as many at least: the last block overlaps the one before it.
#[inline]
fn any_special<const N: usize>(bytes: &[u8]) -> bool {
    let mut any = match bytes.last_chunk::<N>() {
        Some(block) => is_in(block),
        None => false,
    };
    for block in bytes.as_chunks::<N>().0 {
        any |= is_in(block);
    }
    any
}

#[inline(always)]
fn is_in<const N: usize>(block: &[u8; N]) -> bool {
    let mut any = false;
    for byte in block {
        any |= is_special(byte);
    }
    any
}

#[inline]
fn is_special(byte: &u8) -> bool {
    matches!(byte, b'\\' | b'\t' | b'\n' | 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_that_load_data_reads_specially_is_escaped() {
        let mut out = Vec::new();
        escape(b"a\tb\nc\\N\0\"',z\r", &mut out);
        assert_eq!(out, b"a\\tb\\nc\\\\N\\0\"',z\r");
    }

    #[test]
    fn a_special_byte_is_found_wherever_it_stands() {
        for length in 0..200 {
            assert_eq!(special(&vec![b'x'; length]), None, "{length} bytes");
            for at in 0..length {
                for byte in *b"\\\t\n\0" {
                    let mut bytes = vec![b'x'; length];
                    bytes[at] = byte;
                    assert_eq!(special(&bytes), Some(at), "{byte} in {length} bytes");
                    bytes[at..].fill(byte);
                    assert_eq!(special(&bytes), Some(at), "{byte} from there on");
                }
            }
        }
    }

    fn read_back(text: &[u8]) -> f64 {
        std::str::from_utf8(text)
            .expect("ASCII")
            .parse()
            .expect("a number")
    }

    #[test]
    fn numbers_print_so_that_they_read_back_to_the_same_bits() {
        let mut encoder = Encoder {
            shapes: vec![Shape::Plain],
            begun: false,
            integers: itoa::Buffer::new(),
            floats: ryu::Buffer::new(),
        };
        let mut printed = |value: Value<'_>| {
            let mut out = Vec::new();
            encoder.begun = false;
            encoder.value(0, value, &mut out);
            out
        };
        // All FLOATs, in steps, with both signs; and the ends of the range.
        let ends = [
            0,
            1,
            0x007f_ffff,
            0x0080_0000,
            0x7f7f_ffff,
            0x15ae_43fd,
            0x8000_0000,
            0x95ae_43fd,
        ];
        for bits in (0..=u32::MAX).step_by(9973).chain(ends) {
            let value = f32::from_bits(bits);
            if value.is_finite() {
                let text = printed(Value::Float(value));
                assert_eq!((read_back(&text) as f32).to_bits(), bits, "{value}");
                assert!(text.len() <= 22, "{value}");
            }
        }
        for bits in (0..=u64::MAX).step_by(99_990_000_000_001) {
            let value = f64::from_bits(bits);
            if value.is_finite() {
                assert_eq!(
                    read_back(&printed(Value::Double(value))).to_bits(),
                    bits,
                    "{value}"
                );
            }
        }
        assert_eq!(printed(Value::Float(193.17)), b"193.17");
        assert_eq!(printed(Value::Double(-7.0)), b"-7");
        assert_eq!(printed(Value::Float(f32::MIN)), b"-3.4028234663852886e38");
        // The shortest digits would not do.
        let short = ryu::Buffer::new().format(TWICE_ROUNDED).to_owned();
        assert_ne!(read_back(short.as_bytes()) as f32, TWICE_ROUNDED);
    }
}
