//! Which of the users of an id answers for it when the client names none.
//!
//! Any would do. The reference takes the first entry of a Java `ConcurrentHashMap` keyed by subject, so the same one is
//! taken here and answers agree: the one in the lowest slot, in a table that doubles from 16 slots on whenever it is
//! three quarters full. The first name stands for those that share a slot.

use muster_schema::Subject;

/// The hash of a subject that tells its slot: its low bits are the number of the slot.
pub(crate) fn spread(subject: &Subject) -> u32 {
    let name = subject.to_string();
    let hash =
        name.encode_utf16().fold(0u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)));
    (hash ^ (hash >> 16)) & 0x7fff_ffff
}
