//! One text for all ways of writing the same definition, to be hashed.
//!
//! What is made equal: blanks and comments; conditional comments that every server executes; quotes around names that
//! need none; the letters' case of reserved words (they cannot be names, so nothing is lost); the own schema
//! before a name. What is kept: the case of all other words, because tables and aliases differ by case; string
//! literals byte for byte; references to other schemas; whether a built-in function's name touches its parenthesis,
//! where MySQL minds. Two definitions that mean different things never become equal; two that mean the same
//! may stay different, and then the digest says so.

use super::code::{Code, unquoted};
use super::keyword;
use super::lexer::{Condition, Kind, Lexer, Reading, Token, end_of_comment};
use super::names::references;
use super::syntax::{Family, Syntax};

/// Built-in functions of MySQL whose name must touch the parenthesis, else a stored function is meant.
const TOUCHING: &[&str] = &[
    "ADDDATE",
    "BIT_AND",
    "BIT_OR",
    "BIT_XOR",
    "CAST",
    "COUNT",
    "CURDATE",
    "CURTIME",
    "DATE_ADD",
    "DATE_SUB",
    "EXTRACT",
    "GROUP_CONCAT",
    "MAX",
    "MID",
    "MIN",
    "NOW",
    "POSITION",
    "SESSION_USER",
    "STD",
    "STDDEV",
    "STDDEV_POP",
    "STDDEV_SAMP",
    "SUBDATE",
    "SUBSTR",
    "SUBSTRING",
    "SUM",
    "SYSDATE",
    "SYSTEM_USER",
    "TRIM",
    "VARIANCE",
    "VAR_POP",
    "VAR_SAMP",
];

/// The canonical form of a definition's `text`; names of `own_schema` lose their qualifier.
pub fn canonical(text: &str, syntax: Syntax, own_schema: Option<&str>) -> String {
    let bytes = text.as_bytes();
    let tokens = tokens(bytes, syntax);
    let code = Code::new(bytes, syntax);
    let mut own: Vec<(usize, usize)> = Vec::new();
    if let Some(schema) = own_schema {
        own.extend(
            references(&code)
                .into_iter()
                .filter(|reference| reference.schema == schema)
                .map(|reference| (reference.start, reference.after_dot)),
        );
    }
    let kept: Vec<Token> = tokens
        .into_iter()
        .filter(|token| {
            !own.iter()
                .any(|(start, end)| token.start >= *start && token.start < *end)
        })
        .collect();
    let mut out = String::with_capacity(text.len());
    for (index, token) in kept.iter().enumerate() {
        let place = Place {
            text,
            syntax,
            kept: &kept,
            own: &own,
            index,
        };
        if index > 0 && place.spaced(token) {
            out.push(' ');
        }
        place.write(token, &mut out);
    }
    out
}

/// Code tokens, and whole as one token each what only some servers execute.
fn tokens(text: &[u8], syntax: Syntax) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::new();
    let mut base = 0;
    let mut lexer = Lexer::new(text, syntax);
    while let Some(token) = lexer.next() {
        let token = Token {
            kind: token.kind,
            start: base + token.start,
            end: base + token.end,
        };
        match token.kind {
            Kind::Space | Kind::Comment | Kind::ConditionClose => {}
            Kind::ConditionOpen => {
                let condition = Condition::at(&text[token.start..]);
                let oldest = Reading::Server {
                    mariadb: true,
                    version: 100_000,
                };
                let everywhere =
                    condition.is_some_and(|condition| !condition.maria && condition.is_code(oldest));
                if !everywhere {
                    let length = end_of_comment(&text[token.start..], true);
                    base = length.map_or(text.len(), |length| token.start + length);
                    found.push(Token {
                        kind: Kind::Hint,
                        start: token.start,
                        end: base,
                    });
                    lexer = Lexer::new(&text[base..], syntax);
                }
            }
            _ => found.push(token),
        }
    }
    found
}

struct Place<'p> {
    text: &'p str,
    syntax: Syntax,
    kept: &'p [Token],
    /// Places of own qualifiers, their dots included, which are left out.
    own: &'p [(usize, usize)],
    index: usize,
}

