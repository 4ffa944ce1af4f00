//! One text for all ways of writing the same.

use db::script::{Syntax, canonical};
use proptest::prelude::*;

use super::lexer::{sqlish, syntaxes};

fn mariadb(text: &str) -> String {
    canonical(text, Syntax::MARIADB, Some("own"))
}

#[test]
fn the_same() {
    let pairs = [
        ("SELECT  a\n FROM `t` -- x\n", "select `a` from t"),
        ("select /* c */ 1", "select 1"),
        (
            "/*!50001 CREATE VIEW `v` AS select 1 */",
            "create VIEW v as select 1",
        ),
        ("select `own`.`t`.`a` from own.t", "select t.a from t"),
        ("select x . y", "select `x`.y"),
        (
            "create trigger t before insert on own.t for each row set NEW.a=1",
            "create trigger t before insert on t for each row set NEW . a = 1",
        ),
        ("select own.select from own.own", "select own.`select` from `own`"),
        ("select a from b where c=1", "select a from b where c = 1"),
    ];
    for (left, right) in pairs {
        assert_eq!(mariadb(left), mariadb(right));
    }
}

#[test]
fn not_the_same() {
    let pairs = [
        ("select 'a  b'", "select 'a b'"),
        ("select 'A'", "select 'a'"),
        ("select a from T", "select a from t"),
        ("select A", "select a"),
        ("select a from other.t", "select a from own.t"),
        ("select count(*)", "select count (*)"),
        ("select `now`()", "select now()"),
        ("select `date` '2020-01-01'", "select date '2020-01-01'"),
        ("select `select`", "select select"),
        ("select 1 /*!80000 + 1 */", "select 1"),
        ("select 1 /*!80000 + 1 */", "select 1 + 1"),
        ("select /*+ NO_ICP(t) */ 1", "select 1"),
        ("select `a b`", "select a b"),
        ("select a.b", "select a b"),
        ("select 'a' 'b'", "select 'a''b'"),
        ("select - 1", "select 1"),
        ("select 1.0", "select 1.00"),
    ];
    for (left, right) in pairs {
        assert_ne!(mariadb(left), mariadb(right));
    }
}

#[test]
fn sqlite() {
    let sqlite = |text| canonical(text, Syntax::SQLITE, Some("main"));
    assert_eq!(
        sqlite("CREATE TABLE \"t\" (a text)"),
        sqlite("create  table t(a text)")
    );
    assert_eq!(
        sqlite("CREATE TABLE t ([a] text)"),
        sqlite("create  table main.t(`a` text)")
    );
    assert_eq!(
        sqlite("CREATE INDEX i ON \"t\" (a)"),
        sqlite("CREATE INDEX i ON t (a)")
    );
    // A string where no column has that name.
    assert_ne!(
        sqlite("CREATE TABLE t (a DEFAULT \"x\")"),
        sqlite("CREATE TABLE t (a DEFAULT x)")
    );
    assert_ne!(
        sqlite("CREATE VIEW v AS SELECT a FROM t WHERE b = \"c\""),
        sqlite("CREATE VIEW v AS SELECT a FROM t WHERE b = c")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn idempotent(text in sqlish()) {
        let text = String::from_utf8_lossy(&text).into_owned();
        for syntax in syntaxes() {
            let once = canonical(&text, syntax, None);
            prop_assert_eq!(canonical(&once, syntax, None), once);
            let _ = canonical(&text, syntax, Some("own"));
        }
    }
}
