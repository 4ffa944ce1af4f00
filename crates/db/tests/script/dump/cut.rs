//! A dump that was cut off, wherever, is refused.

use super::{Folder, check, check_with, dump, fixture, fixture_text, policy};
use db::script::dump::{CheckOptions, DumpError, DumpFile};
use db::script::{Splitter, Syntax};
use std::fs;
use std::io::Write as _;

/// Cut right after each statement of the dump: every such file restores without an error and lacks tables.
#[test]
fn cut_between_statements() {
    let folder = Folder::new();
    let text = fixture_text();
    let ends: Vec<usize> = Splitter::new(&text[..], Syntax::MARIADB)
        .map(|statement| {
            let statement = statement.unwrap();
            let end = statement.offset as usize + statement.text.len();
            end + text[end..].iter().position(|byte| *byte == b'\n').unwrap() + 1
        })
        .collect();
    // The small ends at all, the rest at some: each cut is read whole.
    for end in ends
        .iter()
        .filter(|end| **end < 5_000)
        .chain(ends.iter().rev().step_by(7))
    {
        let error = check(&folder.write("cut", &text[..*end])).unwrap_err();
        assert!(matches!(error, DumpError::NoTrailer { .. }), "{end}: {error}");
    }
    let last = *ends.last().unwrap();
    let path = folder.write("cut", &text[..last]);
    let options = CheckOptions {
        allow_missing_trailer: true,
        ..CheckOptions::default()
    };
    assert_eq!(check_with(&path, &options).unwrap().trailer, None);
}

#[test]
fn cut_inside_a_statement() {
    let folder = Folder::new();
    let text = fixture_text();
    let options = CheckOptions {
        allow_missing_trailer: true,
        ..CheckOptions::default()
    };
    let statements: Vec<_> = Splitter::new(&text[..], Syntax::MARIADB)
        .map(|statement| statement.unwrap())
        .collect();
    for statement in statements.iter().step_by(5) {
        for length in [1, statement.text.len() / 2, statement.text.len()] {
            let end = statement.offset as usize + length;
            let error = check_with(&folder.write("cut", &text[..end]), &options).unwrap_err();
            match error {
                DumpError::CutOff { how, .. } => {
                    assert!(how.ends_with(&format!("line {}", statement.line)), "{how}");
                }
                other => panic!("{end}: {other}"),
            }
        }
    }
}

#[test]
fn cut_inside_compressed_data() {
    let folder = Folder::new();
    let zst = fs::read(fixture()).unwrap();
    for end in [5, 100, zst.len() / 2, zst.len() - 5, zst.len() - 1] {
        let error = check(&folder.write("cut.zst", &zst[..end])).unwrap_err();
        assert!(matches!(error, DumpError::CutOff { .. }), "{end}: {error}");
        assert!(error.to_string().contains("in the middle of a frame"), "{error}");
    }
    let text = fixture_text();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&text).unwrap();
    let gz = gzip.finish().unwrap();
    // Without the trailer, gzip's own and ours.
    for end in [12, gz.len() / 2, gz.len() - 9, gz.len() - 8, gz.len() - 1] {
        let error = check(&folder.write("cut.gz", &gz[..end])).unwrap_err();
        assert!(matches!(error, DumpError::CutOff { .. }), "{end}: {error}");
    }
    // A whole frame that holds half of the dump.
    let half = zstd::encode_all(&text[..text.len() / 2], 3).unwrap();
    assert!(matches!(
        check(&folder.write("half.zst", &half)).unwrap_err(),
        DumpError::CutOff { .. }
    ));
    // A flipped bit.
    let mut damaged = zst.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x10;
    let error = check(&folder.write("damaged.zst", &damaged)).unwrap_err();
    assert!(!matches!(error, DumpError::Refused { .. }), "{error}");
}

#[test]
fn the_trailer_counts_only_at_the_end() {
    let folder = Folder::new();
    for text in [
        "-- Dump completed on x\nINSERT INTO t VALUES (1);\n",
        "INSERT INTO t VALUES ('\n-- Dump completed on x\n');\n",
        "INSERT INTO t VALUES (1);\n-- Dump complet",
        "INSERT INTO t VALUES (1); -- Dump completed\n",
    ] {
        let error = check(&folder.write("x", text.as_bytes())).unwrap_err();
        assert!(matches!(error, DumpError::NoTrailer { .. }), "{text}: {error}");
    }
    assert!(check(&folder.write("x", b"INSERT INTO t VALUES (1);\n-- Dump completed")).is_ok());
    let error =
        check(&folder.write("x", b"INSERT INTO t VALUES (1);\n/* open\n-- Dump completed\n")).unwrap_err();
    assert!(matches!(error, DumpError::CutOff { .. }), "{error}");
}

#[test]
fn a_file_that_changed_in_between_stops() {
    let folder = Folder::new();
    let path = folder.write("x", &dump("INSERT INTO t VALUES (1);"));
    let file = DumpFile::open(&path).unwrap();
    let options = CheckOptions::default();
    let facts = file.check(&options, &mut |_| {}).unwrap();
    fs::write(
        &path,
        dump("INSERT INTO t VALUES (1);\nDROP TABLE other.t;\nSELECT 1;"),
    )
    .unwrap();
    let found: Vec<_> = file.statements(&facts, &options, &policy()).unwrap().collect();
    assert!(matches!(found.last().unwrap(), Err(DumpError::Refused { .. })));
    fs::write(&path, dump("INSERT INTO t VALUES (1),(2);")).unwrap();
    let found: Vec<_> = file.statements(&facts, &options, &policy()).unwrap().collect();
    assert!(matches!(found.last().unwrap(), Err(DumpError::CutOff { .. })));
}
