//! Encryption: who can read, what can be seen without a key, and what every refusal says.

use std::fs;
use std::io::{Read, Write};

use age::secrecy::ExposeSecret;
use backup::{
    Backup, Error, Identities, Phase, State, TableSpec, Verification, VerifyError, Writer, list, verify,
};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::sample::{self, Dialect, STAMP};

/// A pair made anew: the public key, and the key file's content.
fn pair() -> (String, Identities) {
    let key = age::x25519::Identity::generate();
    let identities = key.to_string().expose_secret().parse().unwrap();
    (key.to_public().to_string(), identities)
}

fn without_key(error: &Error, file: &str) {
    let said = error.to_string();
    assert!(matches!(error, Error::Locked { .. }), "{said}");
    for text in [file, &sample::recipient(), "--identity FILE"] {
        assert!(said.contains(text), "{text:?} is not in {said}");
    }
}

#[test]
fn any_recipient_reads_all_of_it_and_nobody_else_does() {
    let (root, plain_root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ((other, other_keys), (_, stranger)) = (pair(), pair());
    for dialect in [Dialect::MariaDb, Dialect::Sqlite] {
        let backup = sample::write_encrypted(root.path(), dialect, 5000, std::slice::from_ref(&other));
        let plain = sample::write(plain_root.path(), dialect, 5000);
        let encryption = backup.encryption().unwrap();
        assert_eq!(encryption.recipients, [sample::recipient(), other.clone()]);
        for keys in [&sample::keys(), &other_keys] {
            let opened = Backup::open(backup.path()).unwrap().unlock(keys).unwrap();
            let manifest = opened.manifest();
            for (table, plain_table) in manifest.tables.iter().zip(&plain.manifest().tables) {
                assert_eq!(
                    (&table.name, &table.digest),
                    (&plain_table.name, &plain_table.digest)
                );
                for (chunk, plain_chunk) in table.chunks.iter().zip(&plain_table.chunks) {
                    assert_eq!(chunk.file, format!("{}.age", plain_chunk.file));
                    let mut as_plain = chunk.clone();
                    as_plain.file.clone_from(&plain_chunk.file);
                    as_plain.sha256.clone_from(&plain_chunk.sha256);
                    as_plain.stored_bytes = plain_chunk.stored_bytes;
                    assert_eq!(&as_plain, plain_chunk);
                    let mut content = Vec::new();
                    opened
                        .chunk_reader(chunk)
                        .unwrap()
                        .read_to_end(&mut content)
                        .unwrap();
                    assert_eq!(content.len() as u64, chunk.bytes);
                }
            }
            for (schema, plain_schema) in manifest.schema.iter().zip(&plain.manifest().schema) {
                assert_eq!(
                    opened.schema_file(schema).unwrap(),
                    plain.schema_file(plain_schema).unwrap()
                );
            }
            assert_eq!(
                opened.attachment("catalog.json").unwrap(),
                b"{\"attached\": true}"
            );
            let verified = opened.verify(&mut |_, _| ()).unwrap();
            assert_eq!((verified.contents, verified.rows), (true, 5014));
        }
        assert_eq!(
            sample::read_all(backup.path()).unwrap(),
            sample::contents(dialect, 5000)
        );

        let refused = Backup::open(backup.path())
            .unwrap()
            .unlock(&stranger)
            .unwrap_err();
        without_key(&refused, "sealed.json.age");
        assert!(refused.to_string().contains("none of the 1 keys given opens it"));
        let refused = Verification::of(backup.path())
            .identities(&stranger)
            .run(&mut |_, _| ());
        assert!(
            matches!(refused, Err(VerifyError::Open(Error::Locked { .. }))),
            "{refused:?}"
        );
        for root in [&root, &plain_root] {
            fs::remove_dir_all(root.path().join("demo_20250102_030405")).unwrap();
        }
    }
}

#[test]
fn without_a_key_it_is_listed_verified_and_copied_but_not_read() {
    let (root, far) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let backup = sample::write_encrypted(root.path(), Dialect::MariaDb, 3000, &[]);
    let State::Complete(summary) = &list(root.path(), "demo").unwrap()[0].state else {
        panic!("it is not listed as complete")
    };
    assert_eq!(
        (summary.digest.as_str(), summary.totals.rows),
        ("digest of demo", 3014)
    );
    let verified = verify(backup.path(), &mut |_, _| ()).unwrap();
    assert_eq!((verified.contents, verified.rows), (false, 3014));
    let replica = backup::replicate(&backup, far.path(), &mut |_, _| ())
        .unwrap()
        .backup;
    assert_eq!(replica.id(), backup.id());

    let backup = Backup::open(backup.path()).unwrap();
    let manifest = backup.manifest();
    let chunk = &manifest.tables[0].chunks[0];
    without_key(&backup.chunk_reader(chunk).err().unwrap(), &chunk.file);
    let schema = &manifest.schema[0];
    without_key(&backup.schema_file(schema).unwrap_err(), &schema.file);
    without_key(
        &backup.attachment("catalog.json").unwrap_err(),
        "catalog.json.age",
    );
}

/// What a stranger who holds the folder sees: no row, no statement of the schema files, nothing to test a guess against.
#[test]
fn what_lies_there_in_the_clear_tells_nothing_of_a_row() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write_encrypted(root.path(), Dialect::Sqlite, 3000, &[]);
    let files = sample::files(backup.path());
    assert_eq!(
        files,
        [
            "README.txt",
            "SHA256SUMS",
            "catalog.json.age",
            "data/0001-activos.0001.sql.zst.age",
            "data/0001-activos.0002.sql.zst.age",
            "data/0002-a-o-raro-x-y.0001.sql.zst.age",
            "manifest.json",
            "restore.sh",
            "schema/001-tables.sql.age",
            "schema/002-views-triggers.sql.age",
            "sealed.json.age",
        ]
    );
    let mut guesses: Vec<String> = [
        "INSERT INTO",
        "CREATE TABLE",
        "attached",
        "key 1",
        "digest of activos",
    ]
    .map(str::to_owned)
    .to_vec();
    guesses.push("digest of 12 rows".into());
    for content in sample::contents(Dialect::Sqlite, 3000) {
        guesses.push(
            Sha256::digest(&content)
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect(),
        );
    }
    for file in &files {
        let bytes = fs::read(backup.path().join(file)).unwrap();
        for guess in &guesses {
            assert!(
                !bytes
                    .windows(guess.len())
                    .any(|window| window == guess.as_bytes()),
                "{file} has {guess:?}"
            );
        }
    }
    // The same content is never the same file twice.
    let again = tempfile::tempdir().unwrap();
    let again = sample::write_encrypted(again.path(), Dialect::Sqlite, 3000, &[]);
    assert_ne!(
        again.manifest().tables[0].chunks[0].sha256,
        backup.manifest().tables[0].chunks[0].sha256
    );
}

