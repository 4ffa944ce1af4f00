//! kill_sqlite
