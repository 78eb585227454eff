//! `/associations` (registry API spec §4.9).

use axum::extract::{Path, State};
use axum::http::StatusCode;
use muster_schema::Context;

use super::association_entities::{
    AssociationBatchGetRequest, AssociationBatchRequest, AssociationBatchResponse,
    AssociationCreateOrUpdateRequest, AssociationEntity, AssociationResponse, AssociationResult,
};
use super::body::Json;
use super::error::{self, ErrorBody, Failure, HttpFailure};
use super::front::App;
use super::lenient::{List, Object};
use super::params::Query;
use super::reply::{self, Answer};
use crate::service::{
    AssociationFilter, AssociationRequest, BatchMutation, Dissociation, Manner, NamedResource, ServiceError,
};
use crate::store::Association;

/// Lists the associations of a subject.
#[utoipa::path(get, path = "/associations/subjects/{subject}", tag = "Associations",
    params(
        ("subject" = String, Path, description = "The qualified subject"),
        ("resourceType" = Option<String>, Query, description = "The kind of resource, `topic`"),
        ("associationType" = Option<Vec<String>>, Query, description = "`key`, `value`"),
        ("lifecycle" = Option<String>, Query, description = "`STRONG` or `WEAK`"),
        ("offset" = Option<i32>, Query, description = "How many to leave out"),
        ("limit" = Option<i32>, Query, description = "How many to give, at most 1000"),
    ),
    responses((status = 200, description = "Associations", body = Vec<AssociationEntity>), (status = 500, description = "50001", body = ErrorBody)))]
pub(crate) async fn of_subject(State(app): State<App>, Path(subject): Path<String>, query: Query) -> Answer {
    let (filter, page) = (filter(&query)?, query.page()?);
    listed(app.service.associations_of_subject(&subject, &filter, page).await?)
}

/// Lists the associations of a resource by its id.
#[utoipa::path(get, path = "/associations/resources/{resourceId}", tag = "Associations",
    params(
        ("resourceId" = String, Path, description = "The id of the resource"),
        ("resourceType" = Option<String>, Query, description = "The kind of resource, `topic`"),
        ("associationType" = Option<Vec<String>>, Query, description = "`key`, `value`"),
        ("lifecycle" = Option<String>, Query, description = "`STRONG` or `WEAK`"),
        ("offset" = Option<i32>, Query, description = "How many to leave out"),
        ("limit" = Option<i32>, Query, description = "How many to give, at most 1000"),
    ),
    responses((status = 200, description = "Associations", body = Vec<AssociationEntity>), (status = 500, description = "50001", body = ErrorBody)))]
pub(crate) async fn of_resource_id(State(app): State<App>, Path(id): Path<String>, query: Query) -> Answer {
    let (filter, page) = (filter(&query)?, query.page()?);
    listed(app.service.associations_of_resource_id(&id, &filter, page).await?)
}

/// Lists the associations of a resource by its name.
#[utoipa::path(get, path = "/associations/resources/{resourceNamespace}/{resourceName}", tag = "Associations",
    params(
        ("resourceNamespace" = String, Path, description = "The namespace of the resource; `-` for any"),
        ("resourceName" = String, Path, description = "The name of the resource; `-` for any"),
        ("resourceType" = Option<String>, Query, description = "The kind of resource, `topic`"),
        ("associationType" = Option<Vec<String>>, Query, description = "`key`, `value`"),
        ("lifecycle" = Option<String>, Query, description = "`STRONG` or `WEAK`"),
        ("offset" = Option<i32>, Query, description = "How many to leave out"),
        ("limit" = Option<i32>, Query, description = "How many to give, at most 1000"),
    ),
    responses((status = 200, description = "Associations", body = Vec<AssociationEntity>), (status = 500, description = "50001", body = ErrorBody)))]
pub(crate) async fn of_resource(
    State(app): State<App>,
    Path((namespace, name)): Path<(String, String)>,
    query: Query,
) -> Answer {
    let (filter, page) = (filter(&query)?, query.page()?);
    listed(app.service.associations_of_resource(&namespace, &name, &filter, page).await?)
}

