//! The IT asset inventory: HTTP API, pages, command line and store in one binary. The library exists for the binary and
//! for the tests that run the router in process.

pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo_data;
pub mod domain;
pub mod fence;
pub mod metrics;
pub mod percent;
pub mod problem;
pub mod release;
pub mod routes;
pub mod secret;
pub mod state;
pub mod store;
mod views;
