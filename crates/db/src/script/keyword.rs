//! Words that mean something unquoted.
//!
//! The MariaDB list is the server's own (`information_schema.KEYWORDS`, 10.11); reserved are those that it refuses as
//! a table's name. Words reserved in MySQL alone are absent: they are names on MariaDB, and taking a keyword for
//! a name never hides one, as verbs are matched by their text.

use super::syntax::Family;

/// Whether `word` can never be an unquoted identifier on its own (it can after a dot).
pub(crate) fn is_reserved(word: &[u8], family: Family) -> bool {
    holds(
        match family {
            Family::MySql => MARIADB_RESERVED,
            Family::Sqlite => SQLITE_RESERVED,
        },
        word,
    )
}

/// Whether `word` unquoted may be more than an identifier, reserved or not.
pub(crate) fn is_keyword(word: &[u8], family: Family) -> bool {
    is_reserved(word, family)
        || holds(
            match family {
                Family::MySql => MARIADB_OTHER,
                Family::Sqlite => SQLITE_OTHER,
            },
            word,
        )
}

/// Longest word of the lists.
const LONGEST: usize = 30;

fn holds(sorted: &[&str], word: &[u8]) -> bool {
    with_upper(word, |upper| {
        sorted
            .binary_search_by(|entry| entry.as_bytes().cmp(upper))
            .is_ok()
    })
    .unwrap_or(false)
}

/// Calls `with` with the word in capitals, unless it is too long for a keyword.
pub(crate) fn with_upper<T>(word: &[u8], with: impl FnOnce(&[u8]) -> T) -> Option<T> {
    let mut upper = [0; LONGEST];
    let upper = upper.get_mut(..word.len())?;
    upper.copy_from_slice(word);
    upper.make_ascii_uppercase();
    Some(with(upper))
}

