//! past_the_fence
