//! References from one schema to versions of other subjects.

use serde::{Deserialize, Serialize};

use crate::ids::{Guid, Version};

/// One entry of a schema's `references` list.
///
/// `name` is what the schema text uses (Avro: any text, Protobuf: the import path, JSON Schema: the `$ref` URI);
/// `subject` is relative to the referrer's context unless qualified; version -1 stands for the latest until the
/// schema is stored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SchemaReference {
    /// What the referring text calls it.
    pub name: String,
    /// The referenced subject, as sent.
    pub subject: String,
    /// The referenced version.
    pub version: Version,
}

/// The closure of a schema's references, in the order in which the texts must be parsed: depth first, each
/// schema after those it references itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolvedReferences {
    /// Reference name and stored canonical text; a name occurs once (the first occurrence won).
    pub texts: Vec<(String, String)>,
    /// Guid of the content behind each text, in the same order; empty where nobody knows.
    ///
    /// Protobuf's comparison takes an imported message for the same on both sides if it comes from the same content. What
    /// is not known is looked into instead.
    pub guids: Vec<Guid>,
}
