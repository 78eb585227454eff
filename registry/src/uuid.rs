//! Random UUIDs (version 4).

use std::cell::Cell;
use std::hash::{BuildHasher as _, RandomState};

use muster_schema::Guid;

/// A new random UUID.
pub(crate) fn random() -> u128 {
    let bits = (u128::from(next()) << 64) | u128::from(next());
    // Version 4, variant 10.
    bits & !(0xf << 76) & !(0b11 << 62) | (4 << 76) | (0b10 << 62)
}

/// The same as 16 bytes.
pub(crate) fn random_guid() -> Guid {
    Guid(random().to_be_bytes())
}

/// A stream of numbers per thread (SplitMix64), started from the randomness that hash maps are seeded with: ids must
/// differ, not be secret, and asking the operating system for each would cost more than the rest of a short request.
fn next() -> u64 {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(std::thread::current().id()));
    }
    STATE.with(|state| {
        let seed = state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        state.set(seed);
        let z = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}
