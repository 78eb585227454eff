//! Laws of the walker and of the comparison, about generated files and messages: the walker agrees with `prost-reflect`,
//! on what mutations make of messages too, and with itself however it was compiled; a schema is compatible with itself;
//! lists of one comparison agree.

#[path = "support/mod.rs"]
mod support;

use muster_schema::protobuf::validate::{Program, Scratch};
use muster_schema::protobuf::{diff, indexes::MessageTable, parse, to_base64, witness};
use muster_schema::{Limits, ResolvedReferences, Strictness};
use proptest::prelude::*;
use prost_reflect::prost::Message;
use support::Choices;
use support::mutate::Random;
use support::protobuf::generate::{MESSAGES, encoded, file};
use support::protobuf::{mutate, oracle::Both};

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn the_walker_agrees_with_a_decoder(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        seed in any::<u64>(),
    ) {
        let mut choices = Choices(&bytes);
        let mut first = choices.split_off(120);
        let file = file(&mut first);
        let mut both = Both::new(file.clone());
        let mut random = Random(seed);
        for name in MESSAGES {
            let full_name = format!("p.{name}");
            let valid = encoded(&file, &format!(".{full_name}"), &mut choices, 4);
            let verdict = both.check(&full_name, &valid);
            prop_assert!(
                matches!(verdict, Ok(_) | Err(muster_schema::protobuf::validate::InvalidKind::MissingRequired(_))),
                "{:?}: {:02x?}", verdict, valid
            );
            for _ in 0..20 {
                let mut mutated = valid.clone();
                for _ in 0..=random.below(3) {
                    mutate(&mut mutated, &mut random);
                }
                let _ = both.check(&full_name, &mutated);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_registered_descriptor_is_walked_and_indexed_like_the_descriptor(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        seed in any::<u64>(),
    ) {
        let mut choices = Choices(&bytes);
        let mut first = choices.split_off(120);
        let file = file(&mut first);
        let text = to_base64(&file.encode_to_vec());
        let limits = Limits::default();
        let schema = parse(&text, &ResolvedReferences::default(), Strictness::New, &limits).unwrap();
        prop_assert_eq!(schema.message_table(), MessageTable::of(&file));
        // What the registry stores is text.
        let stored =
            parse(schema.canonical(), &ResolvedReferences::default(), Strictness::Stored, &limits).unwrap();
        prop_assert_eq!(stored.message_table(), MessageTable::of(&file));
        let mut random = Random(seed);
        let programs = [
            Program::compile([&file]).unwrap(), Program::of(&schema).unwrap(), Program::of(&stored).unwrap(),
        ];
        let mut scratch = Scratch::default();
        for name in MESSAGES {
            let full_name = format!("p.{name}");
            let mut data = encoded(&file, &format!(".{full_name}"), &mut choices, 4);
            for _ in 0..8 {
                let verdicts = programs.each_ref().map(|program| {
                    program.check(program.message(&full_name).unwrap(), &data, &limits, &mut scratch)
                });
                // The text no longer tells a group from a message, so a field of that name may be either.
                let has_group = file.message_type.iter().any(|message| {
                    message.field.iter().any(|field| field.r#type() == prost_types::field_descriptor_proto::Type::Group)
                });
                if !has_group || verdicts[0].is_ok() {
                    prop_assert_eq!(verdicts[1], verdicts[0], "{:02x?}", data);
                    prop_assert_eq!(verdicts[2], verdicts[0], "{:02x?}", data);
                }
                mutate(&mut data, &mut random);
            }
        }
    }

    #[test]
    fn lists_of_one_comparison_agree(
        old in proptest::collection::vec(any::<u8>(), 0..200),
        at in 0_usize..200,
        byte in any::<u8>(),
    ) {
        let mut new = old.clone();
        if let Some(place) = new.get_mut(at) {
            *place = byte;
        }
        let limits = Limits::default();
        let [old, new] = [old, new].map(|bytes| {
            let text = to_base64(&file(&mut Choices(&bytes)).encode_to_vec());
            parse(&text, &ResolvedReferences::default(), Strictness::New, &limits).unwrap()
        });
        for one in [&old, &new] {
            prop_assert_eq!(diff::diff(one, one, &limits), vec![]);
            prop_assert_eq!(diff::changes(one, one, &limits), vec![]);
        }
        let breaking = |reader, writer| {
            let mut found = diff::diff(reader, writer, &limits);
            found.retain(|difference| !difference.is_compatible());
            found
        };
        let changes = diff::changes(&old, &new, &limits);
        let (backward, forward) = (breaking(&new, &old), breaking(&old, &new));
        prop_assert_eq!(changes.iter().filter(|change| change.verdict.breaks_backward).count(), backward.len());
        prop_assert_eq!(changes.iter().filter(|change| change.verdict.breaks_forward).count(), forward.len());
        let explained = witness::explain(&new, &old, &limits);
        let explained: Vec<_> = explained.into_iter().map(|explained| explained.difference).collect();
        prop_assert_eq!(explained, backward);
    }
}
