//! Making, changing and removing associations (registry API spec §4.9, rules 4–11).

use muster_schema::{Strictness, Subject, Version};

use super::super::canonical::Canonical;
use super::super::error::{During as _, NeededMode, Operation, ServiceError, is_stale};
use super::super::register::{Decision, Registering};
use super::super::scope::{Scope, mode_in_scope};
use super::super::{Service, latest};
use super::request::{self, Checked, CheckedItem, invalid};
use super::{AssociationRequest, Dissociation, Manner, TOPIC, Written};
use crate::store::{
    Association, AssociationChange, AssociationSelection, Lifecycle, Mode, NewAssociation, Refusal, Resource,
    SchemaVersion, StoreError, SubjectState,
};

/// What a request has come to.
#[derive(Clone, Debug)]
pub struct Associated {
    /// The resource as the request names it.
    pub resource: Resource,
    /// What was written; nothing in a dry run, and where everything was as wanted before.
    pub written: Vec<Written>,
}

/// A change in the making.
#[derive(Default)]
struct Decided {
    change: AssociationChange,
    /// What will be written, each with where its schema comes from.
    written: Vec<(NewAssociation, Schema)>,
}

/// Where the schema of a written association comes from.
enum Schema {
    /// The request brought none.
    None,
    /// It is there already.
    Known(Box<SchemaVersion>),
    /// It is registered with this change, as the one of this number.
    Registered(usize),
}

impl Service {
    /// Associates a resource with subjects, all or nothing.
    pub async fn associate(
        &self,
        request: &AssociationRequest,
        manner: Manner,
        dry_run: bool,
    ) -> Result<Associated, ServiceError> {
        let mut checked = request::check(request, manner, dry_run)?;
        for schema in checked.items.iter_mut().filter_map(|item| item.schema.as_mut()) {
            self.prepare(schema)?;
        }
        // Whoever decides at the same time about the same resource or subject is found out by the store.
        loop {
            let existing = self.associations_of(&checked.resource).await?;
            let Decided { change, written } = self.decide_associations(&checked, manner, existing).await?;
            if dry_run || change.put.is_empty() && change.registrations.is_empty() {
                return Ok(Associated { resource: checked.resource, written: Vec::new() });
            }
            match self.write(Operation::Associate, self.store.associate(change)).await {
                Ok(registered) => {
                    let written = written
                        .into_iter()
                        .map(|(association, schema)| Written {
                            association,
                            schema: match schema {
                                Schema::None => None,
                                Schema::Known(version) => Some(*version),
                                Schema::Registered(number) => registered.get(number).cloned(),
                            },
                        })
                        .collect();
                    return Ok(Associated { resource: checked.resource, written });
                }
                Err(error) if is_stale(&error) => {}
                Err(StoreError::Refused(Refusal::IdTaken(id))) => {
                    let context = muster_schema::Context::default_context();
                    return Err(ServiceError::IdTaken { id, context });
                }
                Err(error) => return Err(error).during(Operation::Associate),
            }
        }
    }

    /// Removes associations of a resource, and the subjects that go with them.
    pub async fn dissociate(&self, request: &Dissociation) -> Result<(), ServiceError> {
        loop {
            let of_id = AssociationSelection::ResourceId(request.resource_id.clone());
            let expected = self.store.associations(&of_id).await.during(Operation::Associate)?;
            let kind = request.kind.as_deref().filter(|kind| !kind.is_empty()).unwrap_or(TOPIC);
            let of_type = |association: &&Association| {
                let name = association.association_type.as_str();
                request.types.is_empty() || request.types.iter().any(|wanted| wanted == name)
            };
            let remove: Vec<Association> =
                expected.iter().filter(|one| one.resource.kind == kind).filter(of_type).cloned().collect();
            if remove.is_empty() {
                return Err(ServiceError::AssociationNotFound(request.resource_id.clone()));
            }
            let mut change = AssociationChange {
                expected,
                resource_id: request.resource_id.clone(),
                ..Default::default()
            };
            for association in &remove {
                let Association { association_type, subject, .. } = association;
                if association.frozen && !request.cascade {
                    let (association_type, subject) = (*association_type, subject.clone());
                    return Err(ServiceError::AssociationFrozen { association_type, subject });
                }
                let state = self.store.state(subject).await.during(Operation::Associate)?;
                let mode = mode_in_scope(&state.settings);
                check_writable(mode, subject)?;
                let cascades = request.cascade && association.lifecycle == Lifecycle::Strong;
                if cascades && !matches!(mode, Mode::Import | Mode::Forward) {
                    self.check_deletable(subject, &state).await?;
                    change.delete.push(subject.clone());
                }
                change.basis.extend(state.basis);
            }
            if request.dry_run {
                return Ok(());
            }
            change.remove = remove;
            match self.write(Operation::Associate, self.store.associate(change)).await {
                Ok(_) => return Ok(()),
                Err(error) if is_stale(&error) => {}
                Err(error) => return Err(error).during(Operation::Associate),
            }
        }
    }

