//! restore_dump
