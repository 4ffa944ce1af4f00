//! `SHA256SUMS`: what `sha256sum -c` reads.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::complete::{self, Named};
use crate::error::{Error, Result};
use crate::files::{Shared, exists, read_small, share};
use crate::hashed::is_sha256;
use crate::name::{SUMS, is_set_path};

/// Path → SHA-256, sorted by path as in the file.
pub(crate) type Sums = BTreeMap<String, String>;

pub(crate) fn render(sums: &Sums) -> String {
    sums.iter()
        .map(|(file, sha256)| format!("{sha256}  {file}\n"))
        .collect()
}

/// The lines that can be read, and what is wrong with the others. A file that is not exactly what [`render`] would
/// write always gives at least one complaint.
pub(crate) fn parse(text: &[u8]) -> (Sums, Vec<String>) {
    let mut sums = Sums::new();
    let mut wrong = Vec::new();
    for (index, line) in text.split_inclusive(|&b| b == b'\n').enumerate() {
        let line_number = index + 1;
        let parsed = std::str::from_utf8(line)
            .ok()
            .and_then(|line| line.strip_suffix('\n'))
            .and_then(|line| line.split_once("  "))
            .filter(|(sha256, file)| is_sha256(sha256) && is_set_path(file));
        match parsed {
            Some((sha256, file)) => {
                if sums.insert(file.into(), sha256.into()).is_some() {
                    wrong.push(format!("line {line_number} names {file} again"));
                }
            }
            None => wrong.push(format!(
                "line {line_number} is not a sum and a path of this format"
            )),
        }
    }
    if wrong.is_empty() && render(&sums).as_bytes() != text {
        wrong.push("its lines are not in order".into());
    }
    if sums.is_empty() && wrong.is_empty() {
        wrong.push("it is empty".into());
    }
    (sums, wrong)
}

/// `SHA256SUMS` of a complete backup of this machine, and the lock that keeps the backup from being deleted while it is read.
pub(crate) fn read_sums(folder: &Path) -> Result<(Vec<u8>, Shared)> {
    let metadata = std::fs::metadata(folder).map_err(Error::io("open the backup", folder))?;
    if !metadata.is_dir() {
        let source = io::Error::from(io::ErrorKind::NotADirectory);
        return Err(Error::io("open the backup", folder)(source));
    }
    complete::must_be(folder, Named::AtTheEnd, |file| {
        let path = folder.join(file);
        exists(&path).map_err(Error::io("read", path))
    })?;
    let shared = share(folder)?;
    Ok((read_small(&folder.join(SUMS))?, shared))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_text_is_accepted() {
        let sums = Sums::from([
            ("a.txt".into(), "0".repeat(64)),
            ("data/b.zst".into(), "f".repeat(64)),
        ]);
        let text = render(&sums);
        assert_eq!(parse(text.as_bytes()), (sums, vec![]));
        for cut in 0..text.len() {
            let (_, wrong) = parse(&text.as_bytes()[..cut]);
            // A cut at a line's end leaves a text that is well formed: there the missing file gives it away.
            assert_eq!(wrong.is_empty(), cut == text.find('\n').unwrap() + 1, "{cut}");
        }
        let reversed: String = text.lines().rev().map(|line| format!("{line}\n")).collect();
        assert_eq!(parse(reversed.as_bytes()).1, ["its lines are not in order"]);
        assert!(!parse(text.replace('f', "F").as_bytes()).1.is_empty());
        assert!(!parse(text.replace("data/", "../").as_bytes()).1.is_empty());
    }
}
