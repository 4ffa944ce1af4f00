//! The scan for a statement's end, resumable where the buffer ends.

use crate::script::lexer::{Condition, Kind, Lexer, is_line_comment};
use crate::script::syntax::{Family, Syntax};

/// Bytes of lookahead that decide what begins at a place: `/*M!100100`, the sandbox's `\-`, a delimiter.
const AHEAD: usize = 32;

/// What was found.
pub(super) enum Step<'b> {
    /// The buffer ends before anything is decided.
    More,
    /// Blanks and comments before a statement.
    Skip(usize),
    /// A `DELIMITER` line, its end included in `length`.
    Delimiter { line: &'b [u8], length: usize },
    /// A statement and the length of what ends it.
    Statement { length: usize, end: usize },
    /// What is left at the end of the stream; `open` when it ends inside something.
    Rest { length: usize, open: bool },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Code,
    Quoted {
        quote: u8,
        escapes: bool,
    },
    Line,
    Comment,
}

/// Where the scan of the current statement stands.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Bytes of the statement looked at.
    at: usize,
    state: State,
    /// There is something before `at` that is neither blank nor a plain comment.
    begun: bool,
    in_condition: bool,
    /// SQLite: the statement creates a trigger, once known, and where the last inner semicolon is.
    trigger: Option<(bool, usize)>,
}

impl Scan {
    pub(super) fn step<'b>(&mut self, text: &'b [u8], ended: bool, syntax: Syntax, ends: &Ends) -> Step<'b> {
        loop {
            let done = match self.state {
                State::Code => self.code(text, ended, syntax, ends),
                State::Quoted { quote, escapes } => self.quoted(text, quote, escapes),
                State::Line => self.line(text, syntax),
                State::Comment => self.comment_end(text),
            };
            if let Some(step) = done {
                return match step {
                    Step::More if ended => self.rest(text),
                    step => step,
                };
            }
            if !self.begun && self.state == State::Code && self.at > 0 {
                return Step::Skip(self.at);
            }
        }
    }

    fn rest<'b>(&self, text: &'b [u8]) -> Step<'b> {
        if !self.begun {
            // An open comment at the end is nothing to run, but the text is not whole either.
            let open = self.state == State::Comment;
            return Step::Rest {
                length: if open { text.len() } else { 0 },
                open,
            };
        }
        let open = !matches!(self.state, State::Code | State::Line) || self.in_condition;
        Step::Rest {
            length: text.len(),
            open,
        }
    }

    /// Passes over code up to something that is none, or the statement's end.
    fn code<'b>(&mut self, text: &'b [u8], ended: bool, syntax: Syntax, ends: &Ends) -> Option<Step<'b>> {
        // A short look ahead is enough everywhere but at the end of the stream.
        let safe = if ended {
            text.len()
        } else {
            text.len().saturating_sub(AHEAD)
        };
        while self.at < safe {
            if self.begun {
                match text[self.at..safe]
                    .iter()
                    .position(|byte| ends.stops[*byte as usize])
                {
                    Some(plain) => self.at += plain,
                    None => {
                        self.at = safe;
                        break;
                    }
                }
            } else if matches!(text[self.at], b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c) {
                self.at += 1;
                continue;
            } else if self.at > 0 {
                return Some(Step::Skip(self.at));
            } else if let Some(step) = delimiter_line(text, ended, syntax) {
                return Some(step);
            }
            let rest = &text[self.at..];
            if !self.in_condition && rest.starts_with(&ends.delimiter) {
                if let Some(step) = self.end(text, syntax, ends.delimiter.len()) {
                    return Some(step);
                }
            } else if self.other(rest, syntax) {
                return None;
            }
        }
        Some(Step::More)
    }

    /// One sign that may begin something. True when the state has changed.
    fn other(&mut self, rest: &[u8], syntax: Syntax) -> bool {
        let sqlite = syntax.family == Family::Sqlite;
        let byte = rest[0];
        match byte {
            b'\'' | b'"' | b'`' => {
                self.open(
                    State::Quoted {
                        quote: byte,
                        escapes: syntax.escapes(byte),
                    },
                    1,
                );
                true
            }
            b'[' if sqlite => {
                self.open(
                    State::Quoted {
                        quote: b']',
                        escapes: false,
                    },
                    1,
                );
                true
            }
            b'#' if !sqlite => self.comment(State::Line, 1),
            b'-' if is_line_comment(rest, syntax) => self.comment(State::Line, 2),
            b'/' if rest.starts_with(b"/*") => match Condition::at(rest).filter(|_| !sqlite) {
                Some(condition) if !condition.sandbox => {
                    self.begun = true;
                    self.in_condition = true;
                    self.at += condition.length;
                    false
                }
                _ => self.comment(State::Comment, 2),
            },
            b'*' if self.in_condition && rest.starts_with(b"*/") => {
                self.in_condition = false;
                self.at += 2;
                false
            }
            _ => {
                self.begun = true;
                self.at += 1;
                false
            }
        }
    }

    fn open(&mut self, state: State, length: usize) {
        self.begun = true;
        self.state = state;
        self.at += length;
    }

    fn comment(&mut self, state: State, length: usize) -> bool {
        self.state = state;
        self.at += length;
        true
    }

    /// The delimiter stands at `self.at`.
    fn end<'b>(&mut self, text: &[u8], syntax: Syntax, length: usize) -> Option<Step<'b>> {
        if !self.begun {
            self.at += length;
            return Some(Step::Skip(self.at));
        }
        if syntax.family == Family::Sqlite {
            let (trigger, last) = *self
                .trigger
                .get_or_insert_with(|| (creates_trigger(&text[..self.at], syntax), 0));
            if trigger && !is_end(&text[last..self.at], syntax) {
                self.trigger = Some((true, self.at + 1));
                self.at += length;
                return None;
            }
        }
        Some(Step::Statement {
            length: self.at,
            end: length,
        })
    }

    fn quoted<'b>(&mut self, text: &[u8], quote: u8, escapes: bool) -> Option<Step<'b>> {
        loop {
            let rest = &text[self.at..];
            let found = if escapes {
                memchr::memchr2(quote, b'\\', rest)
            } else {
                memchr::memchr(quote, rest)
            };
            let Some(found) = found else {
                self.at = text.len();
                return Some(Step::More);
            };
            if rest[found] == quote {
                // A doubled quote opens the next string at once, to the same effect.
                self.at += found + 1;
                self.state = State::Code;
                return None;
            }
            if found + 1 >= rest.len() {
                self.at += found;
                return Some(Step::More);
            }
            self.at += found + 2;
        }
    }

    /// A comment to the end of its line; MySQL's ends at a NUL too.
    fn line<'b>(&mut self, text: &[u8], syntax: Syntax) -> Option<Step<'b>> {
        let rest = &text[self.at..];
        let end = match syntax.family {
            Family::MySql => memchr::memchr2(b'\n', 0, rest),
            Family::Sqlite => memchr::memchr(b'\n', rest),
        };
        match end {
            Some(end) => {
                self.at += end;
                self.state = State::Code;
                None
            }
            None => {
                self.at = text.len();
                Some(Step::More)
            }
        }
    }

    fn comment_end<'b>(&mut self, text: &[u8]) -> Option<Step<'b>> {
        match memchr::memmem::find(&text[self.at..], b"*/") {
            Some(found) => {
                self.at += found + 2;
                self.state = State::Code;
                None
            }
            None => {
                self.at = self.at.max(text.len().saturating_sub(1));
                Some(Step::More)
            }
        }
    }
}

