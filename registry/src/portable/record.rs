//! One record of the log, from and to JSON (registry API spec §14.2).

use muster_schema::{
    Context, Guid, Metadata, RuleSet, SchemaId, SchemaReference, SchemaType, Subject, Version,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::digest;
use crate::store::{Association, AssociationType, ConfigRecord, Lifecycle, Mode, Resource};

/// One record: what it is about, and `None` where its value is null, which removes that.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// Marks the end of the log for whoever writes; says nothing.
    Noop,
    /// A version of a subject.
    Schema {
        /// The subject.
        subject: Subject,
        /// The version.
        version: Version,
        /// What it is; `None` forgets it.
        value: Option<Box<SchemaValue>>,
    },
    /// The config of a subject, a context or the top level.
    Config {
        /// Whose.
        target: Subject,
        /// What it is.
        value: Option<Box<ConfigRecord>>,
    },
    /// The mode of a subject, a context or the top level.
    Mode {
        /// Whose.
        target: Subject,
        /// What it is.
        value: Option<Mode>,
    },
    /// Soft-deletes the versions of a subject up to one, as they are at this place of the log.
    DeleteSubject {
        /// The subject.
        subject: Subject,
        /// The last version deleted. `None` deletes nothing.
        through: Option<Version>,
    },
    /// Forgets soft-deleted versions.
    ClearSubject {
        /// A subject; a context (empty name) for all of it; the top level or `.__GLOBAL` for everything.
        target: Subject,
        /// Whether it does anything.
        present: bool,
    },
    /// A context in which a schema was registered.
    Context {
        /// The context.
        context: Context,
        /// Whether it is listed from now on.
        present: bool,
    },
    /// An association.
    Association {
        /// Which.
        key: AssociationKey,
        /// What it is.
        value: Option<Box<Association>>,
    },
}

/// The value of [`Record::Schema`].
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaValue {
    /// The id within the subject's context.
    pub id: SchemaId,
    /// The content hash, where it is not that of the content as it stands here: some properties were encrypted.
    pub guid: Option<Guid>,
    /// The language.
    pub schema_type: SchemaType,
    /// References to other versions.
    pub references: Vec<SchemaReference>,
    /// Metadata.
    pub metadata: Option<Metadata>,
    /// Rule set.
    pub rule_set: Option<RuleSet>,
    /// Canonical text.
    pub schema: String,
    /// Whether the version is soft-deleted.
    pub deleted: bool,
    /// When it was written, if the value says so itself: in milliseconds since the epoch.
    pub ts_ms: Option<i64>,
}

/// Which association a record is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AssociationKey {
    /// The name of the resource.
    pub resource_name: String,
    /// Its namespace.
    pub resource_namespace: String,
    /// What it is.
    pub resource_type: String,
    /// Which part of it.
    pub association_type: AssociationType,
    /// The subject.
    pub subject: String,
}

/// Why a record cannot be used. The reference logs such records and goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// The key is missing or no JSON object with a key type.
    #[error("the key is no JSON object with a key type")]
    Key,
    /// The key type is none of the known ones.
    #[error("unknown key type {0:?}")]
    KeyType(String),
    /// The key is of a format that is not known.
    #[error("unknown magic {0} in the key")]
    Magic(i64),
    /// The key or value lacks a member, or has one of another type.
    #[error("{0}")]
    Member(String),
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawKey<'a> {
    keytype: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    association_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i32>,
    magic: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSchema {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<i32>,
    id: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    md5: Option<String>,
    #[serde(default)]
    schema_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    references: Option<Vec<SchemaReference>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule_set: Option<RuleSet>,
    #[serde(default)]
    schema: Option<String>,
    #[serde(default)]
    deleted: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ts: Option<i64>,
}

#[derive(Debug, Serialize)]
struct RawConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(flatten)]
    config: &'a ConfigRecord,
}

