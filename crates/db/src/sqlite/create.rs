//! A CREATE TABLE statement taken apart, so that each column is an object of its own: a digest through an outline must
//! not see a column that was added later.

use crate::script::lexer::Kind;
use crate::script::{Code, Syntax};

/// The parts of a CREATE TABLE statement.
pub(super) struct Parts<'s> {
    /// Each column's definition, its name first.
    pub(super) columns: Vec<&'s str>,
    /// Table constraints, then what stands behind the parenthesis (`WITHOUT ROWID`, `STRICT`).
    pub(super) rest: Vec<&'s str>,
}

/// Words that begin a table constraint. All are reserved: a column of that name stands in quotes.
const CONSTRAINTS: &[&str] = &["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];

/// Takes `sql` apart; `None` when it does not look like a table's definition.
pub(super) fn split(sql: &str) -> Option<Parts<'_>> {
    let code = Code::new(sql.as_bytes(), Syntax::SQLITE);
    let mut parts = Parts {
        columns: Vec::new(),
        rest: Vec::new(),
    };
    let mut depth = 0usize;
    let mut begin = 0;
    for at in 0..code.len() {
        let kind = code.kind(at)?;
        match kind {
            Kind::Open => {
                depth += 1;
                if depth == 1 {
                    begin = at + 1;
                }
            }
            Kind::Comma | Kind::Close if depth == 1 => {
                let (from, to) = (code.token(begin)?.start, code.token(at.checked_sub(1)?)?.end);
                let part = sql.get(from..to)?;
                let list = if code.any_word(begin, CONSTRAINTS) {
                    &mut parts.rest
                } else {
                    &mut parts.columns
                };
                list.push(part);
                begin = at + 1;
                if kind == Kind::Close {
                    parts.rest.push(sql.get(code.token(at)?.end..)?);
                    return Some(parts);
                }
            }
            Kind::Close => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_constraints_and_options_are_told_apart() {
        let sql = "CREATE TABLE \"a,(b\"(id INTEGER /* , */ PRIMARY KEY, \"check\" TEXT DEFAULT 'x,)' CHECK (a IN (1,2)), b DECIMAL(10,2),\n UNIQUE(a,b), c) WITHOUT ROWID, STRICT";
        let parts = split(sql).expect("a table");
        assert_eq!(
            parts.columns,
            [
                "id INTEGER /* , */ PRIMARY KEY",
                "\"check\" TEXT DEFAULT 'x,)' CHECK (a IN (1,2))",
                "b DECIMAL(10,2)",
                "c"
            ]
        );
        assert_eq!(parts.rest, ["UNIQUE(a,b)", " WITHOUT ROWID, STRICT"]);
        assert!(split("CREATE TABLE broken(a, b").is_none());
    }
}
