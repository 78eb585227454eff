//! Avro values as the golden files write them.

use apache_avro::Decimal;
use apache_avro::types::Value;
use muster_schema::avro::AvroSchema;
use muster_schema::avro::model::{Kind, NodeId};
use muster_schema::{Limits, ParsedSchema, ResolvedReferences, SchemaType, Strictness};
use muster_serdes::NewSchema;
use serde_json::{Map, Value as Json, json};

/// A schema by which to tag unions.
pub struct Kinds(ParsedSchema);

impl Kinds {
    /// `references`: as the golden files list them, nested ones included.
    pub fn of(schema: &NewSchema, references: &Json) -> Self {
        let mut texts = Vec::new();
        collect(references, &mut texts);
        let limits = Limits::default();
        let references = ResolvedReferences { texts, ..ResolvedReferences::default() };
        ParsedSchema::parse(SchemaType::Avro, &schema.schema, &references, Strictness::Stored, &limits)
            .map(Self)
            .unwrap()
    }

    fn avro(&self) -> &AvroSchema {
        self.0.as_avro().unwrap()
    }

    /// Avro's own JSON encoding: non-null branches of unions are tagged.
    pub fn to_json(&self, value: &Value) -> Json {
        self.json_at(self.avro().root(), value)
    }

    /// From Avro's own JSON encoding.
    pub fn to_value(&self, json: &Json) -> Value {
        self.value_at(self.avro().root(), json)
    }

    fn json_at(&self, id: NodeId, value: &Value) -> Json {
        match (&self.avro().node(id).kind, value) {
            (Kind::Union(branches), Value::Union(branch, inner)) => {
                let id = branches[*branch as usize];
                match (self.json_at(id, inner), self.branch_name(id)) {
                    (Json::Null, _) => Json::Null,
                    (json, name) => json!({name: json}),
                }
            }
            (Kind::Array(item), Value::Array(items)) => {
                items.iter().map(|value| self.json_at(*item, value)).collect()
            }
            (Kind::Map(item), Value::Map(entries)) => {
                let entries = entries.iter().map(|(key, value)| (key.clone(), self.json_at(*item, value)));
                Json::Object(sorted(entries.collect()))
            }
            (Kind::Record(record), Value::Record(fields)) => {
                let fields = record.fields.iter().zip(fields).map(|(field, (name, value))| {
                    assert_eq!(field.name, *name);
                    (name.clone(), self.json_at(field.schema, value))
                });
                Json::Object(sorted(fields.collect()))
            }
            (Kind::Fixed(fixed), Value::Uuid(uuid)) if fixed.size == 16 => latin1(uuid.as_bytes()),
            (_, value) => plain(value),
        }
    }

    fn value_at(&self, id: NodeId, json: &Json) -> Value {
        match &self.avro().node(id).kind {
            Kind::Null => Value::Null,
            Kind::Boolean => Value::Boolean(json.as_bool().unwrap()),
            Kind::Int => Value::Int(i32::try_from(json.as_i64().unwrap()).unwrap()),
            Kind::Long => Value::Long(json.as_i64().unwrap()),
            #[allow(clippy::cast_possible_truncation, reason = "the number is a float, printed as a double")]
            Kind::Float => Value::Float(number(json) as f32),
            Kind::Double => Value::Double(number(json)),
            Kind::Bytes => match self.is_decimal(id) {
                true => Value::Decimal(Decimal::from(bytes(json))),
                false => Value::Bytes(bytes(json)),
            },
            Kind::Fixed(fixed) => Value::Fixed(fixed.size, bytes(json)),
            Kind::String => Value::String(json.as_str().unwrap().to_owned()),
            Kind::Enum(kind) => {
                let symbol = json.as_str().unwrap();
                let position = kind.symbols.iter().position(|one| one == symbol).unwrap();
                Value::Enum(u32::try_from(position).unwrap(), symbol.to_owned())
            }
            Kind::Array(item) => {
                Value::Array(json.as_array().unwrap().iter().map(|json| self.value_at(*item, json)).collect())
            }
            Kind::Map(item) => {
                let entries = json.as_object().unwrap().iter();
                Value::Map(entries.map(|(key, json)| (key.clone(), self.value_at(*item, json))).collect())
            }
            Kind::Record(record) => {
                let fields = record.fields.iter();
                Value::Record(
                    fields
                        .map(|field| (field.name.clone(), self.value_at(field.schema, &json[&field.name])))
                        .collect(),
                )
            }
            Kind::Union(branches) => {
                let (name, content) = match json {
                    Json::Null => ("null", json),
                    _ => json
                        .as_object()
                        .unwrap()
                        .iter()
                        .map(|(name, json)| (name.as_str(), json))
                        .next()
                        .unwrap(),
                };
                let branch = branches.iter().position(|&id| self.branch_name(id) == name).unwrap();
                Value::Union(
                    u32::try_from(branch).unwrap(),
                    Box::new(self.value_at(branches[branch], content)),
                )
            }
        }
    }

