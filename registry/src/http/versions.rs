//! `/subjects/{subject}/versions` (registry API spec §4.3, §7).

use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Json;
use super::entities::{MetadataEntity, RuleSetEntity, SchemaAnswer, SchemaTagsEntity};
use super::error::{ErrorBody, Failure};
use super::front::App;
use super::lenient::{Int, List, Object, Text};
use super::params::{self, Query};
use super::reply::{self, Answer};
use super::requests::{MetadataRequest, RuleSetRequest, SchemaRequest, SchemaTagsRequest, tag_changes};
use crate::service::{Found, Registering, ServiceError, TagRequest, VersionQuery, WhichVersion};
use crate::store::SchemaVersion;

/// Which tags, metadata and rules the next version has in place of a version's own.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagSchemaRequest {
    /// The number that the new version must get.
    #[serde(default)]
    #[schema(value_type = Option<i32>)]
    new_version: Int,
    /// Inline tags to add.
    #[serde(default)]
    #[schema(value_type = Option<Vec<SchemaTagsEntity>>)]
    tags_to_add: List<Object<SchemaTagsRequest>>,
    /// Inline tags to take away.
    #[serde(default)]
    #[schema(value_type = Option<Vec<SchemaTagsEntity>>)]
    tags_to_remove: List<Object<SchemaTagsRequest>>,
    /// Metadata in place of the version's own.
    #[serde(default)]
    #[schema(value_type = Option<MetadataEntity>)]
    metadata: Object<MetadataRequest>,
    /// Rule set in place of the version's own.
    #[serde(default)]
    #[schema(value_type = Option<RuleSetEntity>)]
    rule_set: Object<RuleSetRequest>,
    /// Rules to merge into those before.
    #[serde(default)]
    #[schema(value_type = Option<RuleSetEntity>)]
    rules_to_merge: Object<RuleSetRequest>,
    /// Names of rules to take away.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    rules_to_remove: List<Text>,
}

/// The numbers of listed versions.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct VersionNumbers(Vec<i32>);

/// Lists the versions of a subject.
#[utoipa::path(get, path = "/subjects/{subject}/versions", tag = "Versions",
    params(
        ("subject" = String, Path, description = "The subject"),
        ("deleted" = Option<bool>, Query, description = "Soft-deleted ones too"),
        ("deletedOnly" = Option<bool>, Query, description = "Only soft-deleted ones"),
        ("deletedAsNegative" = Option<bool>, Query, description = "All, soft-deleted ones as negative numbers"),
        ("offset" = Option<i32>, Query, description = "How many to leave out"),
        ("limit" = Option<i32>, Query, description = "How many to give"),
    ),
    responses((status = 200, description = "Numbers", body = VersionNumbers), (status = 404, description = "40401", body = ErrorBody)))]
pub(crate) async fn list(State(app): State<App>, Path(subject): Path<String>, query: Query) -> Answer {
    let wanted = VersionQuery {
        deleted: query.flag("deleted"),
        deleted_only: query.flag("deletedOnly"),
        deleted_as_negative: query.flag("deletedAsNegative"),
        page: query.page()?,
    };
    reply::json(&VersionNumbers(app.service.versions(&params::subject(&subject), wanted).await?))
}

/// Registers a schema.
///
/// The answer is the version in its final form: an existing one if the subject has this schema already.
#[utoipa::path(post, path = "/subjects/{subject}/versions", tag = "Versions",
    params(
        ("subject" = String, Path, description = "The subject"),
        ("normalize" = Option<bool>, Query, description = "Normalize the schema first"),
        ("format" = Option<String>, Query, description = "Form of the text in the answer"),
        ("force" = Option<bool>, Query, description = "Skip the compatibility check"),
    ),
    request_body = SchemaRequest,
    responses(
        (status = 200, description = "The version", body = SchemaAnswer),
        (status = 409, description = "40901", body = ErrorBody),
        (status = 422, description = "42201, 42205, 42208, 42209, 42210", body = ErrorBody),
        (status = 500, description = "50001", body = ErrorBody),
    ))]
