//! Verbs and dangers, by the corpus.

use db::script::{Change, Class, Syntax, Verb, classify, danger, dangers, lint};

fn run(corpus: &str, syntax: Syntax) {
    let mut wrong = String::new();
    for line in corpus.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.splitn(3, '|');
        let verb = parts.next().unwrap().trim();
        let class = parts.next().unwrap().trim();
        let text = parts.next().unwrap().trim();
        let found = classify(text.as_bytes(), syntax).to_string();
        let danger = danger(text.as_bytes(), syntax);
        let found_class = danger
            .as_ref()
            .map_or("-".to_owned(), |danger| format!("{:?}", danger.class));
        if found != verb || found_class != class {
            wrong.push_str(&format!(
                "{text}\n   expected {verb} {class}, found {found} {danger:?}\n"
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn mariadb() {
    run(include_str!("../corpus/verbs-mariadb.txt"), Syntax::MARIADB);
}

#[test]
fn sqlite() {
    run(include_str!("../corpus/verbs-sqlite.txt"), Syntax::SQLITE);
}

#[test]
fn changes_are_named() {
    let verb = classify(
        b"ALTER TABLE activos CHANGE especificaciones especificaciones_v1 TEXT, CHANGE `especificaciones_json` especificaciones JSON",
        Syntax::MARIADB,
    );
    let change = |from: &str, to: &str| Change::ChangeColumn {
        from: from.into(),
        to: to.into(),
    };
    assert_eq!(
        verb,
        Verb::AlterTable(vec![
            change("especificaciones", "especificaciones_v1"),
            change("especificaciones_json", "especificaciones")
        ])
    );
    let found = danger(b"ALTER TABLE s.t ADD x INT, DROP COLUMN `y z`", Syntax::MARIADB).unwrap();
    assert_eq!(found.what, "ALTER TABLE s.t DROP COLUMN y z");
    assert_eq!(
        found.to_string(),
        "ALTER TABLE s.t DROP COLUMN y z: the column's values are gone"
    );
}

#[test]
fn every_reading_is_judged() {
    // MariaDB reads a SELECT, MySQL 8 a DROP.
    let found = dangers(
        b"/*M!100100 SELECT 1 FROM */ /*!80000 DROP TABLE */ t",
        Syntax::MARIADB,
    );
    assert!(
        found.iter().any(|danger| danger.class == Class::Destroys),
        "{found:?}"
    );
}

#[test]
fn a_list_tells_which_statement() {
    let found = lint(
        ["SELECT 1", "DROP TABLE a", "ALTER TABLE b DROP c, DROP d"],
        Syntax::MARIADB,
    );
    let places: Vec<(usize, &str)> = found
        .iter()
        .map(|one| (one.statement, one.danger.what.as_str()))
        .collect();
    assert_eq!(
        places,
        [
            (1, "DROP TABLE a"),
            (2, "ALTER TABLE b DROP COLUMN c"),
            (2, "ALTER TABLE b DROP COLUMN d")
        ]
    );
}

#[test]
fn quotes_follow_the_session() {
    let text = br#"SELECT "a\" ; DROP TABLE t -- ""#;
    assert_eq!(classify(text, Syntax::MARIADB), Verb::Select);
    assert_eq!(
        classify(text, Syntax::with_sql_mode("ANSI_QUOTES")),
        Verb::Several
    );
    assert_eq!(
        classify(text, Syntax::with_sql_mode("NO_BACKSLASH_ESCAPES")),
        Verb::Several
    );
    assert_eq!(classify(text, Syntax::with_sql_mode("4")), Verb::Several);
}
