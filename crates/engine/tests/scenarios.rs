//! The fault matrix: a plan shaped like the real one over a fake service in memory. Whatever fails, and wherever the
//! process dies, the service ends in one of two right states or waits for a person with the fence on.

mod scenarios {
    mod bench;
    mod deaths;
    mod failures;
    mod fake;
    mod kills;
    mod people;
    mod plan;
    mod world;
}
