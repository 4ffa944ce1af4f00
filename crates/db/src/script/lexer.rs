//! Tokens of MySQL/MariaDB and SQLite text, by bytes.
//!
//! The tokens of a text cover it exactly, in order, whatever the bytes are; nothing is an error here. What a server
//! would refuse comes out as [`Kind::Stray`] or [`Kind::Unclosed`], and those who judge statements refuse it.
//!
//! MySQL's conditional comments (`/*!50003 … */`, MariaDB's `/*M!100100 … */`) hold code that is executed: their
//! marks are tokens of their own and what is inside is lexed as code. Whether a given server executes them is
//! a [`Reading`].

mod literal;

use std::ops::Range;

use super::syntax::Syntax;
pub(crate) use literal::{end_of_quoted, is_name_byte as is_plain};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Blanks and line ends.
    Space,
    /// A comment, its marks included; also a conditional comment that this reading skips.
    Comment,
    /// An optimizer hint, `/*+ … */`.
    Hint,
    /// `/*!`, `/*!50003`, `/*M!100100`: what follows is code.
    ConditionOpen,
    /// The `*/` of a conditional comment.
    ConditionClose,
    /// A keyword or an unquoted identifier.
    Word,
    /// A quoted identifier with its quotes.
    Quoted,
    /// A string literal with its quotes and its `N`, `X` or `B`. A character set introducer is a word before it.
    Text,
    /// A number, `0x` and `0b` literals included.
    Number,
    /// `@name` (also the `@host` of an account), or `@@name` up to the first dot. In SQLite a named parameter.
    Variable,
    /// `?`, in SQLite also `?1`.
    Parameter,
    /// `.` between names.
    Dot,
    /// `,`
    Comma,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `;`
    Semicolon,
    /// Any other sign.
    Operator,
    /// A byte that no statement holds outside quotes: NUL, control characters, a backslash.
    Stray,
    /// A string, quoted identifier or comment that the text does not close.
    Unclosed,
}

impl Kind {
    /// Whether the token is neither blank nor comment nor the mark of a conditional comment.
    pub fn is_code(self) -> bool {
        !matches!(
            self,
            Kind::Space | Kind::Comment | Kind::Hint | Kind::ConditionOpen | Kind::ConditionClose
        )
    }
}

/// One token: its kind and its bytes' place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Token {
    /// The place of the token.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// Which conditional comments are code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// All of them, but for the line that switches the client's sandbox on.
    Any,
    /// Those that a server of this kind and version number (`101100` is 10.11.0) executes.
    Server {
        /// MariaDB, which skips MySQL's 5.7 and later, and executes `/*M!`.
        mariadb: bool,
        /// The server's version as a number.
        version: u32,
    },
}

/// The opening mark of a conditional comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    /// `/*M!`
    pub(crate) maria: bool,
    /// The version, 0 when there is none.
    pub(crate) version: u32,
    /// Length of the mark, the version's digits included.
    pub(crate) length: usize,
    /// The sandbox line that new dumps begin with: never code.
    pub(crate) sandbox: bool,
}

impl Condition {
    /// Reads the mark at the beginning of `text`.
    pub(crate) fn at(text: &[u8]) -> Option<Condition> {
        let maria = text.starts_with(b"/*M!");
        if !maria && !text.starts_with(b"/*!") {
            return None;
        }
        let mark = if maria { 4 } else { 3 };
        let digits = text[mark..]
            .iter()
            .take(6)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits < 5 {
            return Some(Condition {
                maria,
                version: 0,
                length: mark,
                sandbox: false,
            });
        }
        let version = text[mark..mark + digits]
            .iter()
            .fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
        let length = mark + digits;
        let sandbox = version == 999_999 && text[length..].starts_with(b"\\-");
        Some(Condition {
            maria,
            version,
            length,
            sandbox,
        })
    }

    /// Whether `reading` executes what is inside.
    pub(crate) fn is_code(self, reading: Reading) -> bool {
        if self.sandbox {
            return false;
        }
        match reading {
            Reading::Any => true,
            Reading::Server {
                mariadb: true,
                version,
            } => self.version <= version && (self.maria || self.version < 50_700 || self.version > 99_999),
            Reading::Server {
                mariadb: false,
                version,
            } => !self.maria && self.version <= version,
        }
    }
}