pub(crate) async fn register(
    State(app): State<App>,
    Path(subject): Path<String>,
    query: Query,
    body: Json<SchemaRequest>,
) -> Answer {
    let request = body.required("register")?;
    refuse_logical(&query)?;
    let registering = Registering {
        normalize: query.flag("normalize"),
        force: query.flag("force"),
        ..request.registering()
    };
    let found = app.service.register(&params::subject(&subject), registering).await?;
    registered(&app, &found, &query).await
}

/// Reads a version. An unqualified subject is tried in the default context, then in the others.
#[utoipa::path(get, path = "/subjects/{subject}/versions/{version}", tag = "Versions",
    params(
        ("subject" = String, Path, description = "The subject"),
        ("version" = String, Path, description = "A number, or `latest`"),
        ("format" = Option<String>, Query, description = "Form of the text in the answer"),
        ("referenceFormat" = Option<String>, Query, description = "`qualified` for subjects of references in full"),
        ("deleted" = Option<bool>, Query, description = "Find a soft-deleted version too"),
        ("findTags" = Option<Vec<String>>, Query, description = "Tell where these inline tags are; `*` for any"),
    ),
    responses(
        (status = 200, description = "The version", body = SchemaAnswer),
        (status = 404, description = "40401, 40402", body = ErrorBody),
        (status = 422, description = "42202", body = ErrorBody),
    ))]
pub(crate) async fn get(
    State(app): State<App>,
    Path((subject, version)): Path<(String, String)>,
    query: Query,
) -> Answer {
    let version = find(&app, &subject, &version, &query).await?;
    refuse_logical(&query)?;
    let mut entity = SchemaAnswer::stored(&version);
    add_what_is_asked_for(&mut entity, &app, &version, &query).await?;
    entity.schema = Some(app.service.formatted(&version, query.text("format")).await?);
    reply::json(&entity)
}

/// Reads the bare text of a version.
#[utoipa::path(get, path = "/subjects/{subject}/versions/{version}/schema", tag = "Versions",
    params(
        ("subject" = String, Path, description = "The subject"),
        ("version" = String, Path, description = "A number, or `latest`"),
        ("format" = Option<String>, Query, description = "Form of the text in the answer"),
        ("deleted" = Option<bool>, Query, description = "Find a soft-deleted version too"),
    ),
    responses(
        (status = 200, description = "The text", body = String),
        (status = 404, description = "40401, 40402", body = ErrorBody),
        (status = 422, description = "42202", body = ErrorBody),
    ))]
pub(crate) async fn get_schema(
    State(app): State<App>,
    Path((subject, version)): Path<(String, String)>,
    query: Query,
) -> Answer {
    let version = find(&app, &subject, &version, &query).await?;
    reply::text(app.service.formatted(&version, query.text("format")).await?)
}

/// Lists the ids of schemas that reference a version.
#[utoipa::path(get, path = "/subjects/{subject}/versions/{version}/referencedby", tag = "Versions",
    params(
        ("subject" = String, Path, description = "The subject"),
        ("version" = String, Path, description = "A number, or `latest`"),
        ("deleted" = Option<bool>, Query, description = "Soft-deleted referrers too"),
        ("offset" = Option<i32>, Query, description = "How many to leave out"),
        ("limit" = Option<i32>, Query, description = "How many to give"),
    ),
    responses(
        (status = 200, description = "Ids", body = Vec<i32>),
        (status = 404, description = "40401, 40402", body = ErrorBody),
        (status = 422, description = "42202", body = ErrorBody),
    ))]
pub(crate) async fn referenced_by(
    State(app): State<App>,
    Path((subject, version)): Path<(String, String)>,
    query: Query,
) -> Answer {
    let (page, version) = (query.page()?, version.parse::<WhichVersion>()?);
    let subject = params::subject(&subject);
    reply::json(&app.service.referenced_by(&subject, version.number(), query.flag("deleted"), page).await?)
}

