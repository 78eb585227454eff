//! Associations of subjects with topics (registry API spec §4.9).
//!
//! `request` checks what a request says by itself, `change` decides it against what is stored, `batch` strings several
//! together, `read` lists.

mod batch;
mod change;
mod read;
mod request;

use muster_schema::{Context, Subject};

use super::register::Registering;
use crate::store::{Association, Lifecycle, NewAssociation, SchemaVersion};

pub use batch::{AssociationOperation, BatchGet, BatchMutation};
pub use read::AssociationFilter;

/// The kind of resource that there is.
pub const TOPIC: &str = "topic";

/// A resource as a request names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedResource {
    /// The id.
    pub id: Option<String>,
    /// The kind; absent is `topic`.
    pub kind: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// The name.
    pub name: Option<String>,
}

/// One association as a request wants it.
#[derive(Clone, Debug, Default)]
pub struct WantedAssociation {
    /// The subject, taken in the request's context unless qualified.
    pub subject: Option<String>,
    /// `key` or `value`; absent is `value`.
    pub association_type: Option<String>,
    /// How closely the subject belongs to the resource.
    pub lifecycle: Option<Lifecycle>,
    /// Whether the association is there to stay as it is.
    pub frozen: Option<bool>,
    /// A schema to register under the subject.
    pub schema: Option<Registering>,
}

/// A request to associate a resource.
#[derive(Clone, Debug, Default)]
pub struct AssociationRequest {
    /// The resource.
    pub resource: NamedResource,
    /// What it is to be associated with; required.
    pub associations: Option<Vec<WantedAssociation>>,
    /// The context of unqualified subjects.
    pub context: Option<Context>,
}

/// How a request meets what exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// What exists otherwise is in the way.
    Create,
    /// What exists is brought into line.
    Upsert,
}

/// A request to remove associations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dissociation {
    /// The id of the resource.
    pub resource_id: String,
    /// The kind of resource; absent is `topic`.
    pub kind: Option<String>,
    /// Types to remove; empty is all.
    pub types: Vec<String>,
    /// Whether frozen associations go, and with strong ones their subjects.
    pub cascade: bool,
    /// Whether only to look if it could be done.
    pub dry_run: bool,
}

/// An association that a request has written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The association.
    pub association: NewAssociation,
    /// The version registered or found for the schema that came with it.
    pub schema: Option<SchemaVersion>,
}

/// An association with the latest version of its subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// The association.
    pub association: Association,
    /// The version, if asked for and there is one.
    pub schema: Option<SchemaVersion>,
}

/// The subject that a strong association has.
fn default_subject(namespace: &str, name: &str, association_type: &str) -> Subject {
    Subject::parse(&format!(":.{namespace}:{name}-{association_type}"))
}
