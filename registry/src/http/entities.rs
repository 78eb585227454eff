//! The JSON of answers (registry API spec §1.6 and §3).
//!
//! Members that are null or empty are left out; maps and sets are sorted by UTF-16 code unit, Java's string order.

use std::collections::BTreeMap;

use muster_schema::format::EntityTags;
use muster_schema::subject::utf16_order;
use muster_schema::{Metadata, Rule, RuleSet, SchemaReference};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::association_entities::AssociationEntity;
use super::lenient::Word;
use super::requests::{Environments, RuleKinds, RuleModes};
use crate::service::Found;
use crate::store::{ConfigRecord, SchemaVersion};

/// A map in Java's string order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sorted<V>(Vec<(String, V)>);

impl<V> Sorted<V> {
    fn of(map: BTreeMap<String, V>) -> Self {
        let mut entries: Vec<(String, V)> = map.into_iter().collect();
        entries.sort_by(|(a, _), (b, _)| utf16_order(a, b));
        Self(entries)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V: Serialize> Serialize for Sorted<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<V> Default for Sorted<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

fn sorted_set(set: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut items: Vec<String> = set.into_iter().collect();
    items.sort_by(|a, b| utf16_order(a, b));
    items
}

/// Tags, properties and names of sensitive properties.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct MetadataEntity {
    /// Path pattern to tags.
    #[serde(skip_serializing_if = "Sorted::is_empty")]
    #[schema(value_type = Option<BTreeMap<String, Vec<String>>>)]
    tags: Sorted<Vec<String>>,
    /// Free properties.
    #[serde(skip_serializing_if = "Sorted::is_empty")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    properties: Sorted<String>,
    /// Names of properties whose values are secret.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<String>>)]
    sensitive: Vec<String>,
}

impl From<Metadata> for MetadataEntity {
    fn from(metadata: Metadata) -> Self {
        let tags = metadata.tags.unwrap_or_default();
        let tags = tags.into_iter().map(|(path, tags)| (path, sorted_set(tags))).collect();
        Self {
            tags: Sorted::of(tags),
            properties: Sorted::of(metadata.properties.unwrap_or_default()),
            sensitive: sorted_set(metadata.sensitive.unwrap_or_default()),
        }
    }
}

/// Rules that clients and gateways run on data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuleSetEntity {
    /// Run between versions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<RuleEntity>>)]
    migration_rules: Vec<RuleEntity>,
    /// Run on values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<RuleEntity>>)]
    domain_rules: Vec<RuleEntity>,
    /// Run on encoded bytes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<RuleEntity>>)]
    encoding_rules: Vec<RuleEntity>,
    /// Where they run.
    #[serde(skip_serializing_if = "is_blank")]
    #[schema(schema_with = Word::<Environments>::described)]
    enable_at: Option<String>,
}

/// One rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuleEntity {
    /// Unique within the rule set.
    #[serde(skip_serializing_if = "is_blank")]
    name: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "is_blank")]
    doc: Option<String>,
    /// What it does.
    #[serde(skip_serializing_if = "is_blank")]
    #[schema(schema_with = Word::<RuleKinds>::described)]
    kind: Option<String>,
    /// When it runs.
    #[serde(skip_serializing_if = "is_blank")]
    #[schema(schema_with = Word::<RuleModes>::described)]
    mode: Option<String>,
    /// Which executor runs it.
    #[serde(rename = "type", skip_serializing_if = "is_blank")]
    rule_type: Option<String>,
    /// Tags of the fields it applies to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<String>>)]
    tags: Vec<String>,
    /// Parameters of the executor.
    #[serde(skip_serializing_if = "Sorted::is_empty")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    params: Sorted<String>,
    /// The expression.
    #[serde(skip_serializing_if = "is_blank")]
    expr: Option<String>,
    /// Action after success.
    #[serde(skip_serializing_if = "is_blank")]
    on_success: Option<String>,
    /// Action after failure.
    #[serde(skip_serializing_if = "is_blank")]
    on_failure: Option<String>,
    /// Present but not run.
    disabled: bool,
}

impl From<RuleSet> for RuleSetEntity {
    fn from(rules: RuleSet) -> Self {
        let list = |list: Option<Vec<Rule>>| list.into_iter().flatten().map(RuleEntity::from).collect();
        Self {
            migration_rules: list(rules.migration_rules),
            domain_rules: list(rules.domain_rules),
            encoding_rules: list(rules.encoding_rules),
            enable_at: rules.enable_at,
        }
    }
}

