//! `SHA256SUMS`: what `sha256sum -c` reads.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::error::{Error, Result};
use crate::files::{exists, read_small};
use crate::hashed::is_sha256;
use crate::name::{MANIFEST, SUMS, is_set_path, without_partial};

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

/// `SHA256SUMS` of a complete backup; its absence, or the folder's name, shows that it is not complete.
pub(crate) fn read_sums(folder: &Path) -> Result<Vec<u8>> {
    let incomplete = |why: &str| Error::Incomplete {
        path: folder.into(),
        why: why.into(),
    };
    let metadata = std::fs::metadata(folder).map_err(Error::io("open the backup", folder))?;
    if !metadata.is_dir() {
        let source = io::Error::from(io::ErrorKind::NotADirectory);
        return Err(Error::io("open the backup", folder)(source));
    }
    let name = folder
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if without_partial(name).is_some() {
        return Err(incomplete(
            "it still has the name of a folder that is being written",
        ));
    }
    let sums = folder.join(SUMS);
    if !exists(&sums).map_err(Error::io("read", &sums))? {
        return Err(incomplete("it has no SHA256SUMS, which is written last"));
    }
    let text = read_small(&sums)?;
    let manifest = folder.join(MANIFEST);
    if !exists(&manifest).map_err(Error::io("read", &manifest))? {
        return Err(incomplete("it has no manifest.json"));
    }
    Ok(text)
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