#[rustfmt::skip]
const MARIADB_RESERVED: &[&str] = &[
    "ACCESSIBLE", "ADD", "ALL", "ALTER", "ANALYZE", "AND", "AS", "ASC", "ASENSITIVE", "BEFORE",
    "BETWEEN", "BIGINT", "BINARY", "BLOB", "BOTH", "BY", "CALL", "CASCADE", "CASE", "CHANGE", "CHAR",
    "CHARACTER", "CHECK", "COLLATE", "COLUMN", "CONDITION", "CONSTRAINT", "CONTINUE", "CONVERT",
    "CREATE", "CROSS", "CURRENT_DATE", "CURRENT_ROLE", "CURRENT_TIME", "CURRENT_TIMESTAMP",
    "CURRENT_USER", "CURSOR", "DATABASES", "DAY_HOUR", "DAY_MICROSECOND", "DAY_MINUTE", "DAY_SECOND",
    "DEC", "DECIMAL", "DECLARE", "DEFAULT", "DELAYED", "DELETE", "DELETE_DOMAIN_ID", "DESC", "DESCRIBE",
    "DETERMINISTIC", "DISTINCT", "DISTINCTROW", "DIV", "DOUBLE", "DO_DOMAIN_IDS", "DROP", "DUAL", "EACH",
    "ELSE", "ELSEIF", "ENCLOSED", "ESCAPED", "EXCEPT", "EXISTS", "EXIT", "EXPLAIN", "FALSE", "FETCH",
    "FLOAT", "FLOAT4", "FLOAT8", "FOR", "FORCE", "FOREIGN", "FROM", "FULLTEXT", "GRANT", "GROUP",
    "HAVING", "HIGH_PRIORITY", "HOUR_MICROSECOND", "HOUR_MINUTE", "HOUR_SECOND", "IF", "IGNORE",
    "IGNORE_DOMAIN_IDS", "IN", "INDEX", "INFILE", "INNER", "INOUT", "INSENSITIVE", "INSERT", "INT",
    "INT1", "INT2", "INT3", "INT4", "INT8", "INTEGER", "INTERSECT", "INTERVAL", "INTO", "IS", "ITERATE",
    "JOIN", "KEY", "KEYS", "KILL", "LEADING", "LEAVE", "LEFT", "LIKE", "LIMIT", "LINEAR", "LINES",
    "LOAD", "LOCALTIME", "LOCALTIMESTAMP", "LOCK", "LONG", "LONGBLOB", "LONGTEXT", "LOOP",
    "LOW_PRIORITY", "MASTER_DEMOTE_TO_REPLICA", "MASTER_DEMOTE_TO_SLAVE",
    "MASTER_SSL_VERIFY_SERVER_CERT", "MATCH", "MAXVALUE", "MEDIUMBLOB", "MEDIUMINT", "MEDIUMTEXT",
    "MIDDLEINT", "MINUTE_MICROSECOND", "MINUTE_SECOND", "MOD", "MODIFIES", "NATURAL", "NOT",
    "NO_WRITE_TO_BINLOG", "NULL", "NUMERIC", "OFFSET", "ON", "OPTIMIZE", "OPTIONALLY", "OR", "ORDER",
    "OUT", "OUTER", "OUTFILE", "OVER", "PAGE_CHECKSUM", "PARSE_VCOL_EXPR", "PARTITION", "PORTION",
    "PRECISION", "PRIMARY", "PROCEDURE", "PURGE", "RANGE", "READ", "READS", "READ_WRITE", "REAL",
    "RECURSIVE", "REFERENCES", "REF_SYSTEM_ID", "REGEXP", "RELEASE", "RENAME", "REPEAT", "REPLACE",
    "REQUIRE", "RESIGNAL", "RESTRICT", "RETURN", "RETURNING", "REVOKE", "RIGHT", "RLIKE", "ROWS",
    "ROW_NUMBER", "SCHEMAS", "SECOND_MICROSECOND", "SELECT", "SENSITIVE", "SEPARATOR", "SET", "SHOW",
    "SIGNAL", "SMALLINT", "SPATIAL", "SPECIFIC", "SQL", "SQLEXCEPTION", "SQLSTATE", "SQLWARNING",
    "SQL_BIG_RESULT", "SQL_CALC_FOUND_ROWS", "SQL_SMALL_RESULT", "SSL", "STARTING", "STATS_AUTO_RECALC",
    "STATS_PERSISTENT", "STATS_SAMPLE_PAGES", "STRAIGHT_JOIN", "TABLE", "TERMINATED", "THEN", "TINYBLOB",
    "TINYINT", "TINYTEXT", "TO", "TRAILING", "TRIGGER", "TRUE", "UNDO", "UNION", "UNIQUE", "UNLOCK",
    "UNSIGNED", "UPDATE", "USAGE", "USE", "USING", "UTC_DATE", "UTC_TIME", "UTC_TIMESTAMP", "VALUES",
    "VARBINARY", "VARCHAR", "VARCHARACTER", "VARYING", "WHEN", "WHERE", "WHILE", "WITH", "WRITE", "XOR",
    "YEAR_MONTH", "ZEROFILL",
];

