//! Accounts. A disabled account keeps its hash behind a mark that no hash begins with, so that the legacy table needs no
//! new column; its tokens die at once because every request looks at the account.

use super::Store;
use super::db::Row;
use super::error::StoreError;
use crate::domain::change::Cell;
use crate::secret::Secret;

/// What stands before the hash of a disabled account.
const DISABLED: &str = "!";

/// The role that may administrate.
pub const ADMINISTRADOR: &str = "administrador";

/// An account, without its hash.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Usuario {
    pub id: i64,
    pub nombre: String,
    pub email: String,
    pub rol_id: i64,
    /// The role's name.
    pub rol: Option<String>,
    pub disabled: bool,
}

impl Usuario {
    /// Whether the account may administrate.
    pub fn is_admin(&self) -> bool {
        self.rol.as_deref() == Some(ADMINISTRADOR)
    }
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rol {
    pub id: i64,
    pub nombre: String,
}

impl Store {
    /// The account with an e-mail address, and its hash.
    ///
    /// # Errors
    /// The database's.
    pub async fn usuario_by_email(&self, email: &str) -> Result<Option<(Usuario, Secret)>, StoreError> {
        Ok(self
            .usuarios_where(" WHERE u.email = ?", &[email.into()])
            .await?
            .pop())
    }

    /// The account with an id.
    ///
    /// # Errors
    /// The database's.
    pub async fn usuario(&self, id: i64) -> Result<Option<Usuario>, StoreError> {
        Ok(self
            .usuarios_where(" WHERE u.id = ?", &[Cell::Int(id)])
            .await?
            .pop()
            .map(|(usuario, _)| usuario))
    }

    /// All accounts by id.
    ///
    /// # Errors
    /// The database's.
    pub async fn usuarios(&self) -> Result<Vec<Usuario>, StoreError> {
        Ok(self
            .usuarios_where(" ORDER BY u.id", &[])
            .await?
            .into_iter()
            .map(|(usuario, _)| usuario)
            .collect())
    }

    /// All roles by id.
    ///
    /// # Errors
    /// The database's.
    pub async fn roles(&self) -> Result<Vec<Rol>, StoreError> {
        let sql = format!(
            "SELECT {}, nombre FROM roles ORDER BY id",
            self.db().dialect().text("id")
        );
        let rows = self.rows(|_| (sql.clone(), Vec::new())).await?;
        Ok(rows
            .into_iter()
            .filter_map(|mut row| {
                Some(Rol {
                    id: row.int(0)?,
                    nombre: row.take(1)?,
                })
            })
            .collect())
    }

    async fn usuarios_where(&self, rest: &str, cells: &[Cell]) -> Result<Vec<(Usuario, Secret)>, StoreError> {
        let dialect = self.db().dialect();
        let columns = [
            "u.id",
            "u.nombre",
            "u.email",
            "u.rol_id",
            "r.nombre",
            "u.password",
        ]
        .map(|column| dialect.text(column));
        let sql = format!(
            "SELECT {} FROM usuarios u LEFT JOIN roles r ON r.id = u.rol_id{rest}",
            columns.join(", ")
        );
        let rows = self.rows(|_| (sql.clone(), cells.to_vec())).await?;
        Ok(rows.into_iter().filter_map(usuario).collect())
    }

    /// Creates an account; answers its id.
    ///
    /// # Errors
    /// The address is taken, the role does not exist, the fence.
    pub async fn create_usuario(
        &self,
        nombre: &str,
        email: &str,
        hash: &Secret,
        rol_id: i64,
    ) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        let cells = [nombre.into(), email.into(), hash.open().into(), Cell::Int(rol_id)];
        let sql = "INSERT INTO usuarios (nombre, email, password, rol_id) VALUES (?, ?, ?, ?)";
        let done = tx
            .execute(sql, &cells)
            .await
            .map_err(|error| match error.in_write() {
                // SQLite does not say which key failed; this table has one.
                StoreError::Refused(mut errors) if errors.iter().any(|e| e.code == "unknown_reference") => {
                    errors.iter_mut().for_each(|error| {
                        "rol_id".clone_into(&mut error.field);
                        "rol_id names a role that does not exist".clone_into(&mut error.message);
                    });
                    StoreError::Refused(errors)
                }
                StoreError::Duplicate(_) => StoreError::Duplicate("email"),
                other => other,
            })?;
        tx.commit().await.map_err(StoreError::in_write)?;
        Ok(done.last_id)
    }

    /// Sets the hash of an account, which enables it again.
    ///
    /// # Errors
    /// No such account; the fence.
    pub async fn set_password(&self, email: &str, hash: &Secret) -> Result<(), StoreError> {
        let cells = [hash.open().into(), email.into()];
        self.write_one("UPDATE usuarios SET password = ? WHERE email = ?", &cells)
            .await
    }

    /// Disables an account; its tokens end with it.
    ///
    /// # Errors
    /// No such account; the fence.
    pub async fn disable_usuario(&self, email: &str) -> Result<(), StoreError> {
        let (_, hash) = self.usuario_by_email(email).await?.ok_or(StoreError::NotFound)?;
        let disabled = format!("{DISABLED}{}", hash.open().trim_start_matches(DISABLED));
        self.write_one(
            "UPDATE usuarios SET password = ? WHERE email = ?",
            &[disabled.into(), email.into()],
        )
        .await
    }

    async fn write_one(&self, sql: &str, cells: &[Cell]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let done = tx.execute(sql, cells).await.map_err(StoreError::in_write)?;
        if done.rows == 0 {
            return Err(StoreError::NotFound);
        }
        tx.commit().await.map_err(StoreError::in_write)
    }
}

fn usuario(mut row: Row) -> Option<(Usuario, Secret)> {
    let hash = row.take(5).unwrap_or_default();
    let usuario = Usuario {
        id: row.int(0)?,
        nombre: row.take(1).unwrap_or_default(),
        email: row.take(2).unwrap_or_default(),
        rol_id: row.int(3).unwrap_or(0),
        rol: row.take(4),
        disabled: hash.starts_with(DISABLED),
    };
    Some((usuario, Secret::new(hash)))
}
