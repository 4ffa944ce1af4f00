//! The machine that ventana runs on: files, clock, processes, HTTP. The only place with such effects.

pub mod clock;
pub mod death;
pub mod files;
pub mod http;
pub mod interrupt;
pub mod lease;
pub mod mariadbd;
pub mod process;
pub mod s3;
pub mod sftp;
pub mod temporary;
