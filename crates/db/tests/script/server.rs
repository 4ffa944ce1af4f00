//! What we read is what a MariaDB server reads.

use std::fs;

use db::script::dump::{Action, CheckOptions, Definer, DumpFile, Events, Part, Policy};
use db::script::{Kind, Lexer, Reading, Syntax, Token, canonical};
use mysql::prelude::Queryable;
use mysql::{Conn, Opts, OptsBuilder};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use testkit::MariaDb;

fn connect(server: &MariaDb, schema: &str) -> Conn {
    let url = server.url("root", "", schema);
    let opts = OptsBuilder::from_opts(Opts::from_url(&url).unwrap()).prefer_socket(false);
    Conn::new(opts).unwrap()
}

/// Pieces of expressions that a lexer may cut wrongly.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "1",
        "2.5",
        ".5",
        "1e1",
        "0x41",
        "0b1",
        "X'42'",
        "N'n'",
        "_utf8mb4'u'",
        "_utf8mb4 'u'",
        "'a'",
        "\"b\"",
        "'it''s'",
        "'x\\'y'",
        "\"q\\\"r\"",
        "'\\\\'",
        "\"''\"",
        "'/*'",
        "'-- '",
        "NULL",
        "+",
        "-",
        "*",
        "/",
        ",",
        ",",
        ",",
        ",",
        " ",
        "\n",
        "(",
        ")",
        "-- c '\n",
        "--",
        "# d \"\n",
        "/* e ' */",
        "/**/",
        "/*/ f */",
        "/*!50003 3, */",
        "/*!50003",
        "/*!50700 4, */",
        "/*!99999 5, */",
        "/*!100100 6, */",
        "/*M!100100 7, */",
        "/*M!50700 8, */",
        "/*!999999 9, */",
        "/*M!999999 9, */",
        "/*! 10, */",
        "*/",
        "/*!50003 '*/', */",
        "/*!99999 '*/', */",
        "/*!50003 /* g */ 11, */",
        "/*!99999 /* h */ 12, */",
        "/*!40101,*/",
        "@@version,",
        "@v,",
        "@`v`,",
        "@'v',",
        ":=",
        "=",
        "<=>",
        "||",
        "\\N",
        ";",
        "1a",
        "dual",
    ]);
    prop::collection::vec(piece, 1..14).prop_map(|pieces| pieces.concat())
}

/// A text and the code that we read in it, blanks between all tokens, give the same values or both fail.
#[test]
fn readings_agree() {
    let server = MariaDb::shared();
    let schema = server.schema("script_readings");
    let mut conn = connect(server, schema.name());
    let version: String = conn.query_first("SELECT @@version").unwrap().unwrap();
    let numbers: Vec<u32> = version
        .split(['.', '-'])
        .take(3)
        .map(|part| part.parse().unwrap())
        .collect();
    let reading = Reading::Server {
        mariadb: true,
        version: numbers[0] * 10_000 + numbers[1] * 100 + numbers[2],
    };
    let mut good = 0;
    for mode in ["", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES"] {
        conn.query_drop(format!("SET sql_mode='{mode}'")).unwrap();
        conn.query_drop("SET @v='V'").unwrap();
        let syntax = Syntax::with_sql_mode(mode);
        // The same texts in every run: a failure here is to be found again.
        let mut runner = TestRunner::deterministic();
        for _ in 0..4000 {
            let list = soup().new_tree(&mut runner).unwrap().current();
            let text = format!("SELECT CONCAT_WS('|', 'first',{list},'last')");
            let tokens: Vec<Token> = Lexer::reading(text.as_bytes(), syntax, reading).collect();
            let mark = |token: &&Token| matches!(token.kind, Kind::ConditionOpen | Kind::ConditionClose);
            if tokens
                .iter()
                .rfind(mark)
                .is_some_and(|token| token.kind == Kind::ConditionOpen)
            {
                // Left open at the end, which no token says. The splitter does.
                continue;
            }
            let code: Vec<&str> = tokens
                .iter()
                .filter(|token| token.kind.is_code())
                .map(|token| &text[token.range()])
                .collect();
            let mut run = |sql: &str| -> Result<Vec<Option<Vec<u8>>>, u16> {
                let mut values = Vec::new();
                let result = conn.query_iter(sql).and_then(|mut result| {
                    while let Some(set) = result.iter() {
                        for row in set {
                            values.push(row?.get::<Option<Vec<u8>>, _>(0).flatten());
                        }
                    }
                    Ok(())
                });
                match result {
                    Ok(()) => Ok(values),
                    Err(mysql::Error::MySqlError(error)) => Err(error.code),
                    Err(other) => panic!("{sql}: {other}"),
                }
            };
            let (theirs, ours) = (run(&text), run(&code.join(" ")));
            good += usize::from(theirs.is_ok());
            assert_eq!(
                theirs.as_ref().ok(),
                ours.as_ref().ok(),
                "sql_mode={mode}\n{text}\n{}\n{theirs:?} {ours:?}",
                code.join(" ")
            );
        }
    }
    assert!(good > 500, "only {good} texts were SQL at all");
}

