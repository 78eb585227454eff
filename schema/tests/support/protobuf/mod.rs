//! What the tests, fuzz targets and benches of Protobuf share.

pub mod fuzz;
pub mod generate;
pub mod oracle;
pub mod targets;
pub mod text;

use super::mutate::Random;
use generate::{key, varint};

/// Changes a message, or any bytes, in one place.
pub fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let end = (at + 1 + random.below(12)).min(bytes.len()).max(at);
    match random.below(9) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 if at < bytes.len() => {
            bytes[at] = b"\0\x01\x02\x08\x0a\x0b\x0c\x0d\x12\x7f\x80\xff"[random.below(12)]
        }
        2 => bytes.insert(at, random.byte()),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let copy = bytes[at..end].to_vec();
            let place = random.below(bytes.len() + 1);
            bytes.splice(place..place, copy);
        }
        5 => bytes.truncate(at),
        6 => {
            // What is there becomes a group or a field with a length.
            let number = [1, 2, 3, 15, 2047][random.below(5)];
            let content = bytes[at..end].to_vec();
            let mut field = Vec::new();
            if random.below(2) == 0 {
                key(number, 3, &mut field);
                field.extend(&content);
                key(number, 4, &mut field);
            } else {
                key(number, 2, &mut field);
                varint(content.len() as u64, &mut field);
                field.extend(&content);
            }
            bytes.splice(at..end, field);
        }
        7 => {
            let mut field = Vec::new();
            key(1 + random.below(6) as u32, random.below(8) as u32, &mut field);
            bytes.splice(at..at, field);
        }
        _ => {
            let mut number = Vec::new();
            varint([0, 1, 127, 128, 1 << 31, u64::MAX >> 1, u64::MAX][random.below(7)], &mut number);
            bytes.splice(at..at, number);
        }
    }
}
