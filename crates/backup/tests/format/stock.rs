//! The folder alone, zstd and the stock client restore a backup.

use std::path::{Path, PathBuf};

use testkit::{MariaDb, Output, Process};

use crate::sample::{self, Dialect, ODD};

pub(crate) fn restore_sh(folder: &Path, args: &[&str]) -> Output {
    let shell = Process::new(testkit::program::find("sh").unwrap());
    // Without effect where the backup is not encrypted.
    let shell = shell.env("KEY", sample::KEY_FILE);
    shell.arg(folder.join("restore.sh")).args(args).run()
}

/// Bytes of every row, as the database has them after the restore.
fn expected(big: usize) -> Vec<String> {
    let hex = |bytes: &Option<Vec<u8>>| {
        bytes.as_ref().map_or("NULL".into(), |b| {
            b.iter().map(|b| format!("{b:02X}")).collect::<String>()
        })
    };
    let rows = sample::tables(big)
        .into_iter()
        .flat_map(|(_, chunks)| chunks)
        .flatten();
    rows.map(|(id, texto, foto)| format!("{id} {} {}", hex(&texto), hex(&foto)))
        .collect()
}

/// One row per line: id, both values in hexadecimal digits.
fn query(dialect: Dialect, table: &str) -> String {
    let hex = |column: &str| format!("COALESCE(HEX({column}), 'NULL')");
    let table = dialect.quoted(table);
    match dialect {
        Dialect::MariaDb => {
            format!(
                "SELECT CONCAT(id, ' ', {}, ' ', {}) FROM {table} ORDER BY id;",
                hex("texto"),
                hex("foto")
            )
        }
        Dialect::Sqlite => format!(
            "SELECT id || ' ' || CASE WHEN texto IS NULL THEN 'NULL' ELSE hex(CAST(texto AS BLOB)) END || ' ' || CASE WHEN foto IS \
             NULL THEN 'NULL' ELSE hex(foto) END FROM {table} ORDER BY id;"
        ),
    }
}

pub(crate) fn restores_with_sqlite3(folder: &Path, big: usize) {
    let target = tempfile::tempdir().unwrap();
    let file: PathBuf = target.path().join("restored.db");
    let restored = restore_sh(folder, &[file.to_str().unwrap()]).expect(0);
    assert!(restored.stdout.contains("digest of the backup: "), "{restored}");
    let ask = |sql: &str| {
        let sqlite3 = Process::new(testkit::program::find("sqlite3").unwrap());
        sqlite3.arg(&file).arg(sql).run().expect(0).stdout
    };
    let rows: Vec<String> = ["activos", ODD, "vacia"]
        .iter()
        .flat_map(|t| {
            ask(&query(Dialect::Sqlite, t))
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(rows == expected(big), "rows differ");
    assert_eq!(
        ask("SELECT n FROM resumen; SELECT name FROM sqlite_master WHERE type = 'trigger';"),
        "14\ncuenta\n"
    );
    let again = restore_sh(folder, &[file.to_str().unwrap()]).expect(1);
    assert!(again.stderr.contains("exists already"), "{again}");
}

pub(crate) fn restores_with_mariadb(folder: &Path, big: usize) {
    let schema = MariaDb::shared().schema("stock");
    let port = format!("--port={}", schema.server().port());
    let args = [
        schema.name(),
        "--no-defaults",
        "--user=root",
        "--host=127.0.0.1",
        "--protocol=tcp",
        &port,
    ];
    let restored = restore_sh(folder, &args).expect(0);
    assert!(restored.stdout.contains("digest of the backup: "), "{restored}");
    let rows: Vec<String> = ["activos", ODD, "vacia"]
        .iter()
        .flat_map(|table| schema.query(&query(Dialect::MariaDb, table)))
        .map(|mut row| row.remove(0).unwrap())
        .collect();
    assert!(rows == expected(big), "rows differ");
    assert_eq!(schema.query("SELECT n FROM resumen"), [[Some("14".to_owned())]]);
    assert_eq!(schema.query("SHOW TRIGGERS").len(), 1);
    let again = restore_sh(folder, &args).expect(1);
    assert!(again.stderr.contains("is not empty"), "{again}");
}

#[test]
fn sqlite3_and_zstd_restore_a_backup() {
    let root = tempfile::tempdir().unwrap();
    restores_with_sqlite3(sample::write(root.path(), Dialect::Sqlite, 2000).path(), 2000);
}

#[test]
fn mariadb_and_zstd_restore_a_backup() {
    let root = tempfile::tempdir().unwrap();
    restores_with_mariadb(sample::write(root.path(), Dialect::MariaDb, 5000).path(), 5000);
}

#[test]
fn sqlite3_zstd_and_age_restore_an_encrypted_backup() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write_encrypted(root.path(), Dialect::Sqlite, 2000, &[]);
    restores_with_sqlite3(backup.path(), 2000);
}

#[test]
fn mariadb_zstd_and_age_restore_an_encrypted_backup() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write_encrypted(root.path(), Dialect::MariaDb, 5000, &[]);
    restores_with_mariadb(backup.path(), 5000);
}

