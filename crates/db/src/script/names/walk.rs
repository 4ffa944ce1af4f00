//! The walk through a statement that gives each name its role.

use super::Role;
use crate::script::block;
use crate::script::code::{Chain, Code};
use crate::script::keyword;
use crate::script::lexer::Kind;

/// A name and what it is used for.
pub(super) struct Name {
    pub(super) chain: Chain,
    pub(super) role: Role,
    /// `.*` follows, so the last part is a table.
    pub(super) star: bool,
}

/// All names of a statement with two parts or more, and everything that a column can be qualified by.
#[derive(Default)]
pub(super) struct Walked {
    pub(super) names: Vec<Name>,
    /// Tables (their last part), aliases, row variables.
    pub(super) tables: Vec<String>,
}

/// The statement that a frame is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    None,
    Select,
    Delete,
    Insert,
    Update,
    /// `CREATE`, `ALTER`, `DROP` and all others.
    Other,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    verb: Verb,
    /// Names separated by commas are tables with this role.
    list: Option<Role>,
    /// The next name is a table with this role.
    expect: Option<Role>,
}

const FRESH: Frame = Frame {
    verb: Verb::None,
    list: None,
    expect: None,
};

struct Walk<'c, 't> {
    code: &'c Code<'t>,
    at: usize,
    frames: Vec<Frame>,
    /// `CREATE INDEX … ON t`, `CREATE TRIGGER … ON t`: the next `ON` is followed by a table.
    on_names_table: bool,
    /// In the head of `CREATE TABLE`, where `LIKE` is followed by a table.
    like_names_table: bool,
    out: Walked,
}

pub(super) fn walk(code: &Code<'_>) -> Walked {
    let mut walk = Walk {
        code,
        at: 0,
        frames: vec![FRESH],
        on_names_table: false,
        like_names_table: false,
        out: Walked::default(),
    };
    // Row variables of triggers.
    walk.out.tables.extend(["NEW".to_owned(), "OLD".to_owned()]);
    let body = block::body(code, 0);
    while walk.at < code.len() {
        if Some(walk.at) == body {
            walk.frames = vec![FRESH];
            walk.on_names_table = false;
        }
        walk.step();
    }
    walk.out
}

