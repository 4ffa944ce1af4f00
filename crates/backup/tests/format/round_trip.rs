//! What is written is what is read.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;

use backup::{Backup, ChunkEnd, Error, Phase, TableSpec, Verification, Writer};
use proptest::prelude::*;
use testkit::Process;

use crate::sample::{self, Dialect, STAMP};

#[test]
fn what_is_written_is_read_and_verified() {
    for dialect in [Dialect::MariaDb, Dialect::Sqlite] {
        let root = tempfile::tempdir().unwrap();
        let written = sample::write(root.path(), dialect, 5000);
        assert_eq!(written.path(), root.path().join("demo_20250102_030405"));
        assert_eq!(
            sample::read_all(written.path()).unwrap(),
            sample::contents(dialect, 5000)
        );
        let opened = Backup::open(written.path()).unwrap();
        assert_eq!(opened.manifest(), written.manifest());
        assert_eq!((opened.id(), opened.digest()), (written.id(), "digest of demo"));
        let manifest = opened.manifest();
        assert_eq!(
            (
                manifest.totals.tables,
                manifest.totals.chunks,
                manifest.totals.rows
            ),
            (3, 3, 5014)
        );
        assert_eq!(manifest.tables[1].name, sample::ODD);
        assert_eq!(
            manifest.tables[1].chunks[0].file.split_once('.').unwrap().0,
            "data/0002-a-o-raro-x-y"
        );

        let mut told = Vec::new();
        let verified = opened
            .verify(&mut |done, total| told.push((done, total)))
            .unwrap();
        let files = sample::files(opened.path());
        let bytes = files
            .iter()
            .map(|f| fs::metadata(opened.path().join(f)).unwrap().len())
            .sum::<u64>();
        assert_eq!(
            (verified.files, verified.bytes, verified.rows),
            (files.len() as u64, bytes, 5014)
        );
        assert!(
            told.is_sorted() && told.iter().all(|(done, total)| done <= total && *total == bytes),
            "{told:?}"
        );
        assert_eq!(told.last(), Some(&(bytes, bytes)));
    }
}

#[test]
fn files_are_private_and_nothing_else_is_there() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::MariaDb, 10);
    let mode = |file: &str| {
        fs::metadata(backup.path().join(file))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    for folder in ["", "schema", "data"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
    let files = sample::files(backup.path());
    for file in &files {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    assert_eq!(
        files,
        [
            "README.txt",
            "SHA256SUMS",
            "data/0001-activos.0001.tsv.zst",
            "data/0001-activos.0002.tsv.zst",
            "data/0002-a-o-raro-x-y.0001.tsv.zst",
            "manifest.json",
            "restore.sh",
            "schema/001-tables.sql",
            "schema/002-views-triggers.sql",
        ]
    );
    assert_eq!(
        fs::read_dir(root.path()).unwrap().count(),
        1,
        "nothing else under the root"
    );
}

#[test]
fn the_real_programs_accept_sums_and_frames() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::MariaDb, 5000);
    let run = |program: &str, args: &[&str]| {
        Process::new(testkit::program::find(program).unwrap())
            .args(args)
            .cwd(backup.path())
            .run()
            .expect(0)
    };
    let checked = run("sha256sum", &["-c", "--strict", "SHA256SUMS"]);
    assert_eq!(
        checked
            .stdout
            .lines()
            .filter(|line| line.ends_with(": OK"))
            .count(),
        8,
        "{checked}"
    );
    for chunk in backup.manifest().tables.iter().flat_map(|table| &table.chunks) {
        run("zstd", &["-t", &chunk.file]);
        let about = run("zstd", &["-lv", &chunk.file]).stdout;
        let has = |text: &str| about.lines().any(|line| line.starts_with(text));
        assert!(
            about.contains("Number of files listed: 1") || about.contains("# Zstandard Frames: 1"),
            "{about}"
        );
        assert!(about.contains("Check: XXH64"), "{about}");
        assert!(has("Decompressed Size:"), "{about}");
    }
}