/// Cuts a text into tokens.
#[derive(Clone, Debug)]
pub struct Lexer<'t> {
    text: &'t [u8],
    syntax: Syntax,
    reading: Reading,
    at: usize,
    /// Inside a conditional comment that is code. They do not nest: the first `*/` ends it.
    in_condition: bool,
    /// The token before ended in a name right here, so that a dot now separates names.
    after_name: bool,
    /// The token before was a dot between names right here, so that a name follows, whatever it looks like.
    after_dot: bool,
}

impl<'t> Lexer<'t> {
    /// A lexer that takes every conditional comment for code.
    pub fn new(text: &'t [u8], syntax: Syntax) -> Lexer<'t> {
        Lexer::reading(text, syntax, Reading::Any)
    }

    /// A lexer with the conditional comments of `reading`.
    pub fn reading(text: &'t [u8], syntax: Syntax, reading: Reading) -> Lexer<'t> {
        Lexer {
            text,
            syntax,
            reading,
            at: 0,
            in_condition: false,
            after_name: false,
            after_dot: false,
        }
    }

    /// Where the next token begins.
    pub fn position(&self) -> usize {
        self.at
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Kind and length of the token at the current place, which is inside the text.
    fn cut(&self) -> (Kind, usize) {
        let rest = &self.text[self.at..];
        let first = rest[0];
        if self.after_dot && literal::is_name_byte(first) {
            return (Kind::Word, literal::name_length(rest));
        }
        match first {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => (Kind::Space, literal::space_length(rest)),
            b'\'' => self.quoted(Kind::Text, 0),
            b'"' if self.syntax.ansi_quotes => self.quoted(Kind::Quoted, 0),
            b'"' => self.quoted(Kind::Text, 0),
            b'`' => self.quoted(Kind::Quoted, 0),
            b'[' if self.syntax.is_sqlite() => match memchr::memchr(b']', rest) {
                Some(close) => (Kind::Quoted, close + 1),
                None => (Kind::Unclosed, rest.len()),
            },
            b'0'..=b'9' => literal::number(rest, self.syntax.is_sqlite()),
            b'.' => self.dot(rest),
            b',' => (Kind::Comma, 1),
            b'(' => (Kind::Open, 1),
            b')' => (Kind::Close, 1),
            b';' => (Kind::Semicolon, 1),
            b'#' if !self.syntax.is_sqlite() => (Kind::Comment, self.line_length(rest)),
            b'-' if is_line_comment(rest, self.syntax) => (Kind::Comment, self.line_length(rest)),
            b'/' if rest.get(1) == Some(&b'*') => self.comment(rest),
            b'*' if self.in_condition && rest.get(1) == Some(&b'/') => (Kind::ConditionClose, 2),
            b'@' | b':' | b'$' | b'?' => self.sigil(rest),
            b'x' | b'X' if rest.get(1) == Some(&b'\'') => self.quoted(Kind::Text, 1),
            b'b' | b'B' | b'n' | b'N' if !self.syntax.is_sqlite() && rest.get(1) == Some(&b'\'') => {
                self.quoted(Kind::Text, 1)
            }
            _ if literal::is_name_byte(first) => (Kind::Word, literal::name_length(rest)),
            b'\\' if rest.get(1) == Some(&b'N') && !self.syntax.is_sqlite() => (Kind::Operator, 2),
            0..=0x1f | 0x7f | b'\\' => (Kind::Stray, 1),
            _ => (Kind::Operator, literal::operator_length(rest)),
        }
    }

    fn quoted(&self, kind: Kind, prefix: usize) -> (Kind, usize) {
        let quote = self.peek(prefix);
        match end_of_quoted(self.text, self.at + prefix + 1, quote, self.syntax.escapes(quote)) {
            Some(end) => (kind, end - self.at),
            None => (Kind::Unclosed, self.text.len() - self.at),
        }
    }

    fn dot(&self, rest: &[u8]) -> (Kind, usize) {
        let digit = rest.get(1).is_some_and(u8::is_ascii_digit);
        if digit && (self.syntax.is_sqlite() || !self.after_name) {
            return literal::number(rest, self.syntax.is_sqlite());
        }
        (Kind::Dot, 1)
    }

    fn comment(&self, rest: &[u8]) -> (Kind, usize) {
        let closed = |kind: Kind, end: Option<usize>| match end {
            Some(end) => (kind, end),
            None => (Kind::Unclosed, rest.len()),
        };
        if self.syntax.is_sqlite() {
            // SQLite takes a comment that is still open at the end of the text for closed.
            return (Kind::Comment, end_of_comment(rest, false).unwrap_or(rest.len()));
        }
        match Condition::at(rest) {
            Some(condition) if condition.is_code(self.reading) => (Kind::ConditionOpen, condition.length),
            Some(_) => closed(Kind::Comment, end_of_comment(rest, true)),
            None if rest.get(2) == Some(&b'+') => closed(Kind::Hint, end_of_comment(rest, false)),
            None => closed(Kind::Comment, end_of_comment(rest, false)),
        }
    }

    /// Length of a comment that ends with its line. MySQL's ends at a NUL too.
    fn line_length(&self, rest: &[u8]) -> usize {
        let end = if self.syntax.is_sqlite() {
            memchr::memchr(b'\n', rest)
        } else {
            memchr::memchr2(b'\n', 0, rest)
        };
        end.unwrap_or(rest.len())
    }

    fn sigil(&self, rest: &[u8]) -> (Kind, usize) {
        let name = |from: usize| literal::name_length(&rest[from..]);
        if self.syntax.is_sqlite() {
            return match (rest[0], name(1)) {
                (b'?', digits) => (Kind::Parameter, 1 + digits),
                (_, 0) => (Kind::Operator, literal::operator_length(rest)),
                (_, length) => (Kind::Variable, 1 + length),
            };
        }
        match (rest[0], rest.get(1)) {
            (b'?', _) => (Kind::Parameter, 1),
            (b'$', _) => (Kind::Word, literal::name_length(rest)),
            (b'@', Some(b'@')) => match rest.get(2) {
                Some(b'`') => self.quoted(Kind::Variable, 2),
                _ => (Kind::Variable, 2 + name(2)),
            },
            (b'@', Some(b'\'' | b'"' | b'`')) => self.quoted(Kind::Variable, 1),
            (b'@', Some(_)) => {
                let length = rest[1..]
                    .iter()
                    .take_while(|byte| literal::is_name_byte(**byte) || **byte == b'.')
                    .count();
                if length == 0 {
                    (Kind::Operator, 1)
                } else {
                    (Kind::Variable, 1 + length)
                }
            }
            _ => (Kind::Operator, literal::operator_length(rest)),
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if self.at >= self.text.len() {
            return None;
        }
        let (kind, length) = self.cut();
        let token = Token {
            kind,
            start: self.at,
            end: self.at + length,
        };
        self.at = token.end;
        match kind {
            Kind::ConditionOpen => self.in_condition = true,
            Kind::ConditionClose => self.in_condition = false,
            _ => {}
        }
        let system = kind == Kind::Variable && self.text[token.start..].starts_with(b"@@");
        self.after_name = matches!(kind, Kind::Word | Kind::Quoted) || system;
        self.after_dot = kind == Kind::Dot && !self.syntax.is_sqlite();
        Some(token)
    }
}

/// Whether a `-` begins a comment: `--` and a blank, a control character or the end; in SQLite any `--`.
pub(crate) fn is_line_comment(rest: &[u8], syntax: Syntax) -> bool {
    rest.starts_with(b"--")
        && (syntax.is_sqlite() || rest.get(2).is_none_or(|byte| *byte <= b' ' || *byte == 0x7f))
}

/// One past the end of the comment that `text` begins with. `nested`: a skipped conditional comment, which holds
/// whole comments of its own.
pub(crate) fn end_of_comment(text: &[u8], nested: bool) -> Option<usize> {
    let mut at = 2;
    loop {
        at += memchr::memchr2(b'*', b'/', text.get(at..)?)?;
        match (text[at], text.get(at + 1)?) {
            (b'*', b'/') => return Some(at + 2),
            (b'/', b'*') if nested => at += end_of_comment(&text[at..], false)?,
            _ => at += 1,
        }
    }
}
