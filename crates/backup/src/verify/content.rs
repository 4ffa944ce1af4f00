//! What is in a file, and the file's own sum, in one reading.

use std::io::{self, BufReader, Read};
use std::path::Path;

use crate::chunk_reader::{ChunkReader, Unopened};
use crate::encryption::{Closed, Identities, decrypting};
use crate::files::{open_regular, seal_of};
use crate::hashed::{BLOCK, Seal, Shared};
use crate::manifest::Chunk;

/// The file's seal, and what is wrong with its content.
type Examined = io::Result<(Seal, Option<String>)>;

const NO_KEY: &str = "none of the keys opens it, though they open the backup";

/// Reads a chunk's file and its content.
pub(super) fn examine_chunk(
    path: &Path,
    chunk: &Chunk,
    encrypted: bool,
    keys: Option<&Identities>,
    just_written: bool,
    read: &mut dyn FnMut(u64),
) -> Examined {
    let mut reader = match ChunkReader::of(path, chunk, encrypted, keys) {
        Ok(reader) => reader,
        Err(Unopened::Locked) => return unopened(path, NO_KEY.into(), read),
        Err(Unopened::Io(error)) => return unopened(path, format!("it cannot be opened: {error}"), read),
    };
    if just_written {
        reader.trust_frame();
    }
    let mut block = vec![0; BLOCK];
    let mut told = 0;
    loop {
        let outcome = reader.read(&mut block);
        let stored = reader.stored_bytes();
        read(stored - told);
        told = stored;
        match outcome {
            Ok(0) => return Ok((reader.seal_stored()?, None)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                let seal = reader.seal_stored()?;
                read(seal.bytes - told);
                let what = error.to_string();
                let whole = seal.bytes == chunk.stored_bytes && seal.sha256 == chunk.sha256;
                let what = what
                    .strip_prefix(&format!("{}: ", chunk.file))
                    .unwrap_or(&what)
                    .to_owned();
                let about_the_file = what.starts_with("the file");
                return Ok((seal, (whole || !about_the_file).then_some(what)));
            }
        }
    }
}

/// Reads an encrypted file that is no chunk, and its content.
pub(super) fn examine_encrypted(path: &Path, keys: &Identities, read: &mut dyn FnMut(u64)) -> Examined {
    let mut stored = Shared::new(open_regular(path)?);
    let content = match decrypting(keys, BufReader::with_capacity(BLOCK, stored.clone())) {
        Ok(mut content) => io::copy(&mut content, &mut io::sink()),
        Err(Closed::NoKey) => Err(io::Error::other(NO_KEY)),
        Err(Closed::Broken(error)) => Err(error),
    };
    io::copy(&mut stored, &mut io::sink())?;
    let seal = stored.seal();
    read(seal.bytes);
    let wrong = content
        .err()
        .map(|error| format!("it cannot be decrypted: {error}"));
    Ok((seal, wrong))
}

/// The seal of a file whose content cannot even be begun; an error where the file itself cannot be read.
fn unopened(path: &Path, what: String, read: &mut dyn FnMut(u64)) -> Examined {
    let seal = seal_of(open_regular(path)?, read)?;
    Ok((seal, Some(what)))
}
