//! What handlers share.

use std::sync::Arc;
use std::time::Instant;

use crate::auth::Auth;
use crate::clock::Clock;
use crate::fence::Fence;
use crate::metrics::Metrics;
use crate::store::Store;

/// The state of the running service; cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    pub store: Store,
    pub auth: Auth,
    pub fence: Fence,
    pub about: Arc<About>,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
}

/// What the running service is.
#[derive(Debug, Clone)]
pub struct About {
    /// The release's name.
    pub release: String,
    /// The installation's word, `production` by default.
    pub environment: String,
    pub started: Instant,
    /// Origins that may call the API from a browser.
    pub cors_allowed: Vec<String>,
}