/// The commands as the README prints them, run by hand in a shell: nothing of this project takes part.
#[test]
fn the_commands_of_the_readme_restore_an_encrypted_backup() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write_encrypted(root.path(), Dialect::Sqlite, 50, &[]);
    let readme = std::fs::read_to_string(backup.path().join("README.txt")).unwrap();
    for text in ["KEY=FILE sh restore.sh NEW.db", "age, zstd", &sample::recipient()] {
        assert!(readme.contains(text), "{text:?} is not in\n{readme}");
    }
    let commands = readme.split("COMANDOS / COMMANDS\n").nth(1).unwrap();
    let target = root.path().join("by-hand.db");
    let commands = commands
        .replace("KEY=FILE ", &format!("KEY={} ", sample::KEY_FILE))
        .replace("NUEVO.db", target.to_str().unwrap());
    assert!(
        commands.contains("age -d -i \"$KEY\" data/0001-activos.0002.sql.zst.age | zstd -dc"),
        "{commands}"
    );
    let shell = Process::new(testkit::program::find("sh").unwrap());
    shell
        .args(["-e", "-c", &commands])
        .cwd(backup.path())
        .run()
        .expect(0);
    let sqlite3 = Process::new(testkit::program::find("sqlite3").unwrap());
    let count = sqlite3.arg(&target).arg("SELECT n FROM resumen").run().expect(0);
    assert_eq!(count.stdout, "14\n");
}

#[test]
fn restore_sh_needs_the_right_key_before_it_touches_the_target() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write_encrypted(root.path(), Dialect::Sqlite, 20, &[]);
    let target = root.path().join("restored.db");
    let with_key = |key: Option<&Path>| {
        let mut shell = Process::new(testkit::program::find("sh").unwrap());
        if let Some(key) = key {
            shell = shell.env("KEY", key);
        }
        let script = backup.path().join("restore.sh");
        shell.arg(script).arg(&target).cwd(root.path()).run()
    };
    let other = root.path().join("other key.txt");
    let keygen = Process::new(testkit::program::find("age-keygen").unwrap());
    keygen.arg("-o").arg(&other).run().expect(0);
    for (key, code, said) in [
        (None, 2, "KEY=FILE_WITH_YOUR_AGE_KEY"),
        (Some(Path::new("missing.txt")), 2, "KEY=FILE_WITH_YOUR_AGE_KEY"),
        (Some(Path::new("other key.txt")), 1, "does not open this backup"),
        (Some(other.as_path()), 1, "does not open this backup"),
    ] {
        let refused = with_key(key).expect(code);
        assert!(refused.stderr.contains(said), "{refused}");
        assert!(!target.exists());
    }
    with_key(Some(Path::new(sample::KEY_FILE))).expect(0);
}

#[test]
fn restore_sh_refuses_what_is_damaged_before_it_touches_the_target() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::Sqlite, 20);
    let file = backup.path().join("data/0002-a-o-raro-x-y.0001.sql.zst");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[30] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let target = root.path().join("restored.db");
    let refused = restore_sh(backup.path(), &[target.to_str().unwrap()]);
    assert_ne!(refused.code, Some(0), "{refused}");
    assert!(
        refused.stdout.contains("0002-a-o-raro-x-y.0001.sql.zst: FAILED"),
        "{refused}"
    );
    assert!(!target.exists());
    assert_eq!(restore_sh(backup.path(), &[]).code, Some(2));
}

/// `LOAD DATA` and `sqlite3` may lose rows without an error: the counts tell.
#[test]
fn restore_sh_compares_the_counts() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::Sqlite, 20);
    let script = backup.path().join("restore.sh");
    let text = std::fs::read_to_string(&script).unwrap();
    let changed = text.replace("counted 'activos' 14 ", "counted 'activos' 15 ");
    assert_ne!(text, changed);
    std::fs::write(&script, changed).unwrap();
    sample::resum(backup.path());
    let target = root.path().join("restored.db");
    let refused = restore_sh(backup.path(), &[target.to_str().unwrap()]).expect(1);
    assert!(
        refused
            .stderr
            .contains("activos: 15 rows in the backup, '14' restored"),
        "{refused}"
    );
    assert!(refused.stderr.contains("NOT restored, do not use"), "{refused}");
}

/// A person reads these before anything else: both languages, and the very files of this backup.
#[test]
fn the_readme_has_the_commands_of_this_backup() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::MariaDb, 20);
    let readme = std::fs::read_to_string(backup.path().join("README.txt")).unwrap();
    for text in [
        "ESPAÑOL",
        "ENGLISH",
        "sh restore.sh BASE",
        "sha256sum -c SHA256SUMS",
        "< schema/001-tables.sql",
        "zstd -dc data/0001-activos.0001.tsv.zst | mariadb",
        "LOAD DATA LOCAL INFILE '/dev/fd/3' INTO TABLE `activos`",
        "< schema/002-views-triggers.sql",
        "local_infile=1",
        "digest of demo",
    ] {
        assert!(readme.contains(text), "{text:?} is not in\n{readme}");
    }
}
