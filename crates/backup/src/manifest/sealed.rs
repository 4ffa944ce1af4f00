//! What an encrypted backup does not say in the clear: everything that lets one guess at rows and be told that one is right.

use serde::{Deserialize, Serialize};

use super::Manifest;

/// The content of `sealed.json.age`, in the manifest's order.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    tables: Vec<SealedTable>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SealedTable {
    name: String,
    digest: String,
    chunks: Vec<SealedChunk>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SealedChunk {
    file: String,
    content_sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_key: Option<String>,
}

impl Manifest {
    /// Takes out of the manifest what is to be sealed.
    pub(crate) fn seal(&mut self) -> Sealed {
        let tables = self.tables.iter_mut().map(|table| SealedTable {
            name: table.name.clone(),
            digest: std::mem::take(&mut table.digest),
            chunks: table
                .chunks
                .iter_mut()
                .map(|chunk| SealedChunk {
                    file: chunk.file.clone(),
                    content_sha256: std::mem::take(&mut chunk.content_sha256),
                    digest: chunk.digest.take(),
                    first_key: chunk.first_key.take(),
                    last_key: chunk.last_key.take(),
                })
                .collect(),
        });
        Sealed {
            tables: tables.collect(),
        }
    }

    /// Puts back what was sealed; says what does not fit.
    pub(crate) fn unseal(&mut self, sealed: Sealed) -> Result<(), String> {
        let named = self.tables.iter().map(|table| &table.name);
        let files = self
            .tables
            .iter()
            .flat_map(|table| &table.chunks)
            .map(|chunk| &chunk.file);
        let sealed_files = sealed
            .tables
            .iter()
            .flat_map(|table| &table.chunks)
            .map(|chunk| &chunk.file);
        // A chunk's file has its table's number in it, so equal lists of files are equal chunks of each table.
        if !(named.eq(sealed.tables.iter().map(|table| &table.name)) && files.eq(sealed_files)) {
            return Err("it is about other tables or chunks than manifest.json".into());
        }
        for (table, sealed) in self.tables.iter_mut().zip(sealed.tables) {
            table.digest = sealed.digest;
            for (chunk, sealed) in table.chunks.iter_mut().zip(sealed.chunks) {
                let SealedChunk {
                    content_sha256,
                    digest,
                    first_key,
                    last_key,
                    file: _,
                } = sealed;
                (chunk.content_sha256, chunk.digest) = (content_sha256, digest);
                (chunk.first_key, chunk.last_key) = (first_key, last_key);
            }
        }
        Ok(())
    }
}
