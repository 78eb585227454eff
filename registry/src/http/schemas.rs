//! `/schemas` and `/schemas/types` (registry API spec §4.4).

use axum::extract::State;
use muster_schema::SchemaType;
use serde::{Serialize, Serializer};

use super::association_entities::AssociationEntity;
use super::entities::SchemaAnswer;
use super::error::{ErrorBody, HttpFailure};
use super::front::App;
use super::params::Query;
use super::reply::{self, Answer};
use crate::service::{self, Associated, AssociationFilter, Listed, SchemaQuery};

const LIFECYCLES: [&str; 3] = ["STRONG", "WEAK", "NONE"];

/// Lists schemas by subject and version.
#[utoipa::path(get, path = "/schemas", tag = "Schemas",
    params(
        ("subjectPrefix" = Option<String>, Query, description = "Prefix of the qualified subject; empty (default) for the default context"),
        ("aliases" = Option<bool>, Query, description = "Also what matching aliases stand for"),
        ("deleted" = Option<bool>, Query, description = "Soft-deleted ones too"),
        ("latestOnly" = Option<bool>, Query, description = "Only the highest version of each subject"),
        ("ruleType" = Option<String>, Query, description = "Only schemas with a rule of this type"),
        ("resourceType" = Option<String>, Query, description = "Only subjects associated with such a resource"),
        ("associationType" = Option<Vec<String>>, Query, description = "Only subjects with such an association"),
        ("lifecycle" = Option<Vec<String>>, Query, description = "`STRONG`, `WEAK`, or `NONE` for subjects without association"),
        ("offset" = Option<i32>, Query, description = "How many to leave out"),
        ("limit" = Option<i32>, Query, description = "How many to give, at most 1000"),
    ),
    responses((status = 200, description = "Schemas", body = Vec<SchemaAnswer>), (status = 500, description = "50001", body = ErrorBody)))]
pub(crate) async fn list(State(app): State<App>, query: Query) -> Answer {
    let lifecycles = query.all("lifecycle");
    if lifecycles.iter().any(|lifecycle| !LIFECYCLES.contains(&lifecycle.as_str())) {
        return Err(HttpFailure::NotFound.into());
    }
    let filtered = !lifecycles.is_empty()
        || !query.text("resourceType").is_empty()
        || !query.all("associationType").is_empty();
    let wanted = SchemaQuery {
        prefix: query.text("subjectPrefix").to_owned(),
        aliases: query.flag("aliases"),
        deleted: query.flag("deleted"),
        latest_only: query.flag("latestOnly"),
        rule_type: query.text("ruleType").to_owned(),
        associated: filtered.then(|| Associated {
            filter: AssociationFilter {
                kind: Some(query.text("resourceType").to_owned()),
                types: query.all("associationType").into_iter().filter(|name| !name.is_empty()).collect(),
                lifecycles: Vec::new(),
            },
            lifecycles: lifecycles.iter().filter_map(|lifecycle| lifecycle.parse().ok()).collect(),
            or_not: lifecycles.iter().any(|lifecycle| lifecycle == "NONE"),
        }),
        page: query.page()?,
    };
    let listed = app.service.schemas(&wanted).await?;
    reply::json(&Entities(&listed))
}

/// What is listed, in the form of answers. Each is made only when it is written: it has a copy of the text, which
/// those listed may share.
struct Entities<'a>(&'a [Listed]);

impl Serialize for Entities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|listed| SchemaAnswer {
            aliases: listed.aliases.clone(),
            associations: listed.associations.iter().cloned().map(AssociationEntity::from).collect(),
            ..SchemaAnswer::stored(&listed.version)
        }))
    }
}

/// Lists the schema languages that registrations are taken in.
#[utoipa::path(get, path = "/schemas/types", tag = "Schemas", responses((status = 200, description = "Names", body = Vec<String>)))]
pub(crate) async fn types() -> Answer {
    let names: Vec<&str> = [SchemaType::Json, SchemaType::Protobuf, SchemaType::Avro]
        .into_iter()
        .filter(|language| service::supports(*language))
        .map(SchemaType::as_str)
        .collect();
    reply::json(&names)
}
