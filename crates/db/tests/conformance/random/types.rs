//! Column types of MariaDB with their parameters.

use super::draw::Draw;

/// What a column's values are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Decimal,
    Float,
    Bit,
    Year,
    Day,
    Time,
    Moment,
    /// Up to so many characters.
    Text(usize),
    /// Up to so many bytes.
    Bytes(usize),
    Members,
    Json,
    Uuid,
    Inet4,
    Inet6,
    Shape,
}

/// How a column takes part in a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyed {
    Whole,
    Prefix,
    Never,
}

pub(crate) struct Type {
    pub(crate) sql: String,
    pub(crate) kind: Kind,
    pub(crate) keyed: Keyed,
}

const CHARSETS: &[&str] = &[
    "utf8mb4",
    "utf8mb4 COLLATE utf8mb4_bin",
    "utf8mb4 COLLATE utf8mb4_unicode_520_nopad_ci",
    "utf8mb4 COLLATE uca1400_spanish_ai_ci",
    "utf8mb3",
    "latin1",
    "latin1 COLLATE latin1_swedish_nopad_ci",
    "latin2",
    "ascii",
    "ucs2",
    "utf16",
    "utf16le",
    "utf32",
    "sjis",
    "cp932",
    "ujis",
    "eucjpms",
    "big5",
    "gbk",
    "gb2312",
    "euckr",
    "koi8r",
    "cp1251",
    "cp1257",
    "hebrew",
    "greek",
    "tis620",
    "swe7",
    "geostd8",
    "armscii8",
    "dec8",
    "keybcs2",
    "macroman",
    "binary",
];

fn charset(draw: &mut Draw) -> String {
    if draw.one_in(3) {
        return String::new();
    }
    format!(" CHARACTER SET {}", draw.word(CHARSETS))
}

pub(crate) fn any(draw: &mut Draw) -> Type {
    let whole = |sql: String, kind: Kind| Type {
        sql,
        kind,
        keyed: Keyed::Whole,
    };
    let sign = draw.word(&["", "", " UNSIGNED", " ZEROFILL"]);
    let digits = draw.below(7);
    match draw.below(22) {
        0 | 1 => {
            let name = draw.word(&[
                "TINYINT",
                "SMALLINT",
                "MEDIUMINT",
                "INT",
                "BIGINT",
                "BOOL",
                "INT(3)",
                "BIGINT(20)",
            ]);
            let sign = if name == "BOOL" { "" } else { sign };
            whole(format!("{name}{sign}"), Kind::Integer)
        }
        2 => {
            let scale = draw.below(39);
            let precision = draw.between(scale.max(1), 65);
            whole(format!("DECIMAL({precision},{scale}){sign}"), Kind::Decimal)
        }
        3 | 4 => {
            let name = draw.word(&[
                "FLOAT",
                "DOUBLE",
                "FLOAT(7,3)",
                "DOUBLE(20,5)",
                "FLOAT(24)",
                "FLOAT(53)",
                "REAL",
            ]);
            whole(format!("{name}{sign}"), Kind::Float)
        }
        5 => whole(format!("BIT({})", draw.between(1, 64)), Kind::Bit),
        6 => whole("YEAR".into(), Kind::Year),
        7 => whole("DATE".into(), Kind::Day),
        8 => whole(format!("TIME({digits})"), Kind::Time),
        9 => whole(format!("DATETIME({digits})"), Kind::Moment),
        10 => whole(format!("TIMESTAMP({digits}) NULL"), Kind::Moment),
        11 | 12 => {
            let length = draw.between(0, 60);
            let (name, charset) = (draw.word(&["CHAR", "VARCHAR"]), charset(draw));
            whole(format!("{name}({length}){charset}"), Kind::Text(length))
        }
        13 => {
            let name = draw.word(&[
                "TINYTEXT",
                "TEXT",
                "MEDIUMTEXT",
                "LONGTEXT",
                "TEXT COMPRESSED",
                "VARCHAR(500) COMPRESSED",
            ]);
            let keyed = if name.ends_with('D') {
                Keyed::Never
            } else {
                Keyed::Prefix
            };
            // The word COMPRESSED comes behind the character set.
            let sql = match name.strip_suffix(" COMPRESSED") {
                Some(bare) => format!("{bare} COMPRESSED{}", charset(draw)),
                None => format!("{name}{}", charset(draw)),
            };
            Type {
                sql,
                kind: Kind::Text(250),
                keyed,
            }
        }
        14 => {
            let length = draw.between(0, 60);
            whole(
                format!("{}({length})", draw.word(&["BINARY", "VARBINARY"])),
                Kind::Bytes(length),
            )
        }
        15 => {
            let name = draw.word(&[
                "TINYBLOB",
                "BLOB",
                "MEDIUMBLOB",
                "LONGBLOB",
                "BLOB COMPRESSED",
                "VARBINARY(500) COMPRESSED",
            ]);
            let keyed = if name.ends_with("COMPRESSED") {
                Keyed::Never
            } else {
                Keyed::Prefix
            };
            Type {
                sql: name.into(),
                kind: Kind::Bytes(250),
                keyed,
            }
        }
        16 => whole(
            format!("ENUM('', 'a', 'b''c', 'ñ', '\\\\', ','){}", charset(draw)),
            Kind::Members,
        ),
        17 => whole(
            format!("SET('', 'x', 'y z', '\"', '%'){}", charset(draw)),
            Kind::Members,
        ),
        18 => Type {
            sql: "JSON".into(),
            kind: Kind::Json,
            keyed: Keyed::Prefix,
        },
        19 => whole("UUID".into(), Kind::Uuid),
        20 => {
            let four = draw.one_in(2);
            let (sql, kind) = if four {
                ("INET4", Kind::Inet4)
            } else {
                ("INET6", Kind::Inet6)
            };
            whole(sql.into(), kind)
        }
        _ => {
            let name = draw.word(&[
                "GEOMETRY",
                "POINT",
                "GEOMETRY",
                "GEOMETRY REF_SYSTEM_ID=4326",
                "POINT REF_SYSTEM_ID=7",
            ]);
            Type {
                sql: name.into(),
                kind: Kind::Shape,
                keyed: Keyed::Never,
            }
        }
    }
}
