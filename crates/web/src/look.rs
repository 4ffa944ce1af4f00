//! The look: one hand-written style sheet with tokens for light and dark, no build step, no JavaScript.

use crate::assets::Asset;

/// The style sheet that [`crate::Page`] is written for.
pub const LOOK: Asset = Asset {
    name: "look.css",
    content_type: "text/css; charset=utf-8",
    bytes: include_bytes!("../assets/look.css"),
};

/// The icon of the browser tab.
pub const ICON: Asset = Asset {
    name: "icon.svg",
    content_type: "image/svg+xml",
    bytes: include_bytes!("../assets/icon.svg"),
};
