use insta::assert_snapshot;
use testkit::fault;

use super::scene::Scene;

#[test]
fn is_written_again_and_verified() {
    let scene = Scene::data();
    scene.run("run").expect(0);
    let run = scene.run_dir();
    for file in ["report.html", "report.md", "evidence.json"] {
        std::fs::remove_file(run.join(file)).unwrap();
    }
    let written = scene.run("report --lang en").expect(0);
    let json = scene.json("report").expect(0);
    for file in ["report", "markdown", "evidence"] {
        assert!(std::path::Path::new(&json.text(file)).is_file(), "{file}");
    }
    let verified = scene.run("report verify --lang en").expect(0);
    assert_eq!(scene.json("report verify").expect(0).document["verified"], true);
    assert_snapshot!(format!("{written}\n{json}\n{verified}"));
}

#[test]
fn whoever_changes_a_word_is_found_out() {
    let scene = Scene::data();
    scene.run("run").expect(0);
    let run = scene.run_dir();
    let mut said = String::new();
    for file in ["journal.jsonl", "evidence.json", "plan.json"] {
        let path = run.join(file);
        let kept = std::fs::read(&path).unwrap();
        let text = String::from_utf8(kept.clone()).unwrap();
        // One letter, where it still parses.
        let changed = text.replacen("backs the live database up", "backs the live database UP", 1);
        let changed = if changed == text {
            text.replacen("production", "Production", 1)
        } else {
            changed
        };
        if changed == text {
            fault::flip_byte(&path, 40);
        } else {
            std::fs::write(&path, changed).unwrap();
        }
        let json = scene.json("report verify");
        assert_eq!(json.said.output.code, Some(12), "{file}\n{}", json.said.output);
        said.push_str(&format!(
            "{file} is changed\n{}\n",
            scene.run("report verify --lang en").expect(12)
        ));
        std::fs::write(&path, kept).unwrap();
    }
    scene.run("report verify").expect(0);
    assert_snapshot!(said);
}

#[test]
fn of_no_run() {
    let scene = Scene::data();
    assert_snapshot!(scene.run("report --lang en").expect(2));
    assert!(!scene.json("report").fails(2, "usage").hint.is_empty());
    scene.json("report verify 20200101_000000").fails(2, "usage");
}
