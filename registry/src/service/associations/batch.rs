//! Several changes or look-ups in one request (registry API spec §4.9, rule 12).

use muster_schema::Context;

use super::super::error::{During as _, Operation, ServiceError};
use super::super::{Service, latest};
use super::{
    AssociationFilter, AssociationRequest, Described, Dissociation, Manner, NamedResource, TOPIC,
    WantedAssociation, Written,
};
use crate::store::{Association, AssociationSelection, Lifecycle};

/// One step of a [`BatchMutation`].
#[derive(Clone, Debug)]
pub enum AssociationOperation {
    /// Create an association.
    Create(WantedAssociation),
    /// Create it or bring it into line.
    Upsert(WantedAssociation),
    /// Remove associations.
    Delete {
        /// The type; absent is all.
        association_type: Option<String>,
        /// Whether frozen ones go, and with strong ones their subjects.
        cascade: bool,
    },
}

/// Steps for one resource. Neighbours of the same kind are one change.
#[derive(Clone, Debug, Default)]
pub struct BatchMutation {
    /// The resource.
    pub resource: NamedResource,
    /// The steps.
    pub operations: Option<Vec<AssociationOperation>>,
    /// The context of unqualified subjects.
    pub context: Option<Context>,
}

/// A look-up of one resource's associations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchGet {
    /// The resource, by id or by namespace and name.
    pub resource: NamedResource,
    /// Types; empty is all.
    pub types: Vec<String>,
    /// The lifecycle; absent is any.
    pub lifecycle: Option<Lifecycle>,
}

/// What a step left behind.
#[derive(Clone, Debug)]
pub struct BatchGot {
    /// The resource.
    pub resource: NamedResource,
    /// What was written.
    pub written: Vec<Written>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Got {
    /// The resource: as stored, or as asked for if nothing is.
    pub resource: NamedResource,
    /// Its associations.
    pub associations: Vec<Described>,
}

impl Service {
    /// Carries out the steps for one resource in order, up to the first that fails. What came before it stays.
    pub async fn mutate_associations(
        &self,
        mutation: BatchMutation,
        dry_run: bool,
    ) -> Result<BatchGot, ServiceError> {
        let BatchMutation { resource, operations, context } = mutation;
        let operations = operations.unwrap_or_default();
        if operations.is_empty() {
            return Err(super::request::invalid("associations", "must not be null or empty"));
        }
        let mut written = Vec::new();
        let mut pending: Option<(Manner, Vec<WantedAssociation>)> = None;
        let request = |wanted: Vec<WantedAssociation>| AssociationRequest {
            resource: resource.clone(),
            associations: Some(wanted),
            context: context.clone(),
        };
        for operation in operations {
            let (manner, wanted) = match operation {
                AssociationOperation::Create(wanted) => (Manner::Create, wanted),
                AssociationOperation::Upsert(wanted) => (Manner::Upsert, wanted),
                AssociationOperation::Delete { association_type, cascade } => {
                    if let Some((manner, wanted)) = pending.take() {
                        written.extend(self.associate(&request(wanted), manner, dry_run).await?.written);
                    }
                    self.dissociate_any(&resource, association_type, cascade, dry_run).await?;
                    continue;
                }
            };
            pending = match pending.take() {
                Some((before, mut unit)) if before == manner => {
                    unit.push(wanted);
                    Some((manner, unit))
                }
                before => {
                    if let Some((manner, unit)) = before {
                        written.extend(self.associate(&request(unit), manner, dry_run).await?.written);
                    }
                    Some((manner, vec![wanted]))
                }
            };
        }
        if let Some((manner, unit)) = pending {
            written.extend(self.associate(&request(unit), manner, dry_run).await?.written);
        }
        let kind = resource.kind.clone().or_else(|| Some(TOPIC.to_owned()));
        Ok(BatchGot { resource: NamedResource { kind, ..resource }, written })
    }

    /// Removes what there is; nothing is no error.
    async fn dissociate_any(
        &self,
        resource: &NamedResource,
        association_type: Option<String>,
        cascade: bool,
        dry_run: bool,
    ) -> Result<(), ServiceError> {
        let Some(id) = resource.id.clone().filter(|id| !id.is_empty()) else {
            return Err(super::request::invalid("resourceId", "must not be null or empty"));
        };
        let request = Dissociation {
            resource_id: id,
            kind: resource.kind.clone(),
            types: association_type.into_iter().filter(|name| !name.is_empty()).collect(),
            cascade,
            dry_run,
        };
        match self.dissociate(&request).await {
            Err(ServiceError::AssociationNotFound(_)) => Ok(()),
            done => done,
        }
    }

    /// Looks one resource's associations up, with the latest version of each subject if asked to.
    pub async fn get_associations(&self, get: &BatchGet, schemas: bool) -> Result<Got, ServiceError> {
        let named = &get.resource;
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let wanted = match (given(&named.id), given(&named.namespace), given(&named.name)) {
            (Some(id), _, _) => AssociationSelection::ResourceId(id),
            (None, namespace @ Some(_), name @ Some(_)) => {
                AssociationSelection::ResourceName { namespace, name }
            }
            _ => return Err(super::request::invalid("resourceId", "must not be null or empty")),
        };
        let filter = AssociationFilter {
            kind: named.kind.clone(),
            types: get.types.clone(),
            lifecycles: get.lifecycle.into_iter().collect(),
        };
        let mut found = self.store.associations(&wanted).await.during(Operation::Read)?;
        found.retain(|one| filter.admits(one));
        let kind = named.kind.clone().or_else(|| Some(TOPIC.to_owned()));
        let resource = match found.first() {
            Some(first) if found.iter().all(|one| one.resource == first.resource) => named_as(first),
            // An id under two names, or a name with two ids.
            Some(_) => return Err(ServiceError::AmbiguousResource),
            None => NamedResource { kind, ..named.clone() },
        };
        let mut associations = Vec::with_capacity(found.len());
        for association in found {
            let schema = if schemas {
                let state = self.store.state(&association.subject).await.during(Operation::Read)?;
                latest(&state.versions).cloned()
            } else {
                None
            };
            associations.push(Described { association, schema });
        }
        Ok(Got { resource, associations })
    }
}

fn named_as(association: &Association) -> NamedResource {
    let resource = association.resource.clone();
    NamedResource {
        id: Some(resource.id),
        kind: Some(resource.kind),
        namespace: Some(resource.namespace),
        name: Some(resource.name),
    }
}
