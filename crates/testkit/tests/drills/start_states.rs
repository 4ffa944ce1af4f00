//! start_states
