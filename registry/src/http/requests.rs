//! The JSON of requests (registry API spec §3.1–3.2).

use muster_schema::format::EntityTags;
use muster_schema::{Metadata, Rule, RuleSet};
use serde::Deserialize;
use utoipa::ToSchema;

use super::entities::{MetadataEntity, RuleSetEntity, SchemaTagsEntity};
use super::lenient::{Flag, Int, List, Map, Object, Present, Text, Word, Words};
use crate::service::{Draft, PartialReference, Registering};

/// A schema to register, look up or check.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SchemaRequest {
    /// The text.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "{\"type\":\"string\"}")]
    pub(crate) schema: Text,
    /// `AVRO` (default), `PROTOBUF` or `JSON`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(crate) schema_type: Text,
    /// Schemas that the text refers to.
    #[serde(default)]
    #[schema(value_type = Option<Vec<ReferenceRequest>>)]
    pub(crate) references: List<Object<ReferenceRequest>>,
    /// Metadata; an empty object differs from none.
    #[serde(default)]
    #[schema(value_type = Option<MetadataEntity>)]
    pub(crate) metadata: Object<MetadataRequest>,
    /// Rule set; an empty object differs from none.
    #[serde(default)]
    #[schema(value_type = Option<RuleSetEntity>)]
    pub(crate) rule_set: Object<RuleSetRequest>,
    /// The version it must get; -1 for "the latest, or the next".
    #[serde(default)]
    #[schema(value_type = Option<i32>)]
    pub(crate) version: Int,
    /// The id it must get, in IMPORT mode.
    #[serde(default)]
    #[schema(value_type = Option<i32>)]
    pub(crate) id: Int,
    /// Inline tags to add before registering.
    #[serde(default)]
    #[schema(value_type = Option<Vec<SchemaTagsEntity>>)]
    pub(crate) schema_tags_to_add: List<Object<SchemaTagsRequest>>,
    /// Inline tags to take away before registering.
    #[serde(default)]
    #[schema(value_type = Option<Vec<SchemaTagsEntity>>)]
    pub(crate) schema_tags_to_remove: List<Object<SchemaTagsRequest>>,
    /// Copy the inline tags of the previous version.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    pub(crate) propagate_schema_tags: Flag,
}

/// A reference as sent.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct ReferenceRequest {
    /// What the referring text calls it.
    #[serde(default)]
    #[schema(value_type = String)]
    name: Text,
    /// The subject, relative to the referrer's context unless qualified.
    #[serde(default)]
    #[schema(value_type = String)]
    subject: Text,
    /// The version; -1 for the latest.
    #[serde(default)]
    #[schema(value_type = i32)]
    version: Int,
}

/// Metadata as sent.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct MetadataRequest {
    tags: Map<Present<List<Present<Text>>>>,
    properties: Map<Present<Text>>,
    sensitive: List<Present<Text>>,
}

/// A rule set as sent.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RuleSetRequest {
    migration_rules: List<Object<RuleRequest>>,
    domain_rules: List<Object<RuleRequest>>,
    encoding_rules: List<Object<RuleRequest>>,
    enable_at: Word<Environments>,
}

/// Where the rules of a set run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Environments;

impl Words for Environments {
    const NAMES: &'static [&'static str] = &["ALL", "CLIENT", "GATEWAY", "SERVER", "NONE"];
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RuleKinds;

impl Words for RuleKinds {
    const NAMES: &'static [&'static str] = &["TRANSFORM", "CONDITION"];
}

/// When a rule runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RuleModes;

impl Words for RuleModes {
    const NAMES: &'static [&'static str] = &["UPGRADE", "DOWNGRADE", "UPDOWN", "WRITE", "READ", "WRITEREAD"];
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RuleRequest {
    name: Text,
    doc: Text,
    kind: Word<RuleKinds>,
    mode: Word<RuleModes>,
    #[serde(rename = "type")]
    rule_type: Text,
    tags: List<Present<Text>>,
    params: Map<Present<Text>>,
    expr: Text,
    on_success: Text,
    on_failure: Text,
    disabled: Flag,
}

