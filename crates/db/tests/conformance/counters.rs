//! What numbers the next row after a restore: as promised, and told where it is not.

use super::place::{Place, Spot, in_every_dialect};
use super::store::copied;
use db::counters::differences;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

in_every_dialect!(
    a_copy_numbers_on_where_the_original_did,
    a_counter_that_was_lost_is_told
);

fn compared(original: &Spot<'_>, copy: &Spot<'_>) -> Vec<String> {
    let (promised, found) = (original.digest(), copy.digest());
    assert_eq!(promised.digest, found.digest, "counters are no content");
    differences(&mut *copy.open(), &promised.counters, &found.counters).expect("compares")
}

fn a_copy_numbers_on_where_the_original_did(place: Place) {
    let original = place.with(place.pick(
        "CREATE TABLE deleted (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO deleted VALUES (90); DELETE FROM deleted;
         CREATE TABLE never (id INTEGER PRIMARY KEY AUTOINCREMENT);
         CREATE TABLE reset (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO reset VALUES (5); DELETE FROM sqlite_sequence WHERE name='reset';
         CREATE TABLE lowered (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO lowered VALUES (5); UPDATE sqlite_sequence SET seq=2 WHERE name='lowered';",
        "CREATE TABLE deleted (id INT PRIMARY KEY AUTO_INCREMENT, n INT, KEY (n)); INSERT INTO deleted VALUES (90, 1); DELETE FROM deleted;
         CREATE TABLE never (id INT PRIMARY KEY AUTO_INCREMENT);
         CREATE TABLE `full` (id TINYINT PRIMARY KEY AUTO_INCREMENT, n INT, KEY (n)); INSERT INTO `full` (id) VALUES (126); INSERT INTO `full` (n) VALUES (1);
         CREATE TABLE filled (id TINYINT UNSIGNED PRIMARY KEY AUTO_INCREMENT); INSERT INTO filled VALUES (255);
         CREATE TABLE most (id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT); INSERT INTO most VALUES (18446744073709551614);
         CREATE TABLE below (id INT PRIMARY KEY AUTO_INCREMENT); INSERT INTO below VALUES (-5);
         CREATE TABLE `it's a ``table``` (`an ``id``` INT PRIMARY KEY AUTO_INCREMENT); INSERT INTO `it's a ``table``` VALUES (4); UPDATE `it's a ``table``` SET `an ``id```=70;
         CREATE TABLE passed (id INT PRIMARY KEY AUTO_INCREMENT, n INT, KEY (n)); INSERT INTO passed VALUES (1, 1), (2, 2); UPDATE passed SET id=100 WHERE id=2;",
    ));
    if !place.is_sqlite() && !place.is_mysql() {
        original.run("CREATE SEQUENCE s START WITH 7 INCREMENT BY 3 CACHE 10; DO NEXTVAL(s);");
    }
    let copy = copied(&place, &original, false);
    assert_eq!(compared(&original, &copy), Vec::<String>::new());
}

fn a_counter_that_was_lost_is_told(place: Place) {
    let original = place.with(place.pick(
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (1), (90); DELETE FROM t WHERE id=90;",
        "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT); INSERT INTO t VALUES (1), (90); DELETE FROM t WHERE id=90;",
    ));
    for (sqlite, mariadb) in [
        (
            "UPDATE sqlite_sequence SET seq=1",
            "ALTER TABLE t AUTO_INCREMENT=2",
        ),
        (
            "UPDATE sqlite_sequence SET seq=500",
            "ALTER TABLE t AUTO_INCREMENT=500",
        ),
        (
            "DELETE FROM sqlite_sequence",
            "ALTER TABLE t AUTO_INCREMENT=91, AUTO_INCREMENT=50",
        ),
    ] {
        let copy = copied(&place, &original, false);
        copy.run(place.pick(sqlite, mariadb));
        let told = compared(&original, &copy);
        assert!(told.len() == 1 && told[0].starts_with("counter t: "), "{told:?}");
    }
}

#[test]
fn a_counter_that_is_being_used_is_the_one_that_a_copy_gets() {
    let place = Place::mariadb();
    let original = place.with("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT)");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let numbers = scope.spawn(|| {
            let mut db = original.open();
            while !stop.load(Ordering::SeqCst) {
                // Nothing stays but the counter.
                for sql in ["START TRANSACTION", "INSERT INTO t VALUES (NULL)", "ROLLBACK"] {
                    db.execute(sql).expect("runs");
                }
            }
        });
        let _stop = Stop(&stop);
        let mut db = original.open();
        let mut seen = BTreeSet::new();
        while seen.len() < 20 {
            let schema = db.inspect().expect("inspects");
            let (create, counter) = (&schema.tables[0].create, schema.counters["t"]);
            if counter > 1 {
                assert!(
                    create.contains(&format!("AUTO_INCREMENT={counter} ")),
                    "{counter}: {create}"
                );
                seen.insert(counter);
            }
            assert!(!numbers.is_finished(), "the writer has failed");
        }
    });
}

/// A test that fails must not wait for a writer that nobody stops.
struct Stop<'s>(&'s AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
