//! The pages: server-rendered, whole without JavaScript, in Spanish and English. A page is a template over plain
//! values; what it may show has been decided by the domain.

mod badge;
mod detail;
mod especificaciones;
mod failure;
mod form;
mod format;
mod frame;
mod link;
mod list;
mod login;
mod pager;
mod review;
mod routes;
mod texts;

pub(crate) use routes::{for_browsers, router};

#[cfg(test)]
mod tests;
