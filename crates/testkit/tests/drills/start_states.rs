//! The states in which real databases are found, on SQLite: plain TEXT is what every other drill begins with.

use std::path::Path;

use serde_json::{Value, json};

use crate::world::data::{self, assert_same, sqlite3};
use crate::world::{Fixture, Releases, Scene};

/// A scene with `sql` done to its database before the service starts.
fn with(sql: &str) -> Scene {
    let scene = Scene::prepare(&Fixture::new(), Releases::Launched);
    sqlite3(&scene.database(), &[], sql);
    scene.start();
    scene
}

/// A copy of a database that may be in use.
fn copy(from: &Path, to: &Path) {
    sqlite3(from, &[], &format!("VACUUM INTO '{}'", to.display()));
}

fn steps(plan: &Value) -> Vec<&str> {
    let steps = plan["steps"].as_array().unwrap();
    steps.iter().map(|step| step["id"].as_str().unwrap()).collect()
}

fn columns(database: &Path) -> String {
    data::value(
        database,
        "SELECT group_concat(name, ' ') FROM pragma_table_xinfo('activos') WHERE name LIKE 'espec%'",
    )
}

/// What the seeds' first phase leaves behind: a second column with a copy of what was valid JSON then. Work went on
/// since, so the copy is stale in places.
const FIRST_PHASE: &str = "
    ALTER TABLE activos ADD COLUMN especificaciones_json JSON;
    UPDATE activos SET especificaciones_json = CASE WHEN json_valid(especificaciones) THEN especificaciones END;
    UPDATE activos SET especificaciones = '{\"ram\": \"64 GB\"}' WHERE id IN (10, 20, 30);
    UPDATE activos SET especificaciones = 'vendido en 2024' WHERE id = 40;
    UPDATE activos SET especificaciones = NULL WHERE id = 50;";

#[test]
fn a_copy_that_the_seeds_left_behind_is_not_believed() {
    let scene = with(FIRST_PHASE);
    let before = scene.path("before.db");
    copy(&scene.database(), &before);
    let original = data::dump(&before);
    let differ = "FROM activos WHERE especificaciones IS NOT especificaciones_json";
    let differing: i64 = data::value(&before, &format!("SELECT COUNT(*) {differ}"))
        .parse()
        .unwrap();
    assert!(
        differing > 10,
        "five rows that went on, and every text: {differing}"
    );

    scene.run(["run"]).ok();
    let kinds = data::assert_migrated(&before, &scene.database(), 0);
    assert!(kinds["wrapped"] > 5, "{kinds:?}");
    scene.assert_stands_at("r2");
    let evidence: Value =
        serde_json::from_slice(&std::fs::read(scene.run_dir().join("evidence.json")).unwrap()).unwrap();
    let steps = evidence["steps"].as_array().unwrap();
    let digest = steps.iter().find(|step| step["id"] == "digest_before").unwrap();
    assert_eq!(
        digest["facts"]["report"]["copy_differs"], differing,
        "{}",
        digest["facts"]["report"]
    );

    let ids = data::value(
        &before,
        &format!("SELECT json_group_array(CAST(id AS TEXT)) FROM (SELECT id {differ} ORDER BY id)"),
    );
    let ids: Value = serde_json::from_str(&ids).unwrap();
    assert_eq!(
        digest["facts"]["listed"]["copy_differs"], ids,
        "each of them is listed"
    );

    scene.run(["rollback"]).ok();
    assert_same(&data::dump(&scene.database()), &original, "after the rollback");
    scene.assert_stands_at("r1");
}

/// The last chapter: what the contract kept is dropped, after a backup. Of the seeds' copy nothing is left either.
#[test]
fn finalize_drops_what_the_contract_kept() {
    let scene = with(FIRST_PHASE);
    scene.run(["run"]).ok();
    scene.run(["migrate", "--finalize"]).expect(2);
    assert_eq!(
        columns(&scene.database()),
        "especificaciones_v1 especificaciones_json especificaciones"
    );
    let new = data::rows(
        &scene.database(),
        "SELECT id, especificaciones FROM activos ORDER BY id",
    );
    let done = scene.run(["migrate", "--finalize", "--yes"]).ok().json();
    assert_eq!(columns(&scene.database()), "especificaciones");
    assert_eq!(
        data::rows(
            &scene.database(),
            "SELECT id, especificaciones FROM activos ORDER BY id"
        ),
        new
    );
    assert!(Path::new(done["backup"].as_str().unwrap()).is_dir(), "{done}");
    scene.assert_stands_at("r2");
}

#[test]
fn json_already_is_nothing_to_do() {
    let first = with("");
    first.run(["run"]).ok();
    // Asked once more: everything is there.
    let again = first.run(["plan"]).expect(2);
    assert!(again.stdout.contains("deployed already"), "{again}");
    let state = first.run(["migrate"]).ok().json();
    assert_eq!(
        (&state["state"], &state["done"]),
        (&json!("json"), &json!(true)),
        "{state}"
    );

    // The same database under the old release: only the release is left to do, and no row is touched.
    let fixture = Fixture::new();
    let scene = Scene::prepare(&fixture, Releases::Launched);
    std::fs::remove_file(scene.database()).unwrap();
    copy(&first.database(), &scene.database());
    scene.start();
    let before = data::dump(&scene.database());
    let output = scene.run(["plan", "--lang", "en"]).ok();
    let plan = output.json();
    let migrating = ["migrate", "proof_fenced", "invariants"];
    assert!(!steps(&plan).iter().any(|id| migrating.contains(id)), "{plan}");
    assert!(steps(&plan).contains(&"switch"), "{plan}");
    assert!(
        output.stdout.contains("nothing to do"),
        "the plan says so: {output}"
    );
    let run = scene.run(["run"]).ok().json();
    assert_eq!(run["digest_before"], run["digest_after"], "{run}");
    assert_same(&data::dump(&scene.database()), &before, "the data");
    scene.assert_stands_at("r2");
}

#[test]
fn anything_else_is_refused_by_name() {
    let cases = [
        (
            "a BLOB among the texts",
            "UPDATE activos SET especificaciones = X'00FF' WHERE id = 7",
        ),
        (
            "a column of another type",
            "PRAGMA writable_schema=ON;
             UPDATE sqlite_master SET sql = replace(sql, 'especificaciones TEXT', 'especificaciones BLOB') WHERE name = 'activos'",
        ),
        (
            "a column that only this migration makes",
            "ALTER TABLE activos ADD COLUMN especificaciones_v2 TEXT",
        ),
    ];
    for (what, sql) in cases {
        let scene = with(sql);
        let before = data::dump(&scene.database());
        for verb in ["plan", "run", "rehearse"] {
            let refused = scene.run([verb, "--lang", "en"]);
            assert!(matches!(refused.code, Some(1 | 2)), "{what}: {refused}");
            let error = &refused.json()["error"];
            let said = format!("{} {}", error["message"], error["hint"]);
            assert!(
                said.contains("activos") && said.contains("especificaciones"),
                "{what}: {said}"
            );
        }
        assert_same(&data::dump(&scene.database()), &before, what);
        assert!(scene.runs().is_empty(), "{what}: no run was begun");
        scene.assert_stands_at("r1");
    }
}