impl From<Rule> for RuleEntity {
    fn from(rule: Rule) -> Self {
        Self {
            name: rule.name,
            doc: rule.doc,
            kind: rule.kind,
            mode: rule.mode,
            rule_type: rule.rule_type,
            tags: sorted_set(rule.tags.unwrap_or_default()),
            params: Sorted::of(rule.params.unwrap_or_default()),
            expr: rule.expr,
            on_success: rule.on_success,
            on_failure: rule.on_failure,
            disabled: rule.disabled,
        }
    }
}

/// A reference to a version of another subject.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct ReferenceEntity {
    /// What the referring text calls it.
    name: String,
    /// The subject, relative to the referrer's context unless qualified.
    subject: String,
    /// The version.
    version: i32,
}

impl From<SchemaReference> for ReferenceEntity {
    fn from(reference: SchemaReference) -> Self {
        Self { name: reference.name, subject: reference.subject, version: reference.version.0 }
    }
}

/// A place in a schema that carries inline tags.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SchemaTagsEntity {
    /// The place.
    schema_entity: SchemaEntity,
    /// The tags.
    tags: Vec<String>,
}

/// A record or field of a schema.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SchemaEntity {
    /// Its path.
    entity_path: String,
    /// `sr_record` or `sr_field`.
    entity_type: String,
}

impl From<EntityTags> for SchemaTagsEntity {
    fn from(entity: EntityTags) -> Self {
        let entity_type = if entity.is_field { "sr_field" } else { "sr_record" };
        Self {
            schema_entity: SchemaEntity { entity_path: entity.path, entity_type: entity_type.to_owned() },
            tags: entity.tags,
        }
    }
}

/// A schema version. Which members are there depends on the endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SchemaAnswer {
    /// The qualified subject.
    #[serde(skip_serializing_if = "is_blank")]
    pub(crate) subject: Option<String>,
    /// The version within the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<i32>,
    /// The id within the subject's context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<i32>,
    /// The content hash.
    #[serde(skip_serializing_if = "is_blank")]
    pub(crate) guid: Option<String>,
    /// `AVRO`, `PROTOBUF` or `JSON`.
    #[serde(skip_serializing_if = "is_blank")]
    pub(crate) schema_type: Option<String>,
    /// Schemas that the text refers to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<ReferenceEntity>>)]
    pub(crate) references: Vec<ReferenceEntity>,
    /// Metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metadata: Option<MetadataEntity>,
    /// Rule set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule_set: Option<RuleSetEntity>,
    /// The text.
    #[serde(skip_serializing_if = "is_blank")]
    pub(crate) schema: Option<String>,
    /// Places that carry the tags asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<SchemaTagsEntity>>)]
    pub(crate) schema_tags: Vec<SchemaTagsEntity>,
    /// The highest id of the context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_id: Option<i32>,
    /// When it was stored, in milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ts: Option<i64>,
    /// Whether it is soft-deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deleted: Option<bool>,
    /// Aliases of the subject.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<String>>)]
    pub(crate) aliases: Vec<String>,
    /// Associations of the subject.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<AssociationEntity>>)]
    pub(crate) associations: Vec<AssociationEntity>,
}

impl SchemaAnswer {
    /// All that is known of a stored version.
    pub(crate) fn stored(version: &SchemaVersion) -> Self {
        let content = &version.content;
        Self {
            subject: Some(version.subject.to_string()),
            version: Some(version.version.0),
            id: Some(version.id.0),
            guid: Some(content.guid.to_string()),
            schema_type: Some(content.schema_type.as_str().to_owned()),
            references: content.references.iter().cloned().map(ReferenceEntity::from).collect(),
            metadata: content.metadata.clone().map(MetadataEntity::from),
            rule_set: content.rule_set.clone().map(RuleSetEntity::from),
            schema: Some(content.schema.clone()),
            ts: Some(version.ts_ms),
            deleted: Some(version.deleted),
            ..Self::default()
        }
    }

    /// What an operation found or made; the time and the deleted flag only of what stands in the store.
    pub(crate) fn found(found: &Found) -> Self {
        let stored = Self::stored(&found.schema);
        if found.stored { stored } else { Self { ts: None, deleted: None, ..stored } }
    }

    /// Subjects of references in full, where the schema is not in the default context (`referenceFormat=qualified`).
    pub(crate) fn qualify_references(&mut self, version: &SchemaVersion) {
        let context = version.subject.context();
        if context.is_default() {
            return;
        }
        for reference in &mut self.references {
            let target = muster_schema::Subject::parse_in(&reference.subject, context);
            // A bare name would be taken in the referrer's context again.
            let of_default = target.context().is_default();
            reference.subject = if of_default { format!(":.:{}", target.name()) } else { target.to_string() };
        }
    }
}

