//! Dump files: complete ones, cut ones, and ones that would write elsewhere.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use db::script::dump::{
    Action, CheckOptions, Compression, Definer, DumpError, DumpFile, Events, Facts, Part, Policy, Reason,
};
use db::script::{Splitter, Syntax};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/fixtures/inventario_20251106_230000.sql.zst")
}

fn fixture_text() -> Vec<u8> {
    zstd::decode_all(fs::File::open(fixture()).unwrap()).unwrap()
}

fn check(path: &Path) -> Result<Facts, DumpError> {
    check_with(path, &CheckOptions::default())
}

fn check_with(path: &Path, options: &CheckOptions) -> Result<Facts, DumpError> {
    DumpFile::open(path)?.check(options, &mut |_| {})
}

fn policy() -> Policy {
    Policy {
        into: "staging".to_owned(),
        definer: Definer::Keep,
        events: Events::Disable,
    }
}

fn actions(path: &Path, options: &CheckOptions, policy: &Policy) -> Vec<Action> {
    let file = DumpFile::open(path).unwrap();
    let facts = file
        .check(options, &mut |_| {})
        .unwrap_or_else(|error| panic!("{error}"));
    file.statements(&facts, options, policy)
        .unwrap()
        .map(|action| action.unwrap())
        .collect()
}

fn sent(actions: &[Action]) -> Vec<String> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Send(one) => Some(String::from_utf8_lossy(&one.text).trim_end().to_owned()),
            Action::Skip { .. } => None,
        })
        .collect()
}

/// A dump of the database `own` around these statements.
fn dump(body: &str) -> Vec<u8> {
    format!(
        "-- MariaDB dump 10.19  Distrib 10.11.14-MariaDB\n--\n-- Host: localhost    Database: own\n\
         -- ------------------------------------------------------\n-- Server version\t10.11.14-MariaDB\n\n\
         CREATE DATABASE /*!32312 IF NOT EXISTS*/ `own` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci */;\n\
         USE `own`;\n{body}\n\n-- Dump completed on 2025-11-06 23:00:01\n"
    )
    .into_bytes()
}

#[test]
fn the_shared_dump() {
    let facts = check(&fixture()).unwrap();
    assert_eq!(facts.source.as_deref(), Some("inventario"));
    assert_eq!(facts.databases.len(), 1);
    assert_eq!(facts.databases[0].character_set.as_deref(), Some("utf8mb4"));
    assert_eq!(
        facts.databases[0].collation.as_deref(),
        Some("utf8mb4_general_ci")
    );
    assert!(facts.sandbox);
    assert!(
        facts
            .made_by
            .as_deref()
            .unwrap()
            .starts_with("MariaDB dump 10.19")
    );
    assert!(facts.server.as_deref().unwrap().starts_with("10.11"));
    assert!(
        facts
            .trailer
            .as_deref()
            .unwrap()
            .starts_with("-- Dump completed on")
    );
    let rows: Vec<(&str, u64, bool)> = facts
        .rows
        .iter()
        .map(|(table, rows)| (table.as_str(), rows.rows, rows.exact))
        .collect();
    assert_eq!(
        rows,
        [
            ("activos", 5000, true),
            ("categorias", 10, true),
            ("mantenimientos", 6959, true),
            ("roles", 2, true),
            ("usuarios", 3, true),
        ]
    );
    assert_eq!(
        (
            facts.tables,
            facts.views,
            facts.triggers,
            facts.routines,
            facts.events
        ),
        (5, 1, 1, 1, 0)
    );
    assert_eq!(facts.definers.len(), 1);
    assert_eq!(
        (facts.definers[0].name.as_str(), facts.definers[0].statements),
        ("`root`@`localhost`", 3)
    );
    let redirected: Vec<(&str, u64)> = facts
        .redirected
        .iter()
        .map(|one| (one.name.as_str(), one.statements))
        .collect();
    assert_eq!(
        redirected,
        [("CREATE DATABASE inventario", 1), ("USE inventario", 2)]
    );
    assert!(facts.reads.is_empty());
}

