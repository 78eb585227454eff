//! The JSON of associations (registry API spec §4.9).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::entities::SchemaAnswer;
use super::error::{ErrorBody, Failure, HttpFailure};
use super::lenient::{Flag, List, Object, Text};
use super::requests::SchemaRequest;
use crate::service::{
    AssociationOperation, AssociationRequest, Described, NamedResource, Registering, WantedAssociation,
    Written,
};
use crate::store::{Association, Lifecycle, Resource};

/// A request to associate a resource with subjects.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssociationCreateOrUpdateRequest {
    /// The resource's name: letters, digits, `_` and `-`.
    #[serde(default)]
    #[schema(value_type = String)]
    resource_name: Text,
    /// Where the name counts, of the same characters.
    #[serde(default)]
    #[schema(value_type = String)]
    resource_namespace: Text,
    /// The resource's id; required but in a dry run.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(crate) resource_id: Text,
    /// `topic`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    resource_type: Text,
    /// What it is to be associated with.
    #[serde(default)]
    #[schema(value_type = Vec<AssociationItem>)]
    associations: List<Object<AssociationItem>>,
}

/// An association as wanted. The last two members are for batches.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssociationItem {
    /// The subject; that of a strong association follows from the resource.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    subject: Text,
    /// `key` or `value` (default).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    association_type: Text,
    /// `STRONG` or `WEAK`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    lifecycle: Text,
    /// Whether it is there to stay as it is; strong ones are.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    frozen: Flag,
    /// A schema to register under the subject.
    #[serde(default)]
    #[schema(value_type = Option<SchemaRequest>)]
    schema: Object<SchemaRequest>,
    /// Whether to normalize that schema.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    normalize: Flag,
    /// `CREATE`, `UPSERT` or `DELETE`; batches only.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    op_type: Text,
    /// Whether `DELETE` takes a strong association's subject along; batches only.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    cascade_lifecycle: Flag,
}

/// Several requests in one.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AssociationBatchRequest {
    /// One per resource.
    #[serde(default)]
    #[schema(value_type = Vec<AssociationCreateOrUpdateRequest>)]
    pub(crate) requests: List<Object<AssociationCreateOrUpdateRequest>>,
}

/// Several look-ups in one.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AssociationBatchGetRequest {
    /// One per resource.
    #[serde(default)]
    #[schema(value_type = Vec<AssociationGetRequest>)]
    pub(crate) requests: List<Object<AssociationGetRequest>>,
}

/// A look-up of one resource, by id or by namespace and name.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssociationGetRequest {
    /// The resource's name.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    resource_name: Text,
    /// Where the name counts.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    resource_namespace: Text,
    /// The resource's id.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    resource_id: Text,
    /// `topic`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    resource_type: Text,
    /// Types wanted.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    association_types: List<Text>,
    /// The lifecycle wanted.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    lifecycle: Text,
}

/// An association as listed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssociationEntity {
    subject: String,
    guid: String,
    resource_name: String,
    resource_namespace: String,
    resource_id: String,
    resource_type: String,
    association_type: &'static str,
    lifecycle: &'static str,
    /// Only where it does not follow from the lifecycle.
    #[serde(skip_serializing_if = "Option::is_none")]
    frozen: Option<bool>,
    create_ts: i64,
    update_ts: i64,
}

/// A resource with some of its associations: those that a request has written, or that were looked up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssociationResponse {
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(value_type = Option<String>)]
    resource_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(value_type = Option<String>)]
    resource_namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(value_type = Option<String>)]
    resource_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(value_type = Option<String>)]
    resource_type: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<AssociationInfo>>)]
    associations: Vec<AssociationInfo>,
}

/// An association of a known resource.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssociationInfo {
    subject: String,
    association_type: &'static str,
    lifecycle: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    frozen: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<SchemaAnswer>,
}

/// What a batch has come to, in the order of its requests.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssociationBatchResponse {
    pub(crate) results: Vec<AssociationResult>,
}

/// What one request of a batch has come to.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct AssociationResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<ErrorBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<AssociationResponse>,
}

impl AssociationCreateOrUpdateRequest {
    fn resource(&mut self) -> NamedResource {
        NamedResource {
            id: self.resource_id.0.take(),
            kind: self.resource_type.0.take(),
            namespace: self.resource_namespace.0.take(),
            name: self.resource_name.0.take(),
        }
    }

    /// What is asked for. Fails (400) if a lifecycle has no known name.
    pub(crate) fn into_domain(mut self) -> Result<AssociationRequest, Failure> {
        let resource = self.resource();
        let items = self.associations.0.map(|items| items.into_iter().filter_map(|item| item.0));
        let associations = items.map(|items| items.map(AssociationItem::wanted).collect()).transpose()?;
        Ok(AssociationRequest { resource, associations, context: None })
    }

