//! The tokens of a statement that mean something, with the questions that judges ask of them.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::keyword;
use super::lexer::{Kind, Lexer, Reading, Token};
use super::syntax::Syntax;

/// A statement without blanks, comments and the marks of conditional comments.
#[derive(Clone, Debug)]
pub struct Code<'t> {
    text: &'t [u8],
    syntax: Syntax,
    tokens: Arc<[Token]>,
    /// The tokens that this code consists of; parts of a code share them.
    part: Range<usize>,
}

/// A name as it stands in the code: one to several parts joined by dots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// Token of each part. The last may be `*`.
    pub(crate) parts: Vec<usize>,
    /// The token after the chain.
    pub(crate) next: usize,
}

impl<'t> Code<'t> {
    /// The code of `text`, every conditional comment included.
    pub fn new(text: &'t [u8], syntax: Syntax) -> Code<'t> {
        Code::reading(text, syntax, Reading::Any)
    }

    /// The code of `text` as `reading` executes it.
    pub fn reading(text: &'t [u8], syntax: Syntax, reading: Reading) -> Code<'t> {
        let tokens: Vec<Token> = Lexer::reading(text, syntax, reading)
            .filter(|token| token.kind.is_code())
            .collect();
        let part = 0..tokens.len();
        Code {
            text,
            syntax,
            tokens: tokens.into(),
            part,
        }
    }

    /// The part of this code from token `from` up to `to`.
    pub(crate) fn slice(&self, from: usize, to: usize) -> Code<'t> {
        let part = self.part.start + from..self.part.start + to;
        Code {
            text: self.text,
            syntax: self.syntax,
            tokens: Arc::clone(&self.tokens),
            part,
        }
    }

    pub(crate) fn same_tokens(&self, other: &Code<'_>) -> bool {
        self.all() == other.all()
    }

    pub(crate) fn text(&self) -> &'t [u8] {
        self.text
    }

    pub(crate) fn syntax(&self) -> Syntax {
        self.syntax
    }

    pub(crate) fn len(&self) -> usize {
        self.part.len()
    }

    fn all(&self) -> &[Token] {
        &self.tokens[self.part.clone()]
    }

    pub(crate) fn token(&self, index: usize) -> Option<Token> {
        self.all().get(index).copied()
    }

    pub(crate) fn kind(&self, index: usize) -> Option<Kind> {
        self.all().get(index).map(|token| token.kind)
    }

    pub(crate) fn is(&self, index: usize, kind: Kind) -> bool {
        self.kind(index) == Some(kind)
    }

    /// The bytes of a token, none past the end.
    pub(crate) fn bytes(&self, index: usize) -> &'t [u8] {
        self.all()
            .get(index)
            .map_or(&[], |token| &self.text[token.range()])
    }

    /// Whether token `index` is this keyword: unquoted, and not a part of a qualified name.
    pub(crate) fn word(&self, index: usize, word: &str) -> bool {
        self.is(index, Kind::Word)
            && self.bytes(index).eq_ignore_ascii_case(word.as_bytes())
            && (index == 0 || !self.is(index - 1, Kind::Dot))
    }

    pub(crate) fn any_word(&self, index: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.word(index, word))
    }

    /// Whether these keywords stand in a row from `index` on.
    pub(crate) fn words(&self, index: usize, words: &[&str]) -> bool {
        words
            .iter()
            .enumerate()
            .all(|(ahead, word)| self.word(index + ahead, word))
    }

    pub(crate) fn sign(&self, index: usize, sign: &str) -> bool {
        self.is(index, Kind::Operator) && self.bytes(index) == sign.as_bytes()
    }

    /// The first token from `from` on that is one of these keywords outside any parenthesis opened since.
    pub(crate) fn find(&self, from: usize, words: &[&str]) -> Option<usize> {
        let mut depth = 0usize;
        for index in from..self.len() {
            match self.all()[index].kind {
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.saturating_sub(1),
                Kind::Word if depth == 0 && self.any_word(index, words) => return Some(index),
                _ => {}
            }
        }
        None
    }

    pub(crate) fn contains(&self, words: &[&str]) -> bool {
        (0..self.len()).any(|index| self.any_word(index, words))
    }

    /// Whether the token can begin a name: quoted, or a word that is not reserved.
    pub(crate) fn is_name(&self, index: usize) -> bool {
        match self.kind(index) {
            Some(Kind::Quoted) => true,
            Some(Kind::Word) => !keyword::is_reserved(self.bytes(index), self.syntax.family),
            _ => false,
        }
    }

    /// The name without its quotes.
    pub(crate) fn name(&self, index: usize) -> String {
        String::from_utf8_lossy(&unquoted(self.bytes(index))).into_owned()
    }

    /// The qualified name that begins at `index`.
    pub(crate) fn chain(&self, index: usize) -> Option<Chain> {
        if !self.is_name(index) {
            return None;
        }
        let mut chain = Chain {
            parts: vec![index],
            next: index + 1,
        };
        while self.is(chain.next, Kind::Dot) {
            let part = chain.next + 1;
            if !(matches!(self.kind(part), Some(Kind::Word | Kind::Quoted)) || self.sign(part, "*")) {
                break;
            }
            chain.parts.push(part);
            chain.next = part + 1;
        }
        Some(chain)
    }
}

/// An identifier without its quotes, doubled quotes made single.
pub(crate) fn unquoted(token: &[u8]) -> Cow<'_, [u8]> {
    let (close, inside) = match token {
        [b'`', inside @ .., b'`'] => (b'`', inside),
        [b'"', inside @ .., b'"'] => (b'"', inside),
        [b'[', inside @ .., b']'] => return Cow::Borrowed(inside),
        _ => return Cow::Borrowed(token),
    };
    if memchr::memchr(close, inside).is_none() {
        return Cow::Borrowed(inside);
    }
    let mut plain = Vec::with_capacity(inside.len());
    let mut at = 0;
    while at < inside.len() {
        plain.push(inside[at]);
        at += if inside[at] == close { 2 } else { 1 };
    }
    Cow::Owned(plain)
}
