//! Which crate may depend on which, and which libraries stay out of which room.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::workspace;

/// Crate → crates of the workspace that it may link. Anything else is an arrow too many; `testkit` is open to all as a
/// dev-dependency.
const ARROWS: &[(&str, &[&str])] = &[
    ("engine", &[]),
    ("backup", &[]),
    ("blake3-many", &[]),
    ("db", &["blake3-many"]),
    ("web", &[]),
    ("ventana", &["engine", "backup", "db", "web"]),
    ("inventario", &["web"]),
    ("testkit", &[]),
    ("xtask", &["testkit"]),
];

/// Crate → libraries that would bring in what the room must not have.
const SHUT_OUT: &[(&str, &[&str])] = &[
    // No SQL, HTTP, terminal.
    (
        "engine",
        &[
            "mysql", "rusqlite", "sqlx", "ureq", "axum", "tokio", "clap", "rand", "uuid",
        ],
    ),
    // No SQL.
    (
        "backup",
        &["mysql", "rusqlite", "sqlx", "ureq", "axum", "tokio", "clap"],
    ),
    // sqlx changes sql_mode on connecting: it must never run reviewed SQL.
    ("db", &["sqlx", "ureq", "axum", "tokio", "clap"]),
    ("ventana", &["sqlx", "rusqlite", "mysql"]),
    ("inventario", &["mysql", "rusqlite"]),
];

/// Packages that need more than a C compiler, or that we do not want to answer for.
const BANNED: &[&str] = &["openssl-sys", "aws-lc-sys", "native-tls", "rsa", "cmake"];

pub(super) fn faults() -> Result<Vec<String>> {
    let mut faults = check(&workspace::metadata()?);
    let lock = workspace::root().join("Cargo.lock");
    let lock = std::fs::read_to_string(&lock).with_context(|| format!("reading {}", lock.display()))?;
    for name in BANNED
        .iter()
        .filter(|name| lock.contains(&format!("\nname = \"{name}\"\n")))
    {
        faults.push(format!(
            "Cargo.lock has `{name}`, which this project does without: see `cargo tree -i {name}`"
        ));
    }
    Ok(faults)
}

fn check(metadata: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages = list(&metadata["packages"]);
    let ours: Vec<String> = packages.iter().map(|package| text(&package["name"])).collect();
    let mut faults = Vec::new();
    for package in &packages {
        let name = text(&package["name"]);
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            faults.push(format!(
                "crate `{name}` has no place in the house: add it to xtask/src/borders/arrows.rs"
            ));
            continue;
        };
        let shut_out = SHUT_OUT
            .iter()
            .find(|(known, _)| *known == name)
            .map_or(&[][..], |(_, names)| names);
        for dependency in list(&package["dependencies"]) {
            let (to, kind) = (text(&dependency["name"]), text(&dependency["kind"]));
            let fine = allowed.contains(&to.as_str()) || (kind == "dev" && to == "testkit");
            if ours.contains(&to) && !fine {
                faults.push(format!(
                    "arrow `{name}` → `{to}` is not allowed (crates/{name}/Cargo.toml)"
                ));
            }
            // A test may look with other eyes than the crate.
            if kind != "dev" && shut_out.contains(&to.as_str()) {
                faults.push(format!(
                    "`{name}` must do without `{to}` (crates/{name}/Cargo.toml)"
                ));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Value {
        let dependency = |(name, kind): &(&str, Option<&str>)| json!({"name": name, "kind": kind});
        json!({"name": name, "dependencies": dependencies.iter().map(dependency).collect::<Vec<_>>()})
    }

    #[test]
    fn arrows_are_checked() {
        let good = [
            package("engine", &[("serde", None), ("testkit", Some("dev"))]),
            package("web", &[("axum", None)]),
            package("testkit", &[]),
            package(
                "ventana",
                &[("engine", None), ("web", None), ("testkit", Some("dev"))],
            ),
        ];
        assert_eq!(check(&json!({ "packages": good })), Vec::<String>::new());

        let bad = [
            package("engine", &[("web", Some("dev")), ("rusqlite", None)]),
            package("web", &[("testkit", None)]),
            package("testkit", &[]),
            package("stranger", &[]),
        ];
        let faults = check(&json!({ "packages": bad })).join("\n");
        for part in [
            "`engine` → `web`",
            "`engine` must do without `rusqlite`",
            "`web` → `testkit`",
            "crate `stranger`",
        ] {
            assert!(faults.contains(part), "{part}: {faults}");
        }
        assert_eq!(faults.lines().count(), 4);
    }
}
