//! The rules of all validated topics, as Produce requests are judged by them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::TopicRules;
use crate::wire::TopicId;

/// An immutable snapshot. Topics that are not validated are not in it.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// By the name that a topic bears now.
    pub(super) by_name: HashMap<Arc<str>, Arc<TopicRules>>,
    /// By id.
    pub(super) by_id: HashMap<TopicId, Arc<TopicRules>>,
    /// By name, of topics that are being created.
    pub(super) intended: HashMap<Arc<str>, Arc<TopicRules>>,
}

impl Table {
    /// Whether no topic is validated.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_name.is_empty() && self.by_id.is_empty() && self.intended.is_empty()
    }

    /// The rules of the topic of this name.
    pub(crate) fn by_name(&self, name: &str) -> Option<&Arc<TopicRules>> {
        self.by_name.get(name).or_else(|| self.intended.get(name))
    }

    /// The rules of the topic with this id.
    pub(crate) fn by_id(&self, id: &TopicId) -> Option<&Arc<TopicRules>> {
        self.by_id.get(id)
    }

    /// Whether a topic whose id is not in the table may be validated all the same, because it is being created. Its
    /// name decides.
    pub(crate) fn needs_names(&self) -> bool {
        !self.intended.is_empty()
    }
}
