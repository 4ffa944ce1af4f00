use insta::assert_snapshot;

use super::scene::Scene;

const VERBS: [&str; 18] = [
    "init", "check", "plan", "rehearse", "run", "resume", "status", "rollback", "backup", "restore",
    "digest", "deploy", "migrate", "smoke", "fence", "report", "note", "demo",
];

#[test]
fn of_all_verbs() {
    let scene = Scene::empty();
    let top = scene.run("--help").expect(0);
    let mut said = top.to_string();
    for verb in VERBS {
        assert!(
            top.output.stdout.contains(&format!("\n  {verb} ")),
            "{verb} is not listed"
        );
        let help = scene.run(&format!("{verb} --help")).expect(0);
        assert!(
            help.output.stderr.is_empty() && help.output.stdout.contains("--json"),
            "{}",
            help.output
        );
        assert_eq!(
            scene.run(&format!("help {verb}")).expect(0).output.stdout,
            help.output.stdout
        );
        said.push_str(&format!("\n{help}"));
    }
    for sub in [
        "backup list",
        "backup verify",
        "backup copy",
        "fence on",
        "fence off",
        "fence status",
        "report verify",
    ] {
        said.push_str(&format!("\n{}", scene.run(&format!("{sub} --help")).expect(0)));
    }
    assert_snapshot!(said);
}

#[test]
fn no_verb_is_left_out() {
    let top = Scene::empty().run("--help").expect(0).output.stdout;
    let listed = top
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let names: Vec<&str> = listed
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert_eq!(names, VERBS);
}

#[test]
fn version() {
    let said = Scene::empty().run("--version").expect(0);
    assert_eq!(
        said.output.stdout,
        format!("ventana {}\n", env!("CARGO_PKG_VERSION"))
    );
}