#[derive(Debug, Serialize, Deserialize)]
struct RawMode {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    mode: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct RawSubject {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<i32>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawAssociation {
    guid: Guid,
    #[serde(default)]
    tenant: Option<String>,
    resource_name: String,
    resource_namespace: String,
    resource_id: String,
    resource_type: String,
    association_type: String,
    subject: String,
    lifecycle: String,
    frozen: bool,
    #[serde(default)]
    create_ts: Option<i64>,
    #[serde(default)]
    update_ts: Option<i64>,
}

const TENANT: &str = "default";

impl Record {
    /// Reads a record from its key and value; a null value is `None` or [`Value::Null`]. `timestamp_ms` is that of the
    /// record.
    pub fn decode(
        key: &Value,
        value: Option<&Value>,
        timestamp_ms: Option<i64>,
    ) -> Result<Self, Undecodable> {
        let keytype = key.get("keytype").and_then(Value::as_str).ok_or(Undecodable::Key)?;
        let value = value.filter(|value| !value.is_null());
        let magic = key.get("magic").and_then(Value::as_i64).unwrap_or(0);
        let most = if keytype == "SCHEMA" { 1 } else { 0 };
        if !(0..=most).contains(&magic) {
            return Err(Undecodable::Magic(magic));
        }
        let target = || Subject::parse(text(key, "subject").unwrap_or_default());
        Ok(match keytype {
            "NOOP" => Self::Noop,
            "SCHEMA" => {
                let version = key.get("version").and_then(Value::as_i64).and_then(|v| i32::try_from(v).ok());
                Self::Schema {
                    subject: named(key)?,
                    version: Version(version.filter(|v| *v >= 1).ok_or_else(|| lacks("version"))?),
                    value: value.map(schema).transpose()?.map(Box::new),
                }
            }
            "CONFIG" => Self::Config {
                target: target(),
                value: value.map(read::<ConfigRecord>).transpose()?.map(Box::new),
            },
            "MODE" => {
                let mode = |value| read::<RawMode>(value)?.mode.parse().map_err(member);
                Self::Mode { target: target(), value: value.map(mode).transpose()? }
            }
            "DELETE_SUBJECT" => {
                let through = value.map(read::<RawSubject>).transpose()?.and_then(|value| value.version);
                Self::DeleteSubject { subject: named(key)?, through: through.map(Version) }
            }
            "CLEAR_SUBJECT" => Self::ClearSubject { target: target(), present: value.is_some() },
            "CONTEXT" => {
                let name = text(key, "context").ok_or_else(|| lacks("context"))?;
                let context = Context::parse(name).map_err(member)?;
                Self::Context { context, present: value.is_some() }
            }
            "ASSOC" => {
                let of_key = |name: &str| text(key, name).map(str::to_owned).ok_or_else(|| lacks(name));
                let key = AssociationKey {
                    resource_name: of_key("resourceName")?,
                    resource_namespace: of_key("resourceNamespace")?,
                    resource_type: of_key("resourceType")?,
                    association_type: of_key("associationType")?.parse().map_err(member)?,
                    subject: of_key("subject")?,
                };
                let value = value.map(|value| association(value, timestamp_ms)).transpose()?;
                Self::Association { key, value: value.map(Box::new) }
            }
            other => return Err(Undecodable::KeyType(other.to_owned())),
        })
    }

