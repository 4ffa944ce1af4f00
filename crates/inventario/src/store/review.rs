//! The review list: a walk over the rows in the order of their ids, judged one by one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::mpsc;

use super::Store;
use super::db::Row;
use super::error::StoreError;
use crate::domain::change::Cell;
use crate::domain::review::{Class, Finding, Review, review};

/// One row that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewRow {
    pub id: i64,
    pub nombre: String,
    pub numero_serie: String,
    pub categoria_nombre: Option<String>,
    #[serde(flatten)]
    pub review: Review,
}

/// A part of the review list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewPage {
    pub rows: Vec<ReviewRow>,
    /// The id behind which the next part begins.
    pub next: Option<i64>,
}

/// How many rows each class and finding has, all rows counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReviewCounts {
    pub rows: u64,
    /// Rows that are on the list.
    pub due: u64,
    pub wrapped: u64,
    pub classes: ClassCounts,
    pub findings: FindingCounts,
}

/// Rows per class; together they are all rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ClassCounts {
    pub valid_object: u64,
    pub valid_other: u64,
    pub text: u64,
    pub truncated: u64,
    pub empty: u64,
    pub null: u64,
}

/// Rows per finding; they overlap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FindingCounts {
    pub duplicate_keys: u64,
    pub nested: u64,
    pub big_numbers: u64,
    pub sensitive_key: u64,
    pub leading_blanks: u64,
}

/// The last counts and until when they serve.
#[derive(Debug, Clone, Default)]
pub(super) struct CountsCache(Arc<Mutex<Option<(Instant, ReviewCounts)>>>);

impl CountsCache {
    fn fresh(&self) -> Option<ReviewCounts> {
        let kept = self.lock();
        kept.as_ref()
            .filter(|(until, _)| Instant::now() < *until)
            .map(|(_, counts)| counts.clone())
    }

    fn keep(&self, counts: &ReviewCounts, took: Duration) {
        *self.lock() = Some((Instant::now() + took * 5, counts.clone()));
    }

    pub(super) fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Instant, ReviewCounts)>> {
        // The value is replaced as a whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClassCounts {
    /// Counts one more row of a class.
    pub fn add(&mut self, class: Class) {
        *match class {
            Class::ValidObject => &mut self.valid_object,
            Class::ValidOther => &mut self.valid_other,
            Class::Text => &mut self.text,
            Class::Truncated => &mut self.truncated,
            Class::Empty => &mut self.empty,
            Class::Null => &mut self.null,
        } += 1;
    }
}

impl FindingCounts {
    /// Counts one more row with a finding.
    pub fn add(&mut self, finding: Finding) {
        *match finding {
            Finding::DuplicateKeys => &mut self.duplicate_keys,
            Finding::Nested => &mut self.nested,
            Finding::BigNumbers => &mut self.big_numbers,
            Finding::SensitiveKey => &mut self.sensitive_key,
            Finding::LeadingBlanks => &mut self.leading_blanks,
        } += 1;
    }
}

impl Store {
    /// Up to `limit` rows behind the id `after` that are due, or that have the class or finding `only`.
    ///
    /// # Errors
    /// The database's.
    pub async fn review_list(
        &self,
        after: i64,
        limit: usize,
        only: Option<&str>,
    ) -> Result<ReviewPage, StoreError> {
        let mut rows = Vec::new();
        let mut more = false;
        self.walk(after, |row| {
            let wanted = only.map_or_else(|| row.review.is_due(), |name| row.review.has(name));
            if wanted && rows.len() == limit {
                more = true;
            } else if wanted {
                rows.push(row);
            }
            !more
        })
        .await?;
        let next = rows.last().filter(|_| more).map(|row: &ReviewRow| row.id);
        Ok(ReviewPage { rows, next })
    }

    /// Counts every row. Counting a million rows takes seconds, so an answer serves for five times as long as it took;
    /// a write of this service ends it.
    ///
    /// # Errors
    /// The database's.
    pub async fn review_counts(&self) -> Result<ReviewCounts, StoreError> {
        if let Some(counts) = self.counts.fresh() {
            return Ok(counts);
        }
        let started = Instant::now();
        let mut counts = ReviewCounts::default();
        self.walk(0, |row| {
            counts.rows += 1;
            counts.due += u64::from(row.review.is_due());
            counts.wrapped += u64::from(row.review.wrapped);
            counts.classes.add(row.review.class);
            row.review
                .findings
                .iter()
                .for_each(|finding| counts.findings.add(*finding));
            true
        })
        .await?;
        self.counts.keep(&counts, started.elapsed());
        Ok(counts)
    }

    /// Shows every row behind `after` to `look` until that says stop.
    async fn walk(&self, after: i64, mut look: impl FnMut(ReviewRow) -> bool) -> Result<(), StoreError> {
        let dialect = self.db().dialect();
        let text = |column: &str| dialect.text(column);
        let sql = format!(
            "SELECT {}, {}, {}, {}, {} FROM activos a LEFT JOIN categorias c ON c.id = a.categoria_id \
             WHERE a.id > ? ORDER BY a.id",
            text("a.id"),
            text("a.nombre"),
            text("a.numero_serie"),
            text("c.nombre"),
            text("a.especificaciones")
        );
        let (to, mut from) = mpsc::channel(4);
        let db = self.db().clone();
        let query = tokio::spawn(async move { db.stream(sql, vec![Cell::Int(after)], to).await });
        while let Some(batch) = from.recv().await {
            for row in batch? {
                if !look(review_row(row)) {
                    return Ok(());
                }
            }
        }
        // The task neither panics nor is cancelled before the channel closes.
        query.await.unwrap_or(Ok(()))
    }
}

fn review_row(mut row: Row) -> ReviewRow {
    ReviewRow {
        id: row.int(0).unwrap_or(0),
        nombre: row.take(1).unwrap_or_default(),
        numero_serie: row.take(2).unwrap_or_default(),
        categoria_nombre: row.take(3),
        review: review(row.take(4).as_deref()),
    }
}
