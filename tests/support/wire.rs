//! Kafka frames by hand, right and wrong ones, without any code of the product.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// `Produce`.
pub const PRODUCE: i16 = 0;
/// `Fetch`.
pub const FETCH: i16 = 1;
/// `Metadata`.
pub const METADATA: i16 = 3;
/// `ApiVersions`.
pub const API_VERSIONS: i16 = 18;

/// A connection on which frames go out and come in.
pub struct Connection(TcpStream);

impl Connection {
    /// Connects to `HOST:PORT`; reads give up after 15 s.
    pub fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(15))).unwrap();
        Self(stream)
    }

    /// Sends bytes as they are. A peer that has closed already is no failure.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes);
    }

    /// Sends `payload` with its size in front.
    pub fn send(&mut self, payload: &[u8]) {
        self.send_raw(&frame(payload));
    }

    /// The next frame without its size; `None` when the peer has closed. Fails when neither happens.
    pub fn receive(&mut self) -> Option<Vec<u8>> {
        let mut size = [0; 4];
        match self.0.read_exact(&mut size) {
            Ok(()) => {}
            Err(error) if closed(&error) => return None,
            Err(error) => panic!("neither an answer nor a close: {error}"),
        }
        let size = i32::from_be_bytes(size);
        let mut payload = vec![0; usize::try_from(size).expect("an answer has a size of 0 or more")];
        self.0.read_exact(&mut payload).expect("an answer is complete");
        Some(payload)
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) {
        let _ = self.0.shutdown(std::net::Shutdown::Write);
    }

    /// Whether the peer closes without sending anything more.
    pub fn closes(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => rest.is_empty(),
            Err(error) => closed(&error),
        }
    }
}

fn closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}

/// `payload` with its size in front.
pub fn frame(payload: &[u8]) -> Vec<u8> {
    let size = i32::try_from(payload.len()).expect("test frames are small");
    [&size.to_be_bytes(), payload].concat()
}

/// A request header in the old form (v1) for `key` and `version`, and `body` behind it.
pub fn request(key: i16, version: i16, correlation: i32, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&key.to_be_bytes());
    bytes.extend_from_slice(&version.to_be_bytes());
    bytes.extend_from_slice(&correlation.to_be_bytes());
    bytes.extend_from_slice(&string("test"));
    bytes.extend_from_slice(body);
    bytes
}

/// A string with its 16-bit length.
pub fn string(text: &str) -> Vec<u8> {
    let size = i16::try_from(text.len()).expect("test strings are short");
    [&size.to_be_bytes(), text.as_bytes()].concat()
}

/// The body of `Produce` v3 to v8: one topic, partition 0, `records` as given.
pub fn produce_body(topic: &str, acks: i16, records: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend_from_slice(&(-1_i16).to_be_bytes());
    body.extend_from_slice(&acks.to_be_bytes());
    body.extend_from_slice(&10_000_i32.to_be_bytes());
    body.extend_from_slice(&1_i32.to_be_bytes());
    body.extend_from_slice(&string(topic));
    body.extend_from_slice(&1_i32.to_be_bytes());
    body.extend_from_slice(&0_i32.to_be_bytes());
    body.extend_from_slice(&frame(records));
    body
}

/// What `Produce` v8 answers for the one partition of a request.
#[derive(Debug)]
pub struct Produced {
    /// Kafka's error code; 0 if the batch was written.
    pub code: i16,
    /// The message for the whole batch, empty if there is none.
    pub message: String,
    /// Index in the batch and message, for each record that was named (KIP-467).
    pub records: Vec<(i32, String)>,
}

impl Produced {
    /// Reads an answer to `Produce` v8.
    pub fn read(answer: &[u8]) -> Self {
        let mut rest = Rest(answer);
        rest.take(4 + 4);
        rest.text();
        rest.take(4 + 4);
        let code = rest.short();
        rest.take(8 + 8 + 8);
        let records = (0..rest.int()).map(|_| (rest.int(), rest.text())).collect();
        Self { code, message: rest.text(), records }
    }
}

/// What is left of an answer.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (part, rest) = self.0.split_at_checked(count).expect("the answer is complete");
        self.0 = rest;
        part
    }

    fn short(&mut self) -> i16 {
        i16::from_be_bytes(self.take(2).try_into().expect("two bytes"))
    }

    fn int(&mut self) -> i32 {
        i32::from_be_bytes(self.take(4).try_into().expect("four bytes"))
    }

    /// A string; empty where there is none.
    fn text(&mut self) -> String {
        let length = usize::try_from(self.short()).unwrap_or(0);
        String::from_utf8(self.take(length).to_vec()).expect("text is UTF-8")
    }
}

/// Sends these records to partition 0 of `topic` with `Produce` v8, on a connection of its own.
pub fn produce(address: &str, topic: &str, records: &[u8]) -> Produced {
    let mut connection = Connection::open(address);
    connection.send(&request(PRODUCE, 8, 5, &produce_body(topic, -1, records)));
    Produced::read(&connection.receive().expect("an answer"))
}

/// A record batch v2 (uncompressed) with these values and a right CRC.
pub fn batch(values: &[&[u8]]) -> Vec<u8> {
    let mut records = Vec::new();
    for (index, value) in values.iter().enumerate() {
        let mut record = vec![0, 0];
        varint(&mut record, i64::try_from(index).expect("few values"));
        varint(&mut record, -1);
        varint(&mut record, i64::try_from(value.len()).expect("short values"));
        record.extend_from_slice(value);
        record.push(0);
        varint(&mut records, i64::try_from(record.len()).expect("short records"));
        records.extend_from_slice(&record);
    }
    batch_around(0, i32::try_from(values.len()).expect("few values"), &records)
}

/// A record batch v2 that says it holds `count` records, around a records section with these attributes.
pub fn batch_around(attributes: i16, count: i32, records: &[u8]) -> Vec<u8> {
    let mut tail = Vec::new();
    tail.extend_from_slice(&attributes.to_be_bytes());
    tail.extend_from_slice(&count.wrapping_sub(1).to_be_bytes());
    let now = 1_700_000_000_000_i64;
    tail.extend_from_slice(&now.to_be_bytes());
    tail.extend_from_slice(&now.to_be_bytes());
    tail.extend_from_slice(&(-1_i64).to_be_bytes());
    tail.extend_from_slice(&(-1_i16).to_be_bytes());
    tail.extend_from_slice(&(-1_i32).to_be_bytes());
    tail.extend_from_slice(&count.to_be_bytes());
    tail.extend_from_slice(records);
    let mut batch = vec![0; 8];
    batch.extend_from_slice(&i32::try_from(9 + tail.len()).expect("small batches").to_be_bytes());
    batch.extend_from_slice(&(-1_i32).to_be_bytes());
    batch.push(2);
    batch.extend_from_slice(&crc32c(&tail).to_be_bytes());
    batch.extend_from_slice(&tail);
    batch
}

/// A zigzag varint.
pub fn varint(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while rest >= 0x80 {
        out.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    out.push(rest.to_le_bytes()[0]);
}

/// CRC-32C (Castagnoli), bit by bit: slow, and not the implementation under test.
pub fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
    !bytes.iter().fold(!0_u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// `value` behind magic byte 0 and the schema `id`.
pub fn framed(id: i64, value: &[u8]) -> Vec<u8> {
    let id = i32::try_from(id).expect("ids are 32 bits wide");
    [&[0], id.to_be_bytes().as_slice(), value].concat()
}
