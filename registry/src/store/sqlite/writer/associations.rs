//! Changing associations together with what that means for their subjects (registry API spec §4.9).

use muster_schema::{Subject, Version};
use sqlx::{Error, Row as _};

use super::super::associations::{OF_RESOURCE_ID, OF_SUBJECT_ID, association};
use super::super::committed::Touched;
use super::sized::arguments;
use super::transaction::{Stop, Transaction};
use crate::store::{Association, AssociationChange, Lifecycle, NewAssociation, Refusal, SchemaVersion};

const REMOVE: &str = "DELETE FROM associations
    WHERE resource_id = ?1 AND resource_type = ?2 AND association_type = ?3";

/// What another resource of the same name has: a resource whose name comes again takes the place of the former.
const REMOVE_NAMESAKE: &str = "DELETE FROM associations
    WHERE resource_namespace = ?3 AND resource_name = ?4 AND resource_type = ?2 AND association_type = ?5
        AND subject_id = ?6 AND resource_id <> ?1";

const PUT: &str = "INSERT INTO associations (resource_id, resource_type, resource_namespace, resource_name,
        association_type, subject_id, guid, lifecycle, frozen, created_ms, updated_ms)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)
    ON CONFLICT (resource_id, resource_type, association_type) DO UPDATE SET
        resource_namespace = excluded.resource_namespace, resource_name = excluded.resource_name,
        subject_id = excluded.subject_id, lifecycle = excluded.lifecycle, frozen = excluded.frozen,
        updated_ms = excluded.updated_ms";

impl Transaction<'_> {
    /// Carries a change out; returns the versions that were registered for it, in order.
    pub(super) async fn associate(&mut self, change: &AssociationChange) -> Result<Vec<SchemaVersion>, Stop> {
        let bases = || {
            std::iter::once(&change.basis)
                .chain(change.registrations.iter().map(|registration| &registration.basis))
        };
        let mut revisions = self.revisions(bases()).await?;
        if !bases().all(|basis| revisions.hold(basis)) || !self.stands(change).await? {
            return Err(Refusal::Stale.into());
        }
        let mut registered = Vec::with_capacity(change.registrations.len());
        for registration in &change.registrations {
            let written = self.try_register(registration, &mut revisions).await?;
            registered.push(written.registered.schema);
        }
        for gone in &change.remove {
            self.remove_association(gone).await?;
        }
        for put in &change.put {
            self.put_association(put).await?;
        }
        for subject in &change.delete {
            self.delete_subject(subject).await?;
        }
        Ok(registered)
    }

    /// Whether the resource has the associations that the decision was made against.
    async fn stands(&mut self, change: &AssociationChange) -> Result<bool, Error> {
        let rows = self.fetch(OF_RESOURCE_ID, arguments![change.resource_id.as_str()]).await?;
        let found = rows.iter().map(association).collect::<Result<Vec<_>, _>>()?;
        Ok(found.len() == change.expected.len() && found.iter().all(|one| change.expected.contains(one)))
    }

    async fn remove_association(&mut self, gone: &Association) -> Result<(), Stop> {
        let resource = &gone.resource;
        let key = arguments![resource.id.as_str(), resource.kind.as_str(), gone.association_type.as_str()];
        self.execute(REMOVE, key).await?;
        if let Some((subject_id, _)) = self.subject_row(&gone.subject).await? {
            self.written(&gone.subject, subject_id).await?;
        }
        Ok(())
    }

    /// Writes an association if its subject may have it: one that is strong is the only one.
    async fn put_association(&mut self, new: &NewAssociation) -> Result<(), Stop> {
        let subject = &new.subject;
        let subject_id = self.ensure_subject(subject).await?;
        let resource = &new.resource;
        let others = self.fetch(OF_SUBJECT_ID, arguments![subject_id, resource.id.as_str()]).await?;
        for row in &others {
            let other = association(row)?;
            if new.lifecycle == Lifecycle::Strong || other.lifecycle == Lifecycle::Strong {
                return Err(Refusal::Associated(subject.clone()).into());
            }
        }
        if new.lifecycle == Lifecycle::Strong {
            let sql = "SELECT 1 FROM refs WHERE target = ?1 LIMIT 1";
            if !self.fetch(sql, arguments![subject.to_string()]).await?.is_empty() {
                return Err(Refusal::SubjectReferenced(subject.clone()).into());
            }
        }
        self.execute(
            REMOVE_NAMESAKE,
            arguments![
                resource.id.as_str(),
                resource.kind.as_str(),
                resource.namespace.as_str(),
                resource.name.as_str(),
                new.association_type.as_str(),
                subject_id,
            ],
        )
        .await?;
        let now_ms = self.now_ms();
        self.execute(
            PUT,
            arguments![
                resource.id.as_str(),
                resource.kind.as_str(),
                resource.namespace.as_str(),
                resource.name.as_str(),
                new.association_type.as_str(),
                subject_id,
                new.guid.0.as_slice(),
                new.lifecycle.as_str(),
                new.frozen,
                now_ms,
            ],
        )
        .await?;
        Ok(())
    }

    /// The number of a subject that is about to be written; its revision moves on.
    async fn ensure_subject(&mut self, subject: &Subject) -> Result<i64, Error> {
        if let Some((subject_id, _)) = self.subject_row(subject).await? {
            self.written(subject, subject_id).await?;
            return Ok(subject_id);
        }
        let context_id = self.ensure_context(subject.context()).await?.context_id;
        let (subject_id, revision) = (self.next_subject(), self.next_revision());
        let sql = "INSERT INTO subjects (subject_id, context_id, name, revision) VALUES (?1, ?2, ?3, ?4)";
        self.execute(sql, arguments![subject_id, context_id, subject.name(), revision]).await?;
        self.touch(Touched::Key(subject.clone()), revision);
        Ok(subject_id)
    }

    /// Deletes a subject as two requests would: softly, then for good.
    async fn delete_subject(&mut self, subject: &Subject) -> Result<(), Stop> {
        let Some((subject_id, _)) = self.subject_row(subject).await? else { return Ok(()) };
        let sql = "SELECT version FROM versions WHERE subject_id = ?1 ORDER BY version";
        let rows = self.fetch(sql, arguments![subject_id]).await?;
        let versions =
            rows.iter().map(|row| row.try_get(0).map(Version)).collect::<Result<Vec<_>, Error>>()?;
        self.soft_delete(subject, &versions).await?;
        self.delete_permanently(subject, &versions).await
    }
}
