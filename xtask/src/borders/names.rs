//! `ventana` meets any service: none of its crates knows a table or a column of the first one.

use std::path::Path;

use anyhow::{Context, Result};

use crate::workspace;

/// Tables and columns of `inventario`, migrated ones included. Words that are common in English are left out.
const NAMES: &[&str] = &[
    "activos",
    "activo_id",
    "actualizado_en",
    "categorias",
    "categoria_id",
    "costo",
    "creado_en",
    "especificaciones",
    "especificaciones_json",
    "especificaciones_v1",
    "fecha_compra",
    "fecha_programada",
    "fecha_realizada",
    "mantenimientos",
    "numero_serie",
    "precio_usd",
    "responsable",
    "rol_id",
    "texto_original",
    "ubicacion",
    "usuario_id",
    "usuarios",
];

/// What is searched, and what in it may know the service: the demo is about it.
const ROOMS: &[&str] = &["crates/engine", "crates/backup", "crates/db", "crates/ventana"];
const SEARCHED: &[&str] = &["src", "templates"];
const ALLOWED: &[&str] = &["crates/ventana/src/demo", "crates/ventana/templates/demo"];

pub(super) fn faults() -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for room in ROOMS {
        for folder in SEARCHED {
            for path in workspace::files(
                &format!("{room}/{folder}"),
                &[".rs", ".html", ".toml", ".sql", ".txt", ".md"],
            )? {
                faults.extend(in_file(&path)?);
            }
        }
    }
    Ok(faults)
}

fn in_file(path: &Path) -> Result<Vec<String>> {
    let shown = workspace::relative(path);
    if ALLOWED.iter().any(|allowed| shown.starts_with(allowed)) {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {shown}"))?;
    let lines = text.lines().enumerate();
    let found = lines.filter_map(|(at, line)| Some((at + 1, find(line)?)));
    Ok(found.map(|(line, name)| format!("{shown}:{line} names `{name}`, which belongs to the service: it is data of a plan or a migration")).collect())
}

/// The first of the names that stands in `line` as a word of its own; leading and trailing `_` do not count.
fn find(line: &str) -> Option<&'static str> {
    let words = line
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .map(|word| word.trim_matches('_'));
    let mut found = words.filter_map(|word| NAMES.iter().find(|name| name.eq_ignore_ascii_case(word)));
    found.next().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_found() {
        assert_eq!(find("SELECT id FROM `activos` WHERE 1"), Some("activos"));
        assert_eq!(find(r#"{"_texto_original": 1}"#), Some("texto_original"));
        assert_eq!(
            find("ALTER TABLE x DROP ESPECIFICACIONES;"),
            Some("especificaciones")
        );
        assert_eq!(find("let inactivos = radioactivos_2;"), None);
    }
}