/// All that is not redirected is sent byte for byte: nothing in this dump is qualified.
#[test]
fn the_shared_dump_is_sent_whole() {
    let text = fixture_text();
    let all: Vec<Vec<u8>> = Splitter::new(&text[..], Syntax::MARIADB)
        .map(|statement| statement.unwrap().text)
        .collect();
    let actions = actions(&fixture(), &CheckOptions::default(), &policy());
    assert_eq!(actions.len(), all.len());
    for (action, text) in actions.iter().zip(&all) {
        match action {
            Action::Send(one) => assert_eq!(one.text, *text),
            Action::Skip {
                reason: Reason::Redirected(_),
                ..
            } => {
                assert!(text.starts_with(b"USE") || text.starts_with(b"CREATE DATABASE"));
            }
            Action::Skip { .. } => panic!("{action:?}"),
        }
    }
}

#[test]
fn every_compression() {
    let folder = Folder::new();
    let text = dump("INSERT INTO `t` VALUES (1,'a;b'),(2,NULL);");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&text).unwrap();
    let mut two = zstd::encode_all(&text[..100], 3).unwrap();
    two.extend(zstd::encode_all(&text[100..], 3).unwrap());
    let mut marked = vec![0xef, 0xbb, 0xbf];
    marked.extend(&text);
    for (name, bytes, compression) in [
        ("plain", text.clone(), Compression::Plain),
        ("gz", gzip.finish().unwrap(), Compression::Gzip),
        ("zst", zstd::encode_all(&text[..], 3).unwrap(), Compression::Zstd),
        ("frames", two, Compression::Zstd),
        ("marked", marked, Compression::Plain),
    ] {
        let path = folder.write(name, &bytes);
        assert_eq!(DumpFile::open(&path).unwrap().compression(), compression);
        let facts = check(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(facts.rows["t"].rows, 2, "{name}");
        assert_eq!(facts.source.as_deref(), Some("own"), "{name}");
    }
}

#[test]
fn what_is_no_dump() {
    let folder = Folder::new();
    for (bytes, says) in [
        (&b""[..], "empty"),
        (b"\xff\xfeC\0R\0", "UTF-16"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"PK\x03\x04abc", "zip"),
        (b"SQLite format 3\0", "SQLite"),
    ] {
        let error = check(&folder.write("x", bytes)).unwrap_err();
        assert!(
            matches!(error, DumpError::NotADump { .. }) && error.to_string().contains(says),
            "{error}"
        );
    }
    assert!(matches!(
        check(&folder.0.path().join("absent")).unwrap_err(),
        DumpError::Io { .. }
    ));
}

/// Cut right after each statement of the dump: every such file restores without an error and lacks tables.
#[test]
fn cut_between_statements() {
    let folder = Folder::new();
    let text = fixture_text();
    let ends: Vec<usize> = Splitter::new(&text[..], Syntax::MARIADB)
        .map(|statement| {
            let statement = statement.unwrap();
            let end = statement.offset as usize + statement.text.len();
            end + text[end..].iter().position(|byte| *byte == b'\n').unwrap() + 1
        })
        .collect();
    // The small ends at all, the rest at some: each cut is read whole.
    for end in ends
        .iter()
        .filter(|end| **end < 5_000)
        .chain(ends.iter().rev().step_by(7))
    {
        let error = check(&folder.write("cut", &text[..*end])).unwrap_err();
        assert!(matches!(error, DumpError::NoTrailer { .. }), "{end}: {error}");
    }
    let last = *ends.last().unwrap();
    let path = folder.write("cut", &text[..last]);
    let options = CheckOptions {
        allow_missing_trailer: true,
        ..CheckOptions::default()
    };
    assert_eq!(check_with(&path, &options).unwrap().trailer, None);
}

#[test]
fn cut_inside_a_statement() {
    let folder = Folder::new();
    let text = fixture_text();
    let options = CheckOptions {
        allow_missing_trailer: true,
        ..CheckOptions::default()
    };
    let statements: Vec<_> = Splitter::new(&text[..], Syntax::MARIADB)
        .map(|statement| statement.unwrap())
        .collect();
    for statement in statements.iter().step_by(5) {
        for length in [1, statement.text.len() / 2, statement.text.len()] {
            let end = statement.offset as usize + length;
            let error = check_with(&folder.write("cut", &text[..end]), &options).unwrap_err();
            match error {
                DumpError::CutOff { how, .. } => {
                    assert!(how.ends_with(&format!("line {}", statement.line)), "{how}");
                }
                other => panic!("{end}: {other}"),
            }
        }
    }
}

