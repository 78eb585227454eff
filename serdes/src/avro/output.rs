//! The two encodings that everything in Avro binary is made of.

/// Appends a zigzag varint (Avro 1.12 specification, "Binary encoding").
#[inline]
pub(super) fn put_long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    if rest < 0x80 {
        out.push(low_bits(rest));
        return;
    }
    let mut buffer = [0u8; 10];
    let mut length = 0;
    for slot in &mut buffer {
        length += 1;
        *slot = low_bits(rest);
        rest >>= 7;
        if rest == 0 {
            break;
        }
        *slot |= 0x80;
    }
    // `length` counts slots of the buffer.
    out.extend_from_slice(&buffer[..length]);
}

/// Appends a length and the bytes.
#[inline]
pub(super) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    // A slice is never longer than `isize::MAX`.
    put_long(bytes.len() as i64, out);
    out.extend_from_slice(bytes);
}

#[inline]
fn low_bits(value: u64) -> u8 {
    (value & 0x7f) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longs_are_zigzag_varints() {
        let cases: &[(i64, &[u8])] = &[
            (0, &[0]),
            (-1, &[1]),
            (1, &[2]),
            (63, &[0x7e]),
            (-64, &[0x7f]),
            (64, &[0x80, 0x01]),
            (8192, &[0x80, 0x80, 0x01]),
            (i64::MAX, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
            (i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ];
        for (value, expected) in cases {
            let mut out = Vec::new();
            put_long(*value, &mut out);
            assert_eq!(out, *expected, "{value}");
        }
    }
}
