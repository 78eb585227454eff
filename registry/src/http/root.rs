//! `/` and `/v1/metadata` (registry API spec §4.1).

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Json;
use super::front::App;
use super::lenient::{Map, Text};
use super::reply::{self, Answer};

/// Where this registry belongs.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServerId {
    scope: ServerScope,
}

/// The clusters behind a registry.
#[derive(Serialize, ToSchema)]
struct ServerScope {
    path: Vec<String>,
    clusters: ServerClusters,
}

/// Names of clusters.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
struct ServerClusters {
    /// Empty: schemas are not kept in Kafka.
    kafka_cluster: String,
    /// The group of registries that this one belongs to.
    schema_registry_cluster: String,
}

/// The release that the API is compatible with, and our own.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServerVersion {
    #[schema(example = "8.5.0-muster-0.1.0")]
    version: String,
    commit_id: String,
}

/// Attributes of the deployment.
#[derive(Serialize, ToSchema)]
pub(crate) struct Deployment {
    attributes: Vec<String>,
}

/// The release of the reference whose behaviour this API has.
const COMPATIBLE_WITH: &str = "8.5.0";

/// Tells that the registry answers.
#[utoipa::path(get, path = "/", tag = "Server", responses((status = 200, description = "An empty object", body = serde_json::Value)))]
pub(crate) async fn get() -> Answer {
    reply::json(&serde_json::Map::new())
}

/// Tells that the registry answers. A body has to be an object of texts, and means nothing.
#[utoipa::path(post, path = "/", tag = "Server", responses((status = 200, description = "An empty object", body = serde_json::Value)))]
pub(crate) async fn post(_: Json<Map<Text>>) -> Answer {
    reply::json(&serde_json::Map::new())
}

/// Names the cluster.
#[utoipa::path(get, path = "/v1/metadata/id", tag = "Server", responses((status = 200, description = "The clusters", body = ServerId)))]
pub(crate) async fn id(State(app): State<App>) -> Answer {
    reply::json(&ServerId {
        scope: ServerScope {
            path: Vec::new(),
            clusters: ServerClusters {
                kafka_cluster: String::new(),
                schema_registry_cluster: app.service.options().cluster_name.clone(),
            },
        },
    })
}

/// Names the version.
#[utoipa::path(get, path = "/v1/metadata/version", tag = "Server", responses((status = 200, description = "The version", body = ServerVersion)))]
pub(crate) async fn version() -> Answer {
    reply::json(&ServerVersion {
        version: format!("{COMPATIBLE_WITH}-muster-{}", env!("CARGO_PKG_VERSION")),
        commit_id: String::new(),
    })
}

/// Tells the attributes of the deployment.
#[utoipa::path(get, path = "/v1/metadata/deployment", tag = "Server", responses((status = 200, description = "The attributes", body = Deployment)))]
pub(crate) async fn deployment(State(app): State<App>) -> Answer {
    reply::json(&Deployment { attributes: app.service.options().deployment_attributes.clone() })
}