#[test]
fn cut_inside_compressed_data() {
    let folder = Folder::new();
    let zst = fs::read(fixture()).unwrap();
    for end in [5, 100, zst.len() / 2, zst.len() - 5, zst.len() - 1] {
        let error = check(&folder.write("cut.zst", &zst[..end])).unwrap_err();
        assert!(matches!(error, DumpError::CutOff { .. }), "{end}: {error}");
        assert!(error.to_string().contains("in the middle of a frame"), "{error}");
    }
    let text = fixture_text();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&text).unwrap();
    let gz = gzip.finish().unwrap();
    // Without the trailer, gzip's own and ours.
    for end in [12, gz.len() / 2, gz.len() - 9, gz.len() - 8, gz.len() - 1] {
        let error = check(&folder.write("cut.gz", &gz[..end])).unwrap_err();
        assert!(matches!(error, DumpError::CutOff { .. }), "{end}: {error}");
    }
    // A whole frame that holds half of the dump.
    let half = zstd::encode_all(&text[..text.len() / 2], 3).unwrap();
    assert!(matches!(
        check(&folder.write("half.zst", &half)).unwrap_err(),
        DumpError::CutOff { .. }
    ));
    // A flipped bit.
    let mut damaged = zst.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x10;
    let error = check(&folder.write("damaged.zst", &damaged)).unwrap_err();
    assert!(!matches!(error, DumpError::Refused { .. }), "{error}");
}

#[test]
fn the_trailer_counts_only_at_the_end() {
    let folder = Folder::new();
    for text in [
        "-- Dump completed on x\nINSERT INTO t VALUES (1);\n",
        "INSERT INTO t VALUES ('\n-- Dump completed on x\n');\n",
        "INSERT INTO t VALUES (1);\n-- Dump complet",
        "INSERT INTO t VALUES (1); -- Dump completed\n",
    ] {
        let error = check(&folder.write("x", text.as_bytes())).unwrap_err();
        assert!(matches!(error, DumpError::NoTrailer { .. }), "{text}: {error}");
    }
    assert!(check(&folder.write("x", b"INSERT INTO t VALUES (1);\n-- Dump completed")).is_ok());
    let error =
        check(&folder.write("x", b"INSERT INTO t VALUES (1);\n/* open\n-- Dump completed\n")).unwrap_err();
    assert!(matches!(error, DumpError::CutOff { .. }), "{error}");
}

