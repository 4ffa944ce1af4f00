//! Statements that would write elsewhere than into the target, and those that would not.

use super::{Folder, check, check_with, dump};
use db::script::dump::{CheckOptions, DumpError};

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
