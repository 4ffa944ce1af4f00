//! A table cut into ranges of keys, without knowing which of two keys comes first: a range begins at a key of the first
//! side's order, and on the other side where that very key is met. A beginning that the other side lacks joins its range
//! to the one before.

use super::side::Piece;
use super::walk::Row;
use crate::Cell;
use std::collections::HashMap;

pub(super) struct Segments {
    pieces: Vec<Piece>,
    /// Rows of a segment where there are no pieces.
    rows: u64,
    keyed: bool,
    list: Vec<Segment>,
    /// Segments by the hash of the key they begin at.
    starts: HashMap<u128, usize>,
}

#[derive(Default)]
struct Segment {
    first: Vec<Cell>,
    /// Whether the other side has the key that it begins at.
    met: bool,
    rows: [u64; 2],
    sums: [u128; 2],
    /// After [`Segments::merge`]: the range that it is part of.
    range: usize,
}

/// Segments that could not be told apart.
pub(super) struct Merged {
    /// The first one's first key; none at the beginning of the table.
    pub(super) from: Option<Vec<Cell>>,
    pub(super) chunks: Vec<String>,
    pub(super) rows: [u64; 2],
    pub(super) differs: bool,
}

/// Where one side's reading is.
pub(super) struct Cursor {
    now: usize,
    /// Whether this side's order makes the segments.
    first: bool,
    /// Row at which the next segment begins.
    next: u64,
}

impl Cursor {
    pub(super) fn now(&self) -> usize {
        self.now
    }

    /// Moves on to the row's segment, and makes it where this is the first side's first reading.
    pub(super) fn place(&mut self, segments: &mut Segments, row: &Row<'_>) {
        let before = self.now;
        self.follow(segments, row);
        if self.now == before {
            return;
        }
        if !self.first {
            segments.list[self.now].met = true;
            return;
        }
        while segments.list.len() <= self.now {
            segments.starts.entry(row.id).or_insert(segments.list.len());
            segments.list.push(Segment {
                first: row.key.to_vec(),
                ..Segment::default()
            });
        }
    }

    /// Moves on to the row's segment.
    pub(super) fn follow(&mut self, segments: &Segments, row: &Row<'_>) {
        if !segments.keyed {
            return;
        }
        if self.first {
            let endless = segments.pieces.is_empty();
            while row.ordinal >= self.next && (endless || self.now + 1 < segments.pieces.len()) {
                self.now += 1;
                self.next += segments.length(self.now);
            }
        } else if let Some(found) = segments.starts.get(&row.id) {
            self.now = self.now.max(*found);
        }
    }
}

impl Segments {
    pub(super) fn new(pieces: Vec<Piece>, rows: u64, keyed: bool) -> Segments {
        Segments {
            pieces,
            rows: rows.max(1),
            keyed,
            list: vec![Segment::default()],
            starts: HashMap::new(),
        }
    }

    pub(super) fn cursor(&self, first: bool) -> Cursor {
        Cursor {
            now: 0,
            first,
            next: self.length(0),
        }
    }

    fn length(&self, segment: usize) -> u64 {
        self.pieces.get(segment).map_or(self.rows, |p| p.rows)
    }

    pub(super) fn add(&mut self, segment: usize, side: usize, hash: u128) {
        let segment = &mut self.list[segment];
        segment.rows[side] += 1;
        segment.sums[side] = segment.sums[side].wrapping_add(hash);
    }

    /// Settles which segments are one range.
    pub(super) fn merge(&mut self) {
        let mut range = 0;
        for (at, segment) in self.list.iter_mut().enumerate() {
            if at > 0 && segment.met {
                range += 1;
            }
            segment.range = range;
        }
    }

    pub(super) fn range(&self, segment: usize) -> usize {
        self.list[segment].range
    }

    /// The ranges, in their order.
    pub(super) fn ranges(&self) -> Vec<Merged> {
        let mut out: Vec<(Merged, [u128; 2])> = Vec::new();
        for (at, segment) in self.list.iter().enumerate() {
            if segment.range == out.len() {
                let merged = Merged {
                    from: (at > 0).then(|| segment.first.clone()),
                    chunks: Vec::new(),
                    rows: [0; 2],
                    differs: false,
                };
                out.push((merged, [0; 2]));
            }
            let Some((merged, sums)) = out.last_mut() else {
                continue;
            };
            merged.chunks.extend(self.pieces.get(at).map(|p| p.file.clone()));
            for (side, sum) in sums.iter_mut().enumerate() {
                merged.rows[side] += segment.rows[side];
                *sum = sum.wrapping_add(segment.sums[side]);
            }
        }
        out.into_iter()
            .map(|(mut merged, sums)| {
                merged.differs = merged.rows[0] != merged.rows[1] || sums[0] != sums[1];
                merged
            })
            .collect()
    }
}
