//! Keyed BLAKE3 of many short inputs, sixteen at a time, and their sum.
//!
//! BLAKE3 is fast on long inputs, whose chunks it hashes side by side. A row of a table is a few blocks of one chunk: its blocks
//! wait for each other, and most of the processor stands idle. So sixteen rows are hashed side by side instead, each in a
//! lane of its own, and a lane whose row has ended takes the next one: a third to three quarters of the time is saved,
//! depending on the processor. The hashes are those of the crate `blake3`, which takes the inputs beyond a chunk.
//!
//! Source: the BLAKE3 paper, sections 2.2 to 2.5 (<https://github.com/BLAKE3-team/BLAKE3-specs>).

mod compression;

use compression::{BLOCK, LANES, compress};
use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch, u32x16};
use std::array::from_fn;

/// Bytes of a chunk: what is longer is a tree of several.
const CHUNK: usize = 1024;

/// The sum, modulo 2^128, of the first halves (16 bytes, little-endian) of the inputs' keyed BLAKE3 hashes. The inputs lie in
/// `bytes` one behind the other; `ends` tells where each ends, in ascending order.
///
/// # Panics
/// Where an end lies before the one before it, or beyond `bytes`.
pub fn keyed_sum(key: &[u8; 32], bytes: &[u8], ends: &[usize]) -> u128 {
    let mut long = 0u128;
    let mut begin = 0;
    let short = ends.iter().filter_map(|end| {
        let input = &bytes[std::mem::replace(&mut begin, *end)..*end];
        if input.len() <= CHUNK {
            return Some(input);
        }
        let [half, _] = halves(blake3::keyed_hash(key, input).as_bytes());
        long = long.wrapping_add(half);
        None
    });
    let sum = dispatch!(Level::new(), simd => sum_of_chunks(simd, &words(key), short));
    sum.wrapping_add(long)
}

/// The sum of inputs that are no longer than a chunk.
#[inline(always)]
fn sum_of_chunks<'a, S: Simd>(simd: S, key: &[u32; 8], mut inputs: impl Iterator<Item = &'a [u8]>) -> u128 {
    simd.vectorize(
        #[inline(always)]
        || {
            let mut sum = 0u128;
            // What is left of each lane's input; `None` where no input was left to take.
            let mut lanes: [Option<&[u8]>; LANES] = from_fn(|_| inputs.next());
            let mut chain = key.map(|word| [word; LANES]);
            let mut starts = [compression::CHUNK_START; LANES];
            while lanes.iter().any(Option::is_some) {
                let mut lengths = [0; LANES];
                let mut flags = starts;
                let mut blocks = [u32x16::splat(simd, 0); LANES];
                for lane in 0..LANES {
                    let rest = lanes[lane].unwrap_or_default();
                    if rest.len() <= BLOCK {
                        flags[lane] |= compression::CHUNK_END | compression::ROOT;
                    }
                    let block = &rest[..rest.len().min(BLOCK)];
                    lengths[lane] = block.len() as u32;
                    let words: [u32; 16] = words(&padded(block));
                    blocks[lane] = u32x16::from_slice(simd, &words);
                }
                compress(simd, &mut chain, blocks, &lengths, &flags);
                for lane in 0..LANES {
                    let Some(rest) = lanes[lane] else { continue };
                    if rest.len() > BLOCK {
                        lanes[lane] = Some(&rest[BLOCK..]);
                        starts[lane] = 0;
                        continue;
                    }
                    let half: [u32; 4] = from_fn(|word| chain[word][lane]);
                    sum = sum.wrapping_add(
                        half.iter()
                            .rev()
                            .fold(0, |all, word| all << 32 | u128::from(*word)),
                    );
                    lanes[lane] = inputs.next();
                    starts[lane] = compression::CHUNK_START;
                    (0..8).for_each(|word| chain[word][lane] = key[word]);
                }
            }
            sum
        },
    )
}

/// A block, zeros behind its bytes.
#[inline(always)]
fn padded(bytes: &[u8]) -> [u8; BLOCK] {
    match bytes.first_chunk() {
        Some(block) => *block,
        None => {
            let mut block = [0; BLOCK];
            block[..bytes.len()].copy_from_slice(bytes);
            block
        }
    }
}

/// Little-endian words of four bytes.
#[inline(always)]
fn words<const BYTES: usize, const WORDS: usize>(bytes: &[u8; BYTES]) -> [u32; WORDS] {
    let (words, _) = bytes.as_chunks::<4>();
    from_fn(|at| u32::from_le_bytes(words[at]))
}

/// Both halves of a hash as numbers.
fn halves(hash: &[u8; 32]) -> [u128; 2] {
    let (halves, _) = hash.as_chunks::<16>();
    from_fn(|at| u128::from_le_bytes(halves[at]))
}

#[cfg(test)]
mod tests;