const OBJECTS: &str = "
CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, own int, v text, b blob, g int AS (own + 1) STORED, f double);
INSERT INTO t (own, v, b, f) VALUES (1, 'a;b\\n''c''', X'00FF27', 0.1), (2, NULL, '', -1e300), (3, 'ñ 🙂 \\\\ \"', NULL, NULL);
CREATE TABLE `odd ``name` (`select` int, `a b` varchar(9) DEFAULT 'x;y' COMMENT 'it''s');
INSERT INTO `odd ``name` VALUES (1, 'own.t');
CREATE SEQUENCE sq START WITH 5;
CREATE VIEW v AS SELECT t.id, o.`a b` FROM t JOIN `odd ``name` o ON o.`select` = t.id WHERE t.v <> 'x' OR t.own IN (SELECT own FROM t own);
CREATE VIEW v_on_v AS SELECT count(*) AS `count` FROM v UNION ALL SELECT id FROM OTHER.u;
DELIMITER //
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW BEGIN
  -- a comment; with ' in it
  IF NEW.v IS NULL THEN SET NEW.v = 'none; given'; ELSEIF NEW.own > 3 THEN SET NEW.own = (SELECT max(own) FROM OWN.t own); END IF;
END//
CREATE PROCEDURE p(IN x int, OUT y int) COMMENT 'counts OWN.t'
BEGIN
  DECLARE done int DEFAULT 0;
  DECLARE c CURSOR FOR SELECT id FROM OWN.t;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = 1;
  OPEN c; l: LOOP FETCH c INTO y; IF done THEN LEAVE l; END IF; END LOOP l; CLOSE c;
  SELECT count(*) INTO y FROM OWN.t, t b WHERE t.id = b.id AND OWN.t.own < CASE x WHEN 1 THEN 9 ELSE 8 END;
  CALL OWN.q();
END//
CREATE PROCEDURE q() SELECT OWN.fn(1), nextval(OWN.sq)//
CREATE FUNCTION fn(a int) RETURNS varchar(20) CHARSET utf8mb4 DETERMINISTIC RETURN concat('<', a, '>')//
SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'//
CREATE PROCEDURE ansi() BEGIN SELECT \"id\", '\\' FROM \"OWN\".\"t\" WHERE v = ';'; END//
SET sql_mode = DEFAULT//
CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' ON COMPLETION PRESERVE ENABLE COMMENT 'x' DO BEGIN UPDATE OWN.t SET own = own + 1; END//
DELIMITER ;
";

