//! Listing associations.

use muster_schema::Subject;

use super::super::Service;
use super::super::error::{During as _, Operation, ServiceError};
use super::super::page::Page;
use super::TOPIC;
use crate::store::{Association, AssociationSelection, Lifecycle};

/// Stands for any namespace or name in a path.
const ANY: &str = "-";

/// Which associations to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssociationFilter {
    /// The kind of resource; absent is `topic`.
    pub kind: Option<String>,
    /// Types; empty is all.
    pub types: Vec<String>,
    /// Lifecycles; empty is all.
    pub lifecycles: Vec<Lifecycle>,
}

impl AssociationFilter {
    /// Whether an association is wanted.
    pub(in super::super) fn admits(&self, association: &Association) -> bool {
        let kind = self.kind.as_deref().filter(|kind| !kind.is_empty()).unwrap_or(TOPIC);
        association.resource.kind == kind
            && (self.types.is_empty()
                || self.types.iter().any(|t| t == association.association_type.as_str()))
            && (self.lifecycles.is_empty() || self.lifecycles.contains(&association.lifecycle))
    }
}

impl Service {
    /// Associations of a subject; its name is taken as it stands.
    pub async fn associations_of_subject(
        &self,
        subject: &str,
        filter: &AssociationFilter,
        page: Page,
    ) -> Result<Vec<Association>, ServiceError> {
        let named = Subject::parse(subject);
        if named.to_string() != subject {
            return page.of(Vec::new(), self.options.search.schemas);
        }
        self.list_associations(&AssociationSelection::Subject(named), filter, page).await
    }

    /// Associations of the resource with an id.
    pub async fn associations_of_resource_id(
        &self,
        id: &str,
        filter: &AssociationFilter,
        page: Page,
    ) -> Result<Vec<Association>, ServiceError> {
        self.list_associations(&AssociationSelection::ResourceId(id.to_owned()), filter, page).await
    }

    /// Associations of resources of a name; `-` is any.
    pub async fn associations_of_resource(
        &self,
        namespace: &str,
        name: &str,
        filter: &AssociationFilter,
        page: Page,
    ) -> Result<Vec<Association>, ServiceError> {
        let named = |text: &str| Some(text.to_owned()).filter(|text| text != ANY);
        let wanted = AssociationSelection::ResourceName { namespace: named(namespace), name: named(name) };
        self.list_associations(&wanted, filter, page).await
    }

    async fn list_associations(
        &self,
        wanted: &AssociationSelection,
        filter: &AssociationFilter,
        page: Page,
    ) -> Result<Vec<Association>, ServiceError> {
        let mut found = self.store.associations(wanted).await.during(Operation::Read)?;
        found.retain(|one| filter.admits(one));
        page.of(found, self.options.search.schemas)
    }

    /// Whether a subject belongs to one resource alone.
    pub(in super::super) async fn is_strongly_associated(
        &self,
        subject: &Subject,
    ) -> Result<bool, ServiceError> {
        let of_subject = AssociationSelection::Subject(subject.clone());
        let found = self.store.associations(&of_subject).await.during(Operation::Read)?;
        Ok(found.iter().any(|one| one.lifecycle == Lifecycle::Strong))
    }

    /// Whether a subject belongs to any resource.
    pub(in super::super) async fn is_associated(&self, subject: &Subject) -> Result<bool, ServiceError> {
        let of_subject = AssociationSelection::Subject(subject.clone());
        Ok(!self.store.associations(&of_subject).await.during(Operation::Read)?.is_empty())
    }
}
