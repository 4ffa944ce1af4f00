//! Answers of real servers, whole and damaged, kept as files: `ok-*` must decode to what stands beside them, `bad-*` must fail.

use super::*;
use db::mariadb::wire::decode;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn files(prefix: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/wire");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the corpus")
        .map(|f| f.expect("a file").path())
        .filter(|f| f.extension().is_some_and(|e| e == "bin"))
        .filter(|f| {
            f.file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with(prefix))
        })
        .collect();
    files.sort();
    files
}

fn decoded(bytes: &[u8]) -> std::result::Result<String, Fault> {
    let mut text = String::new();
    let mut each = Each(Vec::new(), |row: &[Cell]| {
        for cell in row {
            match cell {
                Cell::Bytes(b) if b.len() > 1000 => writeln!(text, "{} bytes", b.len()),
                Cell::Bytes(b) => writeln!(text, "b\"{}\"", b.escape_ascii()),
                other => writeln!(text, "{other:?}"),
            }
            .expect("a string takes all");
        }
        text.push_str("---\n");
        Ok(())
    });
    let count = decode(bytes, &mut each)?;
    Ok(format!("{text}{count} rows\n"))
}

#[test]
fn whole_answers_decode_and_parts_do_not() {
    let files = files("ok-");
    assert!(files.len() >= 8, "{files:?}");
    for file in files {
        let name = file.display();
        let bytes = std::fs::read(&file).expect("reads");
        let text = decoded(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        let expected = std::fs::read_to_string(file.with_extension("txt")).expect("reads");
        assert_eq!(text, expected, "{name}");
        for cut in (0..bytes.len()).step_by(1 + bytes.len() / 5000) {
            let part = decoded(&bytes[..cut]);
            assert!(
                matches!(part, Err(Fault::Lost(_))),
                "{name} cut at {cut}: {part:?}"
            );
        }
    }
}

#[test]
fn damaged_answers_fail() {
    let files = files("bad-");
    assert!(files.len() >= 10, "{files:?}");
    for file in files {
        let outcome = decoded(&std::fs::read(&file).expect("reads"));
        let from_server = file.to_string_lossy().contains("error");
        match outcome {
            Err(Fault::Server { number, .. }) if from_server => assert_eq!(number, 1242),
            Err(Fault::Lost(_)) if !from_server => {}
            other => panic!("{}: {other:?}", file.display()),
        }
    }
}

#[test]
fn no_wrong_byte_makes_it_panic() {
    for file in files("") {
        let bytes = std::fs::read(&file).expect("reads");
        for at in (0..bytes.len()).step_by(1 + bytes.len() / 1500) {
            for flip in [0x01, 0x80, 0xff] {
                let mut wrong = bytes.clone();
                wrong[at] ^= flip;
                // Other values, or a failure: both are answers.
                let _ = decoded(&wrong);
            }
        }
    }
}