/// Associates a resource with subjects. What exists must be as wanted.
#[utoipa::path(post, path = "/associations", tag = "Associations",
    params(
        ("context" = Option<String>, Query, description = "The context of unqualified subjects"),
        ("dryRun" = Option<bool>, Query, description = "Only check"),
    ),
    request_body = AssociationCreateOrUpdateRequest,
    responses(
        (status = 200, description = "The resource with what was written", body = AssociationResponse),
        (status = 409, description = "40901, 40903, 40904, 40905, 40907", body = ErrorBody),
        (status = 422, description = "42201, 42205, 42206, 42209, 42210, 42212", body = ErrorBody),
        (status = 500, description = "50001", body = ErrorBody),
    ))]
pub(crate) async fn create(
    State(app): State<App>,
    query: Query,
    body: Json<AssociationCreateOrUpdateRequest>,
) -> Answer {
    let request = body.required("createAssociation")?.into_domain()?;
    associate(&app, request, Manner::Create, &query).await
}

/// Associates a resource with subjects, or changes how.
#[utoipa::path(put, path = "/associations/resources/{resourceId}", tag = "Associations",
    params(
        ("resourceId" = String, Path, description = "The id of the resource"),
        ("context" = Option<String>, Query, description = "The context of unqualified subjects"),
        ("dryRun" = Option<bool>, Query, description = "Only check"),
    ),
    request_body = AssociationCreateOrUpdateRequest,
    responses(
        (status = 200, description = "The resource with what was written", body = AssociationResponse),
        (status = 409, description = "40901, 40905, 40907, 40908", body = ErrorBody),
        (status = 422, description = "42201, 42205, 42206, 42209, 42210, 42212", body = ErrorBody),
        (status = 500, description = "50001", body = ErrorBody),
    ))]
pub(crate) async fn upsert(
    State(app): State<App>,
    Path(id): Path<String>,
    query: Query,
    body: Json<AssociationCreateOrUpdateRequest>,
) -> Answer {
    let mut request = body.required("createOrUpdateAssociation")?.into_domain()?;
    match request.resource.id.as_ref().filter(|own| !own.is_empty()) {
        Some(own) if *own != id => {
            let detail = "differs from the one in the path".to_owned();
            return Err(ServiceError::InvalidAssociation { property: "resourceId", detail }.into());
        }
        _ => request.resource.id = Some(id),
    }
    associate(&app, request, Manner::Upsert, &query).await
}

/// Removes associations of a resource.
#[utoipa::path(delete, path = "/associations/resources/{resourceId}", tag = "Associations",
    params(
        ("resourceId" = String, Path, description = "The id of the resource"),
        ("resourceType" = Option<String>, Query, description = "The kind of resource, `topic`"),
        ("associationType" = Option<Vec<String>>, Query, description = "`key`, `value`; both if absent"),
        ("cascadeLifecycle" = Option<bool>, Query, description = "Also frozen ones, with the subjects of strong ones"),
        ("dryRun" = Option<bool>, Query, description = "Only check"),
    ),
    responses(
        (status = 204, description = "Done"),
        (status = 404, description = "40410", body = ErrorBody),
        (status = 409, description = "40908", body = ErrorBody),
        (status = 422, description = "42205, 42206", body = ErrorBody),
    ))]
pub(crate) async fn delete(State(app): State<App>, Path(id): Path<String>, query: Query) -> Answer {
    let request = Dissociation {
        resource_id: id,
        kind: Some(query.text("resourceType").to_owned()),
        types: types(&query),
        cascade: query.flag("cascadeLifecycle"),
        dry_run: query.flag("dryRun"),
    };
    app.service.dissociate(&request).await?;
    reply::nothing()
}

/// Looks several resources up.
#[utoipa::path(post, path = "/associations:batchGet", tag = "Associations",
    params(("includeSchemas" = Option<bool>, Query, description = "With the latest version of each subject")),
    request_body = AssociationBatchGetRequest,
    responses(
        (status = 207, description = "A result or an error for each, in order", body = AssociationBatchResponse),
        (status = 422, description = "42212", body = ErrorBody),
    ))]
pub(crate) async fn batch_get(
    State(app): State<App>,
    query: Query,
    body: Json<AssociationBatchGetRequest>,
) -> Answer {
    let requests = batch(body.required("batchGetAssociations")?.requests)?;
    let schemas = query.flag("includeSchemas");
    let mut gets = Vec::with_capacity(requests.len());
    for request in requests {
        gets.push(request.into_domain()?);
    }
    let mut results = Vec::with_capacity(gets.len());
    for get in &gets {
        results.push(match app.service.get_associations(get, schemas).await {
            Ok(got) => found(AssociationResponse::found(got.resource, &got.associations)),
            Err(error) => {
                let (_, _, message) = error::row(&error);
                failed(500, message)
            }
        });
    }
    multi(results)
}

