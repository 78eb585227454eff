//! Laws, on random schemas, values and bytes.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// A schema, and a strategy for its values: as text, and with the position of each branch chosen.
#[derive(Clone, Debug)]
struct Typed {
    schema: String,
    values: BoxedStrategy<Value>,
}

fn typed(schema: &str, values: impl Strategy<Value = Value> + 'static) -> Typed {
    Typed { schema: schema.to_owned(), values: values.boxed() }
}

fn leaf() -> impl Strategy<Value = Typed> {
    let text = "[a-z日é]{0,8}";
    prop_oneof![
        Just(typed("\"null\"", Just(Value::Null))),
        Just(typed("\"boolean\"", any::<bool>().prop_map(Value::Boolean))),
        Just(typed("\"int\"", any::<i32>().prop_map(Value::Int))),
        Just(typed("\"long\"", any::<i64>().prop_map(Value::Long))),
        Just(typed("\"float\"", any::<f32>().prop_map(Value::Float))),
        Just(typed("\"double\"", any::<f64>().prop_map(Value::Double))),
        Just(typed("\"string\"", text.prop_map(Value::String))),
        Just(typed(r#"{"type": "int", "logicalType": "date"}"#, any::<i32>().prop_map(Value::Date))),
        Just(typed(
            r#"{"type": "long", "logicalType": "timestamp-micros"}"#,
            any::<i64>().prop_map(Value::TimestampMicros)
        )),
    ]
}

/// Numbers named types, so that no two have the same name.
fn schemas() -> impl Strategy<Value = Typed> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        let array = inner.clone().prop_map(|item| {
            let values = prop::collection::vec(item.values, 0..4).prop_map(Value::Array);
            typed(&format!(r#"{{"type": "array", "items": {}}}"#, item.schema), values)
        });
        let map = inner.clone().prop_map(|item| {
            let values = prop::collection::hash_map("[a-z]{0,3}", item.values, 0..4).prop_map(Value::Map);
            typed(&format!(r#"{{"type": "map", "values": {}}}"#, item.schema), values)
        });
        let nullable = inner.clone().prop_filter_map("no union in a union", |item| {
            if item.schema.starts_with('[') || item.schema == "\"null\"" {
                return None;
            }
            let values = prop::option::of(item.values).prop_map(|value| match value {
                None => Value::Union(0, Box::new(Value::Null)),
                Some(value) => Value::Union(1, Box::new(value)),
            });
            Some(typed(&format!(r#"["null", {}]"#, item.schema), values))
        });
        let record = (any::<u32>(), prop::collection::vec(inner, 0..4)).prop_map(|(name, items)| {
            let fields: Vec<String> = items
                .iter()
                .enumerate()
                .map(|(i, item)| format!(r#"{{"name": "f{i}", "type": {}}}"#, item.schema))
                .collect();
            let values: Vec<_> = items.into_iter().map(|item| item.values).collect();
            let values = values.prop_map(|values| {
                Value::Record(values.into_iter().enumerate().map(|(i, v)| (format!("f{i}"), v)).collect())
            });
            typed(
                &format!(r#"{{"type": "record", "name": "R{name}", "fields": [{}]}}"#, fields.join(", ")),
                values,
            )
        });
        let fixed = (any::<u32>(), 0..9_usize).prop_map(|(name, size)| {
            let values =
                prop::collection::vec(any::<u8>(), size).prop_map(move |bytes| Value::Fixed(size, bytes));
            typed(&format!(r#"{{"type": "fixed", "name": "F{name}", "size": {size}}}"#), values)
        });
        let symbols = any::<u32>().prop_map(|name| {
            let values = (0..3_u32).prop_map(|i| Value::Enum(i, ["A", "B", "C"][i as usize].to_owned()));
            typed(&format!(r#"{{"type": "enum", "name": "E{name}", "symbols": ["A", "B", "C"]}}"#), values)
        });
        prop_oneof![array, map, nullable, record, fixed, symbols]
    })
}

fn datum() -> impl Strategy<Value = (String, Value)> {
    schemas().prop_flat_map(|typed| (Just(typed.schema), typed.values))
}

/// Equal, with NaN equal to itself.
fn same(a: &Value, b: &Value) -> bool {
    format!("{:?}", Sorted(a)) == format!("{:?}", Sorted(b))
}

/// Prints maps in the order of their keys.
struct Sorted<'a>(&'a Value);

impl std::fmt::Debug for Sorted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Value::Map(map) => {
                let mut entries: Vec<_> = map.iter().map(|(key, value)| (key, Sorted(value))).collect();
                entries.sort_by_key(|(key, _)| *key);
                entries.fmt(f)
            }
            Value::Array(items) => items.iter().map(Sorted).collect::<Vec<_>>().fmt(f),
            Value::Record(fields) => fields.iter().map(|(n, v)| (n, Sorted(v))).collect::<Vec<_>>().fmt(f),
            Value::Union(branch, value) => (branch, Sorted(value)).fmt(f),
            other => other.fmt(f),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_decodes_to_itself((schema, value) in datum()) {
        let schema = format!(r#"["boolean", {{"type": "array", "items": {schema}}}]"#);
        let value = Value::Union(1, Box::new(Value::Array(vec![value])));
        let bytes = encode_value(&schema, &value).unwrap();
        let back = decode_value(&schema, &bytes).unwrap();
        prop_assert!(same(&back, &value), "{back:?}");
        let plan = resolved(&schema, &schema);
        prop_assert!(same(&decode_value_by(&plan, &bytes).unwrap(), &value), "resolved against itself");
        let mut input = input(&bytes);
        de::skip(&plan, plan.root(), &mut input).unwrap();
        prop_assert_eq!(input.remaining(), 0);
    }

    #[test]
    fn apache_avro_agrees((schema, value) in datum()) {
        let schema = format!(r#"{{"type": "array", "items": {schema}}}"#);
        let value = Value::Array(vec![value]);
        prop_assert!(same(&oracle_value(&schema, &encode_value(&schema, &value).unwrap()), &value));
        let theirs = oracle_value_bytes(&schema, &value);
        prop_assert!(same(&decode_value(&schema, &theirs).unwrap(), &value));
    }

    #[test]
    fn random_bytes_do_no_harm((schema, _) in datum(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let plan = Plan::plain(&shape(&schema));
        let _ = value::decode(&plan, &mut input(&bytes));
        let _ = de::decode::<serde_json::Value>(&plan, &mut input(&bytes));
        let _ = de::skip(&plan, plan.root(), &mut input(&bytes));
    }

    #[test]
    fn mutated_bytes_do_no_harm(
        (schema, value) in datum(),
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encode_value(&schema, &value).unwrap();
        for (at, byte) in mutations {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        let plan = Plan::plain(&shape(&schema));
        let _ = value::decode(&plan, &mut input(&bytes));
        let _ = de::decode::<serde_json::Value>(&plan, &mut input(&bytes));
    }

    #[test]
    fn any_two_schemas_resolve_or_refuse((writer, value) in datum(), (reader, _) in datum()) {
        let bytes = encode_value(&writer, &value).unwrap();
        if let Err(error) = value::decode(&resolved(&writer, &reader), &mut input(&bytes)) {
            prop_assert_ne!(error.fault(), Fault::Mismatch);
        }
    }

    #[test]
    fn serde_structs_decode_to_themselves(
        ints in prop::collection::vec(any::<i64>(), 0..5),
        map in prop::collection::hash_map("[a-z]{0,3}", any::<Option<bool>>(), 0..4),
        text in any::<String>(),
    ) {
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        struct Sample {
            text: String,
            ints: Vec<i64>,
            map: HashMap<String, Option<bool>>,
        }
        let schema = record(
            r#"{"name": "ints", "type": {"type": "array", "items": "long"}},
            {"name": "map", "type": {"type": "map", "values": ["null", "boolean"]}}, {"name": "text", "type": "string"}"#,
        );
        let sample = Sample { text, ints, map };
        let bytes = encode(&schema, &sample).unwrap();
        prop_assert_eq!(decode::<Sample>(&schema, &bytes).unwrap(), sample);
    }
}