/// Deletes a version, softly or (once it is soft-deleted) permanently.
#[utoipa::path(delete, path = "/subjects/{subject}/versions/{version}", tag = "Versions",
    params(
        ("subject" = String, Path, description = "The subject"),
        ("version" = String, Path, description = "A number, or `latest`"),
        ("permanent" = Option<bool>, Query, description = "Permanently"),
    ),
    responses(
        (status = 200, description = "The number of the version deleted", body = i32),
        (status = 404, description = "40401, 40402, 40406, 40407", body = ErrorBody),
        (status = 422, description = "42202, 42205, 42206", body = ErrorBody),
    ))]
pub(crate) async fn delete(
    State(app): State<App>,
    Path((subject, version)): Path<(String, String)>,
    query: Query,
) -> Answer {
    let version = version.parse::<WhichVersion>()?;
    let subject = params::subject(&subject);
    reply::json(&app.service.delete_version(&subject, version, query.flag("permanent")).await?)
}

/// Registers the next version with other tags, metadata or rules than this one.
#[utoipa::path(post, path = "/subjects/{subject}/versions/{version}/tags", tag = "Versions",
    params(
        ("subject" = String, Path, description = "The subject"),
        ("version" = String, Path, description = "A number, or `latest`"),
    ),
    request_body = TagSchemaRequest,
    responses(
        (status = 200, description = "The new version", body = SchemaAnswer),
        (status = 404, description = "40401, 40402", body = ErrorBody),
        (status = 409, description = "40901", body = ErrorBody),
        (status = 422, description = "42201, 42202, 42205, 42208, 42210", body = ErrorBody),
    ))]
pub(crate) async fn tag(
    State(app): State<App>,
    Path((subject, version)): Path<(String, String)>,
    query: Query,
    body: Json<TagSchemaRequest>,
) -> Answer {
    let request = body.required("modifySchemaTags")?;
    let version = version.parse::<WhichVersion>()?;
    let request = TagRequest {
        new_version: request.new_version.0,
        tags_to_add: tag_changes(request.tags_to_add),
        tags_to_remove: tag_changes(request.tags_to_remove),
        metadata: request.metadata.0.map(MetadataRequest::into_domain),
        rule_set: request.rule_set.0.map(RuleSetRequest::into_domain),
        rules_to_merge: request.rules_to_merge.0.map(RuleSetRequest::into_domain),
        rules_to_remove: request.rules_to_remove.texts().unwrap_or_default(),
    };
    let named = params::subject(&subject);
    let found =
        app.service.change_tags(&named, version.number(), request).await.map_err(|error| match error {
            // Here alone the reference names the subject as it stands in the path.
            ServiceError::Incompatible { messages, .. } => ServiceError::Incompatible { subject, messages },
            error => error,
        })?;
    registered(&app, &found, &query).await
}

/// The answer to a registration: no subject, and the version only if there is one.
async fn registered(app: &App, found: &Found, query: &Query) -> Answer {
    let mut entity = SchemaAnswer::found(found);
    entity.subject = None;
    entity.version = entity.version.filter(|version| *version > 0);
    entity.schema = Some(app.service.formatted(&found.schema, query.text("format")).await?);
    reply::json(&entity)
}

async fn find(app: &App, subject: &str, version: &str, query: &Query) -> Result<SchemaVersion, Failure> {
    let version = version.parse::<WhichVersion>()?;
    Ok(app.service.version(&params::subject(subject), version.number(), query.flag("deleted")).await?)
}

/// What `referenceFormat` and `findTags` ask for.
pub(super) async fn add_what_is_asked_for(
    entity: &mut SchemaAnswer,
    app: &App,
    version: &SchemaVersion,
    query: &Query,
) -> Result<(), Failure> {
    if query.text("referenceFormat") == "qualified" {
        entity.qualify_references(version);
    }
    let wanted = query.all("findTags");
    if !wanted.is_empty() {
        let tags = app.service.tags(version, &wanted).await?;
        entity.schema_tags = tags.into_iter().map(SchemaTagsEntity::from).collect();
    }
    Ok(())
}

/// Logical type definitions are not spoken.
fn refuse_logical(query: &Query) -> Result<(), Failure> {
    let format = query.text("format");
    if format.eq_ignore_ascii_case("logical") {
        return Err(ServiceError::UnsupportedFormat(format.to_owned()).into());
    }
    Ok(())
}
