//! Listing schemas (`GET /schemas`, registry API spec §4.4).

use std::collections::{BTreeMap, HashMap, HashSet};

use muster_schema::Subject;
use muster_schema::subject::utf16_order;

use super::Service;
use super::associations::AssociationFilter;
use super::error::{During as _, Operation, ServiceError};
use super::page::Page;
use crate::store::{Association, AssociationSelection, Lifecycle, SchemaVersion};

/// Which schemas to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaQuery {
    /// Prefix of the qualified subject name.
    pub prefix: String,
    /// Also what aliases that match the prefix stand for.
    pub aliases: bool,
    /// Soft-deleted ones too.
    pub deleted: bool,
    /// Only the highest version of each subject.
    pub latest_only: bool,
    /// Only schemas with a rule of this type; empty for all.
    pub rule_type: String,
    /// Only schemas of subjects that are associated in this way; absent for all.
    pub associated: Option<Associated>,
    /// The part of the list.
    pub page: Page,
}

/// How the subject of a listed schema is associated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Associated {
    /// The kind of resource and the types. Lifecycles are apart, below.
    pub filter: AssociationFilter,
    /// Lifecycles; empty is all.
    pub lifecycles: Vec<Lifecycle>,
    /// Whether subjects without such an association are listed.
    pub or_not: bool,
}

/// A listed schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The version.
    pub version: SchemaVersion,
    /// Aliases of its subject that matched; empty unless asked for.
    pub aliases: Vec<String>,
    /// Associations of its subject that matched; empty unless asked for.
    pub associations: Vec<Association>,
}

impl Service {
    /// Lists versions by subject and version.
    pub async fn schemas(&self, query: &SchemaQuery) -> Result<Vec<Listed>, ServiceError> {
        let selection = Self::selection(&query.prefix);
        let mut versions = self.store.schemas(&selection).await.during(Operation::Read)?;
        let mut aliases: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if query.aliases {
            for (subject, alias) in self.store.aliases(&selection).await.during(Operation::Read)? {
                let target = Subject::parse_in(&alias, subject.context());
                aliases.entry(target.to_string()).or_default().push(subject.to_string());
            }
            self.add_targets(&mut versions, aliases.keys()).await?;
        }
        versions.retain(|v| query.deleted || !v.deleted);
        if query.latest_only {
            // Within a subject versions ascend, so the last of each run is the highest.
            let following: Vec<Option<Subject>> =
                versions.iter().skip(1).map(|v| Some(v.subject.clone())).chain([None]).collect();
            let mut following = following.into_iter();
            versions.retain(|v| following.next().flatten().as_ref() != Some(&v.subject));
        }
        if !query.rule_type.is_empty() {
            versions.retain(|v| has_rule_type(v, &query.rule_type));
        }
        let mut associations = match &query.associated {
            Some(wanted) => self.retain_associated(&mut versions, wanted).await?,
            None => HashMap::new(),
        };
        // The last version of a subject may have the list itself.
        let mut listed: Vec<Listed> = Vec::with_capacity(versions.len());
        for version in versions.into_iter().rev() {
            let associations = match listed.last() {
                Some(after) if after.version.subject == version.subject => after.associations.clone(),
                _ => associations.remove(&version.subject).unwrap_or_default(),
            };
            let aliases = aliases.get(&version.subject.to_string()).cloned().unwrap_or_default();
            listed.push(Listed { version, aliases, associations });
        }
        listed.reverse();
        query.page.of(listed, self.options.search.schemas)
    }

    /// Leaves versions of subjects that are associated as wanted; returns those associations.
    async fn retain_associated(
        &self,
        versions: &mut Vec<SchemaVersion>,
        wanted: &Associated,
    ) -> Result<HashMap<Subject, Vec<Association>>, ServiceError> {
        let all = self.store.associations(&AssociationSelection::All).await.during(Operation::Read)?;
        let mut matching: HashMap<Subject, Vec<Association>> = HashMap::new();
        let mut associated: HashSet<Subject> = HashSet::new();
        for association in all.into_iter().filter(|association| wanted.filter.admits(association)) {
            associated.insert(association.subject.clone());
            // To want only those without is to want none of any lifecycle.
            let any = wanted.lifecycles.is_empty() && !wanted.or_not;
            if any || wanted.lifecycles.contains(&association.lifecycle) {
                matching.entry(association.subject.clone()).or_default().push(association);
            }
        }
        versions.retain(|version| {
            let subject = &version.subject;
            matching.contains_key(subject) || wanted.or_not && !associated.contains(subject)
        });
        Ok(matching)
    }

    /// Adds the versions of alias targets that the prefix did not select itself.
    async fn add_targets(
        &self,
        versions: &mut Vec<SchemaVersion>,
        targets: impl Iterator<Item = &String>,
    ) -> Result<(), ServiceError> {
        let known: HashSet<Subject> = versions.iter().map(|v| v.subject.clone()).collect();
        let mut added = false;
        for target in targets.map(|name| Subject::parse(name)).filter(|target| !known.contains(target)) {
            let state = self.store.state(&target).await.during(Operation::Read)?;
            added |= !state.versions.is_empty();
            versions.extend(state.versions.iter().cloned());
        }
        if added {
            versions.sort_by(|a, b| {
                utf16_order(&a.subject.to_string(), &b.subject.to_string()).then(a.version.cmp(&b.version))
            });
        }
        Ok(())
    }
}

fn has_rule_type(version: &SchemaVersion, rule_type: &str) -> bool {
    version.content.rule_set.iter().any(|rules| {
        let lists = [&rules.migration_rules, &rules.domain_rules, &rules.encoding_rules];
        lists.into_iter().flatten().flatten().any(|rule| rule.rule_type.as_deref() == Some(rule_type))
    })
}
