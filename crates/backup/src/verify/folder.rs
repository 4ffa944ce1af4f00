//! What lies in a backup's folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{Damage, damage};
use crate::name::{DATA_DIR, PROVEN, SCHEMA_DIR};

/// Lengths of the files in a folder of the set; what is no file is damage.
pub(super) fn sizes_in(
    path: &Path,
    folder: &str,
    sizes: &mut BTreeMap<String, u64>,
    damages: &mut Vec<Damage>,
) {
    let entries = match fs::read_dir(path.join(folder)) {
        Ok(entries) => entries,
        Err(error) => return damages.push(damage(folder, format!("the folder cannot be read: {error}"))),
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return damages.push(damage(folder, format!("the folder cannot be read: {error}"))),
        };
        let name = entry.file_name().to_string_lossy().into_owned();
        let file = if folder.is_empty() {
            name
        } else {
            format!("{folder}/{name}")
        };
        match entry.metadata() {
            Ok(metadata) if metadata.is_file() && file != PROVEN => drop(sizes.insert(file, metadata.len())),
            Ok(metadata) if metadata.is_file() => {}
            Ok(metadata) if metadata.is_dir() && (file == SCHEMA_DIR || file == DATA_DIR) => {}
            Ok(_) => damages.push(damage(&file, "it is not a file of the backup".into())),
            Err(error) => damages.push(damage(&file, format!("it cannot be read: {error}"))),
        }
    }
}
