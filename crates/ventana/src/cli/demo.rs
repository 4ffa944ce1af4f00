//! `ventana demo`

use super::{Context, Done};
pub use crate::demo::Args;

pub fn run(cx: &Context, args: Args) -> Done {
    crate::demo::run(cx, args)
}
