//! Soft and permanent deletion (registry API spec §9).

use muster_schema::{Subject, Version};

use super::error::{During as _, Operation, ServiceError, as_part_of, is_stale};
use super::scope::{check_writable, mode_in_scope};
use super::versions::WhichVersion;
use super::{Service, latest};
use crate::store::{StoreError, SubjectState};

impl Service {
    /// Deletes one version and returns its number. The checks come in this order: second soft delete, not found,
    /// read-only mode, references, permanent deletion of a live version.
    pub async fn delete_version(
        &self,
        subject: &Subject,
        version: WhichVersion,
        permanent: bool,
    ) -> Result<Version, ServiceError> {
        let _turn = self.turns.take(subject).await;
        loop {
            let state = self.store.state(subject).await.during(Operation::DeleteVersion)?;
            let found = match version {
                WhichVersion::Latest => latest(&state.versions),
                WhichVersion::Number(number) => state.versions.iter().find(|v| v.version == number),
            };
            let Some(found) = found else {
                return Err(self.no_version(subject, version.number(), true).await);
            };
            if found.deleted && !permanent {
                return Err(ServiceError::VersionSoftDeleted(subject.clone(), found.version));
            }
            check_writable(mode_in_scope(&state.settings), subject)?;
            let number = found.version;
            let live = state.versions.iter().filter(|v| !v.deleted).count();
            if !permanent && live <= 1 && self.is_associated(subject).await? {
                return Err(ServiceError::LastVersionAssociated(subject.clone()));
            }
            if self.is_referenced(subject, number, permanent, false).await? {
                return Err(ServiceError::Referenced(subject.clone(), number));
            }
            if permanent && !found.deleted {
                return Err(ServiceError::VersionNotSoftDeleted(subject.clone(), number));
            }
            match self.delete(Operation::DeleteVersion, subject, &[number], permanent, &state).await {
                Ok(()) => return Ok(number),
                Err(error) if is_stale(&error) => {}
                Err(error) => return Err(error).during(Operation::DeleteVersion),
            }
        }
    }

    /// Deletes all versions of a subject and returns their numbers: the live ones, or with `permanent` all of them.
    pub async fn delete_subject(
        &self,
        subject: &Subject,
        permanent: bool,
    ) -> Result<Vec<Version>, ServiceError> {
        let deleted = self.delete_versions(subject, permanent).await;
        deleted.map_err(as_part_of(Operation::DeleteSubject))
    }

    async fn delete_versions(
        &self,
        subject: &Subject,
        permanent: bool,
    ) -> Result<Vec<Version>, ServiceError> {
        let _turn = self.turns.take(subject).await;
        loop {
            if !self.exists(subject, true).await? {
                return Err(ServiceError::SubjectNotFound(subject.clone()));
            }
            let state = self.store.state(subject).await.during(Operation::DeleteSubject)?;
            if !permanent && !self.exists(subject, false).await? {
                return Err(ServiceError::SubjectSoftDeleted(subject.clone()));
            }
            check_writable(mode_in_scope(&state.settings), subject)?;
            if self.is_associated(subject).await? {
                return Err(ServiceError::SubjectAssociated(subject.clone()));
            }
            let numbers: Vec<Version> =
                state.versions.iter().filter(|v| permanent || !v.deleted).map(|v| v.version).collect();
            for version in state.versions.iter().filter(|v| permanent || !v.deleted) {
                if self.is_referenced(subject, version.version, permanent, true).await? {
                    return Err(ServiceError::Referenced(subject.clone(), version.version));
                }
                if permanent && !version.deleted {
                    return Err(ServiceError::SubjectNotSoftDeleted(subject.clone()));
                }
            }
            if numbers.is_empty() {
                return Ok(numbers);
            }
            match self.delete(Operation::DeleteSubject, subject, &numbers, permanent, &state).await {
                Ok(()) => return Ok(numbers),
                Err(error) if is_stale(&error) => {}
                Err(error) => return Err(error).during(Operation::DeleteSubject),
            }
        }
    }

    /// Whether a subject may be deleted permanently as far as references from others go.
    pub(super) async fn check_deletable(
        &self,
        subject: &Subject,
        state: &SubjectState,
    ) -> Result<(), ServiceError> {
        for version in state.versions.iter() {
            if self.is_referenced(subject, version.version, true, true).await? {
                return Err(ServiceError::Referenced(subject.clone(), version.version));
            }
        }
        Ok(())
    }

    async fn delete(
        &self,
        operation: Operation,
        subject: &Subject,
        versions: &[Version],
        permanent: bool,
        state: &SubjectState,
    ) -> Result<(), StoreError> {
        let basis = state.basis.clone();
        if permanent {
            self.write(operation, self.store.delete_permanently(subject, versions, basis)).await
        } else {
            self.write(operation, self.store.soft_delete(subject, versions, basis)).await
        }
    }

    /// Whether another schema stands in the way. Soft-deleted referrers matter to permanent deletion only; the
    /// subject's own versions do not matter where all of them go.
    async fn is_referenced(
        &self,
        subject: &Subject,
        version: Version,
        permanent: bool,
        whole_subject: bool,
    ) -> Result<bool, ServiceError> {
        let referrers = self.store.referrers(subject, version).await.during(Operation::Read)?;
        Ok(referrers.iter().any(|r| (permanent || !r.deleted) && !(whole_subject && r.subject == *subject)))
    }
}