    /// Key and value as text, members in the reference's order: compaction compares keys by their bytes.
    pub fn encode(&self) -> (String, Option<String>) {
        let empty = RawKey::default();
        let settings =
            |keytype, target: &Subject| RawKey { keytype, subject: target_text(target), ..RawKey::default() };
        match self {
            Self::Noop => (json(&RawKey { keytype: "NOOP", ..empty }), None),
            Self::Schema { subject, version, value } => {
                let (name, version) = (Some(subject.to_string()), Some(version.0));
                let key = RawKey { keytype: "SCHEMA", subject: name.clone(), version, magic: 1, ..empty };
                let raw = |value: &SchemaValue| RawSchema {
                    subject: name,
                    version,
                    id: value.id.0,
                    md5: value.guid.map(digest::to_base64),
                    schema_type: Some(value.schema_type.as_str().to_owned()),
                    references: Some(value.references.clone()).filter(|references| !references.is_empty()),
                    metadata: value.metadata.clone(),
                    rule_set: value.rule_set.clone(),
                    schema: Some(value.schema.clone()),
                    deleted: Some(value.deleted),
                    ts: None,
                };
                (json(&key), value.as_deref().map(|value| json(&raw(value))))
            }
            Self::Config { target, value } => {
                let key = settings("CONFIG", target);
                let subject = key.subject.as_deref();
                let value = value.as_deref().map(|config| json(&RawConfig { subject, config }));
                (json(&key), value)
            }
            Self::Mode { target, value } => {
                let key = settings("MODE", target);
                let raw = |mode: &Mode| RawMode { subject: key.subject.clone(), mode: mode.to_string() };
                let value = value.as_ref().map(|mode| json(&raw(mode)));
                (json(&key), value)
            }
            Self::DeleteSubject { subject, through } => {
                let name = Some(subject.to_string());
                let raw = |version: &Version| RawSubject { subject: name.clone(), version: Some(version.0) };
                let value = through.as_ref().map(|version| json(&raw(version)));
                (json(&RawKey { keytype: "DELETE_SUBJECT", subject: name, ..empty }), value)
            }
            Self::ClearSubject { target, present } => {
                let key = settings("CLEAR_SUBJECT", target);
                let raw = RawSubject { subject: key.subject.clone(), version: None };
                (json(&key), present.then(|| json(&raw)))
            }
            Self::Context { context, present } => {
                let context = Some(context.to_string());
                let value =
                    present.then(|| serde_json::json!({ "tenant": TENANT, "context": context }).to_string());
                (json(&RawKey { keytype: "CONTEXT", tenant: Some(TENANT), context, ..empty }), value)
            }
            Self::Association { key, value } => {
                let key = RawKey {
                    keytype: "ASSOC",
                    tenant: Some(TENANT),
                    resource_name: Some(key.resource_name.clone()),
                    resource_namespace: Some(key.resource_namespace.clone()),
                    resource_type: Some(key.resource_type.clone()),
                    association_type: Some(key.association_type.to_string()),
                    subject: Some(key.subject.clone()),
                    ..empty
                };
                (json(&key), value.as_deref().map(|value| json(&raw_association(value))))
            }
        }
    }
}

impl AssociationKey {
    /// The key under which an association is written.
    pub fn of(association: &Association) -> Self {
        Self {
            resource_name: association.resource.name.clone(),
            resource_namespace: association.resource.namespace.clone(),
            resource_type: association.resource.kind.clone(),
            association_type: association.association_type,
            subject: association.subject.to_string(),
        }
    }
}

fn schema(value: &Value) -> Result<SchemaValue, Undecodable> {
    let raw: RawSchema = read(value)?;
    if raw.id < 0 {
        return Err(Undecodable::Member(format!("negative id {}", raw.id)));
    }
    let guid = raw.md5.map(|text| digest::from_base64(&text).ok_or_else(|| lacks("md5"))).transpose()?;
    Ok(SchemaValue {
        id: SchemaId(raw.id),
        guid,
        schema_type: raw.schema_type.as_deref().unwrap_or("AVRO").parse().map_err(member)?,
        references: raw.references.unwrap_or_default(),
        metadata: raw.metadata,
        rule_set: raw.rule_set,
        schema: raw.schema.unwrap_or_default(),
        deleted: raw.deleted.unwrap_or(false),
        ts_ms: raw.ts,
    })
}

fn association(value: &Value, timestamp_ms: Option<i64>) -> Result<Association, Undecodable> {
    let raw: RawAssociation = read(value)?;
    let lifecycle: Lifecycle = raw.lifecycle.parse().map_err(member)?;
    let updated_ms = timestamp_ms.or(raw.update_ts).or(raw.create_ts).unwrap_or(0);
    Ok(Association {
        guid: raw.guid,
        resource: Resource {
            id: raw.resource_id,
            kind: raw.resource_type,
            namespace: raw.resource_namespace,
            name: raw.resource_name,
        },
        association_type: raw.association_type.parse().map_err(member)?,
        subject: Subject::parse(&raw.subject),
        lifecycle,
        frozen: raw.frozen,
        created_ms: raw.create_ts.unwrap_or(updated_ms),
        updated_ms,
    })
}

fn raw_association(association: &Association) -> RawAssociation {
    RawAssociation {
        guid: association.guid,
        tenant: Some(TENANT.to_owned()),
        resource_name: association.resource.name.clone(),
        resource_namespace: association.resource.namespace.clone(),
        resource_id: association.resource.id.clone(),
        resource_type: association.resource.kind.clone(),
        association_type: association.association_type.to_string(),
        subject: association.subject.to_string(),
        lifecycle: association.lifecycle.to_string(),
        frozen: association.frozen,
        create_ts: Some(association.created_ms),
        update_ts: Some(association.updated_ms),
    }
}

/// The subject of a key that must have one. Without a name it belongs to nobody who could read it back (§14.2).
fn named(key: &Value) -> Result<Subject, Undecodable> {
    text(key, "subject").map(Subject::parse).ok_or_else(|| lacks("subject"))
}

/// The text of a target; none for the top level.
fn target_text(target: &Subject) -> Option<String> {
    Some(target.to_string()).filter(|text| !text.is_empty())
}

fn text<'v>(object: &'v Value, member: &str) -> Option<&'v str> {
    object.get(member).and_then(Value::as_str)
}

fn read<'v, T: Deserialize<'v>>(value: &'v Value) -> Result<T, Undecodable> {
    T::deserialize(value).map_err(member)
}

fn lacks(name: &str) -> Undecodable {
    Undecodable::Member(format!("no usable member {name:?}"))
}