/// Too long to be held, it is compressed as it comes.
#[test]
fn a_chunk_of_any_length_is_one_frame() {
    let root = tempfile::tempdir().unwrap();
    let writer = Writer::create(root.path(), "demo", STAMP).unwrap();
    let table = writer.table(TableSpec::new("t")).unwrap();
    let mut chunk = writer.chunk(table, "tsv").unwrap();
    let piece: Vec<u8> = (0..1_000_003u32)
        .map(|i| (i.wrapping_mul(i) >> 9) as u8)
        .collect();
    for _ in 0..14 {
        chunk.write_all(&piece).unwrap();
    }
    let written = chunk.finish(1).unwrap();
    writer.finish_table(table, 1, "d").unwrap();
    let backup = finish_empty(writer).unwrap();
    let about = Process::new(testkit::program::find("zstd").unwrap())
        .args(["-lv", &written.file])
        .cwd(backup.path())
        .run()
        .expect(0);
    assert!(about.stdout.contains("# Zstandard Frames: 1"), "{about}");
    assert!(!about.stdout.contains("Decompressed Size:"), "{about}");
    let mut content = Vec::new();
    backup
        .chunk_reader(&written)
        .unwrap()
        .read_to_end(&mut content)
        .unwrap();
    assert!(content == piece.repeat(14));
    backup.verify(&mut |_, _| ()).unwrap();
}

/// Who has just written a backup compares no sums of contents, and still sees whatever the disk made of the files.
#[test]
fn what_was_just_written_is_compared_too() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::MariaDb, 50);
    let look = || backup.verification().just_written().run(&mut |_, _| ());
    look().unwrap();
    let mut tried = 0;
    for chunk in backup.manifest().tables.iter().flat_map(|table| &table.chunks) {
        let path = backup.path().join(&chunk.file);
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(7) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            fs::write(&path, &damaged).unwrap();
            assert!(look().is_err(), "{} at {at}", chunk.file);
            tried += 1;
        }
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(look().is_err(), "{} cut", chunk.file);
        fs::write(&path, &whole).unwrap();
    }
    assert!(tried > 100, "{tried}");
    look().unwrap();
}

#[test]
fn names_that_are_taken_are_not_used_again() {
    let root = tempfile::tempdir().unwrap();
    let first = sample::write(root.path(), Dialect::Sqlite, 1);
    let open = Writer::create(root.path(), "demo", STAMP).unwrap();
    let third = Writer::create(root.path(), "demo", STAMP).unwrap();
    assert_eq!(
        (
            first.manifest().name.as_str(),
            open.name().as_str(),
            third.name().as_str()
        ),
        (
            "demo_20250102_030405",
            "demo_20250102_030405_2",
            "demo_20250102_030405_3"
        )
    );
    let partial = open.partial_path().to_owned();
    open.abandon().unwrap();
    assert!(!partial.exists());
    assert_eq!(
        Writer::create(root.path(), "demo", STAMP).unwrap().name(),
        "demo_20250102_030405_2"
    );
}

#[test]
fn chunks_may_be_written_side_by_side() {
    let root = tempfile::tempdir().unwrap();
    let writer = Writer::create(root.path(), "demo", STAMP).unwrap().with_level(3);
    let table = writer.table(TableSpec::new("t")).unwrap();
    std::thread::scope(|scope| {
        for worker in 0..4u64 {
            let writer = &writer;
            scope.spawn(move || {
                for n in 0..8 {
                    let mut chunk = writer.chunk(table, "sql").unwrap();
                    let content =
                        format!("-- {}\n", chunk.file()).repeat(1000 * (worker as usize + 1) * (n + 1));
                    chunk.write_all(content.as_bytes()).unwrap();
                    assert_eq!(chunk.bytes(), content.len() as u64);
                    let key = Some(worker.to_string());
                    let end = ChunkEnd {
                        rows: worker,
                        digest: None,
                        first_key: key.clone(),
                        last_key: key,
                    };
                    chunk.finish(end).unwrap();
                }
            });
        }
    });
    writer.finish_table(table, 48, "d").unwrap();
    let backup = finish_empty(writer).unwrap();
    let chunks = &backup.manifest().tables[0].chunks;
    assert_eq!(chunks.len(), 32);
    for chunk in chunks {
        let mut text = String::new();
        backup
            .chunk_reader(chunk)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        assert!(
            text.lines().all(|line| line == format!("-- {}", chunk.file)),
            "{}",
            chunk.file
        );
        assert_eq!(chunk.first_key, chunk.last_key);
    }
    backup.verify(&mut |_, _| ()).unwrap();
}

#[test]
fn an_empty_database_is_a_backup() {
    let root = tempfile::tempdir().unwrap();
    let backup = finish_empty(Writer::create(&root.path().join("a/b"), "demo", STAMP).unwrap()).unwrap();
    assert_eq!(backup.verify(&mut |_, _| ()).unwrap().rows, 0);
}

