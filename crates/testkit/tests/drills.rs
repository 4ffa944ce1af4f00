//! Whole-system drills: the built binaries, real databases, real faults. Each story is named after what happens to
//! somebody. Data is checked through the database itself, never through our own report.
#![allow(
    clippy::disallowed_methods,
    reason = "drills are operators: they start programs and break things"
)]

#[path = "drills/after_the_lift.rs"]
mod after_the_lift;
#[path = "drills/broken.rs"]
mod broken;
#[path = "drills/fail_at.rs"]
mod fail_at;
#[path = "drills/half_copy.rs"]
mod half_copy;
#[path = "drills/in_between_sqlite.rs"]
mod in_between_sqlite;
#[path = "drills/kill_any_moment.rs"]
mod kill_any_moment;
#[path = "drills/kill_mariadb.rs"]
mod kill_mariadb;
#[path = "drills/kill_sqlite.rs"]
mod kill_sqlite;
#[path = "drills/lease.rs"]
mod lease;
#[path = "drills/long_rows.rs"]
mod long_rows;
#[path = "drills/past_the_fence.rs"]
mod past_the_fence;
#[path = "drills/restore_dump.rs"]
mod restore_dump;
#[path = "drills/restored_over.rs"]
mod restored_over;
#[path = "drills/rollback_sqlite.rs"]
mod rollback_sqlite;
#[path = "drills/start_states.rs"]
mod start_states;
#[path = "drills/traffic_mariadb.rs"]
mod traffic_mariadb;
#[path = "drills/two_machines.rs"]
mod two_machines;
#[path = "drills/window_mariadb.rs"]
mod window_mariadb;
#[path = "drills/window_sqlite.rs"]
mod window_sqlite;
#[path = "drills/world.rs"]
mod world;
#[path = "drills/world_mariadb.rs"]
mod world_mariadb;
