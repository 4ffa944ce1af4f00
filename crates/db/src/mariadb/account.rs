//! Names of accounts, as the server tells them and as statements take them.

use super::MariaDb;
use crate::{Database, Result};

/// The account that this session runs as, quoted for a statement.
pub fn current(db: &mut MariaDb) -> Result<String> {
    db.text("SELECT CURRENT_USER()")
        .map(|account| quoted(&account.unwrap_or_default()))
}

/// `user@host` as the catalog has it, quoted for a statement.
pub(super) fn quoted(account: &str) -> String {
    let (user, host) = account.rsplit_once('@').unwrap_or((account, ""));
    let quote = |part: &str| format!("`{}`", part.replace('`', "``"));
    if host.is_empty() {
        quote(user)
    } else {
        format!("{}@{}", quote(user), quote(host))
    }
}

/// An account's name without quotes, for comparing: `user@host`.
pub fn normal(account: &str) -> String {
    account.replace(['\'', '`', '"'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_compared() {
        assert_eq!(quoted("app@10.%"), "`app`@`10.%`");
        assert_eq!(quoted("a@b@%"), "`a@b`@`%`");
        assert_eq!(quoted("rol`e"), "`rol``e`");
        assert_eq!(normal("`app`@`%`"), normal("'app'@'%'"));
    }
}
