//! Stored programs written by clients in other character sets than UTF-8: the server keeps the very bytes they sent.

use crate::mariadb::MariaDb;
use crate::schema::Object;
use crate::{Cell, Database, Result};
use std::borrow::Cow;

/// What SHOW CREATE prints, made UTF-8.
pub(super) enum Shown {
    /// This account may not see it.
    Hidden,
    /// It cannot be told exactly.
    Foreign,
    Text(Statement),
}

/// A creating statement.
pub(super) struct Statement {
    pub(super) create: String,
    /// Whether the catalog's body is the end of it. The catalog leaves out escapes and character set introducers: `\\n`
    /// and a line feed read alike there, and only the statement itself tells them apart.
    pub(super) listed: bool,
}

/// The statement of `sql`'s answer in `column`, whose end is `body` as the catalog has it. The body stands in the bytes
/// of the client character set; what stands before it is UTF-8, or ASCII alone where `plain_head`.
pub(super) fn show(
    db: &mut MariaDb,
    sql: &str,
    column: usize,
    charset: &str,
    body: &str,
    plain_head: bool,
) -> Result<Shown> {
    let rows = db.query(sql)?;
    let Some(Cell::Bytes(raw)) = rows.first().and_then(|r| r.get(column)) else {
        return Ok(Shown::Hidden);
    };
    let text = |create: String, listed| Shown::Text(Statement { create, listed });
    if is_utf8(charset) || raw.is_ascii() {
        return Ok(match String::from_utf8(raw.clone()) {
            Ok(create) => {
                let listed = create.ends_with(body);
                text(create, listed)
            }
            Err(_) => Shown::Foreign,
        });
    }
    if let Some(tail) = in_charset(db, body, charset)?
        && let Some(head) = raw.strip_suffix(tail.as_slice())
        && let Ok(head) = std::str::from_utf8(head)
    {
        let create = format!("{head}{body}");
        if in_charset(db, &create, charset)?.is_some() {
            return Ok(text(create, true));
        }
    }
    if plain_head {
        let hex: String = raw.iter().map(|b| format!("{b:02X}")).collect();
        let read = db.query(&format!(
            "SELECT CONVERT(CONVERT(X'{hex}' USING {charset}) USING utf8mb4)"
        ))?;
        if let Some(Cell::Bytes(bytes)) = read.first().and_then(|r| r.first())
            && let Ok(create) = String::from_utf8(bytes.clone())
            && in_charset(db, &create, charset)?.as_ref() == Some(raw)
        {
            return Ok(text(create, false));
        }
    }
    Ok(Shown::Foreign)
}

pub(super) fn is_utf8(charset: &str) -> bool {
    charset.starts_with("utf8")
}

/// The text's bytes in a character set; `None` where it does not hold all of it.
fn in_charset(db: &mut MariaDb, text: &str, charset: &str) -> Result<Option<Vec<u8>>> {
    let sent = converted(text, charset);
    let rows = db.query(&format!("SELECT {sent}, CONVERT({sent} USING utf8mb4)"))?;
    Ok(match rows.into_iter().next().as_deref() {
        Some([Cell::Bytes(bytes), Cell::Bytes(back)]) if back == text.as_bytes() => Some(bytes.clone()),
        _ => None,
    })
}

fn converted(text: &str, charset: &str) -> String {
    let hex: String = text.bytes().map(|b| format!("{b:02X}")).collect();
    format!("CONVERT(_utf8mb4 X'{hex}' USING {charset})")
}

/// An object's statement as it has to be sent, whoever sends it: always in UTF-8, or in ASCII alone.
pub(crate) fn sent<'s>(object: &Object, statement: &'s str) -> Cow<'s, str> {
    let charset = object
        .create
        .iter()
        .find_map(|s| s.strip_prefix("SET SESSION character_set_client="))
        .and_then(|rest| rest.split(',').next());
    match charset {
        Some(charset) if !is_utf8(charset) && !statement.is_ascii() => {
            Cow::Owned(format!("EXECUTE IMMEDIATE {}", converted(statement, charset)))
        }
        _ => Cow::Borrowed(statement),
    }
}