/// A config: what is stored, under the names that reading uses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfigEntity {
    /// This subject stands for another.
    #[serde(skip_serializing_if = "is_blank")]
    alias: Option<String>,
    /// The same for data encryption keys.
    #[serde(skip_serializing_if = "is_blank")]
    alias_for_deks: Option<String>,
    /// Whether schemas are normalized.
    #[serde(skip_serializing_if = "Option::is_none")]
    normalize: Option<bool>,
    /// Whether fields are validated.
    #[serde(skip_serializing_if = "Option::is_none")]
    validate_fields: Option<bool>,
    /// Whether new schemas are parsed strictly.
    #[serde(skip_serializing_if = "Option::is_none")]
    validate_new_schemas: Option<bool>,
    /// Stored and returned only.
    #[serde(skip_serializing_if = "Option::is_none")]
    validate_rules: Option<bool>,
    /// The compatibility level.
    #[serde(skip_serializing_if = "is_blank")]
    compatibility_level: Option<String>,
    /// `STRICT`, `LENIENT` or `LOGICAL`.
    #[serde(skip_serializing_if = "is_blank")]
    compatibility_policy: Option<String>,
    /// Metadata property that groups versions.
    #[serde(skip_serializing_if = "is_blank")]
    compatibility_group: Option<String>,
    /// Merged below each schema's metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    default_metadata: Option<MetadataEntity>,
    /// Merged above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    override_metadata: Option<MetadataEntity>,
    /// Merged below each schema's rule set.
    #[serde(skip_serializing_if = "Option::is_none")]
    default_rule_set: Option<RuleSetEntity>,
    /// Merged above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    override_rule_set: Option<RuleSetEntity>,
}

impl From<ConfigRecord> for ConfigEntity {
    fn from(config: ConfigRecord) -> Self {
        Self {
            alias: config.alias,
            alias_for_deks: config.alias_for_deks,
            normalize: config.normalize,
            validate_fields: config.validate_fields,
            validate_new_schemas: config.validate_new_schemas,
            validate_rules: config.validate_rules,
            compatibility_level: config.compatibility_level.map(|level| level.as_str().to_owned()),
            compatibility_policy: config.compatibility_policy,
            compatibility_group: config.compatibility_group,
            default_metadata: config.default_metadata.map(MetadataEntity::from),
            override_metadata: config.override_metadata.map(MetadataEntity::from),
            default_rule_set: config.default_rule_set.map(RuleSetEntity::from),
            override_rule_set: config.override_rule_set.map(RuleSetEntity::from),
        }
    }
}

fn is_blank(text: &Option<String>) -> bool {
    text.as_ref().is_none_or(String::is_empty)
}

#[cfg(test)]
mod tests {
    use super::super::lenient::Object;
    use super::super::requests::{MetadataRequest, RuleSetRequest};
    use super::*;

    #[test]
    fn empty_members_are_left_out_and_maps_sorted_by_utf16() {
        let json = |body: &str| {
            let read: Object<MetadataRequest> = serde_json::from_str(body).unwrap();
            serde_json::to_string(&MetadataEntity::from(read.0.unwrap().into_domain())).unwrap()
        };
        let cases = [
            ("{}", "{}"),
            (r#"{"tags":{},"properties":null,"sensitive":[]}"#, "{}"),
            (
                r#"{"properties":{"\uff5e":"1","😀":"2","a":""}}"#,
                r#"{"properties":{"a":"","😀":"2","～":"1"}}"#,
            ),
            (
                r#"{"tags":{"b":["y","x"]},"sensitive":["q","p"]}"#,
                r#"{"tags":{"b":["x","y"]},"sensitive":["p","q"]}"#,
            ),
        ];
        for (body, expected) in cases {
            assert_eq!(json(body), expected);
        }
    }

    #[test]
    fn rules_get_their_default_kind_and_mode() {
        let read: Object<RuleSetRequest> =
            serde_json::from_str(r#"{"domainRules":[{"name":"r","type":"CEL"}],"enableAt":null}"#).unwrap();
        let printed = serde_json::to_string(&RuleSetEntity::from(read.0.unwrap().into_domain())).unwrap();
        assert_eq!(
            printed,
            r#"{"domainRules":[{"name":"r","kind":"TRANSFORM","mode":"WRITEREAD","type":"CEL","disabled":false}]}"#
        );
    }
}
