//! Which version has this content (`POST /subjects/{subject}`, registry API spec §8.1).

use muster_schema::{Strictness, Subject};

use super::canonical::Draft;
use super::error::{During as _, Operation, ServiceError, as_part_of};
use super::scope::Scope;
use super::{Found, Service, latest, merge};

impl Service {
    /// Finds the version of `subject` that `draft` stands for. An unqualified subject is then tried in every other
    /// context that has one of this name.
    pub async fn look_up(
        &self,
        subject: &Subject,
        draft: &Draft,
        normalize: bool,
        deleted: bool,
    ) -> Result<Found, ServiceError> {
        let found = self.look_up_everywhere(subject, draft, normalize, deleted).await;
        found.map_err(as_part_of(Operation::LookUp))
    }

    async fn look_up_everywhere(
        &self,
        subject: &Subject,
        draft: &Draft,
        normalize: bool,
        deleted: bool,
    ) -> Result<Found, ServiceError> {
        if let Some(found) = self.look_up_in(subject, draft, normalize, deleted).await? {
            return Ok(found);
        }
        for namesake in self.namesakes(subject).await? {
            match self.look_up_in(&namesake, draft, normalize, deleted).await {
                Ok(Some(found)) => return Ok(found),
                Err(error @ ServiceError::Store { .. }) => return Err(error),
                // What is invalid in another context (a reference, say) is only not found there.
                Ok(None) | Err(_) => {}
            }
        }
        if self.exists(subject, deleted).await? {
            Err(ServiceError::SchemaNotFound)
        } else {
            Err(ServiceError::SubjectNotFound(subject.clone()))
        }
    }

    async fn look_up_in(
        &self,
        subject: &Subject,
        draft: &Draft,
        normalize: bool,
        deleted: bool,
    ) -> Result<Option<Found>, ServiceError> {
        if draft.is_blank() {
            return Ok(None);
        }
        let state = self.store.state(subject).await.during(Operation::LookUp)?;
        let scope = Scope::of(&state.settings, subject, &self.options);
        let normalize = normalize || scope.normalize;
        let canonical =
            self.canonicalize(draft, subject, &scope, Strictness::Stored, normalize, false).await?;
        if let Some(found) = self.find(&canonical, subject, &state.versions, deleted).await? {
            return Ok(Some(found));
        }
        // A plain text also stands for a version that carries metadata, if that is what registering would make of it.
        let Some(latest) = latest(&state.versions) else { return Ok(None) };
        let (metadata, rule_set) = inherited(draft, Some(latest), &scope);
        if metadata == draft.metadata && rule_set == draft.rule_set {
            return Ok(None);
        }
        let amended = canonical.with(metadata, rule_set);
        self.find(&amended, subject, &state.versions, deleted).await
    }
}

/// The draft's metadata and rules, or else the previous version's, between the config's defaults and overrides.
pub(super) fn inherited(
    draft: &Draft,
    previous: Option<&crate::store::SchemaVersion>,
    scope: &Scope,
) -> (Option<muster_schema::Metadata>, Option<muster_schema::RuleSet>) {
    let previous = previous.map(|version| &version.content);
    let own = draft.metadata.as_ref().or_else(|| previous.and_then(|content| content.metadata.as_ref()));
    let metadata = merge::metadata(scope.default_metadata.as_ref(), own);
    let metadata = merge::metadata(metadata.as_ref(), scope.override_metadata.as_ref());
    let own = draft.rule_set.as_ref().or_else(|| previous.and_then(|content| content.rule_set.as_ref()));
    let rule_set = merge::rule_set(scope.default_rule_set.as_ref(), own);
    let rule_set = merge::rule_set(rule_set.as_ref(), scope.override_rule_set.as_ref());
    (metadata, rule_set)
}
