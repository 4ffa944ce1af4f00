//! What the statements of a dump are about, and why some are not sent.

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The session: variables, locks, transactions.
    Session,
    /// Tables, their indexes and sequences.
    Table,
    /// Rows of a table.
    Rows {
        /// The table.
        table: String,
        /// How many rows the table gets, where the statement shows it.
        rows: Option<u64>,
    },
    /// Views, routines, triggers, events, packages.
    Object,
}

/// Why a statement is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It would create, drop or enter the database that the dump was made of; its place is taken by the one to restore
    /// into.
    Redirected(String),
    /// It belongs to another database of the dump.
    OtherDatabase(String),
    /// There is nothing in it to run.
    Nothing,
}