fn member(error: impl std::fmt::Display) -> Undecodable {
    Undecodable::Member(error.to_string())
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings, numbers and maps with text keys can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(key: &str, value: &str) -> Result<Record, Undecodable> {
        let read = |text| serde_json::from_str::<Value>(text).unwrap();
        Record::decode(&read(key), Some(&read(value)), None)
    }

    /// Texts as the reference writes them.
    const WRITTEN: [(&str, &str); 11] = [
        (r#"{"keytype":"NOOP","magic":0}"#, "null"),
        (
            r#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}"#,
            r#"{"subject":"s","version":1,"id":7,"schemaType":"AVRO","references":[{"name":"a.B","subject":"b","version":2}],"metadata":{"properties":{"k":"v"}},"schema":"\"int\"","deleted":false}"#,
        ),
        (r#"{"keytype":"SCHEMA","subject":":.c:s","version":2,"magic":1}"#, "null"),
        (
            r#"{"keytype":"CONFIG","subject":"s","magic":0}"#,
            r#"{"subject":"s","compatibilityLevel":"FULL","alias":"t","normalize":true}"#,
        ),
        (r#"{"keytype":"CONFIG","magic":0}"#, r#"{"compatibilityLevel":"NONE"}"#),
        (r#"{"keytype":"MODE","magic":0}"#, r#"{"mode":"IMPORT"}"#),
        (
            r#"{"keytype":"MODE","subject":":.__GLOBAL:","magic":0}"#,
            r#"{"subject":":.__GLOBAL:","mode":"FORWARD"}"#,
        ),
        (r#"{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}"#, r#"{"subject":"s","version":3}"#),
        (r#"{"keytype":"CLEAR_SUBJECT","magic":0}"#, "{}"),
        (
            r#"{"keytype":"CONTEXT","tenant":"default","context":".c","magic":0}"#,
            r#"{"tenant":"default","context":".c"}"#,
        ),
        (
            r#"{"keytype":"ASSOC","tenant":"default","resourceName":"t","resourceNamespace":"k","resourceType":"topic","associationType":"value","subject":"s","magic":0}"#,
            r#"{"guid":"095d71cf-1255-6b9d-5e33-0ad575b3df5d","tenant":"default","resourceName":"t","resourceNamespace":"k","resourceId":"1","resourceType":"topic","associationType":"value","subject":"s","lifecycle":"STRONG","frozen":true,"createTs":5,"updateTs":6}"#,
        ),
    ];

    #[test]
    fn what_is_written_is_read_and_written_alike() {
        for (key, value) in WRITTEN {
            let record = decode(key, value).unwrap();
            let (new_key, new_value) = record.encode();
            assert_eq!(new_key, key);
            let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(new_value.as_deref().map_or(Value::Null, parsed), parsed(value), "{key}");
            assert_eq!(decode(&new_key, new_value.as_deref().unwrap_or("null")), Ok(record));
        }
    }

    #[test]
    fn old_logs_are_read() {
        let old = decode(
            r#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":0}"#,
            r#"{"subject":"s","version":1,"id":7,"schema":"\"int\"","deleted":true,"offset":9,"ts":8,"new":{}}"#,
        );
        let Ok(Record::Schema { value: Some(value), .. }) = old else { panic!("{old:?}") };
        assert_eq!((value.schema_type, value.deleted, value.ts_ms), (SchemaType::Avro, true, Some(8)));
        let level = decode(
            r#"{"keytype":"CONFIG","subject":null,"magic":0}"#,
            r#"{"compatibilityLevel":"BACKWARD","compatibilityPolicy":null}"#,
        );
        assert!(
            matches!(level, Ok(Record::Config { target, value: Some(_) }) if target == Subject::parse(""))
        );
    }

    #[test]
    fn a_given_hash_is_kept() {
        let value = r#"{"id":7,"md5":"CV1xzxJVa51eMwrVdbPfXQ==","schema":"x","deleted":false}"#;
        let record = decode(r#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}"#, value).unwrap();
        assert!(record.encode().1.unwrap().contains(r#""md5":"CV1xzxJVa51eMwrVdbPfXQ==""#));
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let schema = r#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}"#;
        let cases = [
            ("[]", "null", "the key is no JSON object with a key type"),
            (r#"{"keytype":"WHAT","magic":0}"#, "null", "unknown key type \"WHAT\""),
            (
                r#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":2}"#,
                "null",
                "unknown magic 2 in the key",
            ),
            (r#"{"keytype":"SCHEMA","version":1,"magic":1}"#, "null", "no usable member \"subject\""),
            (
                r#"{"keytype":"SCHEMA","subject":"s","version":0,"magic":1}"#,
                "null",
                "no usable member \"version\"",
            ),
            (schema, r#"{"id":-1,"schema":"x"}"#, "negative id -1"),
            (schema, r#"{"schema":"x"}"#, "missing field `id`"),
            (schema, r#"{"id":1,"schemaType":"XML"}"#, "Invalid schema type XML"),
            (schema, r#"{"id":1,"md5":"?"}"#, "no usable member \"md5\""),
            (r#"{"keytype":"MODE","magic":0}"#, r#"{"mode":"ASLEEP"}"#, "unknown mode \"ASLEEP\""),
        ];
        for (key, value, expected) in cases {
            let error = decode(key, value).unwrap_err().to_string();
            assert!(error.contains(expected), "{key} {value}: {error}");
        }
    }
}
