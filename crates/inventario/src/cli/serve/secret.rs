//! Secrets that the service makes for itself.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::secret::Secret;

/// The file in the data folder.
pub const FILE: &str = "jwt_secret";

/// The secret kept in `folder`; made, readable by its owner alone, when there is none.
///
/// # Errors
/// The folder cannot be read or written.
pub fn kept(folder: &Path) -> io::Result<Secret> {
    let path = folder.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= 32 => return Ok(Secret::new(text.trim())),
        Ok(_) => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it is shorter than 32 characters",
            ));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    std::fs::create_dir_all(folder)?;
    let secret: String = random::<32>()?.iter().map(|byte| format!("{byte:02x}")).collect();
    // Under another name first: nobody ever reads half a secret.
    let part = folder.join(format!("{FILE}.part"));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)?;
    file.write_all(secret.as_bytes())?;
    file.sync_all()?;
    // A second service that starts at the same moment must not replace the secret of the first.
    match std::fs::hard_link(&part, &path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            std::fs::remove_file(&part)?;
            return kept(folder);
        }
        Err(error) => return Err(error),
    }
    std::fs::remove_file(&part)?;
    File::open(folder)?.sync_all()?;
    Ok(Secret::new(secret))
}

/// A password that can be typed: twenty letters and digits without those that look alike.
///
/// # Errors
/// No randomness.
pub fn password() -> io::Result<Secret> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letters = random::<20>()?.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    let text: Vec<String> = letters.chunks(5).map(|chunk| chunk.iter().collect()).collect();
    Ok(Secret::new(text.join("-")))
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let secret = kept(&data).unwrap();
        assert_eq!(secret.open().len(), 64);
        assert_eq!(kept(&data).unwrap(), secret);
        let mode = std::fs::metadata(data.join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1);
        OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(data.join(FILE))
            .unwrap();
        assert_eq!(kept(&data).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_ne!(password().unwrap(), password().unwrap());
    }
}
