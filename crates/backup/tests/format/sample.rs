//! Small but real backups for both dialects: awkward bytes, an odd table name, two chunks, an empty table.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use backup::{
    Backup, ChunkEnd, Column, Content, Error, Identities, Object, Phase, Source, TableSpec, Tool, Writer,
};
use sha2::{Digest, Sha256};

pub(crate) const STAMP: &str = "20250102_030405";
/// Unbalanced quotes and brackets, and a character that no slug has.
pub(crate) const ODD: &str = "año `raro \"x' ) $y";

/// `id`, `texto`, `foto`.
pub(crate) type Row = (u32, Option<Vec<u8>>, Option<Vec<u8>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    MariaDb,
    Sqlite,
}

impl Dialect {
    fn name(self) -> &'static str {
        match self {
            Dialect::MariaDb => "mariadb",
            Dialect::Sqlite => "sqlite",
        }
    }

    pub(crate) fn quoted(self, name: &str) -> String {
        match self {
            Dialect::MariaDb => format!("`{}`", name.replace('`', "``")),
            Dialect::Sqlite => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    fn create(self, table: &str) -> String {
        let table = self.quoted(table);
        match self {
            Dialect::MariaDb => format!(
                "CREATE TABLE {table} (id int NOT NULL PRIMARY KEY, texto longtext, foto longblob) CHARACTER SET utf8mb4;\n"
            ),
            Dialect::Sqlite => {
                format!("CREATE TABLE {table} (id INTEGER PRIMARY KEY, texto TEXT, foto BLOB);\n")
            }
        }
    }

    fn after(self) -> &'static str {
        match self {
            Dialect::MariaDb => {
                "CREATE VIEW resumen AS SELECT COUNT(*) AS n FROM activos;\nDELIMITER ;;\nCREATE TRIGGER cuenta BEFORE \
                 INSERT ON activos FOR EACH ROW BEGIN SET NEW.texto = CONCAT(NEW.texto, ';'); END;;\nDELIMITER ;\n"
            }
            Dialect::Sqlite => {
                "CREATE VIEW resumen AS SELECT COUNT(*) AS n FROM activos;\nCREATE TRIGGER cuenta AFTER INSERT ON activos \
                 BEGIN UPDATE activos SET texto = texto || ';' WHERE id = NEW.id; END;\n"
            }
        }
    }

    fn load_sql(self, table: &str) -> Option<String> {
        let table = self.quoted(table);
        (self == Dialect::MariaDb).then(|| {
            format!(
                "LOAD DATA LOCAL INFILE '{{file}}' INTO TABLE {table} CHARACTER SET binary FIELDS TERMINATED BY '\\t' \
                 ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' (id, texto, @c2) SET foto = UNHEX(@c2)"
            )
        })
    }

    fn session_sql(self) -> &'static str {
        match self {
            Dialect::MariaDb => "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', foreign_key_checks = 0;",
            Dialect::Sqlite => "PRAGMA foreign_keys = OFF;",
        }
    }

    fn encode(self, table: &str, rows: &[Row]) -> Vec<u8> {
        let mut out = Vec::new();
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02X}")).collect::<String>();
        for (id, texto, foto) in rows {
            match self {
                Dialect::MariaDb => {
                    write!(out, "{id}\t").unwrap();
                    match texto {
                        None => out.extend_from_slice(b"\\N"),
                        Some(texto) => {
                            for &b in texto {
                                match b {
                                    b'\\' => out.extend_from_slice(b"\\\\"),
                                    b'\t' => out.extend_from_slice(b"\\t"),
                                    b'\n' => out.extend_from_slice(b"\\n"),
                                    0 => out.extend_from_slice(b"\\0"),
                                    _ => out.push(b),
                                }
                            }
                        }
                    }
                    writeln!(out, "\t{}", foto.as_deref().map_or("\\N".into(), hex)).unwrap();
                }
                Dialect::Sqlite => {
                    let texto = texto
                        .as_deref()
                        .map_or("NULL".into(), |t| format!("CAST(X'{}' AS TEXT)", hex(t)));
                    let foto = foto
                        .as_deref()
                        .map_or("NULL".into(), |f| format!("X'{}'", hex(f)));
                    writeln!(
                        out,
                        "INSERT INTO {} VALUES ({id}, {texto}, {foto});",
                        self.quoted(table)
                    )
                    .unwrap();
                }
            }
        }
        out
    }
}