#[rustfmt::skip]
const MARIADB_OTHER: &[&str] = &[
    "ACCOUNT", "ACTION", "ADMIN", "AFTER", "AGAINST", "AGGREGATE", "ALGORITHM", "ALWAYS", "ANY", "ASCII",
    "AT", "ATOMIC", "AUTHORS", "AUTO", "AUTOEXTEND_SIZE", "AUTO_INCREMENT", "AVG", "AVG_ROW_LENGTH",
    "BACKUP", "BEGIN", "BINLOG", "BIT", "BLOCK", "BODY", "BOOL", "BOOLEAN", "BTREE", "BYTE", "CACHE",
    "CASCADED", "CATALOG_NAME", "CHAIN", "CHANGED", "CHANNEL", "CHARSET", "CHECKPOINT", "CHECKSUM",
    "CIPHER", "CLASS_ORIGIN", "CLIENT", "CLOB", "CLOSE", "COALESCE", "CODE", "COLLATION", "COLUMNS",
    "COLUMN_ADD", "COLUMN_CHECK", "COLUMN_CREATE", "COLUMN_DELETE", "COLUMN_GET", "COLUMN_NAME",
    "COMMENT", "COMMIT", "COMMITTED", "COMPACT", "COMPLETION", "COMPRESSED", "CONCURRENT", "CONNECTION",
    "CONSISTENT", "CONSTRAINT_CATALOG", "CONSTRAINT_NAME", "CONSTRAINT_SCHEMA", "CONTAINS", "CONTEXT",
    "CONTRIBUTORS", "CPU", "CUBE", "CURRENT", "CURRENT_POS", "CURSOR_NAME", "CYCLE", "DATA", "DATABASE",
    "DATAFILE", "DATE", "DATETIME", "DAY", "DEALLOCATE", "DEFINER", "DELAY_KEY_WRITE", "DES_KEY_FILE",
    "DIAGNOSTICS", "DIRECTORY", "DISABLE", "DISCARD", "DISK", "DO", "DUMPFILE", "DUPLICATE", "DYNAMIC",
    "ELSIF", "EMPTY", "ENABLE", "END", "ENDS", "ENGINE", "ENGINES", "ENUM", "ERROR", "ERRORS", "ESCAPE",
    "EVENT", "EVENTS", "EVERY", "EXAMINED", "EXCEPTION", "EXCHANGE", "EXCLUDE", "EXECUTE", "EXPANSION",
    "EXPIRE", "EXPORT", "EXTENDED", "EXTENT_SIZE", "FAST", "FAULTS", "FEDERATED", "FIELDS", "FILE",
    "FIRST", "FIXED", "FLUSH", "FOLLOWING", "FOLLOWS", "FORMAT", "FOUND", "FULL", "FUNCTION", "GENERAL",
    "GENERATED", "GET", "GET_FORMAT", "GLOBAL", "GOTO", "GRANTS", "HANDLER", "HARD", "HASH", "HELP",
    "HISTORY", "HOST", "HOSTS", "HOUR", "ID", "IDENTIFIED", "IGNORED", "IGNORE_SERVER_IDS", "IMMEDIATE",
    "IMPORT", "INCREMENT", "INDEXES", "INITIAL_SIZE", "INSERT_METHOD", "INSTALL", "INVISIBLE", "INVOKER",
    "IO", "IO_THREAD", "IPC", "ISOLATION", "ISOPEN", "ISSUER", "JSON", "JSON_TABLE", "KEY_BLOCK_SIZE",
    "LANGUAGE", "LAST", "LASTVAL", "LAST_VALUE", "LEAVES", "LESS", "LEVEL", "LIST", "LOCAL", "LOCKED",
    "LOCKS", "LOGFILE", "LOGS", "MASTER", "MASTER_CONNECT_RETRY", "MASTER_DELAY", "MASTER_GTID_POS",
    "MASTER_HEARTBEAT_PERIOD", "MASTER_HOST", "MASTER_LOG_FILE", "MASTER_LOG_POS", "MASTER_PASSWORD",
    "MASTER_PORT", "MASTER_SERVER_ID", "MASTER_SSL", "MASTER_SSL_CA", "MASTER_SSL_CAPATH",
    "MASTER_SSL_CERT", "MASTER_SSL_CIPHER", "MASTER_SSL_CRL", "MASTER_SSL_CRLPATH", "MASTER_SSL_KEY",
    "MASTER_USER", "MASTER_USE_GTID", "MAX_CONNECTIONS_PER_HOUR", "MAX_QUERIES_PER_HOUR", "MAX_ROWS",
    "MAX_SIZE", "MAX_STATEMENT_TIME", "MAX_UPDATES_PER_HOUR", "MAX_USER_CONNECTIONS", "MEDIUM", "MEMORY",
    "MERGE", "MESSAGE_TEXT", "MICROSECOND", "MIGRATE", "MINUS", "MINUTE", "MINVALUE", "MIN_ROWS", "MODE",
    "MODIFY", "MONITOR", "MONTH", "MUTEX", "MYSQL", "MYSQL_ERRNO", "NAME", "NAMES", "NATIONAL", "NCHAR",
    "NESTED", "NEVER", "NEXT", "NEXTVAL", "NO", "NOCACHE", "NOCYCLE", "NODEGROUP", "NOMAXVALUE",
    "NOMINVALUE", "NONE", "NOTFOUND", "NOWAIT", "NO_WAIT", "NUMBER", "NVARCHAR", "OF", "OLD_PASSWORD",
    "ONE", "ONLINE", "ONLY", "OPEN", "OPTION", "OPTIONS", "ORDINALITY", "OTHERS", "OVERLAPS", "OWNER",
    "PACKAGE", "PACK_KEYS", "PAGE", "PARSER", "PARTIAL", "PARTITIONING", "PARTITIONS", "PASSWORD",
    "PATH", "PERIOD", "PERSISTENT", "PHASE", "PLUGIN", "PLUGINS", "PORT", "PRECEDES", "PRECEDING",
    "PREPARE", "PRESERVE", "PREV", "PREVIOUS", "PRIVILEGES", "PROCESS", "PROCESSLIST", "PROFILE",
    "PROFILES", "PROXY", "QUARTER", "QUERY", "QUICK", "RAISE", "RAW", "READ_ONLY", "REBUILD", "RECOVER",
    "REDOFILE", "REDO_BUFFER_SIZE", "REDUNDANT", "RELAY", "RELAYLOG", "RELAY_LOG_FILE", "RELAY_LOG_POS",
    "RELAY_THREAD", "RELOAD", "REMOVE", "REORGANIZE", "REPAIR", "REPEATABLE", "REPLAY", "REPLICA",
    "REPLICAS", "REPLICATION", "REPLICA_POS", "RESET", "RESTART", "RESTORE", "RESUME",
    "RETURNED_SQLSTATE", "RETURNS", "REUSE", "REVERSE", "ROLE", "ROLLBACK", "ROLLUP", "ROUTINE", "ROW",
    "ROWCOUNT", "ROWNUM", "ROWTYPE", "ROW_COUNT", "ROW_FORMAT", "RTREE", "SAVEPOINT", "SCHEDULE",
    "SCHEMA", "SCHEMA_NAME", "SECOND", "SECURITY", "SEQUENCE", "SERIAL", "SERIALIZABLE", "SERVER",
    "SESSION", "SETVAL", "SHARE", "SHUTDOWN", "SIGNED", "SIMPLE", "SKIP", "SLAVE", "SLAVES", "SLAVE_POS",
    "SLOW", "SNAPSHOT", "SOCKET", "SOFT", "SOME", "SONAME", "SOUNDS", "SOURCE", "SQL_BUFFER_RESULT",
    "SQL_CACHE", "SQL_NO_CACHE", "SQL_THREAD", "SQL_TSI_DAY", "SQL_TSI_HOUR", "SQL_TSI_MINUTE",
    "SQL_TSI_MONTH", "SQL_TSI_QUARTER", "SQL_TSI_SECOND", "SQL_TSI_WEEK", "SQL_TSI_YEAR", "STAGE",
    "START", "STARTS", "STATEMENT", "STATUS", "STOP", "STORAGE", "STORED", "STRING", "SUBCLASS_ORIGIN",
    "SUBJECT", "SUBPARTITION", "SUBPARTITIONS", "SUPER", "SUSPEND", "SWAPS", "SWITCHES", "SYSDATE",
    "SYSTEM", "SYSTEM_TIME", "TABLES", "TABLESPACE", "TABLE_CHECKSUM", "TABLE_NAME", "TEMPORARY",
    "TEMPTABLE", "TEXT", "THAN", "THREADS", "TIES", "TIME", "TIMESTAMP", "TIMESTAMPADD", "TIMESTAMPDIFF",
    "TRANSACTION", "TRANSACTIONAL", "TRIGGERS", "TRUNCATE", "TYPE", "UNBOUNDED", "UNCOMMITTED",
    "UNDEFINED", "UNDOFILE", "UNDO_BUFFER_SIZE", "UNICODE", "UNINSTALL", "UNKNOWN", "UNTIL", "UPGRADE",
    "USER", "USER_RESOURCES", "USE_FRM", "VALUE", "VARCHAR2", "VARIABLES", "VERSIONING", "VIA", "VIEW",
    "VIRTUAL", "VISIBLE", "WAIT", "WARNINGS", "WEEK", "WEIGHT_STRING", "WINDOW", "WITHIN", "WITHOUT",
    "WORK", "WRAPPER", "X509", "XA", "XML", "YEAR",
];