#[test]
fn what_does_not_add_up_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let writer = || Writer::create(root.path(), "demo", STAMP).unwrap();
    let says = |result: Result<(), Error>, text: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(text), "{error:?} does not contain {text:?}");
    };

    let w = writer();
    let table = w.table(TableSpec::new("t")).unwrap();
    let open = w.chunk(table, "sql").unwrap();
    says(
        w.finish_table(table, 0, "d"),
        "chunk 1 of table \"t\" is not finished",
    );
    open.finish(5).unwrap();
    says(w.finish_table(table, 6, "d"), "has 6 rows, its chunks have 5");
    says(w.table(TableSpec::new("t")).map(drop), "added twice");
    says(finish_empty(w).map(drop), "table \"t\" is not finished");

    let w = writer();
    w.schema(Phase::AfterData, "b", "").unwrap();
    says(w.schema(Phase::BeforeData, "a", "").map(drop), "comes after");
    says(w.schema(Phase::AfterData, "../a", "").map(drop), "is not allowed");
    let load_sql = Some("LOAD DATA INFILE 'x'".into());
    says(
        w.table(TableSpec {
            load_sql,
            ..TableSpec::new("u")
        })
        .map(drop),
        "'{file}'",
    );
    let table = w.table(TableSpec::new("t")).unwrap();
    says(w.chunk(table, "a/b").map(drop), "is not allowed");
    w.finish_table(table, 0, "d").unwrap();
    says(w.chunk(table, "sql").map(drop), "which is finished");
    let mut content = content();
    content.objects.push(backup::Object {
        kind: "view".into(),
        name: "v".into(),
        file: "schema/009-x.sql".into(),
        properties: Default::default(),
    });
    says(
        w.finish(content).map(drop),
        "\"schema/009-x.sql\", which is not listed",
    );

    for (service, stamp) in [
        ("../x", STAMP),
        ("", STAMP),
        ("demo", "20250102"),
        ("demo", "20250102T030405"),
    ] {
        says(
            Writer::create(root.path(), service, stamp).map(drop),
            "is not allowed",
        );
    }
}

#[test]
fn an_unusable_root_is_named_with_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    for unusable in [file.clone(), file.join("below")] {
        let error = Writer::create(&unusable, "demo", STAMP).unwrap_err().to_string();
        assert!(
            error.contains(unusable.to_str().unwrap()) && error.contains("set another backup folder"),
            "{error}"
        );
    }
}

pub(crate) fn finish_empty(writer: Writer) -> Result<Backup, Error> {
    writer.finish(content())
}

