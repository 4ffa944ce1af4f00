//! Somebody kills the window while backup A is being copied off site, and takes the run back: nobody goes on with that copy,
//! so nothing of it stays.

use testkit::Output;

use crate::world::{Fixture, Scene, data};

/// Folders off site that are not finished.
fn halves(scene: &Scene) -> Vec<String> {
    let entries = std::fs::read_dir(scene.path("off-site")).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".partial")).collect()
}

fn killed_at(scene: &Scene, point: u32) -> Output {
    let run = scene.ventana(["run"]);
    run.env("VENTANA_TEST_KILL", format!("point:{point}")).run()
}

#[test]
fn a_run_that_is_taken_back_leaves_no_half_copy_off_site() {
    let fixture = Fixture::new();
    let original = data::dump(&fixture.database());
    let (mut tried, mut back) = (0, ["rollback", "resume"].into_iter());
    for point in 1..60 {
        let scene = Scene::new(&fixture);
        let output = killed_at(&scene, point);
        assert_eq!(output.signal, Some(9), "it never came to a half copy: {output}");
        if halves(&scene).is_empty() {
            continue;
        }
        tried += 1;
        let way = back.next().unwrap();
        scene.run([way]).ok();
        assert!(halves(&scene).is_empty(), "after {way}: {:?}", halves(&scene));
        if way == "rollback" {
            data::assert_same(&data::dump(&scene.database()), &original, "the data");
        } else {
            return assert_eq!(tried, 2);
        }
    }
    panic!("it never came to a half copy");
}
