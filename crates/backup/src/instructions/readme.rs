//! `README.txt`: what the folder is and the exact commands, in Spanish and English.

use super::{client, load_command, schema_command};
use crate::manifest::{Manifest, Phase};

pub(crate) fn readme(manifest: &Manifest) -> String {
    let Manifest {
        name,
        service,
        created_at,
        source,
        totals,
        ..
    } = manifest;
    let client = client(manifest);
    let sqlite = source.dialect == "sqlite";
    let (target_es, target_en, usage_es, usage_en) = if sqlite {
        (
            "un archivo que todavía no existe",
            "a file that does not exist yet",
            "NUEVO.db",
            "NEW.db",
        )
    } else {
        (
            "una base de datos que existe y está vacía",
            "a database that exists and is empty",
            "BASE --user=USUARIO",
            "DATABASE --user=USER",
        )
    };
    let local_infile = !sqlite && manifest.tables.iter().any(|table| table.load_sql.is_some());
    let (infile_es, infile_en) = if local_infile {
        (
            "El servidor necesita local_infile=1 (SET GLOBAL local_infile=1).\n",
            "The server needs local_infile=1 (SET GLOBAL local_infile=1).\n",
        )
    } else {
        ("", "")
    };
    let (age, key, key_es, key_en) = match &manifest.encryption {
        Some(encryption) => {
            let recipients = encryption.recipients.join(", ");
            (
                "age, ",
                "KEY=FILE ",
                format!(
                    "Está cifrada con age. KEY es el archivo con la clave secreta de uno de estos destinatarios:\n{recipients}\n"
                ),
                format!(
                    "It is encrypted with age. KEY is the file with the secret key of one of these recipients:\n{recipients}\n"
                ),
            )
        }
        None => ("", "", String::new(), String::new()),
    };
    let digest = &manifest.digest;
    let commands = commands(manifest, sqlite);
    format!(
        "{name}\n\n\
         ESPAÑOL\n\
         Copia de respaldo completa del servicio {service}, base {database:?} ({dialect} {version}), hecha {created_at}.\n\
         {tables} tablas, {rows} filas. Digest del contenido: {digest}\n\
         Se restaura sin ningún otro programa que {age}zstd y {client}, en {target_es}:\n\n\
         \x20   {key}sh restore.sh {usage_es}\n\n\
         {key_es}{infile_es}\
         restore.sh hace exactamente lo que sigue, para cada archivo; léalo o hágalo a mano (los comandos están abajo).\n\
         Si una línea falla, no siga: use una réplica u otra copia. No cambie nada en esta carpeta.\n\n\
         ENGLISH\n\
         A full backup of the service {service}, database {database:?} ({dialect} {version}), made {created_at}.\n\
         {tables} tables, {rows} rows. Content digest: {digest}\n\
         It is restored with no other program than {age}zstd and {client}, into {target_en}:\n\n\
         \x20   {key}sh restore.sh {usage_en}\n\n\
         {key_en}{infile_en}\
         restore.sh does exactly what follows, for each file; read it, or do it by hand (the commands are below).\n\
         If a line fails, do not go on: use a replica or another backup. Change nothing in this folder.\n\n\
         COMANDOS / COMMANDS\n\
         {commands}",
        database = source.database,
        dialect = source.dialect,
        version = source.server_version,
        tables = totals.tables,
        rows = totals.rows,
    )
}

/// Schema files all; of the chunks the first table's, as `restore.sh` lists every one.
fn commands(manifest: &Manifest, sqlite: bool) -> String {
    let client = client(manifest);
    let (database, run) = if sqlite {
        ("NUEVO.db", format!("{client} -batch -bail NUEVO.db"))
    } else {
        let options = "--batch --binary-mode --default-character-set=utf8mb4 --comments --local-infile=1";
        ("BASE", format!("{client} --user=USUARIO {options} BASE"))
    };
    let mut text = format!("# {database}: destino / target\nsha256sum -c SHA256SUMS\n");
    if manifest.encryption.is_some() {
        text.push_str("KEY=FILE   # archivo con la clave secreta de age / file with the secret key of age\n");
    }
    let schema = |text: &mut String, phase| {
        for schema in manifest.schema.iter().filter(|schema| schema.phase == phase) {
            text.push_str(&schema_command(manifest, &schema.file, &run));
        }
    };
    schema(&mut text, Phase::BeforeData);
    if let Some(table) = manifest.tables.iter().find(|table| !table.chunks.is_empty()) {
        for chunk in &table.chunks {
            text.push_str(&load_command(manifest, table, &chunk.file, &run));
        }
        if manifest.tables.len() > 1 {
            text.push_str(
                "# ... igual cada tabla; sus sentencias y archivos están en restore.sh y manifest.json\n\
                 # ... each table alike; their statements and files are in restore.sh and manifest.json\n",
            );
        }
    }
    schema(&mut text, Phase::AfterData);
    text
}
