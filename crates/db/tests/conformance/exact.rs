//! Everything that MariaDB 10.11 can hold comes back as it was, and nothing of it can change unseen.

use super::place::{Place, Spot};
use super::round_trip::same_by_the_servers_own_means;
use super::store::{copied, dumped, loaded};
use db::Digest;
use db::schema::Carry;

const EVERYTHING: &str = include_str!("exact.sql");

fn copy_of<'p>(place: &'p Place, original: &Spot<'_>) -> Spot<'p> {
    let before = original.digest();
    let (store, dumped) = dumped(original, None);
    assert_eq!(dumped.digest, before, "the dump's digest is the live one");
    let copy = place.empty();
    assert_eq!(
        loaded(&store, &mut *copy.open(), false).expect("loads"),
        before.rows()
    );
    let after = copy.digest();
    assert_eq!(before.differences(&after), Vec::<String>::new());
    assert_eq!(before, after, "counters too");
    copy
}

#[test]
fn every_type_kind_and_option_comes_back_exactly() {
    let place = Place::mariadb();
    let original = place.with(EVERYTHING);
    let copy = copy_of(&place, &original);
    same_by_the_servers_own_means(&original, &copy);
    let second = copied(&place, &copy, true);
    assert_eq!(original.digest(), second.digest());
}
