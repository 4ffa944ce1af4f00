//! BLAKE3's compression of one block of each of sixteen inputs.

use fearless_simd::prelude::*;
use fearless_simd::{Simd, u32x16};
use std::array::from_fn;

/// Inputs that are compressed side by side.
pub(crate) const LANES: usize = 16;

/// Bytes of a block.
pub(crate) const BLOCK: usize = 64;

/// The block is the first of its chunk.
pub(crate) const CHUNK_START: u32 = 1;
/// The block is the last of its chunk.
pub(crate) const CHUNK_END: u32 = 2;
/// The chunk is the whole input.
pub(crate) const ROOT: u32 = 8;
/// The chain began with a key.
const KEYED_HASH: u32 = 16;

const IV: [u32; 4] = [0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A];

/// Which words of the block each of the seven rounds takes, in their order.
const SCHEDULE: [[usize; 16]; 7] = {
    const PERMUTATION: [usize; 16] = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
    let mut schedule = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]; 7];
    let mut round = 1;
    while round < 7 {
        let mut at = 0;
        while at < 16 {
            schedule[round][at] = schedule[round - 1][PERMUTATION[at]];
            at += 1;
        }
        round += 1;
    }
    schedule
};

/// Compresses a block of each lane into its chaining value, in place: `chain` is word by word, and each word lane by lane.
/// The blocks come as the words of one lane each. Of the last block this is also the first half of the hash's 64 bytes.
#[inline(always)]
pub(crate) fn compress<S: Simd>(
    simd: S,
    chain: &mut [[u32; LANES]; 8],
    blocks: [u32x16<S>; LANES],
    lengths: &[u32; LANES],
    flags: &[u32; LANES],
) {
    let m = transposed(blocks);
    let keyed = u32x16::splat(simd, KEYED_HASH);
    let mut v: [u32x16<S>; 16] = from_fn(|at| match at {
        0..8 => u32x16::from_slice(simd, &chain[at]),
        8..12 => u32x16::splat(simd, IV[at - 8]),
        // The chunk's number, of 64 bits.
        12 | 13 => u32x16::splat(simd, 0),
        14 => u32x16::from_slice(simd, lengths),
        _ => u32x16::from_slice(simd, flags) | keyed,
    });
    for s in &SCHEDULE {
        // The columns, then the diagonals.
        mix(&mut v, [0, 4, 8, 12], m[s[0]], m[s[1]]);
        mix(&mut v, [1, 5, 9, 13], m[s[2]], m[s[3]]);
        mix(&mut v, [2, 6, 10, 14], m[s[4]], m[s[5]]);
        mix(&mut v, [3, 7, 11, 15], m[s[6]], m[s[7]]);
        mix(&mut v, [0, 5, 10, 15], m[s[8]], m[s[9]]);
        mix(&mut v, [1, 6, 11, 12], m[s[10]], m[s[11]]);
        mix(&mut v, [2, 7, 8, 13], m[s[12]], m[s[13]]);
        mix(&mut v, [3, 4, 9, 14], m[s[14]], m[s[15]]);
    }
    for (at, word) in chain.iter_mut().enumerate() {
        (v[at] ^ v[at + 8]).store_slice(word);
    }
}

/// The paper's function G.
#[inline(always)]
fn mix<S: Simd>(v: &mut [u32x16<S>; 16], [a, b, c, d]: [usize; 4], x: u32x16<S>, y: u32x16<S>) {
    v[a] = v[a] + v[b] + x;
    v[d] = rotated(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotated(v[b] ^ v[c], 12);
    v[a] = v[a] + v[b] + y;
    v[d] = rotated(v[d] ^ v[a], 8);
    v[c] += v[d];
    v[b] = rotated(v[b] ^ v[c], 7);
}

/// Each word turned right by `bits`.
#[inline(always)]
fn rotated<S: Simd>(word: u32x16<S>, bits: u32) -> u32x16<S> {
    (word >> bits) | (word << (32 - bits))
}

/// From a vector per lane to a vector per word: four perfect shuffles of all sixteen.
#[inline(always)]
fn transposed<S: Simd>(mut rows: [u32x16<S>; 16]) -> [u32x16<S>; 16] {
    for _ in 0..4 {
        rows = from_fn(|at| {
            let (one, other) = (rows[at / 2], rows[at / 2 + 8]);
            if at % 2 == 0 {
                one.zip_low(other)
            } else {
                one.zip_high(other)
            }
        });
    }
    rows
}