/// A folder made whole by somebody with the public key alone: every sum fits, so only the contents tell.
#[test]
fn with_keys_contents_are_compared_with_what_was_sealed() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write_encrypted(root.path(), Dialect::MariaDb, 300, &[]);
    let folder = backup.path();
    let (first, second) = (
        "data/0001-activos.0001.tsv.zst.age",
        "data/0001-activos.0002.tsv.zst.age",
    );
    // Both chunks change places, and the manifest is made to fit.
    let aside = root.path().join("aside");
    fs::rename(folder.join(first), &aside).unwrap();
    fs::rename(folder.join(second), folder.join(first)).unwrap();
    fs::rename(&aside, folder.join(second)).unwrap();
    sample::reseal(folder, |m| {
        let chunks = m["tables"][0]["chunks"].as_array_mut().unwrap();
        chunks.swap(0, 1);
        chunks[0]["file"] = json!(first);
        chunks[1]["file"] = json!(second);
    });
    assert!(!verify(folder, &mut |_, _| ()).unwrap().contents);
    let Err(VerifyError::Damaged(damages)) = Verification::of(folder)
        .identities(&sample::keys())
        .run(&mut |_, _| ())
    else {
        panic!("it was not found")
    };
    let found: Vec<String> = damages.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            format!(
                "{first}: its content's SHA-256 is not the one that was recorded (table \"activos\", chunk 1 of 2)"
            ),
            format!(
                "{second}: its content's SHA-256 is not the one that was recorded (table \"activos\", chunk 2 of 2)"
            ),
        ]
    );
    assert!(sample::read_all(folder).is_err());
}

