use super::*;
use proptest::prelude::*;

/// What the crate that everyone uses says.
fn expected(key: &[u8; 32], inputs: &[Vec<u8>]) -> u128 {
    inputs.iter().fold(0, |sum, input| {
        let [half, _] = halves(blake3::keyed_hash(key, input).as_bytes());
        sum.wrapping_add(half)
    })
}

fn joined(inputs: &[Vec<u8>]) -> (Vec<u8>, Vec<usize>) {
    let bytes = inputs.concat();
    let ends = inputs.iter().scan(0, |end, input| {
        *end += input.len();
        Some(*end)
    });
    (bytes, ends.collect())
}

/// Every way of this processor to compute it.
fn levels() -> Vec<Level> {
    let mut levels = vec![Level::new(), Level::baseline()];
    #[cfg(target_arch = "x86_64")]
    {
        levels.extend(Level::new().as_avx2().map(Level::Avx2));
        levels.extend(Level::new().as_sse4_2().map(Level::Sse4_2));
    }
    levels
}

/// Checks the sum, computed in every way.
fn check(key: &[u8; 32], inputs: &[Vec<u8>]) {
    let wanted = expected(key, inputs);
    let (bytes, ends) = joined(inputs);
    assert_eq!(keyed_sum(key, &bytes, &ends), wanted);
    let (short, long): (Vec<Vec<u8>>, _) = inputs.iter().cloned().partition(|i| i.len() <= CHUNK);
    for level in levels() {
        let short = short.iter().map(Vec::as_slice);
        let sum = dispatch!(level, simd => sum_of_chunks(simd, &words(key), short));
        assert_eq!(sum.wrapping_add(expected(key, &long)), wanted, "{level:?}");
    }
}

#[test]
fn every_length_alone_has_the_hash_of_blake3() {
    let key = *b"whats the Elvish word for friend";
    for length in (0..=1030).chain([2048, 5000]) {
        let input: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        check(&key, &[input]);
    }
}

/// From the test vectors of the specification: the keyed hash of nothing.
#[test]
fn the_published_vector_of_the_empty_input() {
    let sum = keyed_sum(b"whats the Elvish word for friend", &[], &[0]);
    assert_eq!(
        sum.to_le_bytes(),
        [
            0x92, 0xb2, 0xb7, 0x56, 0x04, 0xed, 0x3c, 0x76, 0x1f, 0x9d, 0x6f, 0x62, 0x39, 0x2c, 0x8a, 0x92
        ]
    );
}

#[test]
fn no_input_adds_nothing() {
    assert_eq!(keyed_sum(&[7; 32], b"not of any input", &[]), 0);
}

proptest! {
    #[test]
    fn any_inputs_have_the_sum_of_their_hashes(
        key: [u8; 32],
        inputs in prop::collection::vec(
            prop_oneof![
                8 => prop::collection::vec(any::<u8>(), 0..300),
                1 => prop::collection::vec(any::<u8>(), 1000..1100),
            ],
            0..60,
        ),
    ) {
        check(&key, &inputs);
    }
}