    fn is_decimal(&self, id: NodeId) -> bool {
        let props = &self.avro().node(id).props;
        props.iter().any(|(name, value)| name == "logicalType" && format!("{value:?}").contains("decimal"))
    }

    fn branch_name(&self, id: NodeId) -> String {
        match &self.avro().node(id).kind {
            Kind::Record(record) => record.named.name.to_string(),
            Kind::Enum(kind) => kind.named.name.to_string(),
            Kind::Fixed(fixed) => fixed.named.name.to_string(),
            Kind::Null => "null".to_owned(),
            Kind::Boolean => "boolean".to_owned(),
            Kind::Int => "int".to_owned(),
            Kind::Long => "long".to_owned(),
            Kind::Float => "float".to_owned(),
            Kind::Double => "double".to_owned(),
            Kind::Bytes => "bytes".to_owned(),
            Kind::String => "string".to_owned(),
            Kind::Array(_) => "array".to_owned(),
            Kind::Map(_) => "map".to_owned(),
            Kind::Union(_) => "union".to_owned(),
        }
    }
}

/// JSON without tags on unions; bytes as text with one character per byte.
pub fn plain(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => json!(value),
        Value::Int(value) | Value::Date(value) | Value::TimeMillis(value) => json!(value),
        Value::Long(value)
        | Value::TimeMicros(value)
        | Value::TimestampMillis(value)
        | Value::TimestampMicros(value)
        | Value::TimestampNanos(value)
        | Value::LocalTimestampMillis(value)
        | Value::LocalTimestampMicros(value)
        | Value::LocalTimestampNanos(value) => json!(value),
        Value::Float(value) => float(f64::from(*value)),
        Value::Double(value) => float(*value),
        Value::Bytes(bytes) | Value::Fixed(_, bytes) => latin1(bytes),
        Value::Decimal(decimal) => latin1(&Vec::try_from(decimal).unwrap()),
        Value::Duration(duration) => latin1(&<[u8; 12]>::from(duration)),
        Value::String(text) | Value::Enum(_, text) => json!(text),
        Value::Uuid(uuid) => json!(uuid.to_string()),
        Value::Union(_, value) => plain(value),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Map(entries) => {
            Json::Object(sorted(entries.iter().map(|(key, value)| (key.clone(), plain(value))).collect()))
        }
        Value::Record(fields) => {
            Json::Object(sorted(fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect()))
        }
        Value::BigDecimal(_) => unreachable!("big decimals stay bytes"),
    }
}

/// The expected value with its members sorted, as ours are.
pub fn normalized(json: &Json) -> Json {
    match json {
        Json::Array(items) => items.iter().map(normalized).collect(),
        Json::Object(members) => {
            Json::Object(sorted(members.iter().map(|(key, json)| (key.clone(), normalized(json))).collect()))
        }
        other => other.clone(),
    }
}

fn sorted(mut members: Vec<(String, Json)>) -> Map<String, Json> {
    members.sort_by(|a, b| a.0.cmp(&b.0));
    members.into_iter().collect()
}

fn float(value: f64) -> Json {
    if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(value)
    }
}

fn number(json: &Json) -> f64 {
    match json.as_str() {
        Some("NaN") => f64::NAN,
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        _ => json.as_f64().unwrap(),
    }
}

fn latin1(bytes: &[u8]) -> Json {
    Json::String(bytes.iter().map(|byte| char::from(*byte)).collect())
}

fn bytes(json: &Json) -> Vec<u8> {
    json.as_str().unwrap().chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

/// Texts of references, each after those it refers to itself.
fn collect(references: &Json, texts: &mut Vec<(String, String)>) {
    for reference in references.as_array().into_iter().flatten() {
        collect(&reference["references"], texts);
        let name = reference["name"].as_str().unwrap();
        if let Some(text) = reference["schema"].as_str()
            && texts.iter().all(|(known, _)| known != name)
        {
            texts.push((name.to_owned(), text.to_owned()));
        }
    }
}
