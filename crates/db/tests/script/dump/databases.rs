//! Dumps of one database and of several: what is redirected, and what is left out.

use super::{Folder, actions, check, check_with, dump, policy, sent};
use db::script::dump::{Action, CheckOptions, Definer, DumpError, Events, Policy, Reason};

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