#[rustfmt::skip]
const SQLITE_RESERVED: &[&str] = &[
    "ADD", "ALL", "ALTER", "AND", "AS", "AUTOINCREMENT", "BETWEEN", "CASE", "CHECK", "COLLATE", "COMMIT",
    "CONSTRAINT", "CREATE", "DEFAULT", "DEFERRABLE", "DELETE", "DISTINCT", "DROP", "ELSE", "ESCAPE",
    "EXISTS", "FOREIGN", "FROM", "GROUP", "HAVING", "IN", "INDEX", "INSERT", "INTO", "IS", "ISNULL",
    "JOIN", "LIMIT", "NOT", "NOTHING", "NOTNULL", "NULL", "ON", "OR", "ORDER", "PRIMARY", "REFERENCES",
    "RETURNING", "SELECT", "SET", "TABLE", "THEN", "TO", "TRANSACTION", "UNION", "UNIQUE", "UPDATE",
    "USING", "VALUES", "WHEN", "WHERE",
];

#[rustfmt::skip]
const SQLITE_OTHER: &[&str] = &[
    "ABORT", "ACTION", "AFTER", "ALWAYS", "ANALYZE", "ASC", "ATTACH", "BEFORE", "BEGIN", "BY", "CASCADE",
    "CAST", "COLUMN", "CONFLICT", "CROSS", "CURRENT", "CURRENT_DATE", "CURRENT_TIME",
    "CURRENT_TIMESTAMP", "DATABASE", "DEFERRED", "DESC", "DETACH", "DO", "EACH", "END", "EXCEPT",
    "EXCLUDE", "EXCLUSIVE", "EXPLAIN", "FAIL", "FALSE", "FILTER", "FIRST", "FOLLOWING", "FOR", "FULL",
    "GENERATED", "GLOB", "GROUPS", "IF", "IGNORE", "IMMEDIATE", "INDEXED", "INITIALLY", "INNER",
    "INSTEAD", "INTERSECT", "KEY", "LAST", "LEFT", "LIKE", "MATCH", "MATERIALIZED", "NATURAL", "NO",
    "NULLS", "OF", "OFFSET", "OTHERS", "OUTER", "OVER", "PARTITION", "PLAN", "PRAGMA", "PRECEDING",
    "QUERY", "RAISE", "RANGE", "RECURSIVE", "REGEXP", "REINDEX", "RELEASE", "RENAME", "REPLACE",
    "RESTRICT", "RIGHT", "ROLLBACK", "ROW", "ROWID", "ROWS", "SAVEPOINT", "STORED", "STRICT", "TEMP",
    "TEMPORARY", "TIES", "TRIGGER", "TRUE", "UNBOUNDED", "VACUUM", "VIEW", "VIRTUAL", "WINDOW", "WITH",
    "WITHOUT",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_disjoint() {
        for list in [MARIADB_RESERVED, MARIADB_OTHER, SQLITE_RESERVED, SQLITE_OTHER] {
            assert!(list.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(list.iter().all(|word| word.len() <= LONGEST));
        }
        assert!(
            MARIADB_OTHER
                .iter()
                .all(|word| !is_reserved(word.as_bytes(), Family::MySql))
        );
    }

    #[test]
    fn case_does_not_matter() {
        assert!(is_reserved(b"select", Family::MySql));
        assert!(is_keyword(b"Begin", Family::MySql));
        assert!(!is_reserved(b"begin", Family::MySql));
        assert!(!is_keyword(b"equipos", Family::MySql));
    }
}
