use insta::assert_snapshot;
use testkit::port::Port;
use testkit::{bin, http};

use super::scene::{Json, Said, Scene};

fn demo(scene: &Scene, more: &str) -> String {
    let port = Port::reserve().unwrap();
    let inventario = bin("inventario");
    let folder = scene.path("demo");
    format!(
        "demo --once --rows 60 --folder {} --port {} --inventario {} {more}",
        folder.display(),
        port.number(),
        inventario.display()
    )
}

/// The snapshots say `[inventario]` for the binary's place.
fn shown(said: &Said) -> String {
    said.to_string()
        .replace(&bin("inventario").display().to_string(), "[inventario]")
}

#[test]
fn a_whole_window_as_a_document() {
    let scene = Scene::empty();
    let ran: Json = scene.json(&demo(&scene, "")).expect(0);
    let document = &ran.document;
    for name in [
        "run",
        "digest_before",
        "digest_after",
        "journal",
        "report",
        "database_url",
        "backup",
        "url",
    ] {
        assert!(document[name].is_string(), "{name}\n{ran}");
    }
    let counted = |group: &str, names: &[&str]| {
        names
            .iter()
            .map(|name| {
                document[group][*name]
                    .as_u64()
                    .unwrap_or_else(|| panic!("{group}.{name}\n{ran}"))
            })
            .sum::<u64>()
    };
    assert_eq!(
        counted(
            "classes",
            &[
                "valid_object",
                "valid_other",
                "text",
                "truncated",
                "empty",
                "null"
            ]
        ),
        60,
        "every row is in exactly one class"
    );
    counted(
        "findings",
        &[
            "duplicate_keys",
            "nested",
            "big_numbers",
            "sensitive_key",
            "leading_blanks",
        ],
    );
    // `--once`: the service is gone, the folder stays, and the database holds what was promised.
    assert!(http::get(ran.text("url")).send().is_err());
    scene.env("DATABASE_URL", ran.text("database_url"));
    assert_eq!(
        scene.json("digest").expect(0).text("digest"),
        ran.text("digest_after")
    );
    assert_snapshot!(format!("{}\n{}", shown(&ran.said), ran.events()));
}

#[test]
fn a_step_that_fails_for_people() {
    let scene = Scene::empty();
    let ran = scene.run(&demo(&scene, "--no-rehearsal --lang en --fail-at migrate"));
    assert_eq!(ran.output.code, Some(3), "{}", ran.output);
    assert_snapshot!(shown(&ran));
}

#[test]
fn speaks_spanish() {
    let scene = Scene::empty();
    assert_snapshot!(shown(
        &scene.run(&demo(&scene, "--no-rehearsal --lang es")).expect(0)
    ));
}

#[test]
fn what_it_refuses() {
    let scene = Scene::empty();
    scene.file("full/file", "x");
    let mut said = String::new();
    for line in [
        "demo --once --fail-at nonsense".to_owned(),
        "demo --once --folder full".to_owned(),
        "demo --once --folder fresh --inventario nowhere".to_owned(),
        "demo --once --database oracle".to_owned(),
    ] {
        said.push_str(&format!(
            "{}\n",
            scene.run(&format!("{line} --lang en")).expect(2)
        ));
        scene.json(&line).fails(2, "usage");
    }
    assert_snapshot!(said);
}
