//! Where a statement ends when the text may hold several: semicolons inside the body of a routine do not count.

use super::code::Code;
use super::lexer::Kind;

/// The body of a routine, trigger or event does not close its blocks, or closes more than it opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unbalanced;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    /// `BEGIN`, `LOOP`, and `REPEAT` before `UNTIL`: statements follow.
    Statements,
    /// `WHILE` and `FOR` before `DO`.
    UntilDo,
    /// `IF` and the statement `CASE`: statements follow each `THEN` and `ELSE`.
    Branches,
    /// `REPEAT … UNTIL`: `END` follows a condition.
    Until,
    /// The expression `CASE … END`.
    Expression,
}

/// Statements that a body can begin with, as a body follows its header without a mark of its own.
const STARTERS: &[&str] = &[
    "BEGIN",
    "IF",
    "CASE",
    "LOOP",
    "WHILE",
    "REPEAT",
    "FOR",
    "SET",
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "REPLACE",
    "CALL",
    "RETURN",
    "WITH",
    "DO",
    "TRUNCATE",
    "PREPARE",
    "EXECUTE",
    "DEALLOCATE",
    "DROP",
    "CREATE",
    "ALTER",
    "SIGNAL",
    "RESIGNAL",
    "OPEN",
    "FETCH",
    "CLOSE",
    "START",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "LOCK",
    "UNLOCK",
    "SHOW",
    "ANALYZE",
    "OPTIMIZE",
    "RENAME",
    "FLUSH",
    "KILL",
    "GRANT",
    "REVOKE",
    "LEAVE",
    "ITERATE",
    "DECLARE",
    "GET",
    "LOAD",
    "HANDLER",
    "VALUES",
    "EXPLAIN",
    "USE",
    "RESET",
    "CHANGE",
    "XA",
    "PURGE",
];

/// Token ranges `(from, to)` of the statements in `code`, without their semicolons and without empty ones.
pub(crate) fn statements(code: &Code<'_>) -> Result<Vec<(usize, usize)>, Unbalanced> {
    let mut found = Vec::new();
    let mut from = 0;
    while from < code.len() {
        let to = match body(code, from) {
            Some(body) => end_of_body(code, body)?,
            None => (from..code.len())
                .find(|at| code.is(*at, Kind::Semicolon))
                .unwrap_or(code.len()),
        };
        if to > from {
            found.push((from, to));
        }
        from = to + 1;
    }
    Ok(found)
}

/// First token of the body when a routine, trigger or event is created at `from`.
pub(crate) fn body(code: &Code<'_>, from: usize) -> Option<usize> {
    if code.words(from, &["BEGIN", "NOT", "ATOMIC"]) {
        return Some(from);
    }
    if !code.any_word(from, &["CREATE", "ALTER"]) {
        return None;
    }
    const OBJECTS: &[&str] = &["PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE"];
    // Between CREATE and the object stand OR REPLACE, DEFINER = account, AGGREGATE: never more than a few tokens.
    let object = (from + 1..code.len().min(from + 16))
        .take_while(|at| !code.is(*at, Kind::Open) || code.word(at.wrapping_sub(1), "CURRENT_USER"))
        .find(|at| code.any_word(*at, OBJECTS))?;
    if code.any_word(
        from + 1,
        &[
            "TABLE",
            "VIEW",
            "DATABASE",
            "SCHEMA",
            "INDEX",
            "UNIQUE",
            "USER",
            "TEMPORARY",
        ],
    ) && code.syntax().family == super::Family::MySql
    {
        return None;
    }
    if code.word(object, "TRIGGER") {
        return body_of_trigger(code, object);
    }
    if code.word(object, "EVENT") {
        return code.find(object, &["DO"]).map(|at| at + 1);
    }
    body_of_routine(code, object)
}

fn body_of_trigger(code: &Code<'_>, object: usize) -> Option<usize> {
    if code.syntax().family == super::Family::Sqlite {
        return code.find(object, &["BEGIN"]);
    }
    let row = (object..code.len()).find(|at| code.words(*at, &["FOR", "EACH", "ROW"]))? + 3;
    let ordered = code.any_word(row, &["FOLLOWS", "PRECEDES"]);
    Some(if ordered {
        code.chain(row + 1).map_or(row + 2, |chain| chain.next)
    } else {
        row
    })
}

