//! The backup's format, version 1: writer, reader, encryption, manifest, verification, proofs and replicas.
//!
//! `docs/BACKUP-FORMAT.md` is the specification. This crate knows files and sums, no SQL: what a column type, a
//! digest or a `LOAD DATA` clause means is opaque here. Stamps and times are passed in; nothing reads a clock.
//!
//! ```no_run
//! # use std::io::Write;
//! # use backup::{Backup, Content, Error, Phase, TableSpec, Writer};
//! # fn example(content: Content) -> Result<(), Box<dyn std::error::Error>> {
//! let writer = Writer::create("/var/backups/inventario".as_ref(), "inventario", "20251106_230000")?;
//! writer.schema(Phase::BeforeData, "tables", "CREATE TABLE …;\n")?;
//! let table = writer.table(TableSpec::new("equipos"))?;
//! let mut chunk = writer.chunk(table, "sql")?;
//! chunk.write_all(b"INSERT INTO equipos VALUES (1);\n")?;
//! chunk.finish(1)?;
//! writer.finish_table(table, 1, "digest of the table")?;
//! let backup = writer.finish(content)?;
//! backup.verify(&mut |_done, _total| ())?;
//! # Ok(()) }
//! ```
//!
//! Encrypted: [`Writer::with_recipients`] before anything is written; [`Backup::unlock`] before contents are read.

mod catalog;
mod chunk_reader;
mod complete;
mod encryption;
mod error;
mod files;
#[doc(hidden)]
pub mod fuzzing;
mod hashed;
mod instructions;
mod manifest;
mod name;
mod paced;
mod proof;
mod reader;
mod replica;
mod retention;
mod sums;
mod verify;
mod writer;

pub use catalog::{Entry, State, Summary, find, list, remove_remains};
pub use chunk_reader::ChunkReader;
pub use encryption::{Identities, Recipient};
pub use error::{Error, Result};
pub use manifest::{
    Chunk, Column, Encryption, FORMAT, Manifest, Object, OtherFile, Phase, SchemaFile, Source, Table, Tool,
    Totals,
};
pub use name::{BackupName, partial_of};
pub use proof::{Proof, Proven};
pub use reader::Backup;
pub use replica::{
    Copied, Examined, Folder, Replica, Store, copy, copy_known, copy_of, examine, list_in, replicate,
};
pub use retention::{Decision, Policy, Reason, Seen, SeenState, decide};
pub use verify::{ChunkPlace, Damage, Verification, Verified, VerifyError, verify};
pub use writer::{ChunkEnd, ChunkWriter, Content, TableId, TableSpec, Writer};