/// A file that only a stranger can open, sums fitting, is damage and no mere missing key.
#[test]
fn a_file_for_another_recipient_is_damage() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write_encrypted(root.path(), Dialect::MariaDb, 300, &[]);
    let folder = backup.path();
    let (other, _) = pair();
    let stranger: age::x25519::Recipient = other.parse().unwrap();
    for (file, place) in [
        ("data/0002-a-o-raro-x-y.0001.tsv.zst.age", Some(1)),
        ("catalog.json.age", None),
    ] {
        let copy = root.path().join("x");
        sample::copy(folder, &copy);
        let foreign = age::encrypt(&stranger, b"x").unwrap();
        fs::write(copy.join(file), &foreign).unwrap();
        sample::reseal(&copy, |m| {
            let sum: String = Sha256::digest(&foreign)
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            let length = json!(foreign.len());
            if place.is_some() {
                let chunk = m["tables"][1]["chunks"][0].as_object_mut().unwrap();
                let was = chunk["stored_bytes"].as_u64().unwrap();
                chunk.extend([("sha256".into(), json!(sum)), ("stored_bytes".into(), length)]);
                let total = m["totals"]["stored_bytes"].as_u64().unwrap();
                m["totals"]["stored_bytes"] = json!(total - was + foreign.len() as u64);
            } else {
                let mut others = m["other_files"].as_array_mut().unwrap().iter_mut();
                let other = others.find(|other| other["file"] == file).unwrap();
                (other["sha256"], other["bytes"]) = (json!(sum), length);
            }
        });
        let keys = sample::keys();
        let Err(VerifyError::Damaged(damages)) =
            Verification::of(&copy).identities(&keys).run(&mut |_, _| ())
        else {
            panic!("{file}: not found")
        };
        assert_eq!(damages.len(), 1, "{damages:?}");
        assert_eq!(
            (
                damages[0].file.as_str(),
                damages[0].chunk.as_ref().map(|c| c.number)
            ),
            (file, place)
        );
        assert!(damages[0].what.contains("none of the keys"), "{damages:?}");
        fs::remove_dir_all(&copy).unwrap();
    }
}

#[test]
fn recipients_are_named_before_anything_is_written() {
    let root = tempfile::tempdir().unwrap();
    let writer = || Writer::create(root.path(), "demo", STAMP).unwrap();
    let recipients = || vec![sample::recipient().parse().unwrap()];
    let begun: [fn(&Writer); 3] = [
        |w| drop(w.schema(Phase::BeforeData, "x", "").unwrap()),
        |w| assert!(w.table(TableSpec::new("t")).is_ok()),
        |w| w.attach("x.json", b"{}").unwrap(),
    ];
    for begin in begun {
        let writer = writer();
        begin(&writer);
        let error = writer.with_recipients(recipients()).unwrap_err().to_string();
        assert!(error.contains("after something was written"), "{error}");
    }
    // No recipients: not encrypted. A file of the format's own name cannot be attached either way.
    let plain = writer().with_recipients(Vec::new()).unwrap();
    assert!(plain.attach("sealed.json", b"").is_err() && plain.attach("sealed.json.age", b"").is_err());
    let backup = crate::round_trip::finish_empty(plain).unwrap();
    assert_eq!((backup.encryption(), backup.manifest().features.len()), (None, 0));
    // Keys for a backup that needs none do no harm.
    assert!(
        backup
            .unlock(&sample::keys())
            .unwrap()
            .verify(&mut |_, _| ())
            .unwrap()
            .contents
    );
}

/// The stream is made in pieces of 64 KiB; the ends of pieces are where mistakes would be.
#[test]
fn contents_around_the_length_of_a_piece_come_back() {
    const PIECE: usize = 64 * 1024;
    let (root, plain_root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let writer = Writer::create(root.path(), "demo", STAMP)
        .unwrap()
        .with_recipients(vec![sample::recipient().parse().unwrap()])
        .unwrap();
    let plain = Writer::create(plain_root.path(), "demo", STAMP).unwrap();
    let table = writer.table(TableSpec::new("t")).unwrap();
    let plain_table = plain.table(TableSpec::new("t")).unwrap();
    let mut noise = 1u64;
    let mut contents = Vec::new();
    let mut whole_pieces = 0;
    for length in [0, PIECE, 2 * PIECE, 6 * PIECE]
        .iter()
        .flat_map(|&l| l.saturating_sub(40)..l + 2)
    {
        // Numbers that do not compress, so that frames are some bytes longer than contents.
        let content: Vec<u8> = std::iter::repeat_with(|| {
            noise = noise
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (noise >> 56) as u8
        })
        .take(length)
        .collect();
        let write = |mut chunk: backup::ChunkWriter| {
            chunk.write_all(&content).unwrap();
            chunk.finish(1).unwrap()
        };
        let frame = write(plain.chunk(plain_table, "tsv").unwrap()).stored_bytes;
        whole_pieces += u32::from(frame % PIECE as u64 == 0);
        let stored = write(writer.chunk(table, "tsv").unwrap()).stored_bytes;
        assert!(stored > frame + 16 * (frame / PIECE as u64), "{length}");
        contents.push(content);
    }
    assert_eq!(whole_pieces, 3, "frames that end where a piece does");
    writer.finish_table(table, contents.len() as u64, "d").unwrap();
    let backup = crate::round_trip::finish_empty(writer)
        .unwrap()
        .unlock(&sample::keys())
        .unwrap();
    for (chunk, content) in backup.manifest().tables[0].chunks.iter().zip(&contents) {
        let mut read = Vec::new();
        backup
            .chunk_reader(chunk)
            .unwrap()
            .read_to_end(&mut read)
            .unwrap();
        assert!(&read == content, "{}", chunk.file);
    }
    backup.verify(&mut |_, _| ()).unwrap();
}
