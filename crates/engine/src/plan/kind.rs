use serde::{Deserialize, Serialize};

/// What a step does: a closed set of plain data, so that a plan can be digested and reviewed. Behaviour is built from
/// it by the binary. `backup` fields and `as_at` name the *step id* whose facts are used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum StepKind {
    /// Read-only checks of every step before any effect.
    Preflight,
    /// Makes a backup.
    Backup {
        /// `a`, `b`.
        label: String,
    },
    /// Restores a backup into a scratch schema and compares the digest.
    Prove {
        /// Step that made the backup.
        backup: String,
    },
    /// Re-reads a backup's files, or restores it as well.
    VerifyBackup {
        /// Step that made the backup.
        backup: String,
        /// How far the verification goes.
        mode: VerifyMode,
    },
    /// Copies a backup to another place and verifies the copy.
    OffSite {
        /// Step that made the backup.
        backup: String,
        /// Name of the destination in the configuration.
        to: String,
    },
    /// Puts the new release beside the deployed one.
    Stage {
        /// Its name.
        release: String,
        /// Where it comes from.
        source: String,
    },
    /// One SQL statement of a migration: one DDL statement is one journaled unit.
    Statement {
        /// Migration id.
        migration: String,
        /// Which half it belongs to.
        part: Part,
        /// Position in its part, from 0.
        index: u32,
        /// The statement.
        sql: String,
        /// The statement that takes it back.
        undo_sql: Option<String>,
    },
    /// Fills a column in batches by key.
    Backfill {
        /// Migration id.
        migration: String,
        /// Table.
        table: String,
        /// Key by which batches are cut.
        key: String,
        /// Column that is filled.
        column: String,
        /// Rows per batch.
        batch: u64,
    },
    /// Proves a backfill row by row.
    Proof {
        /// Migration id.
        migration: String,
    },
    /// A whole migration in one transaction.
    Migrate {
        /// Migration id.
        migration: String,
    },
    /// Puts the fence on: no writes reach the data.
    Fence,
    /// Takes the content digest and records it as fact `digest`.
    Digest {
        /// What it is the digest of (`before`, `after`).
        label: String,
    },
    /// The live digest equals the one recorded at step `as_at`.
    SameDigest {
        /// What is being proven.
        label: String,
        /// Step whose fact `digest` it must equal.
        as_at: String,
    },
    /// Points `current` at another release.
    Switch {
        /// The release.
        release: String,
    },
    /// Restarts the service.
    Restart,
    /// Asks the running service.
    Smoke {
        /// Whether the checks write.
        checks: Checks,
    },
    /// Evaluates the invariants of a migration.
    Invariants {
        /// Migration id.
        migration: String,
    },
    /// Lifts the fence.
    Lift,
    /// Watches the service for a while.
    Watch {
        /// For how long.
        seconds: u64,
    },
    /// Asks a named person.
    Confirm {
        /// The person.
        who: String,
        /// What is asked.
        question: String,
    },
}

/// How far a backup is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyMode {
    /// Its files are re-read and its digest compared.
    Files,
    /// It is restored as well.
    Restore,
}

/// Part of a migration that a statement belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Additive half.
    Expand,
    /// Keeps the new column equal to the old one while both exist.
    Sync,
    /// Destructive half.
    Contract,
}

/// Which smoke checks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checks {
    /// Checks that only read.
    Read,
    /// Checks that write as well.
    Write,
}

impl StepKind {
    /// The word for this kind in JSON, reports and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Backup { .. } => "backup",
            Self::Prove { .. } => "prove",
            Self::VerifyBackup { .. } => "verify_backup",
            Self::OffSite { .. } => "off_site",
            Self::Stage { .. } => "stage",
            Self::Statement { .. } => "statement",
            Self::Backfill { .. } => "backfill",
            Self::Proof { .. } => "proof",
            Self::Migrate { .. } => "migrate",
            Self::Fence => "fence",
            Self::Digest { .. } => "digest",
            Self::SameDigest { .. } => "same_digest",
            Self::Switch { .. } => "switch",
            Self::Restart => "restart",
            Self::Smoke { .. } => "smoke",
            Self::Invariants { .. } => "invariants",
            Self::Lift => "lift",
            Self::Watch { .. } => "watch",
            Self::Confirm { .. } => "confirm",
        }
    }

    /// Whether the step changes the service or its data. Backups, proofs, digests, checks and a staged release do not:
    /// a run that fails before the first effect has changed nothing.
    #[must_use]
    pub const fn has_effect(&self) -> bool {
        match self {
            Self::Statement { .. }
            | Self::Backfill { .. }
            | Self::Migrate { .. }
            | Self::Fence
            | Self::Switch { .. }
            | Self::Restart
            | Self::Smoke {
                checks: Checks::Write,
            }
            | Self::Lift => true,
            Self::Preflight
            | Self::Backup { .. }
            | Self::Prove { .. }
            | Self::VerifyBackup { .. }
            | Self::OffSite { .. }
            | Self::Stage { .. }
            | Self::Proof { .. }
            | Self::Digest { .. }
            | Self::SameDigest { .. }
            | Self::Smoke { checks: Checks::Read }
            | Self::Invariants { .. }
            | Self::Watch { .. }
            | Self::Confirm { .. } => false,
        }
    }

    /// Whether the step may run again from whatever an earlier attempt left behind. Only a statement and a migration
    /// may not: they run again when a probe (or the step itself) says that nothing was changed.
    #[must_use]
    pub const fn rerunnable(&self) -> bool {
        !matches!(self, Self::Statement { .. } | Self::Migrate { .. })
    }
}