/// Tags at one place, as sent.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct SchemaTagsRequest {
    schema_entity: Object<SchemaEntityRequest>,
    tags: List<Text>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SchemaEntityRequest {
    entity_path: Text,
    entity_type: Word<EntityTypes>,
}

/// What inline tags are on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct EntityTypes;

impl Words for EntityTypes {
    const NAMES: &'static [&'static str] = &["sr_record", "sr_field"];
}

impl SchemaRequest {
    /// The schema as something to register.
    pub(crate) fn registering(mut self) -> Registering {
        Registering {
            id: self.id.0,
            version: self.version.0,
            tags_to_add: tag_changes(std::mem::take(&mut self.schema_tags_to_add)),
            tags_to_remove: tag_changes(std::mem::take(&mut self.schema_tags_to_remove)),
            propagate_tags: self.propagate_schema_tags.0.unwrap_or(false),
            draft: self.draft(),
            ..Registering::default()
        }
    }

    /// The schema without what only registration looks at.
    pub(crate) fn draft(self) -> Draft {
        Draft {
            schema_type: self.schema_type.0,
            schema: self.schema.0.unwrap_or_default(),
            references: self
                .references
                .0
                .unwrap_or_default()
                .into_iter()
                .map(|reference| {
                    let ReferenceRequest { name, subject, version } = reference.0.unwrap_or_default();
                    PartialReference { name: name.0, subject: subject.0, version: version.0 }
                })
                .collect(),
            metadata: self.metadata.0.map(MetadataRequest::into_domain),
            rule_set: self.rule_set.0.map(RuleSetRequest::into_domain),
        }
    }
}

impl MetadataRequest {
    pub(crate) fn into_domain(self) -> Metadata {
        let tags = self.tags.0.map(|tags| {
            tags.into_iter().map(|(path, tags)| (path, tags.0.text_set().unwrap_or_default())).collect()
        });
        Metadata { tags, properties: self.properties.texts(), sensitive: self.sensitive.text_set() }
    }
}

impl RuleSetRequest {
    pub(crate) fn into_domain(self) -> RuleSet {
        let list = |list: List<Object<RuleRequest>>| {
            list.0.map(|rules| {
                rules.into_iter().filter_map(|rule| rule.0.map(RuleRequest::into_domain)).collect()
            })
        };
        RuleSet {
            migration_rules: list(self.migration_rules),
            domain_rules: list(self.domain_rules),
            encoding_rules: list(self.encoding_rules),
            enable_at: self.enable_at.0.map(str::to_owned),
        }
    }
}

impl RuleRequest {
    /// Kind and mode have defaults, which are stored, hashed and returned.
    fn into_domain(self) -> Rule {
        Rule {
            name: self.name.0,
            doc: self.doc.0,
            kind: Some(self.kind.0.unwrap_or("TRANSFORM").to_owned()),
            mode: Some(self.mode.0.unwrap_or("WRITEREAD").to_owned()),
            rule_type: self.rule_type.0,
            tags: self.tags.text_set(),
            params: self.params.texts(),
            expr: self.expr.0,
            on_success: self.on_success.0,
            on_failure: self.on_failure.0,
            disabled: self.disabled.0.unwrap_or(false),
        }
    }
}

/// The tag changes of a list.
pub(crate) fn tag_changes(list: List<Object<SchemaTagsRequest>>) -> Vec<EntityTags> {
    list.0
        .unwrap_or_default()
        .into_iter()
        .filter_map(|tags| tags.0)
        .map(|tags| {
            let entity = tags.schema_entity.0.unwrap_or_default();
            EntityTags {
                path: entity.entity_path.0.unwrap_or_default(),
                is_field: entity.entity_type.0 == Some("sr_field"),
                tags: tags.tags.texts().unwrap_or_default(),
            }
        })
        .collect()
}
