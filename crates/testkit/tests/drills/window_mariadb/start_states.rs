//! The other states that a window can start from: a copy that the seeds left behind, and JSON already.

use serde_json::Value;
use testkit::fixtures;

use super::checks::{CLASSES, pairs, remember};
use crate::world_mariadb::World;

#[test]
fn a_copy_that_the_seeds_left_is_counted_and_not_touched() {
    let world = World::bare();
    world.load(&fixtures::legacy_dump());
    // The seeds' first phase, and a month of writes that went to the text alone.
    world.server.query(
        "ALTER TABLE inventario.activos ADD COLUMN especificaciones_json JSON;
         UPDATE inventario.activos SET especificaciones_json=IF(JSON_VALID(especificaciones), especificaciones, NULL), actualizado_en=actualizado_en;
         UPDATE inventario.activos SET especificaciones='{\"nuevo\": true}', actualizado_en=actualizado_en WHERE id%100=7",
    );
    world.deploy();
    remember(&world);
    let start = world.state();
    let differ = world.server.value("SELECT COUNT(*) FROM antes.activos WHERE NOT (BINARY especificaciones <=> BINARY especificaciones_json)");
    let differ: u64 = differ.and_then(|count| count.parse().ok()).unwrap();
    assert!(differ > 200, "{differ}");
    let copy = "SELECT BIT_XOR(CAST(CRC32(CONCAT_WS(0x1f, id, IFNULL(HEX(especificaciones_json), 'NULL'))) AS UNSIGNED)) FROM";
    let untouched = world.server.value(&format!("{copy} antes.activos"));

    let run = world.json(&["run"]).ok();
    assert_eq!(
        world.journal().facts("digest_before")["report"]["copy_differs"],
        differ
    );
    let report = std::fs::read_to_string(run.json()["report"].as_str().expect("a report")).unwrap();
    assert!(
        report.contains("copy_differs") && report.contains(&format!(">{differ}<")),
        "the report says nothing of {differ} rows"
    );
    assert_eq!(
        world.server.value(&format!("{copy} inventario.activos")),
        untouched,
        "the copy"
    );
    let classes = pairs(
        world
            .server
            .query(&format!("{CLASSES} GROUP BY class ORDER BY class")),
    );
    assert_eq!(
        classes
            .iter()
            .map(|(class, _)| class.as_str())
            .collect::<Vec<_>>(),
        ["empty", "null", "text", "valid"]
    );
    assert_eq!(classes.iter().map(|(_, count)| count).sum::<u64>(), 5000);
    assert_eq!(world.health(), ("r2".into(), 2));

    // JSON already: the next release finds nothing to migrate, and says so.
    let done = world.state();
    world.release("r3");
    world.configure(
        &world
            .configuration()
            .replace("source = \"build/r2\"", "source = \"build/r3\""),
    );
    let plan = world.json(&["plan"]).ok();
    let kinds: Vec<Value> = plan.json()["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["kind"].clone())
        .collect();
    for kind in ["statement", "backfill", "proof"] {
        assert!(!kinds.contains(&kind.into()), "{plan}");
    }
    let said = format!("{}{}", plan.stdout, plan.stderr);
    assert!(
        said.contains("0002_especificaciones_json") && said.contains("nothing to do"),
        "{plan}"
    );
    world.state().assert_same(&done, "planning");

    // And the whole way back from the first window is still open, the copy included.
    world.configure(&world.configuration());
    world.json(&["rollback"]).ok();
    world.state().assert_same(&start, "after the rollback");
}
