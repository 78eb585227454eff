//! `/config` (registry API spec §4.6).

use axum::extract::{Path, State};
use muster_schema::Subject;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Json;
use super::entities::{ConfigEntity, MetadataEntity, RuleSetEntity};
use super::error::ErrorBody;
use super::front::App;
use super::lenient::{Flag, Member, Object, Text};
use super::params::{self, Query};
use super::reply::{self, Answer};
use super::requests::{MetadataRequest, RuleSetRequest};
use crate::service::{ConfigPatch, Patch};
use crate::store::ConfigRecord;

/// A change of a config: a missing member stays as it is, null clears it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfigRequest {
    /// The compatibility level.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "BACKWARD")]
    compatibility: Member<Text>,
    /// `STRICT`, `LENIENT` or `LOGICAL`; other names count as null.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    compatibility_policy: Member<Text>,
    /// Metadata property that groups versions.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    compatibility_group: Member<Text>,
    /// The subject that this one stands for.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    alias: Member<Text>,
    /// The same for data encryption keys.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    alias_for_deks: Member<Text>,
    /// Whether schemas are normalized.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    normalize: Member<Flag>,
    /// Whether fields are validated.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    validate_fields: Member<Flag>,
    /// Whether new schemas are parsed strictly.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    validate_new_schemas: Member<Flag>,
    /// Stored and returned only.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    validate_rules: Member<Flag>,
    /// Merged below each schema's metadata.
    #[serde(default)]
    #[schema(value_type = Option<MetadataEntity>)]
    default_metadata: Member<Object<MetadataRequest>>,
    /// Merged above it.
    #[serde(default)]
    #[schema(value_type = Option<MetadataEntity>)]
    override_metadata: Member<Object<MetadataRequest>>,
    /// Merged below each schema's rule set.
    #[serde(default)]
    #[schema(value_type = Option<RuleSetEntity>)]
    default_rule_set: Member<Object<RuleSetRequest>>,
    /// Merged above it.
    #[serde(default)]
    #[schema(value_type = Option<RuleSetEntity>)]
    override_rule_set: Member<Object<RuleSetRequest>>,
}

/// The stored config after a change, under the names that changing uses. Only null members are left out.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias_for_deks: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    normalize: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validate_fields: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validate_new_schemas: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validate_rules: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compatibility: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compatibility_policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compatibility_group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_metadata: Option<MetadataEntity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    override_metadata: Option<MetadataEntity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_rule_set: Option<RuleSetEntity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    override_rule_set: Option<RuleSetEntity>,
}

impl From<ConfigRequest> for ConfigPatch {
    fn from(request: ConfigRequest) -> Self {
        Self {
            compatibility: text(request.compatibility),
            compatibility_policy: text(request.compatibility_policy),
            compatibility_group: text(request.compatibility_group),
            alias: text(request.alias),
            alias_for_deks: text(request.alias_for_deks),
            normalize: flag(request.normalize),
            validate_fields: flag(request.validate_fields),
            validate_new_schemas: flag(request.validate_new_schemas),
            validate_rules: flag(request.validate_rules),
            default_metadata: object(request.default_metadata, MetadataRequest::into_domain),
            override_metadata: object(request.override_metadata, MetadataRequest::into_domain),
            default_rule_set: object(request.default_rule_set, RuleSetRequest::into_domain),
            override_rule_set: object(request.override_rule_set, RuleSetRequest::into_domain),
        }
    }
}

fn text(member: Member<Text>) -> Patch<String> {
    patch(member.0.map(|text| text.0))
}

fn flag(member: Member<Flag>) -> Patch<bool> {
    patch(member.0.map(|flag| flag.0))
}

fn object<T, U>(member: Member<Object<T>>, convert: fn(T) -> U) -> Patch<U> {
    patch(member.0.map(|object| object.0.map(convert)))
}

fn patch<T>(member: Option<Option<T>>) -> Patch<T> {
    match member {
        None => Patch::Keep,
        Some(None) => Patch::Clear,
        Some(Some(value)) => Patch::Set(value),
    }
}

