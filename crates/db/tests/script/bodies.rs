//! What has to hold for any bytes whatever: the bodies of the fuzz targets in `fuzz/`, which build from this file too.

use std::io::{self, Read, Write as _};

use db::script::dump::{CheckOptions, Definer, DumpFile, Events, Policy};
use db::script::{Splitter, Syntax};

/// Hands out a few bytes at a time.
struct Drip<'t>(&'t [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(self.0.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn syntax(choice: u8) -> Syntax {
    match choice % 5 {
        0 => Syntax::MARIADB,
        1 => Syntax::SQLITE,
        2 => Syntax::with_sql_mode("ANSI_QUOTES"),
        3 => Syntax::with_sql_mode("NO_BACKSLASH_ESCAPES"),
        _ => Syntax::with_sql_mode("ORACLE,NO_BACKSLASH_ESCAPES"),
    }
}

/// The first byte chooses the rules and the pieces; the rest is SQL. Statements are the same in whatever pieces the text
/// comes, lie in it in order, and are never longer than the limit.
pub(crate) fn split(data: &[u8]) {
    let Some((&choice, text)) = data.split_first() else {
        return;
    };
    let syntax = syntax(choice);
    let limit = 4096;
    let (mut whole, piece) = (
        Splitter::with_limit(text, syntax, limit),
        usize::from(choice / 5) + 1,
    );
    let mut pieces = Splitter::with_limit(Drip(text, piece), syntax, limit);
    let mut rest = text;
    loop {
        let next = whole.next_statement();
        assert_eq!(format!("{next:?}"), format!("{:?}", pieces.next_statement()));
        match next {
            Ok(Some(statement)) => {
                assert!(statement.text.len() <= limit, "{} bytes", statement.text.len());
                let length = statement.text.len();
                let at = rest
                    .windows(length.max(1))
                    .position(|window| window == statement.text);
                let at = at.unwrap_or_else(|| panic!("not in the text: {statement:?}"));
                rest = &rest[at + length..];
            }
            Ok(None) => break,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                assert!(
                    matches!(whole.next_statement(), Ok(None)),
                    "something follows an error"
                );
                break;
            }
        }
    }
}

/// The first byte chooses what a person accepts; the rest is the file. It is refused with a reason, or everything that is
/// to be sent can be made.
pub(crate) fn dump(data: &[u8]) {
    let Some((&choice, text)) = data.split_first() else {
        return;
    };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text).unwrap();
    let options = CheckOptions {
        only: (choice & 1 != 0).then(|| "a".to_owned()),
        source: (choice & 2 != 0).then(|| "a".to_owned()),
        allow_missing_trailer: choice & 4 == 0,
        accept_literals: choice & 8 != 0,
        syntax: syntax(choice >> 4),
        longest: 4096,
        ..CheckOptions::default()
    };
    let checked = DumpFile::open(file.path()).and_then(|dump| Ok((dump.check(&options, &mut |_| {})?, dump)));
    let (facts, dump) = match checked {
        Ok(checked) => checked,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let policy = Policy {
        into: "elsewhere".to_owned(),
        definer: Definer::Map("CURRENT_USER".to_owned()),
        events: Events::Disable,
    };
    for action in dump.statements(&facts, &options, &policy).unwrap() {
        action.unwrap_or_else(|error| panic!("checked, and then: {error}"));
    }
}
