//! What a snapshot refuses.
