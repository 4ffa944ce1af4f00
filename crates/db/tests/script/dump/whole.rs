//! A dump that is whole: what it says of itself, in every compression, and what of it is sent.

use super::{Folder, actions, check, dump, fixture, fixture_text, policy};
use db::script::dump::{Action, CheckOptions, Compression, DumpError, DumpFile, Reason};
use db::script::{Splitter, Syntax};
use std::io::Write as _;

#[test]
fn the_shared_dump() {
    let facts = check(&fixture()).unwrap();
    assert_eq!(facts.source.as_deref(), Some("inventario"));
    assert_eq!(facts.databases.len(), 1);
    assert_eq!(facts.databases[0].character_set.as_deref(), Some("utf8mb4"));
    assert_eq!(
        facts.databases[0].collation.as_deref(),
        Some("utf8mb4_general_ci")
    );
    assert!(facts.sandbox);
    assert!(
        facts
            .made_by
            .as_deref()
            .unwrap()
            .starts_with("MariaDB dump 10.19")
    );
    assert!(facts.server.as_deref().unwrap().starts_with("10.11"));
    assert!(
        facts
            .trailer
            .as_deref()
            .unwrap()
            .starts_with("-- Dump completed on")
    );
    let rows: Vec<(&str, u64, bool)> = facts
        .rows
        .iter()
        .map(|(table, rows)| (table.as_str(), rows.rows, rows.exact))
        .collect();
    assert_eq!(
        rows,
        [
            ("activos", 5000, true),
            ("categorias", 10, true),
            ("mantenimientos", 6959, true),
            ("roles", 2, true),
            ("usuarios", 3, true),
        ]
    );
    assert_eq!(
        (
            facts.tables,
            facts.views,
            facts.triggers,
            facts.routines,
            facts.events
        ),
        (5, 1, 1, 1, 0)
    );
    assert_eq!(facts.definers.len(), 1);
    assert_eq!(
        (facts.definers[0].name.as_str(), facts.definers[0].statements),
        ("`root`@`localhost`", 3)
    );
    let redirected: Vec<(&str, u64)> = facts
        .redirected
        .iter()
        .map(|one| (one.name.as_str(), one.statements))
        .collect();
    assert_eq!(
        redirected,
        [("CREATE DATABASE inventario", 1), ("USE inventario", 2)]
    );
    assert!(facts.reads.is_empty());
}

/// All that is not redirected is sent byte for byte: nothing in this dump is qualified.
#[test]
fn the_shared_dump_is_sent_whole() {
    let text = fixture_text();
    let all: Vec<Vec<u8>> = Splitter::new(&text[..], Syntax::MARIADB)
        .map(|statement| statement.unwrap().text)
        .collect();
    let actions = actions(&fixture(), &CheckOptions::default(), &policy());
    assert_eq!(actions.len(), all.len());
    for (action, text) in actions.iter().zip(&all) {
        match action {
            Action::Send(one) => assert_eq!(one.text, *text),
            Action::Skip {
                reason: Reason::Redirected(_),
                ..
            } => {
                assert!(text.starts_with(b"USE") || text.starts_with(b"CREATE DATABASE"));
            }
            Action::Skip { .. } => panic!("{action:?}"),
        }
    }
}

#[test]
fn every_compression() {
    let folder = Folder::new();
    let text = dump("INSERT INTO `t` VALUES (1,'a;b'),(2,NULL);");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&text).unwrap();
    let mut two = zstd::encode_all(&text[..100], 3).unwrap();
    two.extend(zstd::encode_all(&text[100..], 3).unwrap());
    let mut marked = vec![0xef, 0xbb, 0xbf];
    marked.extend(&text);
    for (name, bytes, compression) in [
        ("plain", text.clone(), Compression::Plain),
        ("gz", gzip.finish().unwrap(), Compression::Gzip),
        ("zst", zstd::encode_all(&text[..], 3).unwrap(), Compression::Zstd),
        ("frames", two, Compression::Zstd),
        ("marked", marked, Compression::Plain),
    ] {
        let path = folder.write(name, &bytes);
        assert_eq!(DumpFile::open(&path).unwrap().compression(), compression);
        let facts = check(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(facts.rows["t"].rows, 2, "{name}");
        assert_eq!(facts.source.as_deref(), Some("own"), "{name}");
    }
}

#[test]
fn what_is_no_dump() {
    let folder = Folder::new();
    for (bytes, says) in [
        (&b""[..], "empty"),
        (b"\xff\xfeC\0R\0", "UTF-16"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"PK\x03\x04abc", "zip"),
        (b"SQLite format 3\0", "SQLite"),
    ] {
        let error = check(&folder.write("x", bytes)).unwrap_err();
        assert!(
            matches!(error, DumpError::NotADump { .. }) && error.to_string().contains(says),
            "{error}"
        );
    }
    assert!(matches!(
        check(&folder.0.path().join("absent")).unwrap_err(),
        DumpError::Io { .. }
    ));
}
