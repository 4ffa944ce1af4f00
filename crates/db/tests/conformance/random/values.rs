//! Values at the edges of their types, as literals of MariaDB.

use super::draw::Draw;
use super::types::Kind;

const FLOATS: &[&str] = &[
    "0",
    "-0e0",
    "0.1",
    "-0.1",
    "1e0/3",
    "5e-324",
    "-5e-324",
    "2.2250738585072014e-308",
    "2.225073858507201e-308",
    "1.7976931348623157e308",
    "1.4e-45",
    "1.1754944e-38",
    "1.1754942e-38",
    "3.4028235e38",
    "-3.4028235e38",
    "16777217",
    "9007199254740993",
    "0.30000000000000004",
    "1e15",
    "1e16",
    "123456.7890625",
    "4.35",
];

/// A literal that a column of this kind takes, or bends into one that it can hold.
pub(crate) fn literal(draw: &mut Draw, kind: Kind) -> String {
    if draw.one_in(7) {
        return "NULL".into();
    }
    match kind {
        Kind::Integer => match draw.below(4) {
            0 => draw.below(300).to_string(),
            1 => format!("-{}", draw.below(300)),
            2 => draw
                .word(&[
                    "0",
                    "-1",
                    "127",
                    "128",
                    "-129",
                    "65535",
                    "8388607",
                    "-2147483648",
                    "4294967295",
                    "9223372036854775807",
                    "-9223372036854775808",
                    "18446744073709551615",
                ])
                .into(),
            _ => draw.next().to_string(),
        },
        Kind::Decimal => match draw.below(4) {
            0 => "9".repeat(65),
            1 => format!("-0.{}1", "0".repeat(draw.below(38))),
            2 => draw
                .word(&[
                    "0",
                    "-0.0",
                    "0.1",
                    "-1.5",
                    "123456789012345678901234567890.123456789012345678901234567890",
                ])
                .into(),
            _ => format!("{}.{}", draw.next(), draw.next()),
        },
        Kind::Float => match draw.below(3) {
            0 | 1 => draw.word(FLOATS).into(),
            _ => match f64::from_bits(draw.next()) {
                any if any.is_finite() => format!("{any:e}"),
                _ => "1".into(),
            },
        },
        Kind::Bit => format!("0x{:016X}", draw.next() >> draw.below(64)),
        Kind::Year => draw.word(&["0", "1901", "2155", "2024", "1970"]).into(),
        Kind::Day => format!(
            "'{}'",
            draw.word(&[
                "0000-00-00",
                "2024-02-00",
                "2023-00-00",
                "2023-02-31",
                "1000-01-01",
                "9999-12-31",
                "0001-01-01",
                "2024-02-29",
                "0000-12-31"
            ])
        ),
        Kind::Time => format!(
            "'{}{}'",
            draw.word(&[
                "838:59:59",
                "-838:59:59",
                "00:00:00",
                "-00:00:00",
                "23:59:59",
                "-01:00:00",
                "100:00:01"
            ]),
            fraction(draw)
        ),
        Kind::Moment => format!(
            "'{}{}'",
            draw.word(&[
                "0000-00-00 00:00:00",
                "2024-02-00 10:11:12",
                "1970-01-01 00:00:01",
                "2038-01-19 03:14:07",
                "9999-12-31 23:59:59",
                "2024-03-31 02:30:00",
                "1000-01-01 00:00:00",
                "2024-10-27 02:30:00"
            ]),
            fraction(draw)
        ),
        Kind::Text(most) => match draw.below(5) {
            // As bytes: what is not of the column's character set, the server bends.
            0 => format!("x'{}'", draw.hex(most)),
            _ => text(draw, most),
        },
        Kind::Bytes(most) => format!("x'{}'", draw.hex(most)),
        Kind::Members => match draw.below(5) {
            0 => "'not a member'".into(),
            _ => draw.below(32).to_string(),
        },
        Kind::Json => draw
            .word(&[
                "'{\"a\": 1}'",
                "'{\"a\":1}'",
                "'[1.0, 1e0, \"\\\\u00f1ñ\", null]'",
                "'\"\"'",
                "' 1 '",
                "'{\"k\": \"v\", \"k\": 2}'",
                "'0.1000000000000000055511151231257827'",
            ])
            .into(),
        Kind::Uuid => format!(
            "'{:08x}-{:04x}-{}{:03x}-8{:03x}-{:012x}'",
            draw.next() >> 32,
            draw.below(65536),
            draw.word(&["1", "4", "7"]),
            draw.below(4096),
            draw.below(4096),
            draw.next() >> 16
        ),
        Kind::Inet4 => format!(
            "'{}.{}.{}.{}'",
            draw.byte(),
            draw.byte(),
            draw.byte(),
            draw.byte()
        ),
        Kind::Inet6 => format!(
            "'{}'",
            draw.word(&[
                "::",
                "::1",
                "::ffff:1.2.3.4",
                "fe80::5c0a:27",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "2001:db8::9:a:d"
            ])
        ),
        Kind::Shape => {
            let (x, y, srid) = (
                draw.word(FLOATS),
                draw.word(FLOATS),
                draw.word(&["0", "4326", "7", "4294967295"]),
            );
            match draw.below(4) {
                0 | 1 => format!("ST_GeomFromWKB(ST_AsWKB(POINT({x}, {y})), {srid})"),
                2 => format!("ST_GeomFromText('LINESTRING(0 0, 1 -0, 92 9)', {srid})"),
                _ => format!(
                    "ST_GeomFromText('{}', {srid})",
                    draw.word(&[
                        "POINT(1 2)",
                        "POLYGON((0 0,10 0,10 10,0 0))",
                        "MULTIPOINT(1 1,2 2)",
                        "GEOMETRYCOLLECTION EMPTY",
                        "GEOMETRYCOLLECTION(POINT(9 10),LINESTRING(13 92,0 9))"
                    ])
                ),
            }
        }
    }
}

/// Characters of many scripts, and such as a format would trip over, as a literal of any `sql_mode`.
pub(crate) fn text(draw: &mut Draw, most: usize) -> String {
    let hex: String = characters(draw, most)
        .bytes()
        .map(|b| format!("{b:02X}"))
        .collect();
    format!("_utf8mb4 x'{hex}'")
}

/// The same as a literal between quotes, for where the server takes no other: it stands for something else where
/// backslashes are nothing special.
pub(crate) fn comment(draw: &mut Draw) -> String {
    let text = characters(draw, 60)
        .replace('\0', "")
        .replace('\\', "\\\\")
        .replace('\'', "''");
    format!("'{text}'")
}

fn characters(draw: &mut Draw, most: usize) -> String {
    const PIECES: &[&str] = &[
        "a", "B", " ", "\t", "\n", "\r", "\\", "\\N", "'", "\"", "`", "\0", "\u{1a}", "%", "ñ", "n\u{303}",
        "ß", "日本", "表", "Ж", "א", "€", "😀", "NULL", "x ", "\u{a0}", "\u{feff}", "\u{7f}", ",", "{file}",
        "${A}",
    ];
    let mut made = String::new();
    for _ in 0..draw.below(6) {
        made.push_str(draw.word(PIECES));
    }
    if draw.one_in(10) {
        made = made.repeat(40);
    }
    made.chars().take(most).collect()
}

fn fraction(draw: &mut Draw) -> &'static str {
    draw.word(&["", ".000001", ".999999", ".5", ".123456"])
}
