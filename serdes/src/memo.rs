//! What a serde has worked out per topic and side, found again for every record.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::{Arc, PoisonError, RwLock};

use muster_schema::Side;

/// Topics, and schemas or kinds of values per topic, that a serde remembers (wire format spec §10.5).
pub(crate) const CAPACITY: usize = 1_000;

/// A map from topic, side and `K`, made for reading: every record asks, few find nothing.
///
/// Trade-off: at its capacity it starts anew instead of keeping track of use, which costs a look into the registry
/// client's cache per entry.
#[derive(Debug)]
pub(crate) struct Memo<K, V> {
    table: RwLock<Table<K, V>>,
    capacity: usize,
}

#[derive(Debug)]
struct Table<K, V> {
    /// By hash, so that nothing is allocated to look a borrowed topic up.
    buckets: HashMap<u64, Vec<Entry<K, V>>, BuildHasherDefault<Mixer>>,
    entries: usize,
}

#[derive(Debug)]
struct Entry<K, V> {
    topic: String,
    side: Side,
    key: K,
    value: Arc<V>,
}

impl<K: Copy + Eq + Hash, V> Memo<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { table: RwLock::new(Table { buckets: HashMap::default(), entries: 0 }), capacity }
    }

    #[inline]
    pub(crate) fn get(&self, topic: &str, side: Side, key: K) -> Option<Arc<V>> {
        // Entries are inserted whole, so the table is sound even if a thread died holding the lock.
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let bucket = table.buckets.get(&hash(topic, side, key))?;
        bucket.iter().find(|entry| entry.is(topic, side, key)).map(|entry| entry.value.clone())
    }

    /// Keeps the value that came first: whoever worked it out meanwhile has come to the same.
    pub(crate) fn insert(&self, topic: &str, side: Side, key: K, value: Arc<V>) -> Arc<V> {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        if table.entries >= self.capacity {
            table.buckets.clear();
            table.entries = 0;
        }
        let bucket = table.buckets.entry(hash(topic, side, key)).or_default();
        if let Some(first) = bucket.iter().find(|entry| entry.is(topic, side, key)) {
            return first.value.clone();
        }
        bucket.push(Entry { topic: topic.to_owned(), side, key, value: value.clone() });
        table.entries += 1;
        value
    }
}

impl<K: Eq, V> Entry<K, V> {
    fn is(&self, topic: &str, side: Side, key: K) -> bool {
        self.side == side && self.key == key && self.topic == topic
    }
}

#[inline]
fn hash<K: Hash>(topic: &str, side: Side, key: K) -> u64 {
    let mut mixer = Mixer::default();
    mixer.write(topic.as_bytes());
    side.hash(&mut mixer);
    key.hash(&mut mixer);
    mixer.finish()
}

/// A hash without a secret, several times faster than the standard one. Topics are the application's own and ids must
/// be registered to get here, so at worst someone who may register makes a thousand entries share a bucket.
#[derive(Debug, Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (slot, byte) in last.iter_mut().zip(rest) {
            *slot = *byte;
        }
        // The length tells "a" from "a\0".
        self.write_u64(u64::from_le_bytes(last) ^ (bytes.len() as u64).rotate_left(56));
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        // An odd constant without pattern: 2^64 divided by the golden ratio.
        let mixed = u128::from(self.0 ^ word) * 0x9e37_79b9_7f4a_7c15;
        self.0 = (mixed as u64) ^ ((mixed >> 64) as u64);
    }

    #[inline]
    fn write_i32(&mut self, number: i32) {
        self.write_u64(u64::from(number.cast_unsigned()));
    }

    #[inline]
    fn write_isize(&mut self, number: isize) {
        self.write_u64(number.cast_unsigned() as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_sides_and_keys_are_apart_and_the_first_value_stays() {
        let memo = Memo::new(8);
        let put = |topic, side, key, value| *memo.insert(topic, side, key, Arc::new(value));
        assert_eq!(put("t", Side::Key, 1, 'a'), 'a');
        assert_eq!(put("t", Side::Value, 1, 'b'), 'b');
        assert_eq!(put("t", Side::Value, 2, 'c'), 'c');
        assert_eq!(put("t\0", Side::Value, 2, 'd'), 'd');
        assert_eq!(put("t", Side::Value, 2, 'e'), 'c');
        assert_eq!(memo.get("t", Side::Key, 1).as_deref(), Some(&'a'));
        assert_eq!(memo.get("t", Side::Key, 2), None);
        assert_eq!(memo.get("u", Side::Key, 1), None);
    }

    #[test]
    fn capacity_bounds_the_entries() {
        let memo = Memo::new(2);
        for key in 0..100 {
            memo.insert("t", Side::Key, key, Arc::new(key));
            assert!(memo.table.read().unwrap().entries <= 2);
        }
        assert_eq!(memo.get("t", Side::Key, 99).as_deref(), Some(&99));
        assert_eq!(memo.get("t", Side::Key, 0), None);
    }

    #[test]
    fn similar_keys_hash_apart() {
        let mut seen = std::collections::HashSet::new();
        for topic in ["", "a", "b", "aaaaaaaa", "aaaaaaab", "aaaaaaaaa"] {
            for side in [Side::Key, Side::Value] {
                for key in 0..100 {
                    assert!(seen.insert(hash(topic, side, key)), "{topic} {side} {key}");
                }
            }
        }
    }
}