    /// What is asked for as an item of a batch.
    pub(crate) fn into_steps(
        mut self,
    ) -> Result<(NamedResource, Option<Vec<AssociationOperation>>), Failure> {
        let resource = self.resource();
        let items = self.associations.0.map(|items| items.into_iter().filter_map(|item| item.0));
        let steps = items.map(|items| items.map(AssociationItem::step).collect()).transpose()?;
        Ok((resource, steps))
    }
}

impl AssociationItem {
    fn wanted(self) -> Result<WantedAssociation, Failure> {
        let normalize = self.normalize.0.unwrap_or(false);
        Ok(WantedAssociation {
            subject: self.subject.0,
            association_type: self.association_type.0,
            lifecycle: lifecycle(self.lifecycle)?,
            frozen: self.frozen.0,
            schema: self.schema.0.map(|schema| Registering { normalize, ..schema.registering() }),
        })
    }

    fn step(self) -> Result<AssociationOperation, Failure> {
        match self.op_type.0.as_deref() {
            Some("CREATE") => Ok(AssociationOperation::Create(self.wanted()?)),
            Some("UPSERT") => Ok(AssociationOperation::Upsert(self.wanted()?)),
            Some("DELETE") => Ok(AssociationOperation::Delete {
                association_type: self.association_type.0,
                cascade: self.cascade_lifecycle.0.unwrap_or(false),
            }),
            other => {
                let other = other.unwrap_or("null");
                Err(HttpFailure::Malformed(format!("Unknown opType {other}")).into())
            }
        }
    }
}

impl AssociationGetRequest {
    /// What is asked for. Fails (400) if the lifecycle has no known name.
    pub(crate) fn into_domain(self) -> Result<crate::service::BatchGet, Failure> {
        Ok(crate::service::BatchGet {
            resource: NamedResource {
                id: self.resource_id.0,
                kind: self.resource_type.0,
                namespace: self.resource_namespace.0,
                name: self.resource_name.0,
            },
            types: self.association_types.texts().unwrap_or_default(),
            lifecycle: lifecycle(self.lifecycle)?,
        })
    }
}

fn lifecycle(text: Text) -> Result<Option<Lifecycle>, Failure> {
    let parse = |text: String| {
        text.parse().map_err(|_| HttpFailure::Malformed(format!("Unknown lifecycle {text}")).into())
    };
    text.0.map(parse).transpose()
}

/// Whether an association is frozen, where that does not follow from its lifecycle.
fn odd(lifecycle: Lifecycle, frozen: bool) -> Option<bool> {
    (frozen != lifecycle.freezes()).then_some(frozen)
}

impl From<Association> for AssociationEntity {
    fn from(association: Association) -> Self {
        let Resource { id, kind, namespace, name } = association.resource;
        Self {
            subject: association.subject.to_string(),
            guid: association.guid.to_string(),
            resource_name: name,
            resource_namespace: namespace,
            resource_id: id,
            resource_type: kind,
            association_type: association.association_type.as_str(),
            lifecycle: association.lifecycle.as_str(),
            frozen: odd(association.lifecycle, association.frozen),
            create_ts: association.created_ms,
            update_ts: association.updated_ms,
        }
    }
}

impl AssociationResponse {
    /// A resource with what was written.
    pub(crate) fn written(resource: NamedResource, written: &[Written]) -> Self {
        Self::of(resource, written.iter().map(AssociationInfo::from).collect())
    }

    /// A resource with what was found.
    pub(crate) fn found(resource: NamedResource, found: &[Described]) -> Self {
        Self::of(resource, found.iter().map(AssociationInfo::from).collect())
    }

    fn of(resource: NamedResource, associations: Vec<AssociationInfo>) -> Self {
        Self {
            resource_name: resource.name.unwrap_or_default(),
            resource_namespace: resource.namespace.unwrap_or_default(),
            resource_id: resource.id.unwrap_or_default(),
            resource_type: resource.kind.unwrap_or_default(),
            associations,
        }
    }
}

impl From<&Written> for AssociationInfo {
    fn from(written: &Written) -> Self {
        let association = &written.association;
        Self {
            subject: association.subject.to_string(),
            association_type: association.association_type.as_str(),
            lifecycle: association.lifecycle.as_str(),
            frozen: odd(association.lifecycle, association.frozen),
            schema: written.schema.as_ref().map(|version| SchemaAnswer {
                ts: None,
                deleted: None,
                ..SchemaAnswer::stored(version)
            }),
        }
    }
}

impl From<&Described> for AssociationInfo {
    fn from(described: &Described) -> Self {
        let association = &described.association;
        Self {
            subject: association.subject.to_string(),
            association_type: association.association_type.as_str(),
            lifecycle: association.lifecycle.as_str(),
            frozen: odd(association.lifecycle, association.frozen),
            schema: described.schema.as_ref().map(SchemaAnswer::stored),
        }
    }
}
