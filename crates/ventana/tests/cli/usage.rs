//! Calls and configurations that are wrong: exit code 2, what is wrong and where, and what to do next.

use insta::assert_snapshot;

use super::scene::Scene;

/// Each of these needs nothing but arguments to be refused.
const CALLS: [&str; 8] = [
    "plan --nonsense",
    "nonsense",
    "plan extra",
    "run --step",
    "--lang fr status",
    "--config nowhere.toml status",
    "restore x",
    "backup nonsense",
];

#[test]
fn calls() {
    let scene = Scene::empty();
    let mut said = scene.run("").expect(2).to_string();
    for call in CALLS {
        let human = scene.run(call).expect(2);
        assert!(human.output.stdout.is_empty(), "{}", human.output);
        said.push_str(&format!("\n{human}"));
        let failed = scene.json(call).fails(2, "usage");
        assert!(
            !failed.message.is_empty() && !failed.hint.is_empty(),
            "{call}: {failed:?}"
        );
    }
    assert!(scene.files().is_empty());
    assert_snapshot!(said);
}

/// The configuration, and what of it must be pointed at.
const FILES: [(&str, &str); 7] = [
    ("service = \"x\"\n\n[backup]\nfolder = \"/b\"\n", "line 4"),
    ("servise = \"x\"\n", "line 1"),
    ("service = 3\n", "line 1"),
    ("service = \"x\"\n[fence]\nretry_after = \"soon\"\n", "line 3"),
    ("service = \"x\"\n[backup]\nverify_final = \"never\"\n", "line 3"),
    ("service = \"x\"\n[smoke]\nwithin = 3\n", "line 2"),
    ("service = \"x\n", "line 1"),
];

#[test]
fn configuration_files() {
    let scene = Scene::empty();
    let mut said = String::new();
    for (text, line) in FILES {
        scene.file("ventana.toml", text);
        let human = scene.run("status --lang en").expect(2);
        said.push_str(&format!("{human}\n"));
        let failed = scene.json("plan").fails(2, "usage");
        assert!(
            failed.message.contains(line) && failed.message.contains("ventana.toml"),
            "{text}: {failed:?}"
        );
        assert!(failed.hint.contains("ventana.example.toml"), "{failed:?}");
    }
    assert_snapshot!(said);
}

#[test]
fn an_environment_of_the_file_is_checked_like_the_rest() {
    let scene = Scene::data();
    scene.configure_more("[env.staging.backup]\nfolder = \"x\"\n");
    let wrong = scene.run("status --lang en").expect(2);
    assert_eq!(
        scene.json("--env staging plan").fails(2, "usage").message,
        scene.json("plan").fails(2, "usage").message,
        "whichever is asked for"
    );
    scene.configure("[env.staging.backup]\nfolder", "[env.staging.backup]\ndir");
    // A slip of the pen does not end in production.
    let unknown = scene.run("--env stagin status --lang en").expect(2);
    assert!(
        scene
            .json("--env stagin plan")
            .fails(2, "usage")
            .hint
            .contains("staging")
    );
    assert_snapshot!(format!("{wrong}\n{unknown}"));
}

#[test]
fn databases() {
    let cases: [&[(&str, &str)]; 8] = [
        &[],
        &[
            ("DATABASE_URL", "sqlite:///x.db"),
            ("DB_NAME", "inventario"),
            ("DB_PASS", "Geheim-7"),
        ],
        &[
            ("DB_NAME", "inventario"),
            ("DB_PASS", "Geheim-7"),
            ("DB_PASSWORD", "Geheim-8"),
        ],
        &[("DB_NAME", "inventario"), ("DB_DATABASE", "otra")],
        &[("DB_NAME", "inventario"), ("DB_PORT", "many")],
        &[("DATABASE_URL", "postgres://ana:Geheim-7@host/db")],
        &[("DATABASE_URL", "mysql://ana:Geheim-7@host:port/db")],
        &[("DATABASE_URL", "nonsense Geheim-7")],
    ];
    let mut said = String::new();
    for variables in cases {
        let scene = Scene::empty();
        for (name, value) in variables {
            scene.env(name, *value);
        }
        let human = scene.run("digest --lang en").expect(2);
        assert!(!human.everything().contains("Geheim"), "{}", human.output);
        said.push_str(&format!("{variables:?}\n{human}\n"));
        let failed = scene.json("digest");
        assert!(
            !failed.said.everything().contains("Geheim"),
            "{}",
            failed.said.output
        );
        let failed = failed.expect(2);
        let error = &failed.document["error"];
        assert!(
            error["message"].is_string() && error["hint"].is_string(),
            "{failed}"
        );
    }
    assert_snapshot!(said);
}