    /// What a resource is associated with. Without an id, of several resources that had its name the one written last
    /// counts.
    pub(super) async fn associations_of(
        &self,
        resource: &Resource,
    ) -> Result<Vec<Association>, ServiceError> {
        let wanted = if resource.id.is_empty() {
            let (namespace, name) = (Some(resource.namespace.clone()), Some(resource.name.clone()));
            AssociationSelection::ResourceName { namespace, name }
        } else {
            AssociationSelection::ResourceId(resource.id.clone())
        };
        let mut found = self.store.associations(&wanted).await.during(Operation::Associate)?;
        if resource.id.is_empty() {
            let newest = found.iter().max_by_key(|one| one.updated_ms).map(|one| one.resource.id.clone());
            found.retain(|one| Some(&one.resource.id) == newest.as_ref());
        }
        Ok(found)
    }

    async fn decide_associations(
        &self,
        checked: &Checked,
        manner: Manner,
        expected: Vec<Association>,
    ) -> Result<Decided, ServiceError> {
        let existing: Vec<&Association> =
            expected.iter().filter(|one| one.resource.kind == checked.resource.kind).collect();
        let frozen = existing.iter().any(|one| one.frozen);
        if frozen && checked.items.iter().any(|item| item.lifecycle == Some(Lifecycle::Weak)) {
            return Err(invalid("lifecycle", "the resource has a frozen association"));
        }
        let mut decided = Decided::default();
        let mut lifecycles: Vec<Lifecycle> = Vec::new();
        for item in &checked.items {
            let same_type = existing.iter().find(|one| one.association_type == item.association_type);
            match same_type {
                Some(one) if manner == Manner::Create => {
                    self.check_equivalent(item, one, &checked.resource).await?;
                    lifecycles.push(one.lifecycle);
                }
                Some(one) => {
                    self.decide_update(item, one, &mut decided).await?;
                    lifecycles.push(one.lifecycle);
                }
                None => {
                    let new = self.decide_new(item, checked, manner, &mut decided).await?;
                    lifecycles.push(new);
                }
            }
        }
        let untouched = |one: &&&Association| {
            !checked.items.iter().any(|item| item.association_type == one.association_type)
        };
        lifecycles.extend(existing.iter().filter(untouched).map(|one| one.lifecycle));
        if lifecycles.windows(2).any(|pair| pair.first() != pair.last()) {
            return Err(invalid("lifecycle", "all associations of a resource have the same lifecycle"));
        }
        decided.change.expected = expected;
        decided.change.resource_id.clone_from(&checked.resource.id);
        Ok(decided)
    }

    /// Creating what exists is no change, if it is the same; a schema must be there already.
    async fn check_equivalent(
        &self,
        item: &CheckedItem,
        one: &Association,
        resource: &Resource,
    ) -> Result<(), ServiceError> {
        let exists = || ServiceError::AssociationExists {
            association_type: item.association_type,
            resource: resource.name.clone(),
        };
        if item.subject.as_ref() != Some(&one.subject) || item.lifecycle != Some(one.lifecycle) {
            return Err(exists());
        }
        let Some(schema) = &item.schema else { return Ok(()) };
        let state = self.store.state(&one.subject).await.during(Operation::Associate)?;
        match self.find_registered(&one.subject, &state, schema).await? {
            Some(_) => Ok(()),
            None => Err(exists()),
        }
    }

