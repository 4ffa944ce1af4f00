//! What every HTTP face of the project shares: the error envelope, request ids, security headers, the guard against
//! forged requests, embedded assets, the base page and its look, the language of a request, and the graceful stop.
//!
//! Nothing here reads a clock, the environment or randomness; what needs them is handed in.

pub mod assets;
pub mod csrf;
pub mod headers;
pub mod language;
pub mod look;
pub mod page;
pub mod problem;
pub mod request_id;
pub mod shutdown;

pub use language::Language;
pub use page::Page;
pub use problem::{FieldError, Problem};
pub use request_id::RequestId;
