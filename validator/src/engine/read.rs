//! The records of a batch, whole.

use super::walk::{Unreadable, Visitor};
use super::{BatchHeader, BatchLimits, Flaw, Record, Scratch, message_set, walk_one};

/// Hands every record of `records` to `each`, in order, with the checks and limits of
/// [`validate_batch`](super::validate_batch). Nothing is judged and checksums are not looked at.
///
/// `records`: one record batch (magic 2) or a message set (magic 0 or 1).
/// Errors: [`Unreadable`], perhaps after some records were handed out.
///
/// ```
/// use muster_validator::engine::{BatchLimits, Scratch, read_records};
///
/// let mut count = 0;
/// let result = read_records(b"no batch", &BatchLimits::default(), &mut Scratch::default(), |_| count += 1);
/// assert!(result.is_err() && count == 0);
/// ```
pub fn read_records(
    records: &[u8],
    limits: &BatchLimits,
    scratch: &mut Scratch,
    each: impl FnMut(&Record<'_>),
) -> Result<(), Unreadable> {
    let mut whole = Whole(each);
    let buffers = &mut scratch.buffers;
    let result = match records.get(super::batch::MAGIC_AT) {
        Some(0 | 1) => {
            message_set::walk_set(records, limits.decompressed_cap(records.len()), buffers, &mut whole)
                .map(|_| ())
        }
        _ => match BatchHeader::parse(records) {
            Some(header) => walk_one(&header, records, limits, buffers, &mut whole).map(|_| ()),
            None => Err(Unreadable::whole(Flaw::BatchLength)),
        },
    };
    buffers.trim();
    result
}

struct Whole<E>(E);

impl<E: FnMut(&Record<'_>)> Visitor for Whole<E> {
    fn wants_whole_records(&self) -> bool {
        true
    }

    fn record(&mut self, record: &Record<'_>) {
        (self.0)(record);
    }
}