/// `mysqldump`, restored beside its source: the same rows and, in canonical form, the same definitions.
#[test]
fn a_copy_is_the_same() {
    let server = MariaDb::shared();
    let own = server.schema("script_own");
    let other = server.schema("script_other");
    let copy = server.schema("script_copy");
    other.query("CREATE TABLE u (id int); INSERT INTO u VALUES (7)");
    own.query(&OBJECTS.replace("OWN", own.name()).replace("OTHER", other.name()));
    let before = state(server, own.name());
    let folder = tempfile::tempdir().unwrap();
    for hex in [true, false] {
        let path = folder.path().join("dump.sql");
        let mut dump = server.dump_client();
        dump.args([
            "--single-transaction",
            "--routines",
            "--triggers",
            "--events",
            "--databases",
            own.name(),
        ]);
        dump.args(hex.then_some("--hex-blob"));
        let output = dump.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        fs::write(&path, &output.stdout).unwrap();

        let file = DumpFile::open(&path).unwrap();
        let options = CheckOptions::default();
        let facts = file
            .check(&options, &mut |_| {})
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(facts.source.as_deref(), Some(own.name()));
        assert_eq!(
            (
                facts.tables,
                facts.views,
                facts.triggers,
                facts.routines,
                facts.events
            ),
            (2, 2, 1, 4, 1)
        );
        assert_eq!(
            facts
                .reads
                .iter()
                .map(|one| one.name.as_str())
                .collect::<Vec<_>>(),
            [other.name()]
        );
        server.query(&format!("DROP DATABASE {0}; CREATE DATABASE {0}", copy.name()));
        let mut conn = connect(server, copy.name());
        let policy = Policy {
            into: copy.name().to_owned(),
            definer: Definer::Map("CURRENT_USER".to_owned()),
            events: Events::Disable,
        };
        let mut taken = 0;
        for action in file.statements(&facts, &options, &policy).unwrap() {
            if let Action::Send(one) = action.unwrap() {
                let sql = String::from_utf8(one.text).unwrap();
                conn.query_drop(&sql)
                    .unwrap_or_else(|error| panic!("line {}: {sql}\n{error}", one.line));
                if let Part::Rows { rows, .. } = one.part {
                    assert_eq!(rows, Some(conn.affected_rows()));
                    taken += conn.affected_rows();
                }
            }
        }
        assert_eq!(taken, facts.rows.values().map(|rows| rows.rows).sum::<u64>());
        assert_eq!(state(server, copy.name()), before, "hex-blob: {hex}");
        let events = server.query(&format!(
            "SELECT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA='{}'",
            copy.name()
        ));
        assert_eq!(events, [[Some("DISABLED".to_owned())]]);
        // The copied procedures work on the copy.
        conn.query_drop("DELETE FROM t WHERE id = 3").unwrap();
        conn.query_drop("CALL p(1, @y)").unwrap();
        let counted: Option<(i64, i64)> = conn
            .query_first(format!(
                "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM {}.t)",
                own.name()
            ))
            .unwrap();
        assert_eq!(counted, Some((2, 3)));
    }
}

/// Definitions in canonical form, and checksums of the rows.
fn state(server: &MariaDb, schema: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (kind, sql) in [
        (
            "view",
            "SELECT TABLE_NAME, VIEW_DEFINITION, '' FROM information_schema.VIEWS WHERE TABLE_SCHEMA='S' ORDER BY 1",
        ),
        (
            "trigger",
            "SELECT TRIGGER_NAME, ACTION_STATEMENT, SQL_MODE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA='S' ORDER BY 1",
        ),
        (
            "routine",
            "SELECT ROUTINE_NAME, ROUTINE_DEFINITION, SQL_MODE FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA='S' ORDER BY 1",
        ),
        (
            "event",
            "SELECT EVENT_NAME, EVENT_DEFINITION, SQL_MODE FROM information_schema.EVENTS WHERE EVENT_SCHEMA='S' ORDER BY 1",
        ),
    ] {
        for row in server.query(&sql.replace("'S'", &format!("'{schema}'"))) {
            let [name, text, mode] = &row[..] else {
                panic!("{row:?}")
            };
            let syntax = Syntax::with_sql_mode(mode.as_deref().unwrap_or_default());
            let text = canonical(text.as_deref().unwrap(), syntax, Some(schema));
            assert!(!text.contains(schema), "{text}");
            found.push(format!("{kind} {} {text}", name.as_deref().unwrap()));
        }
    }
    for table in ["t", "`odd ``name`"] {
        let rows = server.query(&format!("CHECKSUM TABLE {schema}.{table}"));
        found.push(format!("rows {table} {:?}", rows[0][1]));
    }
    let columns = format!(
        "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, COLUMN_DEFAULT, COLUMN_COMMENT FROM information_schema.COLUMNS WHERE TABLE_SCHEMA='{schema}' ORDER BY 1, ORDINAL_POSITION"
    );
    found.push(format!("{:?}", server.query(&columns)));
    found
}
