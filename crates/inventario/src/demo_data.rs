//! Made-up data in the legacy schema, dirt included, the same for the same seed: for demonstrations, rehearsals and tests.
//!
//! The generator says how many rows of each class and with each finding it wrote; whoever reads them back can compare.

mod prng;
mod rows;
mod specs;

use serde::Serialize;

use crate::domain::change::Cell;
use crate::store::create_schema::create;
use crate::store::review::{ClassCounts, FindingCounts};
use crate::store::{Db, Dialect, StoreError, Tx};
use prng::Prng;
use rows::Sql;

/// The logins, as in the legacy database that the data imitates.
pub const LOGINS: [(&str, &str); 3] = [
    ("ana@empresa.example", "Cambiar-2025"),
    ("jose@empresa.example", "tecnico-77"),
    ("zoe@empresa.example", "contraseña ñ"),
];

/// Rows per statement.
const BATCH: u32 = 400;
/// Rows per transaction.
const TRANSACTION: u32 = 100_000;

/// How much, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub activos: u32,
    pub mantenimientos: u32,
    pub seed: u64,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub activos: u32,
    pub mantenimientos: u32,
    pub classes: ClassCounts,
    pub findings: FindingCounts,
}

/// Creates the legacy tables in an empty database and fills them.
///
/// # Errors
/// The database's.
pub async fn fill(db: &Db, size: Size) -> Result<Counts, StoreError> {
    create(db, 1).await?;
    let mut tx = db.begin().await?;
    accounts_and_categories(&mut tx).await?;
    let mut counts = Counts {
        activos: size.activos,
        mantenimientos: size.mantenimientos,
        ..Counts::default()
    };
    let mut sql = Sql::new(db.dialect());
    // Two streams of numbers: how many mantenimientos are asked for changes no activo.
    let mut prng = Prng::new(size.seed);
    for n in 1..=size.activos {
        let review = rows::activo(&mut sql, &mut prng, n);
        counts.classes.add(review.class);
        review
            .findings
            .iter()
            .for_each(|finding| counts.findings.add(*finding));
        tx = flush(db, tx, &mut sql, n, size.activos).await?;
    }
    let mut prng = Prng::new(size.seed ^ 0x6d61_6e74);
    for n in 1..=size.mantenimientos {
        rows::mantenimiento(&mut sql, &mut prng, n, size);
        tx = flush(db, tx, &mut sql, n, size.mantenimientos).await?;
    }
    tx.commit().await?;
    Ok(counts)
}

/// Sends the statement when it is full, and begins another transaction now and then.
async fn flush(db: &Db, mut tx: Tx, sql: &mut Sql, n: u32, last: u32) -> Result<Tx, StoreError> {
    if n.is_multiple_of(BATCH) || n == last {
        tx.script(sql.take()).await?;
    }
    if n.is_multiple_of(TRANSACTION) || n == last {
        tx.commit().await?;
        tx = db.begin().await?;
        if db.dialect() == Dialect::MySql {
            // The rows agree with each other by construction; every row begins as unique by its number.
            tx.script("SET SESSION foreign_key_checks = 0, unique_checks = 0".into())
                .await?;
        }
    }
    Ok(tx)
}

async fn accounts_and_categories(tx: &mut Tx) -> Result<(), StoreError> {
    for name in ["administrador", "usuario"] {
        tx.execute("INSERT INTO roles (nombre) VALUES (?)", &[name.into()])
            .await?;
    }
    for name in rows::CATEGORIAS {
        tx.execute("INSERT INTO categorias (nombre) VALUES (?)", &[name.into()])
            .await?;
    }
    let names = ["Ana Núñez", "José Ibáñez", "Zoë Müller 🛠"];
    for (at, ((email, password), nombre)) in LOGINS.into_iter().zip(names).enumerate() {
        let rol = if at == 0 { 1 } else { 2 };
        let cells = [
            nombre.into(),
            email.into(),
            legacy_hash(password, at).into(),
            Cell::Int(rol),
        ];
        let sql = "INSERT INTO usuarios (nombre, email, password, rol_id, creado_en) VALUES (?, ?, ?, ?, '2025-01-02 08:00:00')";
        tx.execute(sql, &cells).await?;
    }
    Ok(())
}

/// A bcrypt hash as the legacy application writes it, with the least cost and a fixed salt: these passwords are public.
fn legacy_hash(password: &str, at: usize) -> String {
    let salt = [u8::try_from(at).unwrap_or(0); 16];
    let hash = bcrypt::hash_with_salt(password, 4, salt);
    // Cost 4 is allowed and no password has a NUL.
    hash.map(|hash| hash.format_for_version(bcrypt::Version::TwoB))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::review::review;
    use crate::store::Address;

    async fn filled(size: Size) -> (tempfile::TempDir, Db, Counts) {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::connect(&Address::Sqlite {
            path: folder.path().join("x.db"),
        })
        .await
        .unwrap();
        let counts = fill(&db, size).await.unwrap();
        (folder, db, counts)
    }

    #[tokio::test]
    async fn the_counts_are_those_of_the_rows() {
        let size = Size {
            activos: 3000,
            mantenimientos: 900,
            seed: 7,
        };
        let (_folder, db, counts) = filled(size).await;
        let mut classes = ClassCounts::default();
        let mut findings = FindingCounts::default();
        for mut row in db
            .fetch("SELECT especificaciones FROM activos", &[])
            .await
            .unwrap()
        {
            let review = review(row.take(0).as_deref());
            classes.add(review.class);
            review
                .findings
                .into_iter()
                .for_each(|finding| findings.add(finding));
        }
        assert_eq!((counts.classes, counts.findings), (classes, findings));
        assert!((60..120).contains(&classes.text), "about 3 %: {classes:?}");
        assert!((40..80).contains(&classes.null), "about 2 %: {classes:?}");
        let few = [
            classes.empty,
            classes.truncated,
            classes.valid_other,
            findings.duplicate_keys,
            findings.nested,
        ];
        assert!(few.iter().all(|n| *n > 5), "{classes:?} {findings:?}");
        let few = [
            findings.big_numbers,
            findings.sensitive_key,
            findings.leading_blanks,
        ];
        assert!(few.iter().all(|n| *n > 5), "{findings:?}");
    }

    #[tokio::test]
    async fn a_seed_gives_the_same_rows_and_few_rows_have_everything() {
        let size = Size {
            activos: 60,
            mantenimientos: 20,
            seed: 3,
        };
        let dump = async |size| {
            let (folder, db, counts) = filled(size).await;
            let rows = db.fetch("SELECT * FROM activos ORDER BY id", &[]).await.unwrap();
            let mants = db
                .fetch("SELECT * FROM mantenimientos ORDER BY id", &[])
                .await
                .unwrap();
            let users = db.fetch("SELECT * FROM usuarios ORDER BY id", &[]).await.unwrap();
            drop(folder);
            (rows, mants, users, counts)
        };
        let (one, two) = (dump(size).await, dump(size).await);
        assert!(one == two);
        assert!(one.0 != dump(Size { seed: 4, ..size }).await.0);
        let (classes, findings) = (one.3.classes, one.3.findings);
        let all = [
            classes.valid_object,
            classes.valid_other,
            classes.text,
            classes.truncated,
            classes.empty,
            classes.null,
        ];
        assert!(all.iter().all(|n| *n > 0), "{classes:?}");
        let all = [
            findings.duplicate_keys,
            findings.nested,
            findings.big_numbers,
            findings.sensitive_key,
        ];
        assert!(
            all.iter().all(|n| *n > 0) && findings.leading_blanks > 0,
            "{findings:?}"
        );
    }
}
