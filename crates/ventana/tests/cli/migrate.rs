use insta::assert_snapshot;

use super::scene::Scene;

#[test]
fn where_it_stands() {
    let scene = Scene::data();
    let before = scene.files();
    let said = [
        scene.run("migrate --lang en").expect(0),
        scene.run("migrate --lang es").expect(0),
        scene.json("migrate").expect(0).said,
        scene.run("migrate --finalize --yes --lang en").expect(2),
    ];
    assert!(scene.files() == before, "asking has changed a file");
    assert_snapshot!(said.map(|said| said.to_string()).join("\n"));
}

#[test]
fn what_the_contract_kept_is_dropped_later_and_only_when_asked() {
    let scene = Scene::data();
    scene.run("run").expect(0);
    let done = scene.run("migrate --lang en").expect(0);
    let digest = scene.json("digest").expect(0).text("digest");
    let asks = scene.run("migrate --finalize --lang en").expect(2);
    assert_eq!(scene.json("digest").expect(0).text("digest"), digest);
    let finalized = scene.json("migrate --finalize --yes").expect(0);
    assert_eq!(finalized.text("digest_before"), digest);
    assert_eq!(
        scene.sqlite("SELECT count(*) FROM pragma_table_info('activos') WHERE name='especificaciones_v1'"),
        "0"
    );
    assert_eq!(
        scene.sqlite("SELECT count(*) FROM pragma_table_info('activos') WHERE name='especificaciones'"),
        "1"
    );
    // What was dropped is in the backup that it made.
    let restored = scene
        .json(&format!("restore {} --into before.db", finalized.text("backup")))
        .expect(0);
    assert_eq!(restored.text("digest"), digest);
    assert_snapshot!(format!("{done}\n{asks}\n{finalized}"));
}

#[test]
fn none_is_configured() {
    let scene = Scene::empty();
    assert_snapshot!(scene.run("migrate --lang en").expect(2));
    assert!(
        scene
            .json("migrate")
            .fails(2, "usage")
            .hint
            .contains("[migration]")
    );
}
