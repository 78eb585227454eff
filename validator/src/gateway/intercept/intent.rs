//! Settings of topics whose creation is under way.

use std::sync::Arc;

use super::complete::{created, find_id};
use crate::gateway::Shared;
use crate::gateway::settings::TopicSettings;
use crate::wire::NO_TOPIC_ID;

/// Settings that hold by name until the broker has answered.
///
/// If its answer never comes, the topic may exist or not: then it is looked for, and if it is there its settings are
/// stored. A topic is not left without the validation it was created with.
pub(super) struct Intents {
    shared: Arc<Shared>,
    open: Vec<(String, TopicSettings)>,
}

impl std::fmt::Debug for Intents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.open.iter().map(|(name, _)| name)).finish()
    }
}

impl Intents {
    /// Lets settings hold from now on.
    pub(super) fn declare(shared: &Arc<Shared>, open: Vec<(String, TopicSettings)>) -> Self {
        for (name, settings) in &open {
            shared.settings.intend(name, settings.clone());
        }
        Self { shared: Arc::clone(shared), open }
    }

    /// The broker has answered, and what it agreed to is stored.
    pub(super) fn settle(&mut self) {
        for (name, _) in self.open.drain(..) {
            self.shared.settings.settle(&name);
        }
    }
}

impl Drop for Intents {
    fn drop(&mut self) {
        for (name, settings) in self.open.drain(..) {
            let shared = Arc::clone(&self.shared);
            self.shared.background.spawn(async move {
                if find_id(&shared, &name).await.is_some() {
                    created(&shared, &name, NO_TOPIC_ID, &settings).await;
                }
                shared.settings.settle(&name);
            });
        }
    }
}
