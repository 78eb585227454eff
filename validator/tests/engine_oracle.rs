//! Batches made by another implementation read back the same; flipped bits in them do no harm.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, Record as Theirs, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use muster_schema::{SchemaId, SchemaType};
use muster_validator::engine::*;
use proptest::prelude::*;
use support::{CODECS, Random, Rec};

fn rec() -> impl Strategy<Value = Rec> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    let framed = (0..6i32, bytes()).prop_map(|(id, body)| support::framed(id, &body));
    let value = prop_oneof![3 => framed.prop_map(Some), 1 => bytes().prop_map(Some), 1 => Just(None)];
    let large = (0..6i32, 60_000..80_000usize)
        .prop_map(|(id, length)| Some(support::framed(id, &vec![b'l'; length])));
    let value = prop_oneof![40 => value, 1 => large];
    // The oracle keeps headers in a map, so names differ.
    let headers = prop::collection::btree_map("[a-z_]{0,20}", prop::option::of(bytes()), 0..4);
    (prop::option::of(bytes()), value, headers).prop_map(|(key, value, headers)| Rec {
        key,
        value,
        headers: headers.into_iter().map(|(name, value)| (name.into_bytes(), value)).collect(),
    })
}

/// The batch as the other implementation encodes it.
fn encode(recs: &[Rec], deltas: &[i64], codec: Codec) -> Vec<u8> {
    let records: Vec<Theirs> = recs
        .iter()
        .zip(deltas)
        .enumerate()
        .map(|(i, (rec, delta))| Theirs {
            transactional: false,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: -1,
            producer_id: 77,
            producer_epoch: 3,
            timestamp_type: TimestampType::Creation,
            offset: i as i64,
            sequence: i as i32 + 1000,
            timestamp: 1_700_000_000_000 + delta,
            key: rec.key.clone().map(Bytes::from),
            value: rec.value.clone().map(Bytes::from),
            headers: rec
                .headers
                .iter()
                .map(|(name, value)| {
                    let name = String::from_utf8(name.clone()).unwrap();
                    (StrBytes::from_string(name), value.clone().map(Bytes::from))
                })
                .collect::<IndexMap<_, _>>(),
        })
        .collect();
    let compression = match codec {
        Codec::None => Compression::None,
        Codec::Gzip => Compression::Gzip,
        Codec::Snappy => Compression::Snappy,
        Codec::Lz4 => Compression::Lz4,
        Codec::Zstd => Compression::Zstd,
    };
    let options = RecordEncodeOptions { version: 2, compression };
    let mut out = BytesMut::new();
    let compress = |raw: &mut BytesMut, out: &mut BytesMut, _| {
        out.put_slice(&support::compress(codec, raw));
        Ok(())
    };
    RecordBatchEncoder::encode_with_custom_compression(&mut out, &records, &options, Some(compress)).unwrap();
    out.to_vec()
}

fn read(batch: &[u8]) -> Result<Vec<Rec>, Unreadable> {
    let mut recs = vec![];
    let limits = BatchLimits { decompressed_bytes: Some(16 << 20), ..BatchLimits::default() };
    read_records(batch, &limits, &mut Scratch::default(), |record| {
        assert_eq!(record.index() as usize, recs.len());
        recs.push(Rec {
            key: record.key().map(<[u8]>::to_vec),
            value: record.value().map(<[u8]>::to_vec),
            headers: record
                .headers()
                .map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec)))
                .collect(),
        });
    })?;
    Ok(recs)
}

/// Ids 0–2 are right, the others unknown.
fn facts() -> FactsMap {
    let mut facts = FactsMap::complete();
    for n in 0..3 {
        let schema = SchemaFacts::new(SchemaType::Avro, RecordName::None).registered("t-value", false);
        facts.insert(Identifier::Id(SchemaId(n)), Fact::Known(schema.into()));
    }
    facts
}

/// The rules of §7.1 for the prefix policy, once more and as plainly as possible.
fn expected(rec: &Rec) -> Option<Reason> {
    match rec.value.as_deref() {
        None => None,
        Some([0, id @ ..]) if id.len() >= 4 => match i32::from_be_bytes(id[..4].try_into().unwrap()) {
            0..3 => None,
            _ => Some(Reason::UnknownId),
        },
        Some([] | [0, ..]) => Some(Reason::TooShort),
        Some(_) => Some(Reason::NoMagic),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn batches_of_another_encoder_read_back(
        recs in prop::collection::vec(rec(), 1..40),
        deltas in prop::collection::vec(0i64..10_000_000_000, 40),
        codec in prop::sample::select(&CODECS[..]),
    ) {
        let batch = encode(&recs, &deltas, codec);
        let header = BatchHeader::parse(&batch).unwrap();
        prop_assert!(header.checksum_fits(&batch));
        prop_assert_eq!(
            (header.size_bytes, header.magic, header.record_count, header.last_offset_delta, header.codec()),
            (batch.len(), 2, recs.len() as i32, recs.len() as i32 - 1, Some(codec))
        );
        prop_assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), (77, 3, 1000));
        prop_assert_eq!(read(&batch).unwrap(), recs.clone());

        let rules = TopicRules::new("t").with_value(SideRules::default());
        let limits = BatchLimits { decompressed_bytes: Some(16 << 20), ..BatchLimits::default() };
        let outcome = validate_batch(&rules, &facts(), &batch, &limits, &mut Scratch::default());
        let failing: Vec<_> =
            recs.iter().enumerate().filter_map(|(i, rec)| Some((i as i32, expected(rec)?))).collect();
        match outcome {
            Outcome::Pass(_) => prop_assert!(failing.is_empty()),
            Outcome::Reject(report) => {
                let found: Vec<_> = report.records.iter().map(|r| (r.index, r.value.unwrap())).collect();
                prop_assert_eq!(found, failing);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn our_test_encoder_agrees_with_the_other(recs in prop::collection::vec(rec(), 1..20)) {
        let deltas: Vec<i64> = (0..recs.len() as i64).map(|i| 10 * i).collect();
        let theirs = encode(&recs, &deltas, Codec::None);
        prop_assert_eq!(&theirs[61..], &support::block(&recs)[..]);
    }

    #[test]
    fn a_flipped_bit_never_passes_unseen(
        recs in prop::collection::vec(rec(), 1..10),
        codec in prop::sample::select(&CODECS[..]),
        seed in 1u64..,
    ) {
        let mut batch = encode(&recs, &[0; 10], codec);
        let at = 21 + Random(seed).below(batch.len() - 21);
        batch[at] ^= 1 << (seed % 8);
        let rules = TopicRules::new("t").with_value(SideRules::default());
        let limits = BatchLimits { verify_crc: VerifyCrc::Always, ..BatchLimits::default() };
        let outcome = validate_batch(&rules, &facts(), &batch, &limits, &mut Scratch::default());
        prop_assert_eq!(outcome, Outcome::Forward(ForwardCause::WrongChecksum));
        // Without the checksum it may pass or fail, but must answer.
        let limits = BatchLimits { verify_crc: VerifyCrc::Never, ..limits };
        validate_batch(&rules, &facts(), &batch, &limits, &mut Scratch::default());
    }
}
