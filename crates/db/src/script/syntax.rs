//! Lexical rules: which family of servers reads the text, and the two `sql_mode` flags that change its tokens.

/// Who reads the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// MySQL and MariaDB.
    MySql,
    /// SQLite.
    Sqlite,
}

/// How text is cut into tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Syntax {
    /// The family of servers that reads the text.
    pub family: Family,
    /// `"x"` is an identifier (`ANSI_QUOTES` and the modes that contain it). Always so in SQLite.
    pub ansi_quotes: bool,
    /// `\` in a string is just a character (`NO_BACKSLASH_ESCAPES`). Always so in SQLite.
    pub no_backslash_escapes: bool,
}

impl Syntax {
    /// MySQL and MariaDB with a `sql_mode` that leaves the tokens alone, as every default does.
    pub const MARIADB: Syntax = Syntax {
        family: Family::MySql,
        ansi_quotes: false,
        no_backslash_escapes: false,
    };
    /// SQLite.
    pub const SQLITE: Syntax = Syntax {
        family: Family::Sqlite,
        ansi_quotes: true,
        no_backslash_escapes: true,
    };

    /// The rules of MySQL and MariaDB under this value of `@@sql_mode` (names, or the number that stands for them).
    pub fn with_sql_mode(mode: &str) -> Syntax {
        let mut syntax = Syntax::MARIADB;
        if let Ok(bits) = mode.trim().parse::<u64>() {
            syntax.ansi_quotes = bits & 4 != 0;
            syntax.no_backslash_escapes = bits & (1 << 20) != 0;
            return syntax;
        }
        for name in mode.split(',') {
            match name.trim().to_ascii_uppercase().as_str() {
                "ANSI_QUOTES" | "ANSI" | "ORACLE" | "POSTGRESQL" | "MSSQL" | "DB2" | "MAXDB" => {
                    syntax.ansi_quotes = true;
                }
                "NO_BACKSLASH_ESCAPES" => syntax.no_backslash_escapes = true,
                _ => {}
            }
        }
        syntax
    }

    pub(crate) fn is_sqlite(self) -> bool {
        self.family == Family::Sqlite
    }

    /// Whether a backslash escapes the next byte in a string opened by `quote`.
    pub(crate) fn escapes(self, quote: u8) -> bool {
        !self.no_backslash_escapes && (quote == b'\'' || (quote == b'"' && !self.ansi_quotes))
    }
}
