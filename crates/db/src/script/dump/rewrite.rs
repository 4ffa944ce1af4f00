//! Changes to a statement's text: a list of places and what comes there.

use std::ops::Range;

use super::options::Definer;
use crate::script::block;
use crate::script::code::Code;
use crate::script::lexer::Kind;
use crate::script::requalify::quoted;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) place: Range<usize>,
    pub(super) with: Vec<u8>,
}

/// `text` with all `edits`, which do not overlap.
pub(super) fn apply(text: Vec<u8>, mut edits: Vec<Edit>) -> Vec<u8> {
    if edits.is_empty() {
        return text;
    }
    edits.sort_by_key(|edit| (edit.place.start, edit.place.end));
    edits.dedup();
    let mut out = Vec::with_capacity(text.len() + 64);
    let mut at = 0;
    for edit in &edits {
        out.extend_from_slice(&text[at..edit.place.start]);
        out.extend_from_slice(&edit.with);
        at = edit.place.end;
    }
    out.extend_from_slice(&text[at..]);
    out
}

/// Place and text of the account in `DEFINER = account`.
pub(super) fn definer(code: &Code<'_>) -> Option<(Range<usize>, String)> {
    let at = (1..code.len().min(16)).find(|at| code.word(*at, "DEFINER") && code.sign(at + 1, "="))? + 2;
    let first = code.token(at)?;
    let mut last = first;
    if code.is(at + 1, Kind::Variable) {
        last = code.token(at + 1)?;
    } else if code.is(at + 1, Kind::Open) && code.is(at + 2, Kind::Close) {
        last = code.token(at + 2)?;
    }
    let place = first.start..last.end;
    let text = String::from_utf8_lossy(&code.text()[place.clone()]).into_owned();
    Some((place, text))
}

/// The account of a policy as SQL. `None` to leave it.
pub(super) fn account(definer: &Definer) -> Option<Vec<u8>> {
    let Definer::Map(account) = definer else {
        return None;
    };
    if account.eq_ignore_ascii_case("CURRENT_USER") || account.eq_ignore_ascii_case("CURRENT_USER()") {
        return Some(b"CURRENT_USER".to_vec());
    }
    // The host is what follows the last @.
    let (user, host) = account.rsplit_once('@').unwrap_or((account, "%"));
    let mut sql = quoted(user);
    sql.push(b'@');
    sql.extend_from_slice(&quoted(host));
    Some(sql)
}

/// What makes a `CREATE EVENT` create it disabled.
pub(super) fn disable_event(code: &Code<'_>) -> Option<Edit> {
    let body = block::body(code, 0)?;
    let head = 0..body.saturating_sub(1);
    if head.clone().any(|at| code.word(at, "DISABLE")) {
        return None;
    }
    if let Some(enable) = head.clone().find(|at| code.word(*at, "ENABLE")) {
        return Some(Edit {
            place: code.token(enable)?.range(),
            with: b"DISABLE".to_vec(),
        });
    }
    let before = head
        .clone()
        .find(|at| code.word(*at, "COMMENT"))
        .unwrap_or(head.end);
    let start = code.token(before)?.start;
    Some(Edit {
        place: start..start,
        with: b"DISABLE ".to_vec(),
    })
}
