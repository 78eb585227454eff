//! What the gateway learns from responses that pass: which id a topic has, and that a topic is gone.

use std::sync::Arc;

use super::Shared;
use crate::wire::{NO_TOPIC_ID, WireError, api, topics};

/// Learns from a response. `message`: what follows the frame's size.
///
/// DeleteTopics names topics by id or by name, depending on its version.
pub(super) async fn from_response(
    shared: &Arc<Shared>,
    api_key: i16,
    version: i16,
    message: &[u8],
) -> Result<(), WireError> {
    match api_key {
        api::METADATA if version >= 10 => topics::metadata(
            version,
            message,
            |_| {},
            |topic| {
                if let Some(name) = topic.name
                    && topic.id != NO_TOPIC_ID
                {
                    shared.names.insert(topic.id, name.into());
                    shared.settings.learn(name, &topic.id);
                }
            },
        ),
        api::DELETE_TOPICS => {
            for topic in topics::deleted(version, message)? {
                if !topic.error.is_none() {
                    continue;
                }
                let by_name = || topic.name.and_then(|name| shared.settings.id_of(name));
                let id = if topic.id == NO_TOPIC_ID { by_name() } else { Some(topic.id) };
                if let Some(id) = id {
                    shared.names.invalidate(&id);
                    shared.settings.forget(id).await;
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