/// Changes the associations of several resources, each by itself.
#[utoipa::path(post, path = "/associations:batchMutate", tag = "Associations",
    params(
        ("context" = Option<String>, Query, description = "The context of unqualified subjects"),
        ("dryRun" = Option<bool>, Query, description = "Only check"),
    ),
    request_body = AssociationBatchRequest,
    responses(
        (status = 207, description = "A result or an error for each, in order", body = AssociationBatchResponse),
        (status = 422, description = "42212", body = ErrorBody),
    ))]
pub(crate) async fn batch_mutate(
    State(app): State<App>,
    query: Query,
    body: Json<AssociationBatchRequest>,
) -> Answer {
    let requests = batch(body.required("batchMutateAssociations")?.requests)?;
    let context = context(&query)?;
    let mut mutations = Vec::with_capacity(requests.len());
    for request in requests {
        let (resource, operations) = request.into_steps()?;
        mutations.push(BatchMutation { resource, operations, context: context.clone() });
    }
    let mut results = Vec::with_capacity(mutations.len());
    for mutation in mutations {
        results.push(match app.service.mutate_associations(mutation, query.flag("dryRun")).await {
            Ok(got) => found(AssociationResponse::written(got.resource, &got.written)),
            Err(error) => {
                // Batches have words of their own for two kinds of refusal.
                let (_, code, message) = error::row(&error);
                match code {
                    42201 => failed(42212, message),
                    42205 => failed(500, format!("Error while creating association: {message}")),
                    code => failed(code, message),
                }
            }
        });
    }
    multi(results)
}

async fn associate(app: &App, mut request: AssociationRequest, manner: Manner, query: &Query) -> Answer {
    request.context = context(query)?;
    let done = app.service.associate(&request, manner, query.flag("dryRun")).await?;
    let resource = NamedResource {
        id: Some(done.resource.id),
        kind: Some(done.resource.kind),
        namespace: Some(done.resource.namespace),
        name: Some(done.resource.name),
    };
    reply::json(&AssociationResponse::written(resource, &done.written))
}

fn listed(found: Vec<Association>) -> Answer {
    reply::json(&found.into_iter().map(AssociationEntity::from).collect::<Vec<_>>())
}

fn found(result: AssociationResponse) -> AssociationResult {
    AssociationResult { result: Some(result), error: None }
}

fn failed(error_code: i32, message: String) -> AssociationResult {
    AssociationResult { error: Some(ErrorBody { error_code, message }), result: None }
}

fn multi(results: Vec<AssociationResult>) -> Answer {
    let mut response = reply::json(&AssociationBatchResponse { results })?;
    *response.status_mut() = StatusCode::MULTI_STATUS;
    Ok(response)
}

/// The requests of a batch, of which there must be one.
fn batch<T>(requests: List<Object<T>>) -> Result<Vec<T>, Failure> {
    let requests: Vec<T> = requests.0.unwrap_or_default().into_iter().filter_map(|one| one.0).collect();
    if requests.is_empty() {
        let detail = "must not be null or empty".to_owned();
        return Err(ServiceError::InvalidAssociation { property: "requests", detail }.into());
    }
    Ok(requests)
}

fn context(query: &Query) -> Result<Option<Context>, Failure> {
    match query.text("context") {
        "" => Ok(None),
        text => match Context::parse(text) {
            Ok(context) => Ok(Some(context)),
            Err(invalid) => Err(HttpFailure::InvalidContext(invalid.0).into()),
        },
    }
}

fn types(query: &Query) -> Vec<String> {
    query.all("associationType").into_iter().filter(|name| !name.is_empty()).collect()
}

/// The filter of a listing; an unknown lifecycle does not exist (404).
fn filter(query: &Query) -> Result<AssociationFilter, HttpFailure> {
    let lifecycle = query.text("lifecycle");
    let lifecycles = match lifecycle {
        "" => Vec::new(),
        name => vec![name.parse().map_err(|_| HttpFailure::NotFound)?],
    };
    Ok(AssociationFilter {
        kind: Some(query.text("resourceType").to_owned()),
        types: types(query),
        lifecycles,
    })
}