    /// Updating may register a schema and nothing else: subject and lifecycle stay.
    async fn decide_update(
        &self,
        item: &CheckedItem,
        one: &Association,
        decided: &mut Decided,
    ) -> Result<(), ServiceError> {
        if item.subject.as_ref().is_some_and(|subject| *subject != one.subject) {
            return Err(invalid("subject", "cannot be changed"));
        }
        let frozen = || ServiceError::AssociationFrozen {
            association_type: one.association_type,
            subject: one.subject.clone(),
        };
        if item.lifecycle.is_some_and(|lifecycle| lifecycle != one.lifecycle) {
            return Err(if one.frozen { frozen() } else { invalid("frozen", "cannot be changed") });
        }
        let Some(schema) = &item.schema else { return Ok(()) };
        let state = self.store.state(&one.subject).await.during(Operation::Associate)?;
        let mode = mode_in_scope(&state.settings);
        if let Some(version) = self.find_registered(&one.subject, &state, schema).await? {
            let schema = Schema::Known(Box::new(version));
            decided.written.push((rewritten(one), schema));
            return Ok(());
        }
        if one.frozen {
            return Err(frozen());
        }
        check_writable(mode, &one.subject)?;
        check_takes_schemas(mode)?;
        let schema = self.decide_schema(&one.subject, schema, decided).await?;
        decided.change.put.push(rewritten(one));
        decided.written.push((rewritten(one), schema));
        Ok(())
    }

    /// Adds an association; tells its lifecycle.
    async fn decide_new(
        &self,
        item: &CheckedItem,
        checked: &Checked,
        manner: Manner,
        decided: &mut Decided,
    ) -> Result<Lifecycle, ServiceError> {
        let lifecycle = item.lifecycle.unwrap_or(Lifecycle::Weak);
        if manner == Manner::Upsert && item.schema.is_some() {
            return Err(invalid("schema", "cannot come with an association that is added"));
        }
        let Some(subject) = item.subject.clone() else {
            return Err(invalid("subject", "a WEAK association must name its subject"));
        };
        let state = self.store.state(&subject).await.during(Operation::Associate)?;
        let mode = mode_in_scope(&state.settings);
        let importing = matches!(mode, Mode::Import | Mode::Forward);
        if lifecycle == Lifecycle::Strong && !importing {
            if manner == Manner::Upsert {
                return Err(invalid("lifecycle", "a STRONG association cannot be added"));
            }
            if item.schema.is_none() {
                return Err(invalid("schema", "a new STRONG association must bring its schema"));
            }
        }
        check_writable(mode, &subject)?;
        if item.schema.is_some() {
            check_takes_schemas(mode)?;
        }
        self.check_room(&subject, lifecycle, &checked.resource).await?;
        let schema = match &item.schema {
            Some(schema) => self.first_version(&subject, &state, schema, decided).await?,
            None if latest(&state.versions).is_none() => return Err(ServiceError::NoActiveVersion(subject)),
            None => Schema::None,
        };
        decided.change.basis.extend(state.basis);
        let new = NewAssociation {
            guid: crate::uuid::random_guid(),
            resource: checked.resource.clone(),
            association_type: item.association_type,
            subject,
            lifecycle,
            frozen: lifecycle.freezes(),
        };
        decided.change.put.push(new.clone());
        decided.written.push((new, schema));
        Ok(lifecycle)
    }

