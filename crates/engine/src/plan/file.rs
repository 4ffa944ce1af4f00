use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Plan, PlanError, canonical_json};
use crate::{durable, sha256};

/// `plan.json`: the plan with its digest, and beside it what the digest does not cover.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    /// [`Plan::digest`] of `plan`: what approvals sign.
    pub plan_digest: String,
    /// When the plan was made. Not digested.
    pub created_at: Timestamp,
    /// The plan.
    pub plan: Plan,
    /// Step id → how long it is expected to take, from a rehearsal or an earlier run. Not digested.
    pub expected_ms: BTreeMap<String, u64>,
}

/// Why a plan file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// The file could not be read or written.
    #[error("plan file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the file system says.
        source: std::io::Error,
    },
    /// Not a plan file, or one of another version.
    #[error("plan file {}: {source}; make the plan again with `plan`", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: serde_json::Error,
    },
    /// The plan is not the one that the file says it is.
    #[error(
        "plan file {}: the plan was changed after it was made: the file says plan digest {stated}, its plan has \
         {computed}; approvals of {stated} do not hold for it, make the plan again with `plan`",
        path.display()
    )]
    Digest {
        /// The file.
        path: PathBuf,
        /// What the file says.
        stated: String,
        /// What the plan in it has.
        computed: String,
    },
    /// The plan must not be run.
    #[error("plan file {}: {source}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: PlanError,
    },
}

impl PlanFile {
    /// A file for a valid plan.
    ///
    /// # Errors
    /// What is wrong with the plan.
    pub fn new(plan: Plan, created_at: Timestamp) -> Result<Self, PlanError> {
        plan.validate()?;
        Ok(Self {
            plan_digest: plan.digest(),
            created_at,
            plan,
            expected_ms: BTreeMap::new(),
        })
    }

    /// Reads a plan file, computes its digest again and refuses one that differs, and validates the plan.
    ///
    /// # Errors
    /// See [`PlanFileError`].
    pub fn load(path: &Path) -> Result<Self, PlanFileError> {
        let bytes = std::fs::read(path).map_err(|source| PlanFileError::Io {
            path: path.to_path_buf(),
            source,
        })?;
        let syntax = |source| PlanFileError::Syntax {
            path: path.to_path_buf(),
            source,
        };
        let file: Self = serde_json::from_slice(&bytes).map_err(syntax)?;
        // The digest of what the file says, not of what this version understood of it.
        let said: serde_json::Value = serde_json::from_slice(&bytes).map_err(syntax)?;
        let computed = sha256::hex(canonical_json(&said["plan"]).as_bytes());
        if computed != file.plan_digest || file.plan.digest() != file.plan_digest {
            return Err(PlanFileError::Digest {
                path: path.to_path_buf(),
                stated: file.plan_digest,
                computed,
            });
        }
        file.plan.validate().map_err(|source| PlanFileError::Invalid {
            path: path.to_path_buf(),
            source,
        })?;
        Ok(file)
    }

    /// Writes the file durably, indented for people.
    ///
    /// # Errors
    /// What the file system says.
    pub fn save(&self, path: &Path) -> Result<(), PlanFileError> {
        // Plain structs with string keys, into memory: cannot fail.
        let mut text =
            serde_json::to_string_pretty(self).expect("a plan file is plain data with string keys");
        text.push('\n');
        durable::write(path, text.as_bytes()).map_err(|source| PlanFileError::Io {
            path: path.to_path_buf(),
            source,
        })
    }
}
