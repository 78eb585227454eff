//! Associations of subjects with resources, which are topics today (registry API spec §4.9).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use muster_schema::subject::utf16_order;
use muster_schema::{Guid, Subject};

use super::{Basis, Registration};

/// Which part of a resource's records a subject describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AssociationType {
    /// The keys.
    Key,
    /// The values.
    Value,
}

/// How closely a subject belongs to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lifecycle {
    /// The subject is the resource's alone and goes with it.
    Strong,
    /// The subject has a life of its own.
    Weak,
}

/// What subjects are associated with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resource {
    /// Identifies it as long as it lives.
    pub id: String,
    /// What it is; `topic` today.
    pub kind: String,
    /// Where its name counts: a Kafka cluster, say.
    pub namespace: String,
    /// Its name; may come again for another resource.
    pub name: String,
}

/// An association as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Association {
    /// Its own id.
    pub guid: Guid,
    /// The resource.
    pub resource: Resource,
    /// Which part of the resource.
    pub association_type: AssociationType,
    /// The subject.
    pub subject: Subject,
    /// How closely it belongs to the resource.
    pub lifecycle: Lifecycle,
    /// Whether it is there to stay as it is.
    pub frozen: bool,
    /// When it was made, in milliseconds since the epoch.
    pub created_ms: i64,
    /// When it was last written.
    pub updated_ms: i64,
}

/// An association to be written; the store dates it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAssociation {
    /// Its own id.
    pub guid: Guid,
    /// The resource.
    pub resource: Resource,
    /// Which part of the resource.
    pub association_type: AssociationType,
    /// The subject.
    pub subject: Subject,
    /// How closely it belongs to the resource.
    pub lifecycle: Lifecycle,
    /// Whether it is there to stay as it is.
    pub frozen: bool,
}

/// Which associations are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssociationSelection {
    /// All.
    All,
    /// Those of a subject.
    Subject(Subject),
    /// Those of the resource with this id.
    ResourceId(String),
    /// Those of resources of a name; `None` is any.
    ResourceName {
        /// The namespace.
        namespace: Option<String>,
        /// The name.
        name: Option<String>,
    },
}

/// A decided change of one resource's associations, with what has to happen to its subjects. All or nothing.
#[derive(Clone, Debug, Default)]
pub struct AssociationChange {
    /// The associations with that resource id that the decision was made against, in any order.
    pub expected: Vec<Association>,
    /// The id of the resource.
    pub resource_id: String,
    /// Versions to register first.
    pub registrations: Vec<Registration>,
    /// Associations to write; each replaces the one of its resource and type, and that of its type and subject which
    /// another resource of the same name has (registry API spec §14.2: the log has one record for both).
    pub put: Vec<NewAssociation>,
    /// Associations to remove.
    pub remove: Vec<Association>,
    /// Subjects to delete permanently with all their versions.
    pub delete: Vec<Subject>,
    /// What the decision was based on.
    pub basis: Basis,
}

impl AssociationType {
    /// `key` or `value`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Value => "value",
        }
    }
}

impl Lifecycle {
    /// The upper-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strong => "STRONG",
            Self::Weak => "WEAK",
        }
    }

    /// Whether associations of this lifecycle are frozen unless something else is said.
    pub fn freezes(self) -> bool {
        self == Self::Strong
    }
}

impl Association {
    /// The order of listings: by name and namespace of the resource, its kind, the type, the subject.
    pub fn listing_order(a: &Self, b: &Self) -> Ordering {
        let texts = |a: &str, b: &str| utf16_order(a, b);
        texts(&a.resource.name, &b.resource.name)
            .then_with(|| texts(&a.resource.namespace, &b.resource.namespace))
            .then_with(|| texts(&a.resource.kind, &b.resource.kind))
            .then_with(|| a.association_type.cmp(&b.association_type))
            .then_with(|| texts(&a.subject.to_string(), &b.subject.to_string()))
    }
}

/// The text names no such thing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown name {0:?}")]
pub struct UnknownName(pub String);

impl FromStr for AssociationType {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        [Self::Key, Self::Value]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownName(text.to_owned()))
    }
}

impl FromStr for Lifecycle {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        [Self::Strong, Self::Weak]
            .into_iter()
            .find(|lifecycle| lifecycle.as_str() == text)
            .ok_or_else(|| UnknownName(text.to_owned()))
    }
}

impl fmt::Display for AssociationType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
