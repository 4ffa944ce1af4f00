//! window_sqlite
