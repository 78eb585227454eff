//! This API, described (OpenAPI 3.1), at `/openapi.json` and in the repository's `openapi/`.
//!
//! The annotations of the handlers say what is particular to each; what all of them have in common is added here: the
//! media types, an answer for every other status, and names of operations.

use std::sync::LazyLock;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, ResponseBuilder};

use super::accept;
use super::router::{self, ROUTES};

static DESCRIPTION: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(openapi().to_json().unwrap_or_default()));

/// Describes this API.
#[utoipa::path(get, path = "/openapi.json", tag = "Operations", responses((status = 200, description = "The description", body = serde_json::Value)))]
pub(crate) async fn get() -> Response {
    let content_type = [(header::CONTENT_TYPE, accept::JSON)];
    (StatusCode::OK, content_type, DESCRIPTION.clone()).into_response()
}

/// The API description.
pub fn openapi() -> OpenApi {
    let mut description = router::annotated();
    description.info.version = env!("CARGO_PKG_VERSION").to_owned();
    for (path, item) in &mut description.paths.paths {
        for (method, operation) in operations(item) {
            let route = ROUTES.iter().find(|route| route.method == method && route.path == path);
            complete(operation, method, path, route.is_some_and(|route| route.api));
        }
    }
    description
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("GET", &mut item.get),
        ("PUT", &mut item.put),
        ("POST", &mut item.post),
        ("DELETE", &mut item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn complete(operation: &mut Operation, method: &str, path: &str, api: bool) {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = std::iter::once(method.to_ascii_lowercase()).chain(words.map(str::to_owned));
    operation.operation_id = Some(name.collect::<Vec<_>>().join("_"));
    if !api {
        return;
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            bound(parameter);
        }
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body
        && let Some(content) = body.content.get(accept::JSON).cloned()
    {
        for media_type in accept::PRODUCED.iter().map(|(name, _)| *name).chain([accept::OCTETS]) {
            body.content.insert(media_type.to_owned(), content.clone());
        }
    }
    for response in operation.responses.responses.values_mut() {
        let RefOr::T(response) = response else { continue };
        let Some(content) = response.content.values().next().cloned() else { continue };
        // A bare schema text is sent as if it were JSON, whether it is or not.
        let bare = path.ends_with("/schema") && !response.content.contains_key(accept::JSON);
        let content = if bare { RefOr::T(Content::default()) } else { content };
        response.content.clear();
        for (media_type, _) in accept::PRODUCED {
            response.content.insert(media_type.to_owned(), content.clone());
        }
    }
    let error = RefOr::Ref(Ref::from_schema_name("ErrorBody"));
    let other = accept::PRODUCED.iter().fold(
        ResponseBuilder::new().description("Why the request is not answered as hoped"),
        |response, (media_type, _)| response.content(*media_type, Content::new(Some(error.clone()))),
    );
    operation.responses.responses.insert("default".to_owned(), RefOr::T(other.build()));
    operation
        .responses
        .responses
        .entry("400".to_owned())
        .or_insert_with(|| RefOr::T(malformed(method).build()));
}

/// What holds for a parameter wherever it stands.
fn bound(parameter: &mut Parameter) {
    let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema else { return };
    match parameter.parameter_in {
        // A target with such characters is refused outright.
        ParameterIn::Path if schema.schema_type == SchemaType::Type(Type::String) => {
            schema.pattern = Some(r"^[^\u0000-\u001f\u007f\\]+$".to_owned());
        }
        ParameterIn::Query if parameter.name == "offset" => schema.minimum = Some(0.into()),
        _ => {}
    }
}

/// The answer to a request that cannot be understood: a registry error, or the page of a target that is refused
/// outright. What the latter looks like goes by `Accept`; for DELETE it is empty.
fn malformed(method: &str) -> ResponseBuilder {
    let response = ResponseBuilder::new().description("The request cannot be understood");
    if method == "DELETE" {
        return response;
    }
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let error = || Ref::from_schema_name("ErrorBody");
    let refused = ["message", "url", "status"]
        .into_iter()
        .fold(ObjectBuilder::new(), |page, name| page.property(name, text()).required(name))
        .build();
    accept::PRODUCED
        .iter()
        .fold(response, |response, (media_type, _)| {
            let content = if *media_type == accept::JSON {
                let either = OneOfBuilder::new().item(error()).item(Schema::Object(refused.clone()));
                Content::new(Some(Schema::OneOf(either.build())))
            } else {
                Content::new(Some(RefOr::<Schema>::Ref(error())))
            };
            response.content(*media_type, content)
        })
        .content("text/html", Content::new(Some(Schema::Object(text().build()))))
        .content("text/plain", Content::new(Some(Schema::Object(text().build()))))
}