fn content() -> backup::Content {
    backup::Content {
        created_at: "2025-01-02T03:04:05Z".into(),
        tool: backup::Tool {
            name: "t".into(),
            version: "1".into(),
        },
        source: backup::Source {
            dialect: "sqlite".into(),
            server_version: "3".into(),
            database: "d".into(),
            identity: Default::default(),
            snapshot: Default::default(),
        },
        digest: "d".into(),
        counters: Default::default(),
        objects: vec![],
        session_sql: String::new(),
        notes: vec![],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every field of the manifest, whatever its text, comes back from the file as it was given.
    #[test]
    fn any_manifest_comes_back(
        texts in prop::collection::vec(any::<String>(), 12),
        names in prop::collection::btree_set(any::<String>(), 0..6),
        stem in "[A-Za-z0-9_-]{1,64}",
        rows in any::<u32>(),
        encrypted: bool,
    ) {
        let root = tempfile::tempdir().unwrap();
        let recipients = encrypted.then(|| sample::recipient().parse().unwrap());
        let writer = Writer::create(root.path(), "p", STAMP).unwrap();
        let writer = writer.with_recipients(recipients.into_iter().collect()).unwrap();
        let file = writer.schema(Phase::AfterData, &stem, &texts[0]).unwrap();
        writer.attach("x.json", texts[1].as_bytes()).unwrap();
        for name in &names {
            let text = &texts[2];
            let column = backup::Column { name: text.clone(), type_name: name.clone(), load: text.clone() };
            let table = writer
                .table(TableSpec {
                    name: name.clone(),
                    columns: vec![column],
                    load_sql: Some(format!("{text} '{{file}}' {name}")),
                    count_sql: Some(text.clone()),
                })
                .unwrap();
            writer.chunk(table, "tsv").unwrap().finish(u64::from(rows)).unwrap();
            writer.finish_table(table, u64::from(rows), name).unwrap();
        }
        let map = || std::collections::BTreeMap::from([(texts[3].clone(), texts[4].clone())]);
        let object = backup::Object { kind: texts[5].clone(), name: texts[6].clone(), file, properties: map() };
        let given = backup::Content {
            created_at: texts[7].clone(),
            tool: backup::Tool { name: texts[8].clone(), version: texts[9].clone() },
            source: backup::Source { identity: map(), snapshot: map(), ..content().source },
            digest: texts[10].clone(),
            counters: map(),
            objects: vec![object],
            session_sql: texts[11].clone(),
            notes: texts.clone(),
        };
        let backup = writer.finish(given.clone()).unwrap().unlock(&sample::keys()).unwrap();
        let manifest = backup.manifest();
        prop_assert_eq!(&manifest.created_at, &given.created_at);
        prop_assert_eq!((&manifest.tool, &manifest.source), (&given.tool, &given.source));
        prop_assert_eq!((&manifest.digest, &manifest.counters), (&given.digest, &given.counters));
        prop_assert_eq!((&manifest.objects, &manifest.notes), (&given.objects, &given.notes));
        prop_assert_eq!(&manifest.session_sql, &given.session_sql);
        prop_assert_eq!(manifest.totals.rows, names.len() as u64 * u64::from(rows));
        for (table, name) in manifest.tables.iter().zip(&names) {
            prop_assert_eq!((&table.name, &table.digest, table.rows), (name, name, u64::from(rows)));
            prop_assert_eq!(&table.columns[0].type_name, name);
            prop_assert_eq!(table.load_sql.clone(), Some(format!("{} '{{file}}' {name}", texts[2])));
        }
        prop_assert_eq!(&backup.schema_file(&manifest.schema[0]).unwrap(), &texts[0]);
        prop_assert_eq!(&backup.attachment("x.json").unwrap(), texts[1].as_bytes());
        prop_assert!(backup.verify(&mut |_, _| ()).unwrap().contents);
    }

    /// A name is read back into its parts, and nothing else passes for one.
    #[test]
    fn any_name_comes_back(
        service in "[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
        stamp in "[0-9]{8}_[0-9]{6}",
        taken in 0usize..3,
        other in any::<String>(),
    ) {
        let root = tempfile::tempdir().unwrap();
        let mut writers: Vec<Writer> =
            (0..=taken).map(|_| Writer::create(root.path(), &service, &stamp).unwrap()).collect();
        let name = writers.pop().unwrap().name();
        let parsed = backup::BackupName::parse(&service, &name).unwrap();
        prop_assert_eq!(parsed.to_string(), name.clone());
        prop_assert_eq!((parsed.service(), parsed.stamp()), (service.as_str(), stamp.as_str()));
        prop_assert_eq!(parsed.number() as usize, taken + 1);
        for stranger in [&other, &format!("{service}{other}"), &format!("{name}{other}")] {
            if let Some(parsed) = backup::BackupName::parse(&service, stranger) {
                prop_assert_eq!(&parsed.to_string(), stranger);
            }
        }
    }

    /// Any bytes, written in any pieces, at any level.
    #[test]
    fn any_chunk_comes_back(
        pieces in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..200), 1usize..1500), 0..12),
        level in 0i32..6,
        encrypted: bool,
        threads in 1usize..5,
        end in (any::<Option<String>>(), any::<Option<String>>(), any::<Option<String>>()),
        read_by in 1usize..100_000,
    ) {
        let root = tempfile::tempdir().unwrap();
        let writer = Writer::create(root.path(), "p", STAMP).unwrap().with_level(level);
        let recipients = encrypted.then(|| sample::recipient().parse().unwrap());
        let writer = writer.with_recipients(recipients.into_iter().collect()).unwrap();
        let table = writer.table(TableSpec::new("t")).unwrap();
        let mut chunk = writer.chunk(table, "tsv").unwrap();
        let mut expected = Vec::new();
        for (bytes, times) in &pieces {
            let piece = bytes.repeat(*times);
            chunk.write_all(&piece).unwrap();
            expected.extend(piece);
        }
        let (digest, first_key, last_key) = end;
        let written = chunk.finish(ChunkEnd { rows: 3, digest, first_key, last_key }).unwrap();
        writer.finish_table(table, 3, "d").unwrap();
        let backup = finish_empty(writer).unwrap().unlock(&sample::keys()).unwrap();
        prop_assert_eq!(&backup.manifest().tables[0].chunks[0], &written);
        let mut reader = backup.chunk_reader(&written).unwrap();
        let (mut content, mut block) = (Vec::new(), vec![0; read_by]);
        loop {
            match reader.read(&mut block).unwrap() {
                0 => break,
                n => content.extend_from_slice(&block[..n]),
            }
        }
        prop_assert_eq!(reader.read(&mut block).unwrap(), 0);
        prop_assert!(content == expected);
        let verification = Verification::of(backup.path()).identities(&sample::keys()).threads(threads);
        prop_assert!(verification.run(&mut |_, _| ()).unwrap().contents);
    }
}
