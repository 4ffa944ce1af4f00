//! Names of folders and files, formed and checked in one place.

use std::fmt;

use crate::error::{Error, Result};

pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const SUMS: &str = "SHA256SUMS";
pub(crate) const README: &str = "README.txt";
pub(crate) const RESTORE: &str = "restore.sh";
pub(crate) const PROVEN: &str = "proven.jsonl";
/// Of an encrypted backup, what of the manifest is not in the clear.
pub(crate) const SEALED: &str = "sealed.json.age";
pub(crate) const SCHEMA_DIR: &str = "schema";
pub(crate) const DATA_DIR: &str = "data";

/// `<service>_<YYYYmmdd_HHMMSS>` with `_2`, `_3` … behind it where the name was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupName {
    service: String,
    stamp: String,
    number: u32,
}

impl BackupName {
    /// Checks service and stamp; `number` 1 is the plain name.
    pub(crate) fn new(service: &str, stamp: &str, number: u32) -> Result<Self> {
        let service_ok = (1..=64).contains(&service.len())
            && service
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
            && service.as_bytes()[0].is_ascii_alphanumeric();
        if !service_ok {
            return Err(Error::Name {
                what: "the service name",
                value: service.into(),
                rule: "1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit",
            });
        }
        if !is_stamp(stamp) {
            return Err(Error::Name {
                what: "the stamp",
                value: stamp.into(),
                rule: "YYYYmmdd_HHMMSS in UTC",
            });
        }
        Ok(Self {
            service: service.into(),
            stamp: stamp.into(),
            number,
        })
    }

    /// The name's parts, if it is one of this service.
    pub fn parse(service: &str, name: &str) -> Option<Self> {
        let rest = name.strip_prefix(service)?.strip_prefix('_')?;
        let (stamp, tail) = rest.split_at_checked(15)?;
        let number = match tail {
            "" => 1,
            _ => tail.strip_prefix('_')?.parse().ok().filter(|&n| n >= 2)?,
        };
        let parsed = Self::new(service, stamp, number).ok()?;
        (parsed.to_string() == name).then_some(parsed)
    }

    /// The service.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// `YYYYmmdd_HHMMSS`, UTC.
    pub fn stamp(&self) -> &str {
        &self.stamp
    }

    /// 1 for the plain name, else the number at its end. Names sort by stamp, then by this.
    pub fn number(&self) -> u32 {
        self.number
    }
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.service, self.stamp)?;
        if self.number > 1 {
            write!(f, "_{}", self.number)
        } else {
            Ok(())
        }
    }
}

fn is_stamp(stamp: &str) -> bool {
    stamp.len() == 15
        && stamp
            .bytes()
            .enumerate()
            .all(|(i, b)| if i == 8 { b == b'_' } else { b.is_ascii_digit() })
}

/// The folder's name while it is being written.
pub fn partial_of(name: &str) -> String {
    format!(".{name}.partial")
}

/// The final name, if this is one of a folder being written.
pub(crate) fn without_partial(folder: &str) -> Option<&str> {
    folder.strip_prefix('.')?.strip_suffix(".partial")
}

/// The table's name as a part of a file name: for people, not unique.
pub(crate) fn slug(table: &str) -> String {
    let mut slug = String::new();
    for c in table.chars() {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' {
            slug.push(c);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() == 40 {
            break;
        }
    }
    let slug = slug.trim_matches('-');
    if slug.is_empty() {
        "table".into()
    } else {
        slug.into()
    }
}

/// Both numbers count from 0 here and from 1 in the name.
pub(crate) fn chunk_file(table_index: usize, table: &str, chunk: usize, extension: &str) -> String {
    format!(
        "{DATA_DIR}/{:04}-{}.{:04}.{extension}.zst",
        table_index + 1,
        slug(table),
        chunk + 1
    )
}

/// `index` counts from 0 here and from 1 in the name.
pub(crate) fn schema_file(index: usize, stem: &str) -> String {
    format!("{SCHEMA_DIR}/{:03}-{stem}.sql", index + 1)
}

/// The name under which a file is stored: with `.age` behind it where it is encrypted.
pub(crate) fn stored_name(file: String, encrypted: bool) -> String {
    if encrypted { file + ".age" } else { file }
}

/// A part that callers choose: file stems and extensions.
pub(crate) fn is_plain(part: &str) -> bool {
    !part.is_empty()
        && part.len() <= 64
        && part
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// Whether a path of the set can be what the format writes: relative, at most one folder deep, no dot names.
pub(crate) fn is_set_path(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let plain = |part: &&str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    match parts.as_slice() {
        [file] => plain(file) && *file != SUMS && *file != PROVEN,
        [folder, file] => matches!(*folder, SCHEMA_DIR | DATA_DIR) && plain(file),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for (service, number) in [("inventario", 1), ("a_b", 2), ("x.y-1", 17)] {
            let name = BackupName::new(service, "20251106_230000", number).unwrap();
            assert_eq!(BackupName::parse(service, &name.to_string()), Some(name));
        }
        for bad in [
            "inventario_20251106",
            "inventario_20251106_230000_1",
            "inventario_20251106_230000_02",
            "x",
        ] {
            assert_eq!(BackupName::parse("inventario", bad), None, "{bad}");
        }
        for bad in ["", "../x", ".x", "a b", "ñ"] {
            assert!(BackupName::new(bad, "20251106_230000", 1).is_err(), "{bad}");
        }
    }

    #[test]
    fn slugs_are_plain() {
        assert_eq!(slug("Equipos"), "equipos");
        assert_eq!(slug("año `x`/../y"), "a-o-x-y");
        assert_eq!(slug("日本"), "table");
        assert_eq!(slug(&"x".repeat(64)).len(), 40);
    }

    #[test]
    fn paths_stay_inside() {
        for good in ["manifest.json", "data/0001-a.0001.tsv.zst", "schema/001-x.sql"] {
            assert!(is_set_path(good), "{good}");
        }
        for bad in [
            "../x",
            "/etc/passwd",
            "data/../x",
            "data/a/b",
            "other/x",
            "data/",
            "SHA256SUMS",
            "a b",
            "",
        ] {
            assert!(!is_set_path(bad), "{bad}");
        }
    }
}
