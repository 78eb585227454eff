//! What strangers may send to `muster gateway`: an answer or a closed connection, the process alive, memory flat.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod support;

use support::Numbers;
use support::bombs::bomb;
use support::cluster::Cluster;
use support::wire::{
    API_VERSIONS, Connection, FETCH, METADATA, PRODUCE, batch, batch_around, frame, framed, produce_body,
    request, string,
};

const CORRUPT_MESSAGE: i16 = 2;
const INVALID_RECORD: i16 = 87;

/// Asks for the API versions, the first thing each client does; fails if the gateway does not answer properly.
fn is_served(cluster: &mut Cluster) {
    assert!(cluster.gateway.process.alive(), "the gateway ended:\n{}", cluster.gateway.process.log());
    let mut connection = Connection::open(&cluster.gateway.address);
    connection.send(&request(API_VERSIONS, 0, 77, b""));
    let answer = connection.receive().expect("an answer");
    assert_eq!(answer[..6], [0, 0, 0, 77, 0, 0], "correlation id and no error");
}

/// Sends these records; the error code and message of the answer.
fn produce(cluster: &Cluster, topic: &str, records: &[u8]) -> (i16, String) {
    let produced = support::wire::produce(&cluster.gateway.address, topic, records);
    (produced.code, produced.message)
}

/// Requests whose sizes and counts promise what does not come.
fn hostile_requests() -> Vec<(String, Vec<u8>)> {
    let int = |value: i32| value.to_be_bytes().to_vec();
    let short = |value: i16| value.to_be_bytes().to_vec();
    let produce_head = [short(-1), short(-1), int(1000)].concat();
    let mut flexible = vec![0]; // no tagged fields in the header
    flexible.extend_from_slice(&[0]); // no transactional id
    flexible.extend_from_slice(&[short(-1), int(1000)].concat());
    let huge = vec![0xff, 0xff, 0xff, 0xff, 0x0f];
    let endless = vec![0xff; 12];
    let mut cases: Vec<(String, i16, i16, Vec<u8>)> = Vec::new();
    for count in [i32::MAX, i32::MIN, -2, 1_000_000] {
        cases.push((format!("{count} topics"), PRODUCE, 8, [produce_head.clone(), int(count)].concat()));
        let partitions = [produce_head.clone(), int(1), string("t"), int(count)].concat();
        cases.push((format!("{count} partitions"), PRODUCE, 8, partitions));
        let records = [produce_head.clone(), int(1), string("t"), int(1), int(0), int(count)].concat();
        cases.push((format!("{count} bytes of records"), PRODUCE, 8, records));
        // The admin requests that the gateway reads: CreateTopics, AlterConfigs, IncrementalAlterConfigs,
        // DescribeConfigs, each in an old form.
        for (key, version) in [(19, 4), (33, 1), (44, 0), (32, 3)] {
            cases.push((format!("{count} entries for key {key}"), key, version, int(count)));
        }
        let configs = [int(1), vec![2], string("t"), int(count)].concat();
        for (key, version) in [(33, 1), (44, 0), (32, 3)] {
            cases.push((format!("{count} settings for key {key}"), key, version, configs.clone()));
        }
    }
    for length in [i16::MAX, i16::MIN, -2] {
        let topic = [produce_head.clone(), int(1), short(length), b"abc".to_vec()].concat();
        cases.push((format!("a topic name of {length} bytes"), PRODUCE, 8, topic));
        cases.push((format!("a transactional id of {length} bytes"), PRODUCE, 8, short(length)));
    }
    for (name, number) in [("2^32-1", &huge), ("an endless varint", &endless)] {
        cases.push((format!("{name} topics"), PRODUCE, 9, [flexible.clone(), number.clone()].concat()));
        cases.push((
            format!("{name} topics by id"),
            PRODUCE,
            13,
            [flexible.clone(), number.clone()].concat(),
        ));
        let name_length = [flexible.clone(), vec![2], number.clone()].concat();
        cases.push((format!("a name of {name} bytes"), PRODUCE, 9, name_length));
        let records = [flexible.clone(), vec![2, 2, b't', 2], int(0), number.clone()].concat();
        cases.push((format!("{name} bytes of records"), PRODUCE, 9, records));
        cases.push((format!("{name} tagged fields"), PRODUCE, 9, number.clone()));
        let tagged = [flexible.clone(), vec![1], number.clone()].concat();
        cases.push((format!("{name} tagged fields at the end"), PRODUCE, 9, tagged));
        for (key, version) in [(19, 7), (33, 2), (44, 1), (32, 4), (METADATA, 12), (FETCH, 15)] {
            cases.push((
                format!("{name} entries for key {key}"),
                key,
                version,
                [vec![0], number.clone()].concat(),
            ));
        }
    }
    cases
        .into_iter()
        .map(|(name, key, version, body)| (name, frame(&request(key, version, 1, &body))))
        .collect()
}

