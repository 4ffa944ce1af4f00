//! The ways in which servers may read one text, when its conditional comments depend on kind and version.

use super::code::Code;
use super::lexer::{Condition, Kind, Lexer, Reading, end_of_comment};
use super::syntax::Syntax;

/// Every server that we meet is at least this, so older conditions are code everywhere.
const OLDEST_MYSQL: u32 = 50_700;
const OLDEST_MARIADB: u32 = 100_000;
/// More different versions than this in one statement are nobody's dump.
const MOST_VERSIONS: usize = 16;

/// The text cannot be judged: where a conditional comment ends depends on who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ambiguous;

/// The code of `text` in every way that some server reads it. One way for nearly all texts.
///
/// The first one takes every conditional comment for code, unless no server would.
pub(crate) fn readings<'t>(text: &'t [u8], syntax: Syntax) -> Result<Vec<Code<'t>>, Ambiguous> {
    let conditions = conditions(text, syntax);
    if conditions.iter().all(|(_, condition)| always(*condition)) {
        return Ok(vec![Code::new(text, syntax)]);
    }
    for (token, condition) in &conditions {
        if !always(*condition) && skipped_end(text, *token) != executed_end(text, syntax, *token) {
            return Err(Ambiguous);
        }
    }
    let mut ways = vec![
        Reading::Server {
            mariadb: true,
            version: OLDEST_MARIADB,
        },
        Reading::Server {
            mariadb: false,
            version: OLDEST_MYSQL,
        },
    ];
    for (_, condition) in &conditions {
        for mariadb in [true, false] {
            let way = Reading::Server {
                mariadb,
                version: condition.version,
            };
            let oldest = if mariadb { OLDEST_MARIADB } else { OLDEST_MYSQL };
            if condition.version > oldest && !ways.contains(&way) {
                ways.push(way);
            }
        }
    }
    if ways.len() > MOST_VERSIONS {
        return Err(Ambiguous);
    }
    let mut codes: Vec<Code<'t>> = Vec::new();
    for way in ways {
        let code = Code::reading(text, syntax, way);
        if !codes.iter().any(|known| known.same_tokens(&code)) {
            codes.push(code);
        }
    }
    codes.sort_by_key(|code| std::cmp::Reverse(code.len()));
    Ok(codes)
}

fn always(condition: Condition) -> bool {
    condition.sandbox || (!condition.maria && condition.version < OLDEST_MYSQL)
}

/// Start of each conditional comment that is lexed as code.
fn conditions(text: &[u8], syntax: Syntax) -> Vec<(usize, Condition)> {
    if syntax.is_sqlite() || memchr::memmem::find(text, b"/*").is_none() {
        return Vec::new();
    }
    Lexer::new(text, syntax)
        .filter(|token| token.kind == Kind::ConditionOpen)
        .filter_map(|token| Some((token.start, Condition::at(&text[token.start..])?)))
        .collect()
}

fn skipped_end(text: &[u8], start: usize) -> Option<usize> {
    end_of_comment(&text[start..], true).map(|length| start + length)
}

fn executed_end(text: &[u8], syntax: Syntax, start: usize) -> Option<usize> {
    Lexer::new(text, syntax)
        .skip_while(|token| token.start < start)
        .find(|token| token.kind == Kind::ConditionClose)
        .map(|token| token.end)
}