impl From<ConfigRecord> for StoredConfig {
    fn from(config: ConfigRecord) -> Self {
        Self {
            alias: config.alias,
            alias_for_deks: config.alias_for_deks,
            normalize: config.normalize,
            validate_fields: config.validate_fields,
            validate_new_schemas: config.validate_new_schemas,
            validate_rules: config.validate_rules,
            compatibility: config.compatibility_level.map(|level| level.as_str()),
            compatibility_policy: config.compatibility_policy,
            compatibility_group: config.compatibility_group,
            default_metadata: config.default_metadata.map(MetadataEntity::from),
            override_metadata: config.override_metadata.map(MetadataEntity::from),
            default_rule_set: config.default_rule_set.map(RuleSetEntity::from),
            override_rule_set: config.override_rule_set.map(RuleSetEntity::from),
        }
    }
}

/// Reads the config of the top level, which is that of the default context.
#[utoipa::path(get, path = "/config", tag = "Config",
    params(("defaultToGlobal" = Option<bool>, Query, description = "The config in force rather than the one set here")),
    responses((status = 200, description = "The config", body = ConfigEntity), (status = 500, description = "50001", body = ErrorBody)))]
pub(crate) async fn get_top(State(app): State<App>, query: Query) -> Answer {
    get_of(&app, &params::subject(""), &query).await
}

/// Changes the config of the top level.
#[utoipa::path(put, path = "/config", tag = "Config", request_body = ConfigRequest,
    responses((status = 200, description = "The config as stored now", body = StoredConfig), (status = 422, description = "42203, 42205, 42210", body = ErrorBody)))]
pub(crate) async fn put_top(State(app): State<App>, body: Json<ConfigRequest>) -> Answer {
    put_of(&app, &params::subject(""), body.required("updateTopLevelConfig")?).await
}

/// Deletes the config of the top level.
#[utoipa::path(delete, path = "/config", tag = "Config",
    responses((status = 200, description = "The config before", body = ConfigEntity), (status = 422, description = "42205", body = ErrorBody)))]
pub(crate) async fn delete_top(State(app): State<App>) -> Answer {
    delete_of(&app, &params::subject("")).await
}

/// Reads the config of a subject or a context.
#[utoipa::path(get, path = "/config/{subject}", tag = "Config",
    params(
        ("subject" = String, Path, description = "A subject, a context (`:.ctx:`) or `:.__GLOBAL:`"),
        ("defaultToGlobal" = Option<bool>, Query, description = "The config in force rather than the one set here"),
    ),
    responses((status = 200, description = "The config", body = ConfigEntity), (status = 404, description = "40408", body = ErrorBody)))]
pub(crate) async fn get(State(app): State<App>, Path(subject): Path<String>, query: Query) -> Answer {
    get_of(&app, &params::subject(&subject), &query).await
}

/// Changes the config of a subject or a context.
#[utoipa::path(put, path = "/config/{subject}", tag = "Config",
    params(("subject" = String, Path, description = "A subject, a context (`:.ctx:`) or `:.__GLOBAL:`")),
    request_body = ConfigRequest,
    responses((status = 200, description = "The config as stored now", body = StoredConfig), (status = 422, description = "42203, 42205, 42208, 42210", body = ErrorBody)))]
pub(crate) async fn put(
    State(app): State<App>,
    Path(subject): Path<String>,
    body: Json<ConfigRequest>,
) -> Answer {
    put_of(&app, &params::subject(&subject), body.required("updateSubjectLevelConfig")?).await
}

/// Deletes the config of a subject or a context.
#[utoipa::path(delete, path = "/config/{subject}", tag = "Config",
    params(("subject" = String, Path, description = "A subject, a context (`:.ctx:`) or `:.__GLOBAL:`")),
    responses(
        (status = 200, description = "The config before", body = ConfigEntity),
        (status = 404, description = "40401", body = ErrorBody),
        (status = 422, description = "42205", body = ErrorBody),
    ))]
pub(crate) async fn delete(State(app): State<App>, Path(subject): Path<String>) -> Answer {
    delete_of(&app, &params::subject(&subject)).await
}

async fn get_of(app: &App, key: &Subject, query: &Query) -> Answer {
    let config = app.service.config(key, query.flag("defaultToGlobal")).await?;
    reply::json(&ConfigEntity::from(config))
}

async fn put_of(app: &App, key: &Subject, request: ConfigRequest) -> Answer {
    let stored = app.service.put_config(key, request.into()).await?;
    reply::json(&StoredConfig::from(stored))
}

async fn delete_of(app: &App, key: &Subject) -> Answer {
    reply::json(&ConfigEntity::from(app.service.delete_config(key).await?))
}
