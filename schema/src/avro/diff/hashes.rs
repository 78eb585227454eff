//! Hashing for the memory of a comparison, which looks up every pair of types that it meets.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Hashes pairs of ids faster than the standard library does, with a key of its own for each comparison, so that nobody
/// can prepare ids that collide.
#[derive(Clone)]
pub(super) struct PairHashes {
    key: u64,
}

impl PairHashes {
    pub(super) fn new() -> Self {
        Self { key: RandomState::new().hash_one(0_u8) }
    }
}

impl BuildHasher for PairHashes {
    type Hasher = PairHasher;

    fn build_hasher(&self) -> PairHasher {
        PairHasher { state: self.key }
    }
}

pub(super) struct PairHasher {
    state: u64,
}

impl Hasher for PairHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    /// Folded multiplication: every bit of the state and the number reaches every bit of the next state.
    fn write_u32(&mut self, number: u32) {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let [low, high] = {
            let product = u128::from(self.state ^ u64::from(number)).wrapping_mul(u128::from(FACTOR));
            [product as u64, (product >> 64) as u64]
        };
        self.state = low ^ high;
    }

    fn finish(&self) -> u64 {
        self.state
    }
}
