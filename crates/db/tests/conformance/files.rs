//! The digest from a dump's files alone is the live one, and whatever differs in them is seen.

use super::place::{Place, in_every_dialect};
use super::store::{Store, copied, dumped};
use db::Error;
use db::digest::of_files;

in_every_dialect!(
    the_files_have_the_digest_of_the_database,
    a_changed_byte_is_another_digest_or_an_error,
);

fn digest(store: &Store) -> db::Result<db::Digest> {
    let scratch = tempfile::tempdir().expect("a folder");
    let digest = of_files(store, scratch.path(), &mut db::progress::silent());
    assert!(
        scratch.path().read_dir().expect("lists").next().is_none(),
        "nothing stays in the scratch folder"
    );
    digest
}

fn the_files_have_the_digest_of_the_database(place: Place) {
    // A column that is computed and stored is not in the chunks: that table is refused, see below.
    let spot = place.with(place.everything());
    if !place.is_sqlite() {
        if !place.is_mysql() {
            spot.run("ALTER TABLE generated DROP COLUMN age");
        }
        spot.run(
            "ALTER TABLE `generated` DROP COLUMN s, DROP COLUMN se;
             CREATE TABLE big (id int PRIMARY KEY, t longtext, b longblob, v int AS (id + 1) VIRTUAL);
             INSERT INTO big (id, t, b) VALUES (1, REPEAT('\\\\\\t\\nñ', 600000), REPEAT(x'00ff5c0a', 600000)), (2, REPEAT('x', 1048576), NULL);",
        );
    }
    let live = spot.digest();
    let (store, dumped) = dumped(&spot, None);
    let files = digest(&store).expect("a digest");
    assert_eq!(live.differences(&files), Vec::<String>::new());
    assert_eq!((&files, &files), (&live, &dumped.digest));
    let copy = copied(&place, &spot, false);
    assert_eq!(copy.digest(), files, "and so has a restored copy");
}

fn a_changed_byte_is_another_digest_or_an_error(place: Place) {
    let spot = place.with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, s VARCHAR(30), d DATE, f FLOAT, b BLOB);
         INSERT INTO t VALUES (1, 'one', '2024-01-01', 0.5, X'00FF'), (2, NULL, '2024-12-31', -1, X''), (30, 'a''b', NULL, 7, NULL);",
    );
    let live = spot.digest();
    let (mut store, _) = dumped(&spot, None);
    assert_eq!(digest(&store).expect("a digest"), live);
    let table = store
        .tables
        .iter()
        .position(|t| t.name == "t")
        .expect("the table");
    let text = store.tables[table].chunks[0].clone();
    let mut other = 0;
    for at in 0..text.len() {
        // A digit or letter for its neighbour: what remains is often a good chunk of other values.
        if !text[at].is_ascii_alphanumeric() {
            continue;
        }
        store.tables[table].chunks[0] = text.clone();
        store.tables[table].chunks[0][at] ^= 1;
        match digest(&store) {
            Err(_) => {}
            Ok(found) if found.digest != live.digest => other += 1,
            // SQL says the same thing in more ways than one: `INTO` and `into`, 0.50 and 0.5.
            Ok(_) => assert!(place.is_sqlite(), "byte {at} changed and nothing was seen"),
        }
    }
    assert!(other >= 20, "{other}");
}

#[test]
fn mariadb_a_stored_generated_column_that_no_chunk_holds_is_named() {
    let place = Place::mariadb();
    let spot = place.with(
        "CREATE TABLE g (id int PRIMARY KEY, twice int AS (id * 2) STORED); INSERT INTO g (id) VALUES (1);",
    );
    let (mut store, _) = dumped(&spot, None);
    assert_eq!(digest(&store).expect("all is in the files"), spot.digest());
    // As backups were written before.
    store.catalog().tables[0].columns[1].carry = db::schema::Carry::Generated;
    store.tables[0].chunks = vec![b"1\n".to_vec()];
    let error = digest(&store).expect_err("a value that is nowhere in the files");
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    let said = error.to_string();
    assert!(said.contains("table g") && said.contains("twice"), "{said}");
    assert!(error.hint().is_some_and(|h| h.contains("--restore")));
}