#[test]
fn hostile_frames_get_an_answer_or_a_close() {
    let Some(mut cluster) = Cluster::start("hostile_frames_get_an_answer_or_a_close") else { return };
    cluster.create_validated("t");
    let mut cases: Vec<(String, Vec<u8>)> = Vec::new();
    for size in [-1, i32::MIN, i32::MAX, 104_857_601, 0, 1, 7] {
        cases.push((format!("a frame of {size} bytes"), [&i32::to_be_bytes(size)[..], &[0; 8]].concat()));
    }
    for key in [9_999, i16::MAX, -1, i16::MIN, 4, 5, 6, 7, 27, 52, 56, 58, 62, 67, 73, 83] {
        cases.push((format!("API key {key}"), frame(&request(key, 0, 1, &[0; 20]))));
    }
    for (key, version) in
        [(PRODUCE, 99), (PRODUCE, -1), (PRODUCE, 14), (METADATA, 99), (FETCH, 16), (FETCH, i16::MAX)]
    {
        cases.push((format!("version {version} of key {key}"), frame(&request(key, version, 1, &[0; 20]))));
    }
    for length in [i16::MAX, -2, i16::MIN] {
        let header = [&[0, 18, 0, 0, 0, 0, 0, 1][..], &length.to_be_bytes()].concat();
        cases.push((format!("a client id of {length} bytes"), frame(&header)));
    }
    cases.extend(hostile_requests());
    for (name, bytes) in &cases {
        let mut connection = Connection::open(&cluster.gateway.address);
        connection.send_raw(bytes);
        connection.finish();
        // The rest is up to the gateway, within the time-out of the connection.
        while connection.receive().is_some() {}
        assert!(cluster.gateway.process.alive(), "{name} ended it:\n{}", cluster.gateway.process.log());
    }
    is_served(&mut cluster);
    assert!(!cluster.gateway.process.log().contains("panicked"), "{}", cluster.gateway.process.log());
}

#[test]
fn what_can_never_become_right_is_closed_at_once() {
    let Some(cluster) = Cluster::start("what_can_never_become_right_is_closed_at_once") else { return };
    // Without an end of the stream from our side: the gateway must not wait for bytes that it would refuse anyway.
    let cases = [
        ("a negative size", (-1_i32).to_be_bytes().to_vec()),
        ("an oversized frame", i32::MAX.to_be_bytes().to_vec()),
        ("an unknown API key", frame(&request(9_999, 0, 1, b""))),
        ("an unknown version", frame(&request(PRODUCE, 99, 1, b""))),
    ];
    for (name, bytes) in cases {
        let mut connection = Connection::open(&cluster.gateway.address);
        connection.send_raw(&bytes);
        assert!(connection.closes(), "{name}");
    }
}

#[test]
fn too_new_a_version_question_is_answered_in_the_oldest_form() {
    let Some(cluster) = Cluster::start("too_new_a_version_question_is_answered_in_the_oldest_form") else {
        return;
    };
    let mut connection = Connection::open(&cluster.gateway.address);
    connection.send(&request(API_VERSIONS, 99, 6, &[0, 1, 1, 0]));
    let answer = connection.receive().expect("an answer");
    assert_eq!(answer[..6], [0, 0, 0, 6, 0, 35], "UNSUPPORTED_VERSION");
    let entry = &answer[10..16];
    assert_eq!(entry[..4], [0, 18, 0, 0], "and which versions of this question there are");
    // The same connection goes on.
    connection.send(&request(API_VERSIONS, 0, 7, b""));
    assert_eq!(connection.receive().expect("an answer")[..6], [0, 0, 0, 7, 0, 0]);
}

#[test]
fn a_bad_checksum_is_for_the_broker_to_refuse() {
    let Some(cluster) = Cluster::start("a_bad_checksum_is_for_the_broker_to_refuse") else { return };
    cluster.create_validated("checksum");
    let id = cluster.register_order("checksum");
    let good = framed(id, &[2]);
    assert_eq!(produce(&cluster, "checksum", &batch(&[&good])), (0, String::new()));
    // Clients send it again after this code, and would not after INVALID_RECORD: whatever is in such a batch.
    for values in [&good[..], b"no framing"] {
        let mut records = batch(&[values]);
        records[17] ^= 0xff;
        assert_eq!(produce(&cluster, "checksum", &records).0, CORRUPT_MESSAGE);
    }
    assert_eq!(cluster.broker.end_offset("checksum"), 1);
}