    /// Whether the other associations of a subject, and references to it, leave room for one more.
    async fn check_room(
        &self,
        subject: &Subject,
        lifecycle: Lifecycle,
        resource: &Resource,
    ) -> Result<(), ServiceError> {
        let others = AssociationSelection::Subject(subject.clone());
        let others = self.store.associations(&others).await.during(Operation::Associate)?;
        let others = others.iter().filter(|one| one.resource.id != resource.id);
        match lifecycle {
            Lifecycle::Weak if others.clone().any(|one| one.lifecycle == Lifecycle::Strong) => {
                Err(ServiceError::StronglyAssociated(subject.clone()))
            }
            Lifecycle::Weak => Ok(()),
            Lifecycle::Strong if others.count() > 0 => Err(ServiceError::SubjectAssociated(subject.clone())),
            Lifecycle::Strong if self.is_subject_referenced(subject).await? => {
                Err(ServiceError::SubjectReferenced(subject.clone()))
            }
            Lifecycle::Strong => Ok(()),
        }
    }

    async fn is_subject_referenced(&self, subject: &Subject) -> Result<bool, ServiceError> {
        let state = self.store.state(subject).await.during(Operation::Associate)?;
        for version in state.versions.iter() {
            let referrers =
                self.store.referrers(subject, version.version).await.during(Operation::Associate)?;
            if !referrers.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The schema of a new strong association: the first version of its subject, there or to be registered.
    async fn first_version(
        &self,
        subject: &Subject,
        state: &SubjectState,
        schema: &Registering,
        decided: &mut Decided,
    ) -> Result<Schema, ServiceError> {
        if latest(&state.versions).is_none() {
            return self.decide_schema(subject, schema, decided).await;
        }
        let other = || invalid("schema", "the subject has another schema already");
        let found = self.find_registered(subject, state, schema).await?.ok_or_else(other)?;
        let only = latest(&state.versions).is_some_and(|latest| latest.version == Version(1));
        if only { Ok(Schema::Known(Box::new(found))) } else { Err(other()) }
    }

    async fn decide_schema(
        &self,
        subject: &Subject,
        schema: &Registering,
        decided: &mut Decided,
    ) -> Result<Schema, ServiceError> {
        match self.decide(subject, schema).await.map_err(without_subject)? {
            Decision::Known(found) => Ok(Schema::Known(Box::new(found.schema))),
            Decision::New(registration) => {
                decided.change.registrations.push(registration);
                Ok(Schema::Registered(decided.change.registrations.len() - 1))
            }
        }
    }

    /// The live version of a subject that a schema to register stands for.
    async fn find_registered(
        &self,
        subject: &Subject,
        state: &SubjectState,
        schema: &Registering,
    ) -> Result<Option<SchemaVersion>, ServiceError> {
        if schema.draft.is_blank() {
            return Ok(latest(&state.versions).cloned());
        }
        let scope = Scope::of(&state.settings, subject, &self.options);
        let normalize = schema.normalize || scope.normalize;
        let canonical: Canonical =
            self.canonicalize(&schema.draft, subject, &scope, Strictness::Stored, normalize, false).await?;
        Ok(self.find(&canonical, subject, &state.versions, false).await?.map(|found| found.schema))
    }
}

/// An association written again as it stands.
fn rewritten(one: &Association) -> NewAssociation {
    NewAssociation {
        guid: one.guid,
        resource: one.resource.clone(),
        association_type: one.association_type,
        subject: one.subject.clone(),
        lifecycle: one.lifecycle,
        frozen: one.frozen,
    }
}

fn check_writable(mode: Mode, subject: &Subject) -> Result<(), ServiceError> {
    match mode {
        Mode::ReadOnly | Mode::ReadOnlyOverride => Err(ServiceError::ModeForbidsAssociation {
            subject: subject.clone(),
            needed: NeededMode::Writable,
        }),
        Mode::ReadWrite | Mode::Import | Mode::Forward => Ok(()),
    }
}

fn check_takes_schemas(mode: Mode) -> Result<(), ServiceError> {
    match mode {
        Mode::Import | Mode::Forward => {
            Err(invalid("schema", "cannot be registered with an association in import mode"))
        }
        Mode::ReadWrite | Mode::ReadOnly | Mode::ReadOnlyOverride => Ok(()),
    }
}

/// Associations tell only what is incompatible.
fn without_subject(error: ServiceError) -> ServiceError {
    match error {
        ServiceError::Incompatible { messages, .. } => ServiceError::IncompatibleAssociation(messages),
        error => error,
    }
}
