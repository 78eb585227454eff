//! Every route, once. The list makes the router, the API description and the series of metrics.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, on};
use utoipa::OpenApi as _;

use super::error::HttpFailure;
use super::front::App;
use super::{
    accept, associations, compatibility, config, contexts, description, guids, health, ids, mode, root,
    schemas, subjects, versions,
};

/// A route of the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    /// The method.
    pub(crate) method: &'static str,
    /// The path with its parameters in braces.
    pub(crate) path: &'static str,
    /// Whether the conventions of the registry's API apply.
    pub(crate) api: bool,
}

/// Left with an answer by the route that made it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matched {
    /// Position in [`ROUTES`].
    pub(crate) route: usize,
    /// Whether the answer is a function of the request and the store's content alone.
    pub(crate) api: bool,
}

macro_rules! routes {
    ($($kind:ident $method:ident $path:literal => $module:ident::$handler:ident,)*) => {
        /// Every route, in the order of the list.
        pub(crate) const ROUTES: &[Route] =
            &[$(Route { method: stringify!($method), path: $path, api: routes!(@api $kind) }),*];

        fn handlers() -> Vec<axum::routing::MethodRouter<App>> {
            vec![$(on(MethodFilter::$method, $module::$handler)),*]
        }

        /// The API description that the annotations of the handlers make up.
        #[derive(utoipa::OpenApi)]
        #[openapi(
            info(
                title = "Muster schema registry",
                description = "REST API of the schema registry, compatible with Confluent Schema Registry. Every path of the \
                    API may also stand under `/contexts/{context}`.",
                license(name = "Apache-2.0", identifier = "Apache-2.0"),
            ),
            paths($($module::$handler),*)
        )]
        struct Description;
    };
    (@api api) => { true };
    (@api operations) => { false };
}

routes! {
    api GET "/" => root::get,
    api POST "/" => root::post,
    api GET "/v1/metadata/id" => root::id,
    api GET "/v1/metadata/version" => root::version,
    api GET "/v1/metadata/deployment" => root::deployment,
    api GET "/subjects" => subjects::list,
    api POST "/subjects/{subject}" => subjects::look_up,
    api DELETE "/subjects/{subject}" => subjects::delete,
    api GET "/subjects/{subject}/metadata" => subjects::by_metadata,
    api GET "/subjects/{subject}/versions" => versions::list,
    api POST "/subjects/{subject}/versions" => versions::register,
    api GET "/subjects/{subject}/versions/{version}" => versions::get,
    api DELETE "/subjects/{subject}/versions/{version}" => versions::delete,
    api GET "/subjects/{subject}/versions/{version}/schema" => versions::get_schema,
    api GET "/subjects/{subject}/versions/{version}/referencedby" => versions::referenced_by,
    api POST "/subjects/{subject}/versions/{version}/tags" => versions::tag,
    api GET "/schemas" => schemas::list,
    api GET "/schemas/types" => schemas::types,
    api GET "/schemas/ids/{id}" => ids::get,
    api GET "/schemas/ids/{id}/schema" => ids::get_schema,
    api GET "/schemas/ids/{id}/subjects" => ids::subjects,
    api GET "/schemas/ids/{id}/versions" => ids::versions,
    api GET "/schemas/guids/{guid}" => guids::get,
    api GET "/schemas/guids/{guid}/ids" => guids::ids,
    api POST "/compatibility/subjects/{subject}/versions" => compatibility::check_all,
    api POST "/compatibility/subjects/{subject}/versions/{version}" => compatibility::check_version,
    api GET "/config" => config::get_top,
    api PUT "/config" => config::put_top,
    api DELETE "/config" => config::delete_top,
    api GET "/config/{subject}" => config::get,
    api PUT "/config/{subject}" => config::put,
    api DELETE "/config/{subject}" => config::delete,
    api GET "/mode" => mode::get_top,
    api PUT "/mode" => mode::put_top,
    api DELETE "/mode" => mode::delete_top,
    api GET "/mode/{subject}" => mode::get,
    api PUT "/mode/{subject}" => mode::put,
    api DELETE "/mode/{subject}" => mode::delete,
    api GET "/contexts" => contexts::list,
    api DELETE "/contexts/{context}" => contexts::delete,
    api POST "/associations" => associations::create,
    api POST "/associations:batchGet" => associations::batch_get,
    api POST "/associations:batchMutate" => associations::batch_mutate,
    api GET "/associations/subjects/{subject}" => associations::of_subject,
    api GET "/associations/resources/{resourceId}" => associations::of_resource_id,
    api PUT "/associations/resources/{resourceId}" => associations::upsert,
    api DELETE "/associations/resources/{resourceId}" => associations::delete,
    api GET "/associations/resources/{resourceNamespace}/{resourceName}" => associations::of_resource,
    operations GET "/health/live" => health::live,
    operations GET "/health/ready" => health::ready,
    operations GET "/metrics" => health::metrics,
    operations GET "/openapi.json" => description::get,
}