/// A `DELIMITER` line where a statement would begin.
fn delimiter_line<'b>(text: &'b [u8], ended: bool, syntax: Syntax) -> Option<Step<'b>> {
    const WORD: &[u8] = b"delimiter";
    if syntax.family == Family::Sqlite
        || text.len() < WORD.len()
        || !text[..WORD.len()].eq_ignore_ascii_case(WORD)
    {
        return None;
    }
    if text
        .get(WORD.len())
        .is_some_and(|byte| !byte.is_ascii_whitespace())
    {
        return None;
    }
    match memchr::memchr(b'\n', text) {
        Some(end) => Some(Step::Delimiter {
            line: &text[WORD.len()..end],
            length: end + 1,
        }),
        None if ended => Some(Step::Delimiter {
            line: &text[WORD.len()..],
            length: text.len(),
        }),
        None => Some(Step::More),
    }
}

/// The delimiter that a `DELIMITER` line names: its first word, quotes taken off.
pub(super) fn delimiter(line: &[u8]) -> Option<&[u8]> {
    let word = line
        .split(u8::is_ascii_whitespace)
        .find(|word| !word.is_empty())?;
    let plain = match word {
        [b'\'', inside @ .., b'\''] | [b'"', inside @ .., b'"'] => inside,
        other => other,
    };
    let good = !plain.is_empty() && plain.len() <= 16 && !plain.contains(&b'\\');
    good.then_some(plain)
}

fn creates_trigger(text: &[u8], syntax: Syntax) -> bool {
    let mut words = Lexer::new(text, syntax)
        .filter(|token| token.kind.is_code())
        .map(|token| &text[token.range()]);
    let mut next = words.next();
    if next.is_some_and(|word| word.eq_ignore_ascii_case(b"EXPLAIN")) {
        next = words.next();
    }
    if !next.is_some_and(|word| word.eq_ignore_ascii_case(b"CREATE")) {
        return false;
    }
    let mut second = words.next();
    if second
        .is_some_and(|word| word.eq_ignore_ascii_case(b"TEMP") || word.eq_ignore_ascii_case(b"TEMPORARY"))
    {
        second = words.next();
    }
    second.is_some_and(|word| word.eq_ignore_ascii_case(b"TRIGGER"))
}

/// Whether nothing but `END` stands between two semicolons.
fn is_end(text: &[u8], syntax: Syntax) -> bool {
    let mut code = Lexer::new(text, syntax).filter(|token| token.kind.is_code());
    code.next()
        .is_some_and(|token| token.kind == Kind::Word && text[token.range()].eq_ignore_ascii_case(b"END"))
        && code.next().is_none()
}

/// What ends a statement, and the bytes in code that are worth a look.
#[derive(Debug)]
pub(super) struct Ends {
    delimiter: Vec<u8>,
    stops: [bool; 256],
}

impl Ends {
    /// `delimiter` is not empty.
    pub(super) fn new(delimiter: &[u8]) -> Ends {
        let mut stops = [false; 256];
        for byte in b"'\"`[#-/*".iter().chain(delimiter.first()) {
            stops[*byte as usize] = true;
        }
        Ends {
            delimiter: delimiter.to_vec(),
            stops,
        }
    }
}
