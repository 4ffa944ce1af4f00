//! DDL on a live table waits a second at most, tries again, and names who holds the table.

use super::place::Place;
use db::Error;
use db::mariadb::ddl;

#[test]
fn ddl_on_a_held_table_gives_up_and_names_the_holder() {
    let place = Place::mariadb();
    let spot = place.with("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1);");
    let mut holder = spot.open();
    holder.execute("START TRANSACTION").expect("starts");
    holder.query("SELECT * FROM t /* secret text */").expect("reads");
    let mut db = spot.open();
    let usual = db.count("SELECT @@lock_wait_timeout").expect("a number");
    let error = ddl(&mut *db, "ALTER TABLE t ADD COLUMN a INT", 1).expect_err("held");
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    let told = error.to_string();
    assert!(
        told.contains("2 tries") && told.contains(&holder.connection_id().expect("an id").to_string()),
        "{told}"
    );
    assert!(!told.contains("secret"), "{told}");
    assert_eq!(db.count("SELECT @@lock_wait_timeout").expect("a number"), usual);
    // Released while it tries, it goes through.
    std::thread::scope(|scope| {
        let work = scope.spawn(|| ddl(&mut *spot.open(), "ALTER TABLE t ADD COLUMN a INT", 30));
        let waiting = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'ALTER TABLE t ADD%' AND STATE LIKE 'Waiting for table metadata%' AND DB=DATABASE()";
        while db.count(waiting).expect("counts") == 0 {
            std::thread::yield_now();
        }
        holder.execute("COMMIT").expect("commits");
        work.join().expect("no panic").expect("goes through");
    });
    assert_eq!(
        db.count("SELECT COUNT(a)+1 FROM t").expect("the column is there"),
        1
    );
    assert!(
        matches!(
            ddl(&mut *db, "ALTER TABLE t ADD COLUMN a INT", 5),
            Err(Error::Server { number: 1060, .. })
        ),
        "other errors come at once"
    );
}
