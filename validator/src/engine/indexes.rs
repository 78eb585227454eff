//! Protobuf message indexes (wire format spec §2, broker validation spec §7.2).

use super::cursor::Cursor;
use super::facts::{Message, MessageTable};

/// Longest path accepted. No compiler nests messages this deep.
pub(super) const LONGEST_PATH: usize = 128;
/// Most bytes that the indexes of an accepted path take: the count and each index are varints of at most 5 bytes.
pub(super) const LONGEST_INDEXES_BYTES: usize = 5 * (LONGEST_PATH + 1);

/// The message indexes are malformed or select no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadIndexes {
    /// Cut, negative, or with a count beyond the bytes or [`LONGEST_PATH`].
    Malformed,
    /// Well-formed, but the schema has no such message.
    NoSuchMessage,
}

/// Reads the indexes at the front of `bytes` and follows them through `table`, if there is one.
///
/// `bytes`: zigzag varint count, then that many zigzag varints; count 0 means the path `[0]`. Returns the selected
/// message and the bytes behind the indexes.
pub(super) fn select<'t, 'b>(
    table: Option<&'t MessageTable>,
    bytes: &'b [u8],
) -> Result<(Option<&'t Message>, &'b [u8]), BadIndexes> {
    let mut cursor = Cursor::new(bytes);
    let mut next = || {
        let value = cursor.varint().map_err(|_| BadIndexes::Malformed)?;
        usize::try_from(value).map_err(|_| BadIndexes::Malformed)
    };
    let count = next()?;
    if count > LONGEST_PATH {
        return Err(BadIndexes::Malformed);
    }
    let mut level = table.map(|table| table.messages.as_slice());
    let mut selected = None;
    // What the table lacks is reported only once the syntax of the whole path is known to be right.
    let mut missing = false;
    for step in 0..count.max(1) {
        let index = if count == 0 && step == 0 { 0 } else { next()? };
        if let Some(messages) = level {
            selected = messages.get(index);
            missing |= selected.is_none();
            level = Some(selected.map_or(&[], |message| message.nested.as_slice()));
        }
    }
    if missing { Err(BadIndexes::NoSuchMessage) } else { Ok((selected, cursor.rest())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes, the selected message and how many bytes are left.
    type Case<'a> = (&'a [u8], Result<(&'a str, usize), BadIndexes>);

    fn message(name: &str, nested: Vec<Message>) -> Message {
        Message { name: name.into(), nested }
    }

    #[test]
    fn indexes_select_a_message() {
        let item = message("Event.Item", vec![message("Event.Item.Deep", vec![])]);
        let table = MessageTable { messages: vec![message("Event", vec![item]), message("Ping", vec![])] };
        let cases: &[Case] = &[
            (&[0, 9, 9], Ok(("Event", 2))),
            (&[2, 0, 9], Ok(("Event", 1))),
            (&[2, 2], Ok(("Ping", 0))),
            (&[4, 0, 0], Ok(("Event.Item", 0))),
            (&[6, 0, 0, 0, 1], Ok(("Event.Item.Deep", 1))),
            (&[2, 4], Err(BadIndexes::NoSuchMessage)),
            (&[4, 0, 2], Err(BadIndexes::NoSuchMessage)),
            (&[4, 2, 0], Err(BadIndexes::NoSuchMessage)),
            (&[8, 0, 0, 0, 0], Err(BadIndexes::NoSuchMessage)),
            (&[], Err(BadIndexes::Malformed)),
            (&[1], Err(BadIndexes::Malformed)),
            (&[2], Err(BadIndexes::Malformed)),
            (&[4, 0], Err(BadIndexes::Malformed)),
            (&[4, 4], Err(BadIndexes::Malformed)),
            (&[2, 1], Err(BadIndexes::Malformed)),
            (&[0xfe, 0xff, 0x03, 0], Err(BadIndexes::Malformed)),
            (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], Err(BadIndexes::Malformed)),
        ];
        for (bytes, expected) in cases {
            let found = select(Some(&table), bytes);
            let found = found.map(|(message, rest)| (message.map_or("", |m| &m.name), rest.len()));
            assert_eq!(found, *expected, "{bytes:02x?}");
        }
    }

    #[test]
    fn without_a_table_only_the_syntax_counts() {
        assert_eq!(select(None, &[2, 0x7e, 5]), Ok((None, &[5][..])));
        assert_eq!(select(None, &[2, 1]), Err(BadIndexes::Malformed));
        assert_eq!(select(Some(&MessageTable::default()), &[0]), Err(BadIndexes::NoSuchMessage));
    }

    #[test]
    fn the_longest_path_is_bounded() {
        let path = |count: usize| {
            let mut bytes = vec![];
            let mut zigzag = count * 2;
            while zigzag >= 0x80 {
                bytes.push(u8::try_from(zigzag & 0x7f).unwrap() | 0x80);
                zigzag >>= 7;
            }
            bytes.push(u8::try_from(zigzag).unwrap());
            bytes.resize(bytes.len() + count, 0);
            bytes
        };
        assert!(select(None, &path(LONGEST_PATH)).is_ok());
        assert_eq!(select(None, &path(LONGEST_PATH + 1)), Err(BadIndexes::Malformed));
    }
}