impl Place<'_> {
    fn kind(&self, ahead: isize) -> Option<Kind> {
        let index = self.index.checked_add_signed(ahead)?;
        self.kept.get(index).map(|token| token.kind)
    }

    fn bytes(&self, token: &Token) -> &[u8] {
        &self.text.as_bytes()[token.range()]
    }

    fn word_before(&self) -> Option<String> {
        let before = self.kept.get(self.index.checked_sub(1)?)?;
        (before.kind == Kind::Word).then(|| String::from_utf8_lossy(self.bytes(before)).to_ascii_uppercase())
    }

    fn touches(&self, token: &Token) -> bool {
        self.index > 0 && self.kept[self.index - 1].end == token.start
    }

    fn spaced(&self, token: &Token) -> bool {
        // Only dots between names lose their blanks: `a. 5` and `5 .a` would become other tokens.
        if token.kind == Kind::Dot && self.after_qualifier() {
            return false;
        }
        if self.kind(-1) == Some(Kind::Dot)
            && (matches!(token.kind, Kind::Word | Kind::Quoted) || self.bytes(token) == b"*")
        {
            return false;
        }
        // The host of an account.
        if token.kind == Kind::Variable && self.syntax.family == Family::MySql && self.touches(token) {
            return false;
        }
        if token.kind == Kind::Open && self.syntax.family == Family::MySql && self.touches(token) {
            return !self
                .word_before()
                .is_some_and(|word| TOUCHING.contains(&word.as_str()));
        }
        true
    }

    fn after_qualifier(&self) -> bool {
        let before = self.index.checked_sub(1).and_then(|at| self.kept.get(at));
        before.is_some_and(|token| match token.kind {
            Kind::Word | Kind::Quoted => true,
            Kind::Variable => self.bytes(token).starts_with(b"@@"),
            _ => false,
        })
    }

    fn write(&self, token: &Token, out: &mut String) {
        let bytes = self.bytes(token);
        let shown = &self.text[token.range()];
        match token.kind {
            Kind::Word if self.after_dot(token) => self.identifier(bytes, out),
            Kind::Word if keyword::is_reserved(bytes, self.syntax.family) => {
                out.push_str(&shown.to_ascii_uppercase());
            }
            Kind::Quoted if self.surely_name(token) => self.identifier(&unquoted(bytes), out),
            _ => out.push_str(shown),
        }
    }

    /// A later part of a qualified name, its qualifier written or left out.
    fn after_dot(&self, token: &Token) -> bool {
        self.kind(-1) == Some(Kind::Dot) || self.own.iter().any(|(_, end)| *end == token.start)
    }

    /// Whether a quoted token is an identifier that means the same without quotes. In SQLite `"x"` is a string where no
    /// column has that name, so only its place tells; before a parenthesis quotes tell a stored function from a built-in.
    fn surely_name(&self, token: &Token) -> bool {
        let qualified = self.after_dot(token) || self.kind(1) == Some(Kind::Dot);
        if self.kind(1) == Some(Kind::Open) && !qualified && !self.defines() {
            return false;
        }
        if self.syntax.family == Family::MySql || !self.bytes(token).starts_with(b"\"") {
            return true;
        }
        qualified || self.defines()
    }

    /// Whether the token stands where only the name of a table, view, index or trigger can.
    fn defines(&self) -> bool {
        let Some(word) = self.word_before() else {
            return false;
        };
        match word.as_str() {
            "TABLE" | "VIEW" | "INDEX" | "TRIGGER" | "REFERENCES" | "INTO" | "JOIN" => true,
            "EXISTS" => self.of_definition(),
            // Not IS DISTINCT FROM.
            "FROM" => !self
                .index
                .checked_sub(2)
                .is_some_and(|at| self.is_word(at, "DISTINCT")),
            // Not the condition of a join.
            "ON" => {
                self.of_definition()
                    && !(0..self.index).any(|at| self.is_word(at, "SELECT") || self.is_word(at, "BEGIN"))
            }
            _ => false,
        }
    }

    fn is_word(&self, at: usize, word: &str) -> bool {
        self.kept[at].kind == Kind::Word && self.bytes(&self.kept[at]).eq_ignore_ascii_case(word.as_bytes())
    }

    /// Whether the text creates something, so that `EXISTS` is that of `IF NOT EXISTS`.
    fn of_definition(&self) -> bool {
        self.kept
            .first()
            .is_some_and(|first| self.bytes(first).eq_ignore_ascii_case(b"CREATE"))
    }

    /// A name without quotes where it needs none, else in backticks.
    fn identifier(&self, name: &[u8], out: &mut String) {
        let shown = String::from_utf8_lossy(name);
        let plain = !name.is_empty()
            && !name[0].is_ascii_digit()
            && name[0] != b'$'
            && name.iter().all(|byte| super::lexer::is_plain(*byte))
            // `_utf8mb4 'x'` is one string.
            && name[0] != b'_'
            && !keyword::is_keyword(name, self.syntax.family);
        if plain {
            out.push_str(&shown);
        } else {
            out.push('`');
            out.push_str(&shown.replace('`', "``"));
            out.push('`');
        }
    }
}
