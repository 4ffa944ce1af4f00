//! Which names in a statement are qualified by a schema.
//!
//! In `a.b` the first part is a schema where a table, routine or sequence is named (`FROM a.b`, `CALL a.b(…)`), and
//! a table or an alias where a column is (`WHERE a.b = 1`). Three parts always begin with a schema. So the place
//! of a name decides: this walks the statement with the clauses it is in, a frame for each parenthesis.
//! Where the place is not recognised, `a.b` is taken for a column when `a` is a table or an alias of the statement,
//! and for a qualified name otherwise.

mod walk;

use super::code::Code;

/// What a qualified name is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A table or view that is read.
    Read,
    /// A table, view, routine or other object that is written, created, altered, dropped or depended on.
    Write,
    /// A routine that is called.
    Call,
    /// A column given with table and schema, or a name at a place that is not recognised.
    Column,
}

/// A name qualified by a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The schema's name without quotes.
    pub schema: String,
    /// The object's name without quotes.
    pub name: String,
    /// What the name is used for.
    pub role: Role,
    /// Place of the schema's name in the text, quotes included.
    pub start: usize,
    /// One past the schema's name.
    pub end: usize,
    /// One past the dot after it.
    pub after_dot: usize,
    /// Two parts at a place that is not recognised: taken for qualified because `schema` is no table here.
    pub guessed: bool,
}

/// The names in `code` that are qualified by a schema, in order.
pub fn references(code: &Code<'_>) -> Vec<Reference> {
    let walked = walk::walk(code);
    let mut found = Vec::new();
    for name in &walked.names {
        let parts = &name.chain.parts;
        if parts.len() < 2 {
            continue;
        }
        let guessed = parts.len() == 2 && name.role == Role::Column && !name.star;
        let schema = code.name(parts[0]);
        if guessed
            && walked
                .tables
                .iter()
                .any(|table| table.eq_ignore_ascii_case(&schema))
        {
            continue;
        }
        let (Some(first), Some(second)) = (code.token(parts[0]), code.token(parts[1])) else {
            continue;
        };
        found.push(Reference {
            schema,
            name: code.name(parts[1]),
            role: name.role,
            start: first.start,
            end: first.end,
            after_dot: second.start,
            guessed,
        });
    }
    found
}