#[test]
fn malformed_batches_do_not_slip_through() {
    let Some(mut cluster) = Cluster::start("malformed_batches_do_not_slip_through") else { return };
    cluster.create_validated("malformed");
    let id = cluster.register_order("malformed");
    let value = framed(id, &[2]);
    let right = batch(&[&value]);
    let records = &right[61..];
    let mut long_record = records.to_vec();
    long_record[0] = 0x7e;
    let mut cases: Vec<(&str, Vec<u8>)> = vec![
        ("more records announced", batch_around(0, 5, records)),
        ("fewer records announced", batch_around(0, 1, &records.repeat(3))),
        ("two thousand million records", batch_around(0, i32::MAX, records)),
        ("a negative count", batch_around(0, -1, records)),
        ("no record", batch_around(0, 0, b"")),
        ("a record beyond the end", batch_around(0, 1, &long_record)),
        ("an endless varint", batch_around(0, 1, &[0xff; 30])),
        ("an unknown codec", batch_around(6, 1, records)),
        ("bytes behind the batch", [&right[..], b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0"].concat()),
        ("two batches", right.repeat(2)),
        ("an empty records field", Vec::new()),
        ("half a batch", right[..40].to_vec()),
    ];
    for codec in 1..5 {
        cases.push((
            "compressed bytes that are none",
            batch_around(codec, 1, b"\x01\x02\x03 these are no compressed bytes"),
        ));
    }
    for (name, records) in &cases {
        let (code, message) = produce(&cluster, "malformed", records);
        assert_eq!(code, INVALID_RECORD, "{name}: {message}");
    }
    let bad_count = {
        let mut records = batch(&[&value, &value]);
        let length = i32::try_from(records.len()).unwrap() + 5;
        records[8..12].copy_from_slice(&length.to_be_bytes());
        records
    };
    assert_ne!(produce(&cluster, "malformed", &bad_count).0, 0, "a batch length beyond the bytes");
    assert_eq!(cluster.broker.end_offset("malformed"), 0);
    is_served(&mut cluster);
}

#[test]
fn decompression_bombs_are_refused_in_little_memory() {
    let Some(mut cluster) = Cluster::start("decompression_bombs_are_refused_in_little_memory") else {
        return;
    };
    cluster.create_validated("bombed");
    let id = cluster.register_order("bombed");
    assert_eq!(produce(&cluster, "bombed", &batch(&[&framed(id, &[2])])).0, 0);
    for codec in 1..=4 {
        // One record, believable but for its size.
        let records = batch_around(codec, 1, &bomb(codec, &framed(id, &[2])));
        for _ in 0..3 {
            let (code, message) = produce(&cluster, "bombed", &records);
            assert_eq!(code, INVALID_RECORD, "codec {codec}: {message}");
            assert!(message.contains("TOO_EXPANSIVE"), "codec {codec}: refused for what it is: {message}");
        }
    }
    let peak = cluster.gateway.process.peak_resident_kib();
    println!("peak: {peak} KiB");
    assert!(peak < 300 * 1024, "the gateway took {peak} KiB");
    is_served(&mut cluster);
}

#[test]
fn random_bytes_and_broken_connections_leave_memory_flat() {
    let Some(mut cluster) = Cluster::start("random_bytes_and_broken_connections_leave_memory_flat") else {
        return;
    };
    cluster.create_validated("noise");
    let id = cluster.register_order("noise");
    let good = batch(&[&framed(id, &[2])]);
    let mut numbers = Numbers::from_seed(11);
    let mut round = |cluster: &mut Cluster| {
        for number in 0..150 {
            let size = usize::try_from(numbers.below(3_000)).unwrap();
            let noise = numbers.bytes(size);
            let keys = [PRODUCE, METADATA, 19, 32, 33, 44, 20, 10, API_VERSIONS, FETCH];
            let key = keys[usize::try_from(numbers.below(10)).unwrap()];
            let version = i16::try_from(numbers.below(14)).unwrap();
            let bytes = match number % 5 {
                // Nothing right.
                0 => noise,
                // A right size.
                1 => frame(&noise),
                // A right header.
                2 => frame(&request(key, version, number, &noise)),
                // A right Produce request around noise, and around a right batch with a byte changed.
                3 => frame(&request(PRODUCE, 8, number, &produce_body("noise", -1, &noise))),
                _ => {
                    let mut records = good.clone();
                    let at = usize::try_from(numbers.below(u64::try_from(records.len()).unwrap())).unwrap();
                    records[at] = numbers.bytes(1)[0];
                    frame(&request(PRODUCE, 8, number, &produce_body("noise", -1, &records)))
                }
            };
            let mut connection = Connection::open(&cluster.gateway.address);
            connection.send_raw(&bytes);
            if number % 3 == 0 {
                // Gone without a look at the answer.
                continue;
            }
            connection.finish();
            while connection.receive().is_some() {}
        }
        // A megabyte announced, a little sent, gone.
        let part = [&1_000_000_i32.to_be_bytes()[..], &request(PRODUCE, 8, 1, &vec![0; 10_000])].concat();
        for _ in 0..50 {
            Connection::open(&cluster.gateway.address).send_raw(&part);
        }
        is_served(cluster);
    };
    for _ in 0..2 {
        round(&mut cluster);
    }
    let warm = cluster.gateway.process.resident_kib();
    for _ in 0..6 {
        round(&mut cluster);
    }
    let after = cluster.gateway.process.resident_kib();
    println!("resident: {warm} KiB after 2 rounds, {after} KiB after 8");
    assert!(after < warm + 16 * 1024, "{warm} KiB grew to {after} KiB");
    assert!(!cluster.gateway.process.log().contains("panicked"), "{}", cluster.gateway.process.log());
    assert_eq!(produce(&cluster, "noise", &good).0, 0, "and good records still pass");
}
