//! The binary encoding of Protocol Buffers, as far as descriptors need it: reading within bounds, and writing.
//!
//! Source: Protocol Buffers documentation, "Encoding".

/// What follows a tag.
#[derive(Clone, Copy, Debug)]
pub(super) enum Payload<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Eight or four bytes, or a group; nothing here needs them.
    Other,
}

/// The bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Most groups within each other that are stepped over.
const MAX_GROUP_DEPTH: usize = 100;

/// Reads the fields of one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Payload<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let read = self.read();
        if read.is_err() {
            self.0 = &[];
        }
        Some(read)
    }
}

impl<'a> Fields<'a> {
    fn read(&mut self) -> Result<(u32, Payload<'a>), Malformed> {
        let (number, wire_type) = self.tag()?;
        let payload = match wire_type {
            3 => {
                self.group(number)?;
                Payload::Other
            }
            other => self.payload(other)?,
        };
        Ok((number, payload))
    }

    fn tag(&mut self) -> Result<(u32, u64), Malformed> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| (1..1 << 29).contains(number));
        Ok((number.ok_or(Malformed)?, tag & 7))
    }

    fn payload(&mut self, wire_type: u64) -> Result<Payload<'a>, Malformed> {
        match wire_type {
            0 => self.varint().map(Payload::Varint),
            1 => self.take(8).map(|_| Payload::Other),
            2 => {
                let length = self.varint()?;
                self.take(usize::try_from(length).map_err(|_| Malformed)?).map(Payload::Bytes)
            }
            5 => self.take(4).map(|_| Payload::Other),
            _ => Err(Malformed),
        }
    }

    /// Steps over the rest of a group and the groups in it.
    fn group(&mut self, number: u32) -> Result<(), Malformed> {
        let mut open = vec![number];
        while let Some(innermost) = open.last() {
            match self.tag()? {
                (number, 4) if number == *innermost => drop(open.pop()),
                (number, 3) if open.len() < MAX_GROUP_DEPTH => open.push(number),
                (_, wire_type) => drop(self.payload(wire_type)?),
            }
        }
        Ok(())
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = *self.take(1)? else { return Err(Malformed) };
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }
}

/// A message being written, fields in the order of the calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    /// A field of a number, bool or enum. Negative numbers take ten bytes.
    pub(super) fn integer(&mut self, number: u32, value: i64) {
        self.varint(u64::from(number) << 3);
        self.varint(value.cast_unsigned());
    }

    /// A field of text.
    pub(super) fn text(&mut self, number: u32, value: &str) {
        self.bytes(number, value.as_bytes());
    }

    /// A field of bytes or of a message.
    pub(super) fn bytes(&mut self, number: u32, value: &[u8]) {
        self.varint(u64::from(number) << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// Packed varints.
pub(super) fn varints(bytes: &[u8]) -> Result<Vec<u64>, Malformed> {
    let mut rest = Fields(bytes);
    let mut values = Vec::new();
    while !rest.0.is_empty() {
        values.push(rest.varint()?);
    }
    Ok(values)
}
