//! `restore.sh`: the commands of the README with this backup's files, in order.

use super::{client, end_word, load_command, schema_command};
use crate::manifest::{Manifest, Phase};
use crate::name::SEALED;

const SQLITE_HEAD: &str = r#"if [ $# -ne 1 ]; then echo "usage: sh restore.sh NEW_FILE" >&2; exit 2; fi
case "$1" in /*) database=$1 ;; *) database=$PWD/$1 ;; esac
if [ -e "$database" ]; then echo "$database exists already / ya existe" >&2; exit 1; fi
sql() { "$client" -batch -bail "$database"; }
answer() { "$client" -batch -bail -noheader -list "$database"; }
"#;

const SERVER_USAGE: &str = r#"case "${1:-}" in ''|-*) echo "usage: sh restore.sh DATABASE [client options]" >&2; exit 2 ;; esac
database=$1; shift
"#;

const SERVER_HEAD: &str = r#"sql() { "$client" "$@" --batch --binary-mode --default-character-set=utf8mb4 --comments --local-infile=1 "$database"; }
answer() { sql "$@" --skip-column-names; }
found=$(echo 'SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE();' | answer "$@")
if [ "$found" != 0 ]; then echo "$database is not empty / no esta vacia" >&2; exit 1; fi
"#;

const LOADING: &str = r#"trap '[ $? = 0 ] || echo "NOT restored, do not use $database / NO se restauro, no use $database" >&2' EXIT
"#;

/// Also from where the caller stands. A file that opens with the key shows that all do, before anything is touched.
const KEY_HEAD: &str = r#"if [ ! -r "${KEY:-}" ]; then
  echo "it is encrypted / esta cifrada: KEY=FILE_WITH_YOUR_AGE_KEY sh restore.sh ..." >&2; exit 2
fi
case "$KEY" in /*) ;; *) KEY=$PWD/$KEY ;; esac
"#;

const KEY_CHECK: &str = r#"if ! age -d -i "$KEY" {sealed} >/dev/null; then
  echo "$KEY does not open this backup / no abre esta copia" >&2; exit 1
fi
"#;

const COMMON: &str = r#"for program in sha256sum zstd {age}"$client"; do
  command -v "$program" >/dev/null || { echo "$program is not installed / no esta instalado" >&2; exit 1; }
done
cd "$(dirname "$0")"
sha256sum -c --quiet SHA256SUMS
different=0
counted() {
  name=$1; rows=$2; shift 2
  found=$(answer "$@")
  if [ "$found" != "$rows" ]; then echo "$name: $rows rows in the backup, '$found' restored" >&2; different=1; fi
}
"#;

pub(crate) fn restore_sh(manifest: &Manifest) -> String {
    let sqlite = manifest.source.dialect == "sqlite";
    let client = client(manifest);
    let usage = if sqlite {
        "NEW_FILE"
    } else {
        "DATABASE [client options]     (it exists and is empty)"
    };
    let encrypted = manifest.encryption.is_some();
    let (age, key) = if encrypted {
        ("age, ", "KEY=FILE ")
    } else {
        ("", "")
    };
    let mut script = format!(
        "#!/bin/sh\n# Restores the backup {name} with {age}zstd and {client} alone. See README.txt.\n# Restaura la copia {name} \
         solo con {age}zstd y {client}. Vea README.txt.\n#   {key}sh restore.sh {usage}\nset -eu\nclient=${{CLIENT:-{client}}}\n",
        name = manifest.name,
    );
    let mut common = COMMON.replace("{age}", if encrypted { "age " } else { "" });
    if encrypted {
        script.push_str(KEY_HEAD);
        common.push_str(&KEY_CHECK.replace("{sealed}", SEALED));
    }
    if sqlite {
        // The file's path is meant from where the caller stands, so it is read before the folder is entered.
        script.push_str(SQLITE_HEAD);
        script.push_str(&common);
    } else {
        script.push_str(SERVER_USAGE);
        script.push_str(&common);
        script.push_str(SERVER_HEAD);
    }
    script.push_str(LOADING);
    schema(manifest, Phase::BeforeData, &mut script);
    for table in &manifest.tables {
        script.push_str(&format!("\n# {:?}: {} rows\n", table.name, table.rows));
        for chunk in &table.chunks {
            script.push_str(&load_command(manifest, table, &chunk.file, "sql \"$@\""));
        }
        if let Some(count) = &table.count_sql {
            let count = count.trim().trim_end_matches(';');
            let word = end_word(count);
            let name = quoted(&table.name);
            let rows = table.rows;
            script.push_str(&format!(
                "counted {name} {rows} \"$@\" <<'{word}'\n{count};\n{word}\n"
            ));
        }
    }
    schema(manifest, Phase::AfterData, &mut script);
    let digest = quoted(&format!("digest of the backup: {}", manifest.digest));
    script.push_str(&format!(
        "\nif [ $different != 0 ]; then exit 1; fi\necho \"restored into / restaurado en $database\"\necho {digest}\n",
    ));
    script
}

fn schema(manifest: &Manifest, phase: Phase, script: &mut String) {
    script.push('\n');
    for schema in manifest.schema.iter().filter(|schema| schema.phase == phase) {
        script.push_str(&schema_command(manifest, &schema.file, "sql \"$@\""));
    }
}

/// One word of the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
