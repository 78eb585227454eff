//! Listing schemas (`GET /schemas`, registry API spec §4.4).

use std::collections::{BTreeMap, HashSet};

use muster_schema::Subject;
use muster_schema::subject::utf16_order;

use super::Service;
use super::error::{During as _, Operation, ServiceError};
use super::page::{self, Page};
use crate::store::SchemaVersion;

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
    /// Only schemas whose subject has no association, or `None` for all. Without associations in this release,
    /// `Some(false)` selects nothing.
    pub without_associations: Option<bool>,
    /// The part of the list.
    pub page: Page,
}

/// A listed schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The version.
    pub version: SchemaVersion,
    /// Aliases of its subject that matched; empty unless asked for.
    pub aliases: Vec<String>,
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
        if query.without_associations == Some(false) {
            versions.clear();
        }
        let listed = versions
            .into_iter()
            .map(|version| Listed {
                aliases: aliases.get(&version.subject.to_string()).cloned().unwrap_or_default(),
                version,
            })
            .collect();
        query.page.of(listed, page::SCHEMAS)
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