/// Rows of the three tables, each as a list of chunks.
pub(crate) fn tables(big: usize) -> Vec<(&'static str, Vec<Vec<Row>>)> {
    let awkward = [
        "",
        "simple",
        "tab\there",
        "line\nfeed",
        "carriage\r\nreturn",
        "back\\slash \\N \\t",
        "ñandú 日本 🦀",
        "nul\0in",
        "quote ' \" `",
        "SQL",
        "; DROP TABLE activos; --",
        " blanks ",
    ];
    let row = |id: usize, text: &str| {
        (
            id as u32,
            Some(text.as_bytes().to_vec()),
            Some((0..=255).collect()),
        )
    };
    let first = awkward
        .iter()
        .enumerate()
        .map(|(i, text)| row(i + 1, text))
        .collect();
    let second = vec![(100, None, None), (101, Some(vec![]), Some(vec![]))];
    let mut noise = 1u64;
    let odd = (0..big)
        .map(|i| {
            let foto = (0..64).map(|_| {
                noise = noise
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                (noise >> 33) as u8
            });
            (
                i as u32,
                Some(format!("fila {i}").into_bytes()),
                Some(foto.collect()),
            )
        })
        .collect();
    vec![
        ("activos", vec![first, second]),
        (ODD, vec![odd]),
        ("vacia", vec![]),
    ]
}

/// The very text of each chunk, by file.
pub(crate) fn contents(dialect: Dialect, big: usize) -> Vec<Vec<u8>> {
    let tables = tables(big);
    tables
        .iter()
        .flat_map(|(name, chunks)| chunks.iter().map(|rows| dialect.encode(name, rows)))
        .collect()
}

/// How far [`write_until`] goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Created,
    SchemaBefore,
    TableAdded,
    ChunkBegun,
    ChunkFinished,
    TableFinished,
    AllTables,
    SchemaAfter,
    Finished,
}

pub(crate) const UNFINISHED: [Stage; 8] = [
    Stage::Created,
    Stage::SchemaBefore,
    Stage::TableAdded,
    Stage::ChunkBegun,
    Stage::ChunkFinished,
    Stage::TableFinished,
    Stage::AllTables,
    Stage::SchemaAfter,
];

/// Writes the sample up to a stage; the writer is dropped there, as when the program dies.
pub(crate) fn write_until(
    root: &Path,
    dialect: Dialect,
    big: usize,
    last: Stage,
    reached: &mut dyn FnMut(Stage),
) -> Result<Option<Backup>, Error> {
    write_with(Writer::create(root, "demo", STAMP)?, dialect, big, last, reached)
}

fn write_with(
    writer: Writer,
    dialect: Dialect,
    big: usize,
    last: Stage,
    reached: &mut dyn FnMut(Stage),
) -> Result<Option<Backup>, Error> {
    let mut go_on = |stage: Stage| {
        reached(stage);
        stage < last
    };
    if !go_on(Stage::Created) {
        return Ok(None);
    }
    let tables = tables(big);
    let create: String = tables.iter().map(|(name, _)| dialect.create(name)).collect();
    let before = writer.schema(Phase::BeforeData, "tables", &create)?;
    if !go_on(Stage::SchemaBefore) {
        return Ok(None);
    }
    let io = |source| Error::Io {
        doing: "write",
        path: "the sample".into(),
        source,
    };
    for (name, chunks) in &tables {
        let column = |name: &str, type_name: &str, load: &str| Column {
            name: name.into(),
            type_name: type_name.into(),
            load: load.into(),
        };
        let table = writer.table(TableSpec {
            name: (*name).into(),
            columns: vec![
                column("id", "int(11)", "text"),
                column("texto", "longtext", "text"),
                column("foto", "longblob", "hex"),
            ],
            load_sql: dialect.load_sql(name),
            count_sql: Some(format!("SELECT COUNT(*) FROM {}", dialect.quoted(name))),
        })?;
        if !go_on(Stage::TableAdded) {
            return Ok(None);
        }
        for rows in chunks {
            let content = dialect.encode(name, rows);
            let mut chunk = writer.chunk(table, if dialect == Dialect::Sqlite { "sql" } else { "tsv" })?;
            let (a, b) = content.split_at(content.len() / 2);
            chunk.write_all(a).map_err(io)?;
            if !go_on(Stage::ChunkBegun) {
                return Ok(None);
            }
            chunk.write_all(b).map_err(io)?;
            let key = |row: Option<&Row>| row.map(|(id, ..)| format!("key {id}"));
            chunk.finish(ChunkEnd {
                rows: rows.len() as u64,
                digest: Some(format!("digest of {} rows", rows.len())),
                first_key: key(rows.first()),
                last_key: key(rows.last()),
            })?;
            if !go_on(Stage::ChunkFinished) {
                return Ok(None);
            }
        }
        writer.finish_table(
            table,
            chunks.iter().map(|rows| rows.len() as u64).sum(),
            &format!("digest of {name}"),
        )?;
        if !go_on(Stage::TableFinished) {
            return Ok(None);
        }
    }
    if !go_on(Stage::AllTables) {
        return Ok(None);
    }
    let after = writer.schema(Phase::AfterData, "views-triggers", dialect.after())?;
    if !go_on(Stage::SchemaAfter) {
        return Ok(None);
    }
    let object = |kind: &str, name: &str, file: &str| Object {
        kind: kind.into(),
        name: name.into(),
        file: file.into(),
        properties: BTreeMap::new(),
    };
    let mut objects: Vec<Object> = tables
        .iter()
        .map(|(name, _)| object("table", name, &before))
        .collect();
    objects.extend([
        object("view", "resumen", &after),
        object("trigger", "cuenta", &after),
    ]);
    let backup = writer.finish(Content {
        created_at: "2025-01-02T03:04:05Z".into(),
        tool: Tool {
            name: "ventana".into(),
            version: "0.1.0".into(),
        },
        source: Source {
            dialect: dialect.name().into(),
            server_version: if dialect == Dialect::Sqlite {
                "3.40.1"
            } else {
                "10.11.6-MariaDB"
            }
            .into(),
            database: "demo".into(),
            identity: BTreeMap::from([("server_uid".into(), "abc".into())]),
            snapshot: BTreeMap::new(),
        },
        digest: "digest of demo".into(),
        counters: BTreeMap::from([("activos.auto_increment".into(), "18446744073709551615".into())]),
        objects,
        session_sql: dialect.session_sql().into(),
        notes: vec!["a note".into()],
    })?;
    reached(Stage::Finished);
    Ok(Some(backup))
}

