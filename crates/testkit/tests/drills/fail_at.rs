//! fail_at
