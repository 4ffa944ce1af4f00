//! GRANT statements as SHOW GRANTS prints them.

/// One GRANT of privileges, taken apart: names in it are quoted with backticks.
pub(in crate::mariadb) struct Grant<'s> {
    /// `SELECT`, ``UPDATE (`a`, `b`)``, `ALL PRIVILEGES`, …
    privileges: Vec<&'s str>,
    /// What follows ON, up to TO.
    on: &'s str,
}

impl<'s> Grant<'s> {
    /// Takes `GRANT … ON … TO …` apart; `None` for what grants no privilege on anything: roles, default roles.
    pub(in crate::mariadb) fn parse(statement: &'s str) -> Option<Grant<'s>> {
        Grant::between(statement.strip_prefix("GRANT ")?, " TO ")
    }

    /// The same for `REVOKE … ON … FROM …`, with which MySQL prints what a grant on everything leaves out.
    pub(in crate::mariadb) fn taken_back(statement: &'s str) -> Option<Grant<'s>> {
        Grant::between(statement.strip_prefix("REVOKE ")?, " FROM ")
    }

    fn between(rest: &'s str, to: &str) -> Option<Grant<'s>> {
        let on = outside_quotes(rest, " ON ")?;
        let to = outside_quotes(rest, to).filter(|to| *to > on)?;
        Some(Grant {
            privileges: split_list(&rest[..on]),
            on: &rest[on + 4..to],
        })
    }

    /// What it is granted on, as in `` `schema`.* ``.
    pub(in crate::mariadb) fn on(&self) -> &str {
        self.on
    }

    /// Whether it grants `privilege` on the whole of what `scope` names, as in `` `schema`.* ``.
    pub(in crate::mariadb) fn gives(&self, privilege: &str, scope: &dyn Fn(&str) -> bool) -> bool {
        scope(self.on)
            && self
                .privileges
                .iter()
                .any(|p| *p == privilege || *p == "ALL PRIVILEGES")
    }

    /// Whether it lets its account read and nothing else.
    pub(super) fn reads_only(&self) -> bool {
        self.privileges.iter().all(|p| is_reading(p) || *p == "USAGE")
    }

    /// The statement that grants the reading part of it, where there is one.
    pub(super) fn reading(&self, account: &str) -> Option<String> {
        if self.on.starts_with("PROCEDURE ")
            || self.on.starts_with("FUNCTION ")
            || self.on.starts_with("PACKAGE ")
        {
            return None;
        }
        let all = self.privileges.iter().any(|p| p.starts_with("ALL PRIVILEGES"));
        let reading: Vec<&str> = if all {
            vec!["SELECT", "SHOW VIEW"]
        } else {
            self.privileges
                .iter()
                .copied()
                .filter(|p| is_reading(p))
                .collect()
        };
        if reading.is_empty() {
            return None;
        }
        Some(format!(
            "GRANT {} ON {} TO {account}",
            reading.join(", "),
            self.on
        ))
    }
}

/// A statement with its privileges, and the columns of each, in one order: the server prints them in the order of a hash.
pub(super) fn sorted(statement: &str) -> String {
    let Some(grant) = Grant::parse(statement) else {
        return statement.to_string();
    };
    let mut privileges: Vec<String> = grant
        .privileges
        .iter()
        .map(|p| match p.split_once(" (") {
            Some((word, columns)) => {
                let mut columns = split_list(columns.trim_end_matches(')'));
                columns.sort_unstable();
                format!("{word} ({})", columns.join(", "))
            }
            None => p.to_string(),
        })
        .collect();
    privileges.sort_unstable();
    // What follows ON: the object, the account, the options.
    let rest = outside_quotes(statement, " ON ").map_or("", |at| &statement[at..]);
    format!("GRANT {}{rest}", privileges.join(", "))
}

/// `SELECT`, for the whole table or for columns, and what lets a reader see what there is.
fn is_reading(privilege: &str) -> bool {
    matches!(
        privilege,
        "SELECT" | "SHOW VIEW" | "SHOW DATABASES" | "SHOW CREATE ROUTINE"
    ) || privilege.starts_with("SELECT (")
}

/// Where `needle` begins outside backticks and parentheses.
fn outside_quotes(text: &str, needle: &str) -> Option<usize> {
    let (mut quoted, mut depth) = (false, 0usize);
    for (at, c) in text.char_indices() {
        match c {
            '`' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            _ if !quoted && depth == 0 && text[at..].starts_with(needle) => return Some(at),
            _ => {}
        }
    }
    None
}

/// Parts between commas outside backticks and parentheses.
fn split_list(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = outside_quotes(rest, ",") {
        parts.push(rest[..at].trim());
        rest = &rest[at + 1..];
    }
    parts.push(rest.trim());
    parts
}

/// Granted roles: `GRANT role TO account`.
pub(super) fn roles(statements: &[String]) -> Vec<String> {
    statements
        .iter()
        .filter(|s| outside_quotes(s, " ON ").is_none())
        .filter_map(|s| s.strip_prefix("GRANT "))
        .filter_map(|s| outside_quotes(s, " TO ").map(|to| s[..to].to_string()))
        .collect()
}

/// The account as which the statement lets its account act. REVOKE ALL leaves such a right.
pub(super) fn proxied(statement: &str) -> Option<&str> {
    let rest = statement.strip_prefix("GRANT PROXY ON ")?;
    outside_quotes(rest, " TO ").map(|to| &rest[..to])
}

/// A GRANT statement without `IDENTIFIED … 'hash'`: the password is not revoked, so it need not be given back, and a
/// hash has no place in a journal. Limits and TLS demands that follow are not revoked either.
pub(super) fn without_identity(grant: &str) -> String {
    let Some(at) = outside_quotes(grant, " IDENTIFIED ") else {
        return grant.to_string();
    };
    let option = if grant[at..].contains(" WITH GRANT OPTION") {
        " WITH GRANT OPTION"
    } else {
        ""
    };
    format!("{}{option}", &grant[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_never_leaves_and_roles_are_told_from_privileges() {
        let grant = "GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*94BDCEBE19083CE2A1F959FD02F964C7AF4CFC29' WITH GRANT OPTION MAX_QUERIES_PER_HOUR 5";
        assert_eq!(
            without_identity(grant),
            "GRANT USAGE ON *.* TO `app`@`%` WITH GRANT OPTION"
        );
        let all = vec![
            grant.to_string(),
            "GRANT `wri ON ter` TO `app`@`%` WITH ADMIN OPTION".to_string(),
            "SET DEFAULT ROLE `writer` FOR `app`@`%`".to_string(),
        ];
        assert_eq!(roles(&all), ["`wri ON ter`"]);
    }

    #[test]
    fn only_the_reading_part_of_a_grant_is_kept() {
        let reading = |s: &str| Grant::parse(s).and_then(|g| g.reading("`app`@`%`"));
        let kept = |s: &str| Some(format!("GRANT {s} TO `app`@`%`"));
        let all = "GRANT ALL PRIVILEGES ON `d`.* TO `app`@`%` WITH GRANT OPTION";
        assert_eq!(reading(all), kept("SELECT, SHOW VIEW ON `d`.*"));
        assert_eq!(
            reading("GRANT SELECT, INSERT ON *.* TO `app`@`%`"),
            kept("SELECT ON *.*")
        );
        let columns = "GRANT SELECT (`a, INSERT`, `b`), UPDATE (`c`) ON `d`.`t ON x` TO `app`@`%`";
        assert_eq!(
            reading(columns),
            kept("SELECT (`a, INSERT`, `b`) ON `d`.`t ON x`")
        );
        assert_eq!(reading("GRANT EXECUTE ON PROCEDURE `d`.`p` TO `app`@`%`"), None);
        assert_eq!(reading("GRANT USAGE ON *.* TO `app`@`%`"), None);
        assert!(
            Grant::parse("GRANT SELECT, SHOW VIEW ON `d`.* TO `a`@`b`")
                .expect("a grant")
                .reads_only()
        );
        assert!(!Grant::parse(columns).expect("a grant").reads_only());
        assert_eq!(
            sorted("GRANT UPDATE, SELECT (`b`, `a, c`) ON `d`.`t` TO `x`@`y` WITH GRANT OPTION"),
            "GRANT SELECT (`a, c`, `b`), UPDATE ON `d`.`t` TO `x`@`y` WITH GRANT OPTION"
        );
        assert!(Grant::parse("GRANT `role` TO `a`@`b`").is_none());
    }
}
