//! What can go wrong with the database, sorted by what the caller can do about it.

use web::FieldError;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The fence is on.
    #[error("writes are refused: a maintenance window holds the fence")]
    Fenced { retry_after: u32 },
    /// The account may not write now: the fence as the database enforces it.
    #[error("the database refuses writes: {0}")]
    WriteDenied(String),
    /// Somebody else holds the lock.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// A column is not there (any more).
    #[error("the schema differs from the one last read: {0}")]
    SchemaChanged(String),
    #[error("the connection was cut: {0}")]
    ConnectionLost(String),
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// Bad input that only the database could tell.
    #[error("refused: {}", .0.iter().map(|e| e.code).collect::<Vec<_>>().join(", "))]
    Refused(Vec<FieldError>),
    /// A value that must be unique is taken; the field.
    #[error("{0} is taken by another row")]
    Duplicate(&'static str),
    /// The row is not the one that the client read.
    #[error("the row was changed by somebody else")]
    VersionDiffers,
    #[error("no such row")]
    NotFound,
    /// The database has no schema that this program knows.
    #[error("{0}")]
    NotOurs(String),
    #[error("database error: {0}")]
    Other(#[source] sqlx::Error),
}

/// MariaDB: unknown column; the definition of the table changed since; statement needs re-preparation.
const SCHEMA_CHANGED: [u16; 3] = [1054, 1412, 1615];
/// Command, column, routine or schema denied; the server or the transaction is read-only.
const DENIED: [u16; 7] = [1044, 1142, 1143, 1290, 1370, 1792, 1836];
/// Lock wait timeout, deadlock, table is being altered, record has changed since last read.
const BUSY: [u16; 4] = [1205, 1213, 1684, 1020];
/// Killed, shutdown in progress, aborted, session closed by the server.
const CUT: [u16; 5] = [1053, 1317, 1927, 1152, 4031];

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        if let E::Database(cause) = &error {
            if let Some(cause) = cause.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
                return Self::mysql(cause.number(), cause.message()).unwrap_or(Self::Other(error));
            }
            let code: i64 = cause.code().and_then(|code| code.parse().ok()).unwrap_or(0);
            return Self::sqlite(code, cause.message()).unwrap_or(Self::Other(error));
        }
        match error {
            E::Io(cause) => Self::ConnectionLost(cause.to_string()),
            E::PoolTimedOut => Self::Unreachable("no connection became free in time".into()),
            E::PoolClosed => Self::Unreachable("the service is stopping".into()),
            E::WorkerCrashed => Self::ConnectionLost("the database worker ended".into()),
            E::Tls(cause) => Self::Unreachable(cause.to_string()),
            other => Self::Other(other),
        }
    }
}

impl StoreError {
    fn mysql(number: u16, message: &str) -> Option<Self> {
        let text = || format!("{message} ({number})");
        Some(match number {
            n if SCHEMA_CHANGED.contains(&n) => Self::SchemaChanged(text()),
            n if DENIED.contains(&n) => Self::WriteDenied(text()),
            n if BUSY.contains(&n) => Self::Busy(text()),
            n if CUT.contains(&n) => Self::ConnectionLost(text()),
            1045 | 1049 | 1698 => Self::Unreachable(text()),
            1062 if message.contains("email") => Self::Duplicate("email"),
            1062 => Self::Duplicate("numero_serie"),
            1452 if message.contains("rol_id") => Self::unknown_reference("rol_id"),
            1452 => Self::unknown_reference("categoria_id"),
            1406 | 1264 | 1265 | 1292 | 1366 => Self::Refused(vec![FieldError::new(
                quoted_column(message),
                "not_storable",
                "the database does not take this value for the column",
            )]),
            _ => return None,
        })
    }

    fn sqlite(code: i64, message: &str) -> Option<Self> {
        let text = || format!("{message} ({code})");
        // The low byte is the kind, the rest says more.
        Some(match code & 0xff {
            5 | 6 => Self::Busy(text()),
            8 => Self::WriteDenied(text()),
            14 => Self::Unreachable(text()),
            1 if message.contains("no such column") => Self::SchemaChanged(text()),
            17 => Self::SchemaChanged(text()),
            19 if code == 787 && message.contains("FOREIGN KEY") => Self::unknown_reference("categoria_id"),
            19 if message.contains("usuarios.email") => Self::Duplicate("email"),
            19 if code == 2067 || code == 1555 => Self::Duplicate("numero_serie"),
            19 => Self::Refused(vec![FieldError::new(
                "",
                "not_storable",
                "the database does not take these values",
            )]),
            _ => return None,
        })
    }

    fn unknown_reference(field: &str) -> Self {
        Self::Refused(vec![FieldError::new(
            field,
            "unknown_reference",
            format!("{field} names a row that does not exist"),
        )])
    }

    /// The same failure, met while writing: a cut connection may be the fence ending our session.
    pub(crate) fn in_write(self) -> Self {
        match self {
            Self::ConnectionLost(text) => Self::Busy(text),
            other => other,
        }
    }
}

/// The column that a MariaDB message names (`Data too long for column 'x' at row 1`): never a value.
fn quoted_column(message: &str) -> String {
    let name = message
        .split_once("column '")
        .and_then(|(_, rest)| rest.split_once('\''))
        .map(|(name, _)| name);
    name.map(|name| {
        name.rsplit('.')
            .next()
            .unwrap_or(name)
            .trim_matches('`')
            .to_owned()
    })
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_sorted_by_what_can_be_done() {
        let mysql = |number, message: &str| StoreError::mysql(number, message);
        assert!(matches!(
            mysql(1142, "UPDATE command denied"),
            Some(StoreError::WriteDenied(_))
        ));
        assert!(matches!(
            mysql(1054, "Unknown column 'x'"),
            Some(StoreError::SchemaChanged(_))
        ));
        assert!(matches!(
            mysql(1062, "Duplicate entry 'a' for key 'email'"),
            Some(StoreError::Duplicate("email"))
        ));
        assert!(mysql(1064, "syntax").is_none());
        let Some(StoreError::Refused(errors)) = mysql(1406, "Data too long for column 'marca' at row 1")
        else {
            panic!()
        };
        assert_eq!(errors[0].field, "marca");
        assert!(matches!(
            StoreError::sqlite(517, "database is locked"),
            Some(StoreError::Busy(_))
        ));
        assert!(matches!(
            StoreError::sqlite(1, "no such column: x"),
            Some(StoreError::SchemaChanged(_))
        ));
        assert!(matches!(
            StoreError::sqlite(787, "FOREIGN KEY constraint failed"),
            Some(StoreError::Refused(_))
        ));
    }
}