/// Each is refused with its line, all at once, before anything could be sent.
#[test]
fn what_would_write_elsewhere() {
    let refused = [
        "SET GLOBAL max_connections = 1",
        "SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'a:1'",
        "SET @a = 1, @@persist.b = 2",
        "SET PASSWORD = 'x'",
        "GRANT ALL ON *.* TO a@b",
        "REVOKE ALL ON x.* FROM a",
        "CREATE USER a@b",
        "INSERT INTO mysql.user VALUES (1)",
        "INSERT INTO `other`.`t` VALUES (1,'x')",
        "REPLACE INTO other.t SELECT 1",
        "INSERT INTO t SELECT * FROM other.t",
        "INSERT INTO t VALUES (other.f())",
        "UPDATE other.t SET a=1",
        "UPDATE t JOIN other.u SET u.a=1",
        "DELETE FROM other.t",
        "DROP TABLE IF EXISTS a, other.t",
        "DROP DATABASE other",
        "ALTER DATABASE other CHARACTER SET latin1",
        "CREATE TABLE other.t (a int)",
        "CREATE TABLE t (a int, FOREIGN KEY (a) REFERENCES other.u (a))",
        "CREATE TABLE t (a int) ENGINE=FEDERATED CONNECTION='mysql://x'",
        "CREATE TABLE t (a int) DATA DIRECTORY='/tmp'",
        "CREATE TABLE t (a int) ENGINE = CONNECT",
        "CREATE TABLE t (a int) ENGINE=MERGE UNION=(other.t)",
        "UPDATE { OJ other.a LEFT OUTER JOIN t ON 1 } SET a.x = 1",
        "SELECT mystery.a FROM t",
        "RENAME TABLE a TO other.a",
        "ALTER TABLE a RENAME other.a",
        "TRUNCATE other.t",
        "LOCK TABLES other.t WRITE",
        "LOAD DATA INFILE 'x' INTO TABLE t",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "CALL p()",
        "DO sleep(1)",
        "PREPARE s FROM 'x'",
        "EXECUTE IMMEDIATE 'x'",
        "HANDLER other.t OPEN",
        "FLUSH PRIVILEGES",
        "CHANGE MASTER TO MASTER_LOG_FILE='x'",
        "INSTALL PLUGIN a SONAME 'b'",
        "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'x')",
        "source x.sql",
        "SELECT 1 /*!99999 '*/ , other.f() -- ' */",
        "/*M!100100 GRANT ALL ON *.* TO a */",
        "/*!99999 DROP TABLE other.t */",
        "SET NAMES gbk",
        "SET character_set_client = sjis",
        "SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')",
        "SET sql_mode = @unknown",
        "/*!80000 SET sql_mode = 'ANSI_QUOTES' */",
        "SET SESSION debug_dbug = 'd:o,/tmp/x'",
        "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW INSERT INTO other.log VALUES (1)",
        "CREATE PROCEDURE p() DELETE FROM mysql.user",
        "CREATE VIEW v AS SELECT other.f()",
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO CALL other.p()",
        "CREATE PROCEDURE p() EXECUTE IMMEDIATE 'DELETE FROM own.t'",
        "CREATE PROCEDURE p() SELECT 1 FROM t WHERE a = 'own'",
    ];
    let folder = Folder::new();
    let mut wrong = String::new();
    for statement in refused {
        let text = dump(&format!("SELECT 1;\nDELIMITER ;;\n{statement};;\nDELIMITER ;"));
        match check(&folder.write("x", &text)) {
            Err(DumpError::Refused {
                refusals, more: 0, ..
            }) if refusals.len() == 1 => {
                let refusal = &refusals[0];
                let begins = statement.starts_with(refusal.statement.trim_end_matches('…'));
                if !begins || refusal.line != 11 {
                    wrong.push_str(&format!("{statement}: {refusal}\n"));
                }
            }
            other => wrong.push_str(&format!("{statement}: {other:?}\n")),
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    let all = dump(&format!("{};", refused[..10].join(";\n")));
    match check(&folder.write("x", &all)) {
        Err(DumpError::Refused { refusals, .. }) => assert_eq!(refusals.len(), 10),
        other => panic!("{other:?}"),
    }
}

/// A view is a door: rows written to it land where it looks.
#[test]
fn rows_do_not_go_through_views() {
    let folder = Folder::new();
    for statement in [
        "INSERT INTO v VALUES (1)",
        "INSERT INTO V SELECT 1",
        "UPDATE v SET a=1",
        "DELETE FROM v",
    ] {
        let text = dump(&format!(
            "CREATE VIEW `v` AS SELECT a FROM other.t;\n{statement};"
        ));
        assert!(
            check(&folder.write("x", &text))
                .unwrap_err()
                .to_string()
                .contains("through which"),
            "{statement}"
        );
    }
    let text =
        dump("CREATE VIEW v AS SELECT 1;\nDROP VIEW v;\nCREATE TABLE v (a int);\nINSERT INTO v VALUES (1);");
    assert!(check(&folder.write("x", &text)).is_ok());
}

#[test]
fn what_is_fine() {
    let fine = [
        "SET NAMES utf8mb4",
        "SET SESSION sql_log_bin = 0",
        "SET TIME_ZONE='+00:00'",
        "SET @OLD=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO'",
        "LOCK TABLES `t` WRITE",
        "UNLOCK TABLES",
        "/*!40000 ALTER TABLE `t` DISABLE KEYS */",
        "CREATE SEQUENCE `s` start with 1",
        "DO SETVAL(`s`, 1, 0)",
        "CREATE TABLE t (a varchar(9) DEFAULT 'own' COMMENT 'own.x', b int CHECK (b > 0)) ENGINE=InnoDB",
        "INSERT INTO t (a, b) VALUES (1, 'own.t'), (-1.5e3, 0xff), (_binary 'x', X'00'), (NULL, DEFAULT)",
        "INSERT INTO t VALUES (uuid(), 'x')",
        "CREATE VIEW v AS SELECT a FROM other.t",
        "START TRANSACTION",
        "COMMIT",
        "ANALYZE TABLE t",
        "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 'of our own'",
        "CREATE PROCEDURE p() BEGIN DECLARE r ROW TYPE OF t; SET r.a = 1; SELECT x.a FROM t x WHERE x.b = r.a; END",
        "CREATE FUNCTION f() RETURNS int RETURN (SELECT count(*) FROM own.t)",
    ];
    let folder = Folder::new();
    for statement in fine {
        let text = dump(&format!("DELIMITER ;;\n{statement};;\nDELIMITER ;"));
        check(&folder.write("x", &text)).unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

#[test]
fn names_and_databases_are_redirected() {
    let folder = Folder::new();
    let text = dump(
        "/*!40000 DROP DATABASE IF EXISTS `own`*/;\n\
         ALTER DATABASE `own` CHARACTER SET latin1 COLLATE latin1_swedish_ci ;\n\
         ALTER DATABASE CHARACTER SET latin1;\n\
         CREATE TABLE own.t (a int);\n\
         INSERT INTO own.t VALUES (1,'own.t');\n\
         /*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`root`@`localhost` SQL SECURITY DEFINER */\n\
         /*!50001 VIEW `v` AS select `own`.`t`.`a` AS `a` from (`own`.`t` join `other`.`u`) */;\n\
         DELIMITER ;;\n\
         /*!50106 CREATE*/ /*!50117 DEFINER=`root`@`localhost`*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE ENABLE DO begin update own.t set a=1; end\n*/ ;;\n\
         CREATE EVENT e2 ON SCHEDULE EVERY 1 DAY COMMENT 'x' DO SELECT 1;;\n\
         CREATE EVENT e3 ON SCHEDULE EVERY 1 DAY DISABLE ON SLAVE DO SELECT 1;;\n\
         DELIMITER ;",
    );
    let path = folder.write("x", &text);
    let policy = Policy {
        into: "own__ventana".to_owned(),
        definer: Definer::Map("ven`tana@%".to_owned()),
        events: Events::Disable,
    };
    let found = actions(&path, &CheckOptions::default(), &policy);
    assert_eq!(
        sent(&found),
        [
            "ALTER DATABASE `own__ventana` CHARACTER SET latin1 COLLATE latin1_swedish_ci",
            "ALTER DATABASE CHARACTER SET latin1",
            "CREATE TABLE `own__ventana`.t (a int)",
            "INSERT INTO `own__ventana`.t VALUES (1,'own.t')",
            "/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`ven``tana`@`%` SQL SECURITY DEFINER */\n/*!50001 VIEW `v` AS select `own__ventana`.`t`.`a` AS `a` from (`own__ventana`.`t` join `other`.`u`) */",
            "/*!50106 CREATE*/ /*!50117 DEFINER=`ven``tana`@`%`*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE DISABLE DO begin update `own__ventana`.t set a=1; end\n*/",
            "CREATE EVENT e2 ON SCHEDULE EVERY 1 DAY DISABLE COMMENT 'x' DO SELECT 1",
            "CREATE EVENT e3 ON SCHEDULE EVERY 1 DAY DISABLE ON SLAVE DO SELECT 1",
        ]
    );
    let skipped: Vec<String> = found
        .iter()
        .filter_map(|action| match action {
            Action::Skip {
                reason: Reason::Redirected(what),
                line,
            } => Some(format!("{line} {what}")),
            _ => None,
        })
        .collect();
    assert_eq!(
        skipped,
        ["7 CREATE DATABASE own", "8 USE own", "9 DROP DATABASE own"]
    );
    let facts = check(&path).unwrap();
    assert_eq!(
        facts
            .reads
            .iter()
            .map(|one| (one.name.as_str(), one.line))
            .collect::<Vec<_>>(),
        [("other", 14)]
    );
    assert_eq!(facts.events, 3);
    let kept = Policy {
        definer: Definer::Map("current_user".to_owned()),
        events: Events::Keep,
        ..policy
    };
    let found = sent(&actions(&path, &CheckOptions::default(), &kept));
    assert!(
        found[5].contains("DEFINER=CURRENT_USER*/") && found[5].contains("PRESERVE ENABLE DO"),
        "{}",
        found[5]
    );
}

#[test]
fn several_databases() {
    let folder = Folder::new();
    let text = "-- Host: localhost    Database: a\n\
        SET NAMES utf8mb4;\n\
        CREATE DATABASE `a`;\nUSE `a`;\nCREATE TABLE t (x int);\nINSERT INTO `t` VALUES (1);\n\
        CREATE DATABASE `b` DEFAULT CHARACTER SET latin1;\nUSE `b`;\nSET @x = 1;\nCREATE TABLE u (x int);\nINSERT INTO `u` VALUES (1),(2);\n\
        USE mysql;\nGRANT ALL ON *.* TO a;\nSET GLOBAL a=1;\nINSERT INTO mysql.user VALUES (1);\n\
        USE `a`;\nCREATE VIEW v AS SELECT 1 FROM b.u;\nUSE `b`;\nCREATE VIEW w AS SELECT 1 FROM b.u;\n-- Dump completed\n";
    let path = folder.write("x", text.as_bytes());
    match check(&path).unwrap_err() {
        DumpError::Several { databases, .. } => assert_eq!(databases, ["a", "b", "mysql"]),
        other => panic!("{other}"),
    }
    let only = |name: &str| CheckOptions {
        only: Some(name.to_owned()),
        ..CheckOptions::default()
    };
    assert_eq!(
        sent(&actions(&path, &only("b"), &policy())),
        [
            "SET NAMES utf8mb4",
            "SET @x = 1",
            "CREATE TABLE u (x int)",
            "INSERT INTO `u` VALUES (1),(2)",
            "CREATE VIEW w AS SELECT 1 FROM `staging`.u",
        ]
    );
    let facts = check_with(&path, &only("a")).unwrap();
    assert_eq!(facts.rows.keys().collect::<Vec<_>>(), ["t"]);
    assert_eq!(facts.reads[0].name, "b");
    assert_eq!(facts.source.as_deref(), Some("a"));
    match check_with(&path, &only("c")).unwrap_err() {
        DumpError::NotInDump { only, .. } => assert_eq!(only, "c"),
        other => panic!("{other}"),
    }
    assert!(matches!(
        check_with(&path, &only("mysql")),
        Err(DumpError::Refused { .. })
    ));
}

/// Content of the database that only the header names, and behind it another one is entered.
#[test]
fn a_database_that_is_entered_behind_the_content_of_another() {
    let folder = Folder::new();
    let body = "CREATE TABLE t (a int);\nUSE `other`;\nCREATE TABLE u (a int);\n-- Dump completed\n";
    let headed = folder.write(
        "x",
        format!("-- Host: localhost    Database: own\n{body}").as_bytes(),
    );
    let headless = folder.write("y", body.as_bytes());
    for (path, first) in [(&headed, "own"), (&headless, "one without a name")] {
        match check(path).unwrap_err() {
            DumpError::Several { databases, .. } => assert_eq!(databases, [first, "other"]),
            unexpected => panic!("{unexpected}"),
        }
    }
    let only = |name: &str| CheckOptions {
        only: Some(name.to_owned()),
        ..CheckOptions::default()
    };
    assert_eq!(
        sent(&actions(&headed, &only("own"), &policy())),
        ["CREATE TABLE t (a int)"]
    );
    for path in [&headed, &headless] {
        assert_eq!(
            sent(&actions(path, &only("other"), &policy())),
            ["CREATE TABLE u (a int)"]
        );
    }
    // Settings are nobody's content.
    let set = folder.write("z", format!("SET NAMES utf8mb4;\n{}", &body[24..]).as_bytes());
    assert_eq!(check(&set).unwrap().source.as_deref(), Some("other"));
}

/// `mysqldump inventario`, without `--databases`: the header alone tells the database.
#[test]
fn a_dump_without_use() {
    let folder = Folder::new();
    let body = "CREATE TABLE t (a int);\nCREATE VIEW v AS SELECT own.t.a FROM own.t;\n-- Dump completed\n";
    let headed = format!("-- Host: localhost    Database: own\n{body}");
    let found = actions(
        &folder.write("x", headed.as_bytes()),
        &CheckOptions::default(),
        &policy(),
    );
    assert_eq!(
        sent(&found)[1],
        "CREATE VIEW v AS SELECT `staging`.t.a FROM `staging`.t"
    );
    // No header: nobody knows whose name it is, and the copy would read the original.
    let path = folder.write("y", body.as_bytes());
    assert!(check(&path).unwrap_err().to_string().contains("name its source"));
    let options = CheckOptions {
        source: Some("own".to_owned()),
        ..CheckOptions::default()
    };
    assert_eq!(sent(&actions(&path, &options, &policy())), sent(&found));
}

/// A routine of another `sql_mode`: the dump sets it, and its text is cut by it.
#[test]
fn sql_mode_is_followed() {
    let folder = Folder::new();
    let text = dump(
        "/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;\n\
         /*!50003 SET sql_mode              = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES' */ ;\n\
         DELIMITER ;;\n\
         CREATE PROCEDURE p() BEGIN INSERT INTO \"own\".\"t\" VALUES ('\\'); SELECT 1; END ;;\n\
         DELIMITER ;\n\
         /*!50003 SET sql_mode              = @saved_sql_mode */ ;\n\
         INSERT INTO t VALUES ('\\';', \"own\");\n\
         INSERT INTO t VALUES ('\\\\');",
    );
    let found = actions(&folder.write("x", &text), &CheckOptions::default(), &policy());
    let sent = sent(&found);
    assert_eq!(
        sent[2],
        "CREATE PROCEDURE p() BEGIN INSERT INTO `staging`.\"t\" VALUES ('\\'); SELECT 1; END"
    );
    assert_eq!(sent[4], "INSERT INTO t VALUES ('\\';', \"own\")");
    assert!(
        matches!(&found.last().unwrap(), Action::Send(one) if one.part == Part::Rows { table: "t".to_owned(), rows: Some(1) })
    );
    assert_eq!(sent.len(), 6);
}

#[test]
fn a_file_that_changed_in_between_stops() {
    let folder = Folder::new();
    let path = folder.write("x", &dump("INSERT INTO t VALUES (1);"));
    let file = DumpFile::open(&path).unwrap();
    let options = CheckOptions::default();
    let facts = file.check(&options, &mut |_| {}).unwrap();
    fs::write(
        &path,
        dump("INSERT INTO t VALUES (1);\nDROP TABLE other.t;\nSELECT 1;"),
    )
    .unwrap();
    let found: Vec<_> = file.statements(&facts, &options, &policy()).unwrap().collect();
    assert!(matches!(found.last().unwrap(), Err(DumpError::Refused { .. })));
    fs::write(&path, dump("INSERT INTO t VALUES (1),(2);")).unwrap();
    let found: Vec<_> = file.statements(&facts, &options, &policy()).unwrap().collect();
    assert!(matches!(found.last().unwrap(), Err(DumpError::CutOff { .. })));
}

#[test]
fn what_a_person_accepts() {
    let folder = Folder::new();
    let path = folder.write(
        "x",
        &dump("CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW INSERT INTO audit.log VALUES ('own');"),
    );
    let mut options = CheckOptions::default();
    assert!(matches!(
        check_with(&path, &options),
        Err(DumpError::Refused { .. })
    ));
    options.accept_schemas.insert("audit".to_owned());
    assert!(
        check_with(&path, &options)
            .unwrap_err()
            .to_string()
            .contains("'own'")
    );
    options.accept_literals = true;
    assert!(check_with(&path, &options).is_ok());
}

#[test]
fn refusals_read_well() {
    let folder = Folder::new();
    let path = folder.write(
        "x.sql",
        &dump("SET GLOBAL a = 1;\nINSERT INTO other.t VALUES (1);"),
    );
    let text = check(&path).unwrap_err().to_string();
    let text = text.replace(&path.display().to_string(), "x.sql");
    assert_eq!(
        text,
        "x.sql: 2 statements are refused; nothing was sent\n  \
         line 9: SET GLOBAL a = 1: it changes a variable of the whole server\n  \
         line 10: INSERT INTO other.t VALUES (1): it names other.t, and the dump's database is own"
    );
}

/// A dump without `--hex-blob` holds raw bytes, and a driver takes only UTF-8.
#[test]
fn raw_bytes_become_hexadecimal() {
    let folder = Folder::new();
    let mut text = dump("");
    let at = text.iter().rposition(|byte| *byte == b';').unwrap() + 1;
    let body = b"\nINSERT INTO t VALUES (1,_binary '\xff\\0\\'\\n''x','\xfe;','\xc3\xb1');\
        \nSET NAMES latin1;\nINSERT INTO t VALUES ('\xf1',\"\xf1\");\nSET NAMES utf8mb4;";
    text.splice(at..at, body.iter().copied());
    let found = sent(&actions(
        &folder.write("x", &text),
        &CheckOptions::default(),
        &policy(),
    ));
    assert_eq!(
        found,
        [
            "INSERT INTO t VALUES (1,_binary X'FF00270A2778',X'FE3B','\u{f1}')",
            "SET NAMES latin1",
            "INSERT INTO t VALUES (_latin1 X'F1',_latin1 X'F1')",
            "SET NAMES utf8mb4",
        ]
    );
    let path = folder.write("y", b"INSERT INTO `t\xf1` VALUES (1);\n-- Dump completed\n");
    assert!(
        check(&path)
            .unwrap_err()
            .to_string()
            .contains("outside of its strings it is not UTF-8")
    );
}