/// The router over `app`.
pub(crate) fn router(app: App) -> Router {
    let mut router = Router::new();
    let associations = app.service.options().associations;
    for (index, (route, handler)) in ROUTES.iter().zip(handlers()).enumerate() {
        if route.path.starts_with("/associations") && !associations {
            continue;
        }
        let matched = Matched { route: index, api: route.api };
        router = router.route(
            &axum_path(route.path),
            handler.route_layer(middleware::from_fn_with_state(matched, conventions)),
        );
    }
    router
        .method_not_allowed_fallback(async || HttpFailure::MethodNotAllowed)
        .fallback(async || HttpFailure::NotFound)
        .with_state(app)
}

/// The API description as the annotations of the handlers have it.
pub(crate) fn annotated() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

/// The same path with names that the router takes: its parameters share one name per place, which the description
/// need not.
fn axum_path(path: &str) -> String {
    path.replace("{resourceId}", "{resource}").replace("{resourceNamespace}", "{resource}")
}

/// Media types of matched requests: 415 before 406 before the handler, whose answer gets the negotiated type.
async fn conventions(State(matched): State<Matched>, request: Request, next: Next) -> Response {
    let mut response = if matched.api { negotiated(request, next).await } else { next.run(request).await };
    response.extensions_mut().insert(matched);
    response
}

async fn negotiated(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !accept::consumable(headers) {
        let media_type = accept::exact_or_default(headers);
        let mut response = HttpFailure::UnsupportedMediaType.into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        return response;
    }
    let Some(media_type) = accept::negotiate(headers) else {
        return HttpFailure::NotAcceptable.into_response();
    };
    let mut response = next.run(request).await;
    if response.status() != axum::http::StatusCode::NO_CONTENT {
        response.headers_mut().entry(header::CONTENT_TYPE).or_insert(media_type);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::description::openapi;
    use utoipa::openapi::RefOr;
    use utoipa::openapi::path::{Operation, ParameterIn};

    use super::*;

    #[test]
    fn the_description_has_exactly_the_routes() {
        let routes: BTreeSet<String> =
            ROUTES.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        assert_eq!(routes.len(), ROUTES.len(), "a route is listed twice");
        let mut described = BTreeSet::new();
        for (path, item) in openapi().paths.paths {
            let methods: [(&str, &Option<Operation>); 8] = [
                ("GET", &item.get),
                ("PUT", &item.put),
                ("POST", &item.post),
                ("DELETE", &item.delete),
                ("OPTIONS", &item.options),
                ("HEAD", &item.head),
                ("PATCH", &item.patch),
                ("TRACE", &item.trace),
            ];
            for (method, operation) in methods {
                if operation.is_some() {
                    described.insert(format!("{method} {path}"));
                }
            }
        }
        assert_eq!(described, routes);
    }

    #[test]
    fn path_parameters_are_described() {
        for (path, item) in openapi().paths.paths {
            let operations = [item.get, item.put, item.post, item.delete];
            for operation in operations.into_iter().flatten() {
                let described: BTreeSet<String> = operation
                    .parameters
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|parameter| match parameter {
                        RefOr::T(parameter) if matches!(parameter.parameter_in, ParameterIn::Path) => {
                            Some(parameter.name)
                        }
                        _ => None,
                    })
                    .collect();
                let in_path: BTreeSet<String> = path
                    .split('/')
                    .filter_map(|s| s.strip_prefix('{')?.strip_suffix('}').map(str::to_owned))
                    .collect();
                assert_eq!(described, in_path, "{path}");
            }
        }
    }
}