impl Walk<'_, '_> {
    fn frame(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(FRESH);
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn step(&mut self) {
        let at = self.at;
        match self.code.kind(at) {
            Some(Kind::Open) => self.open(at),
            Some(Kind::Close) => {
                if self.frames.len() > 1 {
                    self.frames.pop();
                }
                self.at += 1;
                let frame = self.frame();
                frame.expect = None;
                if frame.list.is_some() {
                    // A derived table's alias.
                    self.alias(self.at);
                }
            }
            Some(Kind::Comma) => {
                let frame = self.frame();
                frame.expect = frame.list;
                self.at += 1;
            }
            Some(Kind::Semicolon) => {
                *self.frame() = FRESH;
                self.at += 1;
            }
            Some(Kind::Variable) => {
                // @@session.sql_mode is no table's column.
                self.at += 1;
                while self.code.is(self.at, Kind::Dot) {
                    self.at += 2;
                }
            }
            Some(Kind::Word | Kind::Quoted) => {
                if !self.keyword(at) {
                    self.name(at);
                }
            }
            _ => self.at += 1,
        }
    }

    fn open(&mut self, at: usize) {
        let sequence = at > 0 && self.code.any_word(at - 1, &["NEXTVAL", "LASTVAL", "SETVAL"]);
        let expect = if sequence {
            Some(Role::Write)
        } else {
            self.frame().expect
        };
        let list = if sequence { None } else { expect };
        self.frame().expect = None;
        self.frames.push(Frame {
            verb: Verb::None,
            list,
            expect,
        });
        self.at += 1;
    }

    fn name(&mut self, at: usize) {
        let Some(mut chain) = self.code.chain(at) else {
            self.at += 1;
            return;
        };
        self.at = chain.next;
        let star = chain.parts.last().is_some_and(|last| self.code.sign(*last, "*"));
        if star {
            chain.parts.pop();
        }
        let called = self.code.is(chain.next, Kind::Open);
        let expected = self.frame().expect.take();
        let role = match expected {
            Some(role) => {
                if let Some(last) = chain.parts.last() {
                    self.out.tables.push(self.code.name(*last));
                }
                self.alias(chain.next);
                role
            }
            None if called && chain.parts.len() == 2 => Role::Call,
            None => Role::Column,
        };
        if chain.parts.len() > 1 {
            self.out.names.push(Name { chain, role, star });
        }
    }

    /// Notes the alias that may stand at `at`.
    fn alias(&mut self, at: usize) {
        let at = if self.code.word(at, "AS") { at + 1 } else { at };
        if self.code.is_name(at) && !self.code.is(at + 1, Kind::Dot) {
            self.out.tables.push(self.code.name(at));
        }
    }

    fn expect(&mut self, role: Role, list: bool) {
        let frame = self.frame();
        frame.expect = Some(role);
        frame.list = list.then_some(role);
    }

    /// Takes the token at `at` when it is a keyword that matters.
    fn keyword(&mut self, at: usize) -> bool {
        let code = self.code;
        if !code.is(at, Kind::Word) || (at > 0 && code.is(at - 1, Kind::Dot)) || code.is(at + 1, Kind::Dot) {
            return false;
        }
        let taken = keyword::with_upper(code.bytes(at), |word| match std::str::from_utf8(word) {
            Ok(word) => self.clause(at, word),
            Err(_) => false,
        });
        taken.unwrap_or(false)
    }

    fn clause(&mut self, at: usize, word: &str) -> bool {
        let code = self.code;
        let called = code.is(at + 1, Kind::Open);
        let before = |words: &[&str]| at > 0 && code.any_word(at - 1, words);
        match word {
            "SELECT" => {
                *self.frame() = Frame {
                    verb: Verb::Select,
                    ..FRESH
                }
            }
            "DELETE" if !before(&["ON", "BEFORE", "AFTER", "OR", "OF"]) => {
                self.frame().verb = Verb::Delete;
                self.expect(Role::Write, true);
            }
            "INSERT" | "REPLACE" if !called && !before(&["BEFORE", "AFTER", "OR", "OF"]) => {
                self.frame().verb = Verb::Insert;
                self.expect(Role::Write, false);
            }
            "UPDATE" if !before(&["ON", "FOR", "KEY", "BEFORE", "AFTER", "OR", "OF", "DO"]) => {
                self.frame().verb = Verb::Update;
                self.expect(Role::Write, true);
            }
            "LOW_PRIORITY" | "HIGH_PRIORITY" | "DELAYED" | "QUICK" | "IGNORE" | "ONLY" | "EXISTS" => {}
            "IF" if code.word(at + 1, "EXISTS") || code.words(at + 1, &["NOT", "EXISTS"]) => {}
            "NOT" if code.word(at + 1, "EXISTS") => {}
            "OR" if code.any_word(at + 1, &["IGNORE", "REPLACE", "ABORT", "FAIL", "ROLLBACK"]) => {
                // SQLite: INSERT OR IGNORE INTO. The word after OR is passed over too.
                self.at += 1;
            }
            "FROM" => self.from(),
            "JOIN" | "STRAIGHT_JOIN" => {
                let role = self.frame().list.unwrap_or(Role::Read);
                self.expect(role, true);
            }
            "INTO" => self.expect(Role::Write, false),
            "TABLE" | "TABLES" | "VIEW" | "TRIGGER" | "PROCEDURE" | "FUNCTION" | "EVENT" | "SEQUENCE"
            | "PACKAGE"
                if !called =>
            {
                self.object(word);
            }
            "BODY" if before(&["PACKAGE"]) => {}
            // FROM { OJ a LEFT OUTER JOIN b … }
            "OJ" if at > 0 && code.sign(at - 1, "{") => {}
            "INDEX" if self.frames.len() == 1 && self.frame().verb == Verb::Other => {
                self.on_names_table = true
            }
            "CREATE" | "ALTER" | "DROP" | "RENAME" | "LOCK" | "TRUNCATE" | "ANALYZE" | "OPTIMIZE"
            | "REPAIR" | "CHECK" => self.other(word, at),
            "TO" if self.frame().verb == Verb::Other => self.expect_other(),
            "ON" if self.on_names_table && self.frames.len() == 1 => {
                self.on_names_table = false;
                self.expect(Role::Write, false);
            }
            "ON" | "USING" => {
                if word == "USING" && !called && self.frame().verb == Verb::Delete {
                    self.expect(Role::Write, true);
                } else {
                    self.frame().expect = None;
                }
            }
            "REFERENCES" => self.expect(Role::Write, false),
            "LIKE" if self.like_names_table && self.frames.len() <= 2 => self.expect(Role::Read, false),
            "CALL" => self.expect(Role::Call, false),
            "FOR" if before(&["VALUE"]) => self.expect(Role::Write, false),
            "DECLARE" => self.declare(at),
            "FOR" if code.is_name(at + 1) && code.word(at + 2, "IN") => {
                self.out.tables.push(code.name(at + 1));
            }
            "TYPE" if code.word(at + 1, "OF") => {
                // ROW TYPE OF schema.table; TYPE OF table.column.
                self.at += 1;
                if before(&["ROW"]) {
                    self.expect(Role::Read, false);
                } else if let Some(chain) = code.chain(at + 2)
                    && chain.parts.len() == 2
                {
                    self.at = chain.next - 1;
                }
            }
            "AS" => self.frame().expect = None,
            "WHERE" | "SET" | "GROUP" | "HAVING" | "ORDER" | "LIMIT" | "VALUES" | "VALUE" | "WINDOW"
            | "DO" | "BEGIN" | "THEN" | "ELSE" | "LOOP" | "REPEAT" | "RETURNING" | "WITH" => {
                let frame = self.frame();
                frame.list = None;
                frame.expect = None;
            }
            "UNION" | "EXCEPT" | "INTERSECT" => *self.frame() = FRESH,
            _ => return false,
        }
        self.at += 1;
        true
    }

    fn from(&mut self) {
        let outermost = self.frames.len() == 1;
        match self.frame().verb {
            Verb::Delete => self.expect(Role::Write, true),
            Verb::Select => self.expect(Role::Read, true),
            // EXTRACT(x FROM y), TRIM(x FROM y)
            _ if !outermost => {}
            _ => self.expect(Role::Read, true),
        }
    }

    fn object(&mut self, word: &str) {
        let outermost = self.frames.len() == 1;
        if !matches!(self.frame().verb, Verb::Other | Verb::None | Verb::Insert) {
            return;
        }
        let create = self.at > 0 && self.code.word(0, "CREATE") && outermost;
        if word == "TRIGGER" {
            self.on_names_table = create;
        }
        if word == "TABLE" {
            self.like_names_table = create;
        }
        // SHOW TABLES FROM …, FLUSH TABLES …: the schema or table that follows is found all the same.
        self.expect(Role::Write, true);
    }

    fn other(&mut self, word: &str, at: usize) {
        let frame = self.frame();
        match word {
            // CHECK (…) of a table, CREATE … CHECK TABLE
            "CHECK" | "ANALYZE" | "OPTIMIZE" | "REPAIR" => {}
            "RENAME" if frame.verb == Verb::Other => {
                if !self
                    .code
                    .any_word(at + 1, &["COLUMN", "INDEX", "KEY", "TO", "AS", "TABLE"])
                {
                    self.expect(Role::Write, false);
                }
            }
            "TRUNCATE" if frame.verb == Verb::None => {
                frame.verb = Verb::Other;
                self.expect(Role::Write, false);
            }
            "DROP" | "ALTER" | "CREATE" | "TRUNCATE" if frame.verb == Verb::Other => {}
            _ => {
                *frame = Frame {
                    verb: Verb::Other,
                    ..FRESH
                }
            }
        }
    }

    fn expect_other(&mut self) {
        self.frame().expect = Some(Role::Write);
    }

    /// `DECLARE a, b ROW TYPE OF …`, `DECLARE c CURSOR FOR …`: variables may have fields.
    fn declare(&mut self, at: usize) {
        let mut name = at + 1;
        while self.code.is_name(name) {
            self.out.tables.push(self.code.name(name));
            if !self.code.is(name + 1, Kind::Comma) {
                break;
            }
            name += 2;
        }
    }
}
