//! Tokens cover the text, whatever it is.

use db::script::{Kind, Lexer, Reading, Syntax, classify, dangers};
use proptest::prelude::*;

pub(crate) fn syntaxes() -> [Syntax; 5] {
    [
        Syntax::MARIADB,
        Syntax::SQLITE,
        Syntax::with_sql_mode("ANSI_QUOTES"),
        Syntax::with_sql_mode("NO_BACKSLASH_ESCAPES"),
        Syntax::with_sql_mode("ORACLE,NO_BACKSLASH_ESCAPES"),
    ]
}

/// Text that is dense in what a lexer minds.
pub(crate) fn sqlish() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(
        [
            "'",
            "\"",
            "`",
            "[",
            "]",
            "\\",
            "/*",
            "*/",
            "/*!",
            "/*!50003",
            "/*M!100100 ",
            "/*!99999 ",
            "-- ",
            "--",
            "#",
            "\n",
            ";",
            ";;",
            " ",
            "DELIMITER ;;\n",
            "DELIMITER ",
            "BEGIN",
            "END",
            "CREATE",
            "TRIGGER",
            "TEMP ",
            "TABLE",
            "DROP ",
            "SELECT ",
            "FROM ",
            "JOIN ",
            "a",
            "own",
            ".",
            ",",
            "(",
            ")",
            "@",
            "@@",
            ":=",
            "x'",
            "N'",
            "_utf8",
            "0x",
            "1e5",
            "1a",
            ".5",
            "$",
            "?",
            "ñ",
            "\0",
            "UPDATE ",
            "WHERE ",
            "AS ",
            "=",
            "-",
            "->>",
            "key",
            "`b`",
            "'s'",
            "DO ",
            "IF ",
            "CASE ",
            "THEN ",
            "LOOP ",
            "DECLARE ",
            "ALTER TABLE ",
            "SET ",
            "GLOBAL ",
            "INSERT INTO ",
            "VALUES",
            "\t",
            "count",
            "\"q\"",
        ]
        .map(str::as_bytes)
        .to_vec(),
    );
    prop_oneof![
        4 => prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tokens_cover_the_text(text in sqlish()) {
        for syntax in syntaxes() {
            for reading in [
                Reading::Any,
                Reading::Server { mariadb: true, version: 101_100 },
                Reading::Server { mariadb: false, version: 80_000 },
            ] {
                let mut at = 0;
                for token in Lexer::reading(&text, syntax, reading) {
                    prop_assert_eq!(token.start, at);
                    prop_assert!(token.end > token.start);
                    at = token.end;
                }
                prop_assert_eq!(at, text.len());
            }
        }
    }

    #[test]
    fn judging_never_panics(text in sqlish()) {
        for syntax in syntaxes() {
            let _ = classify(&text, syntax);
            let _ = dangers(&text, syntax);
        }
    }
}

fn kinds(text: &str, syntax: Syntax) -> Vec<(Kind, &str)> {
    Lexer::new(text.as_bytes(), syntax)
        .filter(|token| token.kind != Kind::Space)
        .map(|token| (token.kind, &text[token.range()]))
        .collect()
}

#[test]
fn pieces() {
    use Kind::{
        Comment, ConditionClose, ConditionOpen, Dot, Hint, Number, Operator, Parameter, Quoted, Stray, Text,
        Unclosed, Variable, Word,
    };
    let cases: &[(&str, &[(Kind, &str)])] = &[
        (r"'a''b\'c'", &[(Text, r"'a''b\'c'")]),
        (
            "_utf8mb4'x' N'y' X'4d' b'1'",
            &[
                (Word, "_utf8mb4"),
                (Text, "'x'"),
                (Text, "N'y'"),
                (Text, "X'4d'"),
                (Text, "b'1'"),
            ],
        ),
        ("`a``b`.c", &[(Quoted, "`a``b`"), (Dot, "."), (Word, "c")]),
        (
            "1.5e-3 .5 0xff 0b01 1a 1e5x",
            &[
                (Number, "1.5e-3"),
                (Number, ".5"),
                (Number, "0xff"),
                (Number, "0b01"),
                (Word, "1a"),
                (Number, "1e5"),
                (Word, "x"),
            ],
        ),
        (
            "t.1a t.5",
            &[
                (Word, "t"),
                (Dot, "."),
                (Word, "1a"),
                (Word, "t"),
                (Dot, "."),
                (Word, "5"),
            ],
        ),
        (
            "@a @`b c` @'d' @@x.y root@10.0.0.1",
            &[
                (Variable, "@a"),
                (Variable, "@`b c`"),
                (Variable, "@'d'"),
                (Variable, "@@x"),
                (Dot, "."),
                (Word, "y"),
                (Word, "root"),
                (Variable, "@10.0.0.1"),
            ],
        ),
        (
            "a--b",
            &[(Word, "a"), (Operator, "-"), (Operator, "-"), (Word, "b")],
        ),
        (
            "a-- b\nc#d",
            &[(Word, "a"), (Comment, "-- b"), (Word, "c"), (Comment, "#d")],
        ),
        (
            "/*!50003 a*/b*/",
            &[
                (ConditionOpen, "/*!50003"),
                (Word, "a"),
                (ConditionClose, "*/"),
                (Word, "b"),
                (Operator, "*"),
                (Operator, "/"),
            ],
        ),
        (
            "/*M!100100 '*/' */",
            &[
                (ConditionOpen, "/*M!100100"),
                (Text, "'*/'"),
                (ConditionClose, "*/"),
            ],
        ),
        (
            "/*!50003 a /* b */ c */",
            &[
                (ConditionOpen, "/*!50003"),
                (Word, "a"),
                (Comment, "/* b */"),
                (Word, "c"),
                (ConditionClose, "*/"),
            ],
        ),
        (
            "/*+ NO_ICP(t) */ /*/ x */",
            &[(Hint, "/*+ NO_ICP(t) */"), (Comment, "/*/ x */")],
        ),
        (
            "a:=b<=>c->>'$.d'",
            &[
                (Word, "a"),
                (Operator, ":="),
                (Word, "b"),
                (Operator, "<=>"),
                (Word, "c"),
                (Operator, "->>"),
                (Text, "'$.d'"),
            ],
        ),
        (
            "? \\N \\x",
            &[(Parameter, "?"), (Operator, "\\N"), (Stray, "\\"), (Word, "x")],
        ),
        ("'open", &[(Unclosed, "'open")]),
        ("/* open", &[(Unclosed, "/* open")]),
    ];
    for (text, expected) in cases {
        assert_eq!(kinds(text, Syntax::MARIADB), *expected, "{text}");
    }
    assert_eq!(
        kinds(r#"[a b] "c" ?1 :d x'4d' 'e\'"#, Syntax::SQLITE),
        [
            (Quoted, "[a b]"),
            (Quoted, "\"c\""),
            (Parameter, "?1"),
            (Variable, ":d"),
            (Text, "x'4d'"),
            (Text, r"'e\'"),
        ]
    );
    assert_eq!(kinds("a--b", Syntax::SQLITE), [(Word, "a"), (Comment, "--b")]);
}