fn body_of_routine(code: &Code<'_>, object: usize) -> Option<usize> {
    let mut at = object + 1;
    // IF NOT EXISTS, the name, the parameters.
    while at < code.len() && !code.is(at, Kind::Open) {
        at += 1;
    }
    at = after_parenthesis(code, at);
    let mut depth = 0usize;
    while at < code.len() {
        match code.kind(at)? {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            Kind::Semicolon if depth == 0 => return None,
            _ if depth > 0 => {}
            Kind::Word | Kind::Quoted if code.sign(at + 1, ":") => return Some(at),
            Kind::Word if code.any_word(at, STARTERS) => {
                // RETURNS … CHARACTER SET x, RETURNS SET('a','b').
                let of_type = code.word(at, "SET")
                    && (code.any_word(at - 1, &["CHARACTER", "CHAR"]) || code.is(at + 1, Kind::Open));
                if !of_type {
                    return Some(at);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn after_parenthesis(code: &Code<'_>, open: usize) -> usize {
    let mut depth = 0usize;
    for at in open..code.len() {
        match code.kind(at) {
            Some(Kind::Open) => depth += 1,
            Some(Kind::Close) if depth <= 1 => return at + 1,
            Some(Kind::Close) => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// The token after the body that begins at `from`: its semicolon, or the end.
fn end_of_body(code: &Code<'_>, from: usize) -> Result<usize, Unbalanced> {
    let mut walk = Walk {
        code,
        at: from,
        stack: Vec::new(),
        starts: true,
    };
    while walk.at < code.len() {
        if code.is(walk.at, Kind::Semicolon) {
            if walk.stack.is_empty() {
                return Ok(walk.at);
            }
            walk.starts = true;
            walk.at += 1;
            continue;
        }
        walk.step()?;
    }
    if walk.stack.is_empty() {
        Ok(code.len())
    } else {
        Err(Unbalanced)
    }
}

struct Walk<'c, 't> {
    code: &'c Code<'t>,
    at: usize,
    stack: Vec<Block>,
    /// A statement begins at `at`.
    starts: bool,
}

impl Walk<'_, '_> {
    fn step(&mut self) -> Result<(), Unbalanced> {
        let (code, at) = (self.code, self.at);
        self.at += 1;
        if self.starts {
            return self.start(at);
        }
        match self.stack.last() {
            _ if code.word(at, "CASE") => self.stack.push(Block::Expression),
            Some(Block::Expression) if code.word(at, "END") => {
                self.stack.pop();
            }
            Some(Block::Until) if code.word(at, "END") => return self.end(),
            Some(Block::Branches) if code.word(at, "THEN") => self.starts = true,
            Some(Block::UntilDo) if code.word(at, "DO") => {
                self.stack.pop();
                self.stack.push(Block::Statements);
                self.starts = true;
            }
            _ => {}
        }
        Ok(())
    }

    /// The first token of a statement.
    fn start(&mut self, at: usize) -> Result<(), Unbalanced> {
        let code = self.code;
        if matches!(code.kind(at), Some(Kind::Word | Kind::Quoted)) && code.sign(at + 1, ":") {
            self.at = at + 2;
            return Ok(());
        }
        self.starts = false;
        if code.word(at, "END") {
            return self.end();
        } else if code.any_word(at, &["BEGIN", "LOOP", "REPEAT"]) {
            self.stack.push(Block::Statements);
            self.starts = true;
        } else if code.any_word(at, &["IF", "CASE"]) {
            self.stack.push(Block::Branches);
        } else if code.any_word(at, &["WHILE", "FOR"]) {
            self.stack.push(Block::UntilDo);
        } else if code.word(at, "ELSE") {
            self.starts = true;
        } else if code.word(at, "UNTIL") {
            if self.stack.pop() != Some(Block::Statements) {
                return Err(Unbalanced);
            }
            self.stack.push(Block::Until);
        } else if code.word(at, "DECLARE") {
            self.declare(at);
        }
        Ok(())
    }

    /// `END`, `END IF`, `END LOOP name`: the rest of it is read up to its semicolon.
    fn end(&mut self) -> Result<(), Unbalanced> {
        self.stack.pop().ok_or(Unbalanced)?;
        if self
            .code
            .any_word(self.at, &["IF", "CASE", "LOOP", "WHILE", "REPEAT", "FOR"])
        {
            self.at += 1;
        }
        self.starts = false;
        Ok(())
    }

    /// `DECLARE … HANDLER FOR condition, …` is followed by a statement.
    fn declare(&mut self, at: usize) {
        let code = self.code;
        if !(code.word(at + 2, "HANDLER") && code.word(at + 3, "FOR")) {
            return;
        }
        let mut next = at + 4;
        loop {
            next += match () {
                () if code.words(next, &["NOT", "FOUND"]) => 2,
                () if code.words(next, &["SQLSTATE", "VALUE"]) => 3,
                () if code.word(next, "SQLSTATE") => 2,
                () => 1,
            };
            if !code.is(next, Kind::Comma) {
                break;
            }
            next += 1;
        }
        self.at = next;
        self.starts = true;
    }
}
