//! Statements of a stream.

use std::io::{self, Read};

use db::script::{Kind, Lexer, SplitError, Splitter, Statement, Syntax};
use proptest::prelude::*;

use super::lexer::{sqlish, syntaxes};

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

fn split(text: &[u8], syntax: Syntax) -> Vec<Statement> {
    Splitter::new(text, syntax).collect::<Result<_, _>>().unwrap()
}

fn texts(text: &str, syntax: Syntax) -> Vec<String> {
    split(text.as_bytes(), syntax)
        .into_iter()
        .map(|one| String::from_utf8(one.text).unwrap())
        .collect()
}

#[test]
fn mariadb() {
    let cases: &[(&str, &[&str])] = &[
        ("SELECT 1; SELECT 2;", &["SELECT 1", "SELECT 2"]),
        ("SELECT ';' , \";\", `;` ; x", &["SELECT ';' , \";\", `;` ", "x"]),
        (r"SELECT '\';', '''' ;y;", &[r"SELECT '\';', '''' ", "y"]),
        ("a -- ; no\n; b # ;\n;/* ; */ c", &["a -- ; no\n", "b # ;\n", "c"]),
        ("-- lead\n\n/* more */ a;", &["a"]),
        (
            "/*!50003 SET a=1 */;/*M!999999\\- sandbox */ b;",
            &["/*!50003 SET a=1 */", "b"],
        ),
        ("/*!50003 a; b */; c", &["/*!50003 a; b */", "c"]),
        (
            "DELIMITER ;;\nCREATE x BEGIN a; b; END ;;\nDELIMITER ;\nc;",
            &["CREATE x BEGIN a; b; END ", "c"],
        ),
        (
            "delimiter //\r\na;b//\r\nDelimiter \";\"\r\nc;d",
            &["a;b", "c", "d"],
        ),
        ("select delimiter ;\n", &["select delimiter "]),
        ("a--1;b", &["a--1", "b"]),
        (";;;a;;", &["a"]),
        ("", &[]),
        (" \n -- x", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(texts(text, Syntax::MARIADB), *expected, "{text}");
    }
}

#[test]
fn sqlite() {
    let cases: &[(&str, &[&str])] = &[
        (
            "CREATE TABLE [a;b] (\"c;\" TEXT); x",
            &["CREATE TABLE [a;b] (\"c;\" TEXT)", "x"],
        ),
        (
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b=CASE WHEN 1 THEN 2 END; SELECT ';'; -- ;\n END; SELECT 1;",
            &[
                "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b=CASE WHEN 1 THEN 2 END; SELECT ';'; -- ;\n END",
                "SELECT 1",
            ],
        ),
        (
            "create /* x */ temp trigger t begin select 1; end;b",
            &["create /* x */ temp trigger t begin select 1; end", "b"],
        ),
        ("BEGIN; a; END; b", &["BEGIN", "a", "END", "b"]),
        ("SELECT 'a\\'; b", &["SELECT 'a\\'", "b"]),
        ("DELIMITER ;\na;", &["DELIMITER ", "a"]),
    ];
    for (text, expected) in cases {
        assert_eq!(texts(text, Syntax::SQLITE), *expected, "{text}");
    }
}

#[test]
fn places_are_told() {
    let found = split(b"-- x\n\n  a\nb;\n c; 'd", Syntax::MARIADB);
    let places: Vec<_> = found
        .iter()
        .map(|one| (one.line, one.offset, one.terminated, one.open))
        .collect();
    assert_eq!(
        places,
        [(3, 8, true, false), (5, 14, true, false), (5, 17, false, true)]
    );
}

#[test]
fn what_is_open_at_the_end_is_told() {
    for (text, open) in [
        ("a", false),
        ("'a", true),
        ("`a", true),
        ("a /* b", true),
        ("/* a", true),
        ("a -- b", false),
        ("/*!50003 a", true),
    ] {
        let found = split(text.as_bytes(), Syntax::MARIADB);
        assert_eq!(
            found
                .iter()
                .map(|one| (one.terminated, one.open))
                .collect::<Vec<_>>(),
            [(false, open)],
            "{text}"
        );
    }
}

#[test]
fn long_statements_are_refused() {
    let text = format!("SELECT 1;\nSELECT '{}';", "x".repeat(3_000_000));
    let mut splitter = Splitter::with_limit(text.as_bytes(), Syntax::MARIADB, 1_000_000);
    assert!(splitter.next_statement().unwrap().is_some());
    assert!(matches!(
        splitter.next_statement(),
        Err(SplitError::TooLong {
            line: 2,
            limit: 1_000_000
        })
    ));
    let mut splitter = Splitter::with_limit(text.as_bytes(), Syntax::MARIADB, 4_000_000);
    assert_eq!(splitter.by_ref().count(), 2);
}

#[test]
fn a_delimiter_must_be_named() {
    for text in ["DELIMITER\na;", "DELIMITER \\\na;", "a; delimiter '' \n"] {
        let found: Result<Vec<_>, _> = Splitter::new(text.as_bytes(), Syntax::MARIADB).collect();
        assert!(matches!(found, Err(SplitError::Delimiter { .. })), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// What lies between the statements is blanks, comments and delimiters; the statements are the bytes that they say.
    #[test]
    fn no_byte_is_lost(text in sqlish()) {
        if text.to_ascii_lowercase().windows(9).any(|part| part == b"delimiter") {
            return Ok(());
        }
        for syntax in syntaxes() {
            let mut at = 0;
            for one in split(&text, syntax) {
                let start = one.offset as usize;
                prop_assert_eq!(&text[start..start + one.text.len()], &one.text[..]);
                prop_assert!(start >= at);
                prop_assert!(Lexer::new(&text[at..start], syntax)
                    .all(|token| matches!(token.kind, Kind::Space | Kind::Comment | Kind::Semicolon | Kind::Hint)),
                    "{:?}", String::from_utf8_lossy(&text[at..start]));
                prop_assert_eq!(one.line as usize, 1 + text[..start].iter().filter(|byte| **byte == b'\n').count());
                at = start + one.text.len();
            }
            prop_assert!(Lexer::new(&text[at..], syntax)
                .all(|token| matches!(token.kind, Kind::Space | Kind::Comment | Kind::Semicolon | Kind::Hint)),
                "{:?}", String::from_utf8_lossy(&text[at..]));
        }
    }

    /// The size of the pieces that a reader hands out changes nothing.
    #[test]
    fn buffers_do_not_matter(text in sqlish(), size in 1usize..50) {
        for syntax in syntaxes() {
            let whole: Result<Vec<_>, String> = Splitter::new(&text[..], syntax).map(|one| one.map_err(|error| error.to_string())).collect();
            let parts: Result<Vec<_>, String> = Splitter::new(Drip(&text, size), syntax).map(|one| one.map_err(|error| error.to_string())).collect();
            prop_assert_eq!(whole, parts);
        }
    }
}
