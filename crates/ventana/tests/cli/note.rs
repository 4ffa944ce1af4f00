use insta::assert_snapshot;

use super::scene::Scene;

#[test]
fn stands_in_the_journal_and_the_report() {
    let scene = Scene::data();
    scene.run("run").expect(0);
    scene.file("captura.txt", "what was seen\n");
    let human = scene
        .run("note 'disco lento durante la copia' --lang es")
        .expect(0);
    let json = scene.json("note 'with a file' --attach captura.txt").expect(0);
    let attached = scene
        .run("note 'and again' --attach captura.txt --lang en")
        .expect(0);
    assert_snapshot!(format!("{human}\n{json}\n{attached}"));
    let run = scene.run_dir();
    let attachment = json.document["attachment"]["name"].as_str().unwrap();
    assert_eq!(
        std::fs::read_to_string(run.join(attachment)).unwrap(),
        "what was seen\n"
    );
    for file in ["journal.jsonl", "report.html", "report.md"] {
        let text = std::fs::read_to_string(run.join(file)).unwrap();
        assert!(text.contains("disco lento durante la copia"), "{file}");
    }
    scene.json("report verify").expect(0);
    std::fs::write(run.join(attachment), "what was not seen\n").unwrap();
    scene.json("report verify").expect(12);
}

#[test]
fn what_cannot_be_noted() {
    let scene = Scene::data();
    let mut said = scene.run("note 'nobody to tell' --lang en").expect(2).to_string();
    scene.json("note 'nobody to tell'").fails(2, "usage");
    scene.run("run --step backup_a").expect(0);
    for line in ["note ' '", "note 'x' --run 20200101", "note"] {
        said.push_str(&format!(
            "\n{}",
            scene.run(&format!("{line} --lang en")).expect(2)
        ));
        scene.json(line).fails(2, "usage");
    }
    said.push_str(&format!(
        "\n{}",
        scene.run("note 'x' --attach nowhere.txt --lang en").expect(1)
    ));
    scene.json("note 'x' --attach nowhere.txt").fails(1, "io");
    assert_snapshot!(said);
}