/// A whole sample with about `big` rows of 64 random bytes in its second table.
pub(crate) fn write(root: &Path, dialect: Dialect, big: usize) -> Backup {
    write_until(root, dialect, big, Stage::Finished, &mut |_| ())
        .unwrap()
        .unwrap()
}

/// The key file of the encrypted samples.
pub(crate) const KEY_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/v1-age/key.txt");

pub(crate) fn keys() -> Identities {
    fs::read_to_string(KEY_FILE).unwrap().parse().unwrap()
}

/// The public key that stands in the key file, for people, as a comment.
pub(crate) fn recipient() -> String {
    let text = fs::read_to_string(KEY_FILE).unwrap();
    let line = text.lines().find(|line| line.starts_with("# public key: "));
    line.unwrap()["# public key: ".len()..].to_owned()
}

/// The same sample, encrypted to the fixture's key and to `others`, with a file attached.
pub(crate) fn write_encrypted(root: &Path, dialect: Dialect, big: usize, others: &[String]) -> Backup {
    let mut recipients = vec![recipient().parse().unwrap()];
    recipients.extend(others.iter().map(|other| other.parse().unwrap()));
    let writer = Writer::create(root, "demo", STAMP)
        .unwrap()
        .with_recipients(recipients)
        .unwrap();
    writer.attach("catalog.json", b"{\"attached\": true}").unwrap();
    write_with(writer, dialect, big, Stage::Finished, &mut |_| ())
        .unwrap()
        .unwrap()
}

/// Reads everything as a restore does, with the fixture's key where one is needed.
pub(crate) fn read_all(folder: &Path) -> Result<Vec<Vec<u8>>, Box<dyn std::error::Error>> {
    let backup = Backup::open(folder)?.unlock(&keys())?;
    for other in &backup.manifest().other_files {
        if !matches!(other.file.as_str(), "README.txt" | "restore.sh") {
            backup.attachment(&other.file)?;
        }
    }
    for schema in &backup.manifest().schema {
        backup.schema_file(schema)?;
    }
    let mut contents = Vec::new();
    for chunk in backup.manifest().tables.iter().flat_map(|table| &table.chunks) {
        let mut content = Vec::new();
        backup.chunk_reader(chunk)?.read_to_end(&mut content)?;
        contents.push(content);
    }
    Ok(contents)
}

/// Every file below a folder, relative, sorted.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(folder.join(&below)).unwrap() {
            let entry = entry.unwrap();
            let path = below.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else {
                files.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

pub(crate) fn copy(from: &Path, to: &Path) {
    for folder in ["", "schema", "data"] {
        fs::create_dir_all(to.join(folder)).unwrap();
    }
    for file in files(from) {
        fs::copy(from.join(&file), to.join(&file)).unwrap();
    }
}

/// Changes the manifest and makes all sums fit again, as a faulty program would.
pub(crate) fn reseal(folder: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    let path = folder.join("manifest.json");
    let mut json = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut json);
    fs::write(&path, serde_json::to_vec_pretty(&json).unwrap()).unwrap();
    resum(folder);
}

/// Writes `SHA256SUMS` anew over what is there.
pub(crate) fn resum(folder: &Path) {
    let mut sums = String::new();
    for file in files(folder)
        .iter()
        .filter(|file| !matches!(file.as_str(), "SHA256SUMS" | "proven.jsonl"))
    {
        let sum = Sha256::digest(fs::read(folder.join(file)).unwrap());
        sums.extend(sum.iter().map(|b| format!("{b:02x}")));
        sums.push_str(&format!("  {file}\n"));
    }
    fs::write(folder.join("SHA256SUMS"), sums).unwrap();
}
