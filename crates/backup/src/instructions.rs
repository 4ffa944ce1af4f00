//! What a person needs to restore the folder without `ventana`: `README.txt` and `restore.sh`.

mod readme;
mod restore_sh;

pub(crate) use readme::readme;
pub(crate) use restore_sh::restore_sh;

use crate::manifest::{Manifest, Table};

/// Where the commands take the key file from, if the backup is encrypted.
const KEY: &str = "\"$KEY\"";
/// Stands in `load_sql` for the file to load, quotes included.
pub(crate) const FILE: &str = "'{file}'";
/// Where the commands hand over the decompressed chunk: standard input carries the SQL.
const DATA_IN: &str = "'/dev/fd/3'";

/// The stock client for a dialect.
fn client(manifest: &Manifest) -> &'static str {
    match manifest.source.dialect.as_str() {
        "sqlite" => "sqlite3",
        "mysql" => "mysql",
        _ => "mariadb",
    }
}

/// The command that gives a chunk's content.
fn chunk_command(manifest: &Manifest, file: &str) -> String {
    if manifest.encryption.is_some() {
        format!("age -d -i {KEY} {file} | zstd -dc")
    } else {
        format!("zstd -dc {file}")
    }
}

/// The command that loads a schema file; `run` is the client with its options.
fn schema_command(manifest: &Manifest, file: &str, run: &str) -> String {
    if manifest.encryption.is_some() {
        format!("age -d -i {KEY} {file} | {run}\n")
    } else {
        format!("{run} < {file}\n")
    }
}

/// What the client is sent for one chunk, ended with a line end; empty where the chunk alone is all.
fn load_script(manifest: &Manifest, table: &Table) -> String {
    let mut script = String::new();
    let session = manifest.session_sql.trim();
    if !session.is_empty() {
        script.push_str(session);
        if !session.ends_with(';') {
            script.push(';');
        }
        script.push('\n');
    }
    if let Some(sql) = &table.load_sql {
        // Only the first one: a later one would be part of an identifier or a value.
        script.push_str(&sql.trim().trim_end_matches(';').replacen(FILE, DATA_IN, 1));
        script.push_str(";\n");
    }
    script
}

/// A word that ends a here-document of this text: no line of it.
fn end_word(text: &str) -> String {
    let mut word = "SQL".to_owned();
    while text.lines().any(|line| line == word) {
        word.push('_');
    }
    word
}

/// The command that loads one chunk; `run` is the client with its options.
fn load_command(manifest: &Manifest, table: &Table, file: &str, run: &str) -> String {
    let script = load_script(manifest, table);
    let word = end_word(&script);
    let content = chunk_command(manifest, file);
    if table.load_sql.is_some() {
        format!("{content} | {run} 3<&0 <<'{word}'\n{script}{word}\n")
    } else if script.is_empty() {
        format!("{content} | {run}\n")
    } else {
        format!("{{ cat; {content}; }} <<'{word}' | {run}\n{script}{word}\n")
    }
}
