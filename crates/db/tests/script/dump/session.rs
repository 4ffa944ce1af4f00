//! How a dump's session reads its text: `sql_mode`, and bytes of other character sets.

use super::{Folder, actions, check, dump, policy, sent};
use db::script::dump::{Action, CheckOptions, Part};

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
