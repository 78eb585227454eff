//! Mutations of binary inputs.

use crate::support::{Random, varint};

/// Longest input that a mutation makes, in bytes.
const LONGEST: usize = 6_000;

/// Changes an input in one place. `other`: an input to take bytes from.
pub fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    // Mostly near the front, where the structure is.
    let reach = if random.below(3) == 0 { input.len() } else { input.len().min(160) };
    let at = random.below(reach + 1);
    let end = |length: usize| (at + length).min(input.len());
    match random.below(10) {
        0 | 1 if at < input.len() => input[at] ^= 1 << random.below(8),
        2 if at < input.len() => input[at] = [0, 1, 2, 0x7f, 0x80, 0xff][random.below(6)],
        3 if at < input.len() => {
            input[at] = input[at].wrapping_add(if random.below(2) == 0 { 1 } else { 255 })
        }
        4 => input.insert(at, (random.next() & 0xff) as u8),
        5 => drop(input.drain(at..end(1 + random.below(20)))),
        6 => {
            let copy = input[at..end(1 + random.below(60))].to_vec();
            let place = random.below(input.len() + 1);
            input.splice(place..place, copy);
        }
        7 => {
            let from = random.below(other.len() + 1);
            let to = (from + random.below(80)).min(other.len());
            let replaced = if random.below(2) == 0 { at..at } else { at..end(to - from) };
            input.splice(replaced, other[from..to].iter().copied());
        }
        8 => {
            let number = [-1, 0, i64::from(i32::MAX), i64::from(i32::MIN), 1 << 20, 100][random.below(6)];
            let mut bytes = Vec::new();
            match random.below(3) {
                0 => varint(number, &mut bytes),
                1 => bytes.extend((number as i32).to_be_bytes()),
                _ => bytes.extend((number as i16).to_be_bytes()),
            }
            let replaced = if random.below(3) == 0 { at..at } else { at..end(bytes.len()) };
            input.splice(replaced, bytes);
        }
        _ => input.truncate(at.max(1)),
    }
    input.truncate(LONGEST);
}
