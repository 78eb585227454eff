//! Laws of the comparison of JSON schemas.
#![cfg(feature = "json")]

#[path = "support/json/schemas/mod.rs"]
mod schemas;

use muster_schema::compatibility::CompatibilityPolicy::{self, Lenient, Strict};
use muster_schema::json::changes::changes;
use muster_schema::json::diff::diff;
use muster_schema::json::{self, JsonSchema};
use muster_schema::{Limits, ResolvedReferences, Strictness};
use proptest::prelude::*;
use schemas::evolve::{pair, places};
use serde_json::Value;

fn parse(schema: &Value) -> Option<JsonSchema> {
    json::parse(&schema.to_string(), &ResolvedReferences::default(), Strictness::New, &Limits::default()).ok()
}

fn reads(reader: &JsonSchema, writer: &JsonSchema, policy: CompatibilityPolicy) -> bool {
    diff(reader, writer, policy, &Limits::default()).iter().all(|found| found.kind.is_compatible(policy))
}

/// Whether a text of a modern dialect has a list of types beside keywords that say more than a title does: it depends on
/// their order then what they join, and normalized text orders them.
fn has_list_beside_others(text: &str) -> bool {
    const SAYING_NOTHING: [&str; 5] = ["$schema", "type", "title", "description", "default"];
    let schema: Value = serde_json::from_str(text).expect("canonical text is JSON");
    let has_both = |place: &String| {
        let members = schema.pointer(place).and_then(Value::as_object);
        members.is_some_and(|members| {
            members.get("type").is_some_and(Value::is_array)
                && members.keys().any(|keyword| !SAYING_NOTHING.contains(&keyword.as_str()))
        })
    };
    text.contains("/draft/") && places(&schema).iter().any(has_both)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_schema_reads_its_own_data(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let (schema, _) = pair(&bytes);
        let Some(schema) = parse(&schema) else { return Ok(()) };
        for policy in [Strict, Lenient] {
            let found = diff(&schema, &schema, policy, &Limits::default());
            prop_assert!(found.iter().all(|found| found.kind.is_compatible(policy)), "{found:?}");
        }
        let normalized = schema.normalized().unwrap();
        let again = normalized.normalized().unwrap();
        prop_assert_eq!(again.canonical(), normalized.canonical());
        let is_ordered = has_list_beside_others(schema.canonical());
        prop_assert!(
            is_ordered || reads(&normalized, &schema, Strict) && reads(&schema, &normalized, Strict)
        );
    }

    #[test]
    fn what_the_strict_policy_lets_pass_the_lenient_one_does(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let (writer, reader) = pair(&bytes);
        let (Some(writer), Some(reader)) = (parse(&writer), parse(&reader)) else { return Ok(()) };
        prop_assert!(!reads(&reader, &writer, Strict) || reads(&reader, &writer, Lenient));
    }

    /// Outside of combinations: there, children that only differ by a title are two instead of one.
    #[test]
    fn a_title_never_changes_a_verdict(bytes in prop::collection::vec(any::<u8>(), 0..400), at in any::<usize>()) {
        let (writer, reader) = pair(&bytes);
        let places: Vec<String> =
            places(&reader).into_iter().filter(|place| !place.contains("Of/")).collect();
        let place = &places[at % places.len()];
        let mut titled = reader.clone();
        let Some(Value::Object(members)) = titled.pointer_mut(place) else { return Ok(()) };
        members.insert("title".to_owned(), "a title that nobody else has".into());
        let (Some(writer), Some(reader), Some(titled)) = (parse(&writer), parse(&reader), parse(&titled)) else {
            return Ok(());
        };
        // A target of references may be a child of a combination, too.
        prop_assume!(!titled.canonical().contains("Of/"));
        for policy in [Strict, Lenient] {
            prop_assert_eq!(reads(&titled, &writer, policy), reads(&reader, &writer, policy));
            prop_assert_eq!(reads(&writer, &titled, policy), reads(&writer, &reader, policy));
        }
    }

    #[test]
    fn changes_tell_what_breaks_in_either_direction(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let (writer, reader) = pair(&bytes);
        let (Some(writer), Some(reader)) = (parse(&writer), parse(&reader)) else { return Ok(()) };
        let listed = changes(&writer, &reader, Strict, &Limits::default());
        let breaks_backward = listed.iter().any(|change| change.verdict.breaks_backward);
        let breaks_forward = listed.iter().any(|change| change.verdict.breaks_forward);
        prop_assert_eq!(breaks_backward, !reads(&reader, &writer, Strict));
        prop_assert_eq!(breaks_forward, !reads(&writer, &reader, Strict));
    }
}

/// The generator is worth nothing if most of what it makes is refused or the same.
#[test]
fn generated_pairs_are_valid_and_differ() {
    let mut random = 1_u64;
    let (mut valid, mut different, mut breaking) = (0, 0, 0);
    for _ in 0..500 {
        let bytes: Vec<u8> = (0..400)
            .map(|_| {
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 56) as u8
            })
            .collect();
        let (writer, reader) = pair(&bytes);
        let (Some(writer), Some(reader)) = (parse(&writer), parse(&reader)) else { continue };
        valid += 1;
        let found = diff(&reader, &writer, Strict, &Limits::default());
        different += usize::from(!found.is_empty());
        breaking += usize::from(!found.iter().all(|found| found.kind.is_compatible(Strict)));
    }
    println!("{valid} valid pairs of 500, {different} differ, {breaking} break");
    assert!(valid > 350 && different > 200 && breaking > 100 && breaking < different);
}
