//! Listing schemas (`GET /schemas`, registry API spec §4.4).

use std::collections::{HashMap, HashSet};

use muster_schema::Subject;

use super::Service;
use super::associations::AssociationFilter;
use super::error::{During as _, Operation, ServiceError};
use super::page::Page;
use crate::store::{Among, Association, AssociationSelection, Lifecycle, Listing, SchemaVersion};

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
        let (offset, limit) = query.page.within(self.options.search.schemas)?;
        let selection = Self::selection(&query.prefix);
        let mut also = Vec::new();
        let mut aliases: HashMap<Subject, Vec<String>> = HashMap::new();
        if query.aliases {
            for (subject, alias) in self.store.aliases(&selection).await.during(Operation::Read)? {
                let target = Subject::parse(&Subject::parse_in(&alias, subject.context()).to_string());
                let names = aliases.entry(target.clone()).or_default();
                if names.is_empty() {
                    also.push(target);
                }
                names.push(subject.to_string());
            }
        }
        let (among, associations) = match &query.associated {
            Some(wanted) => self.associated(wanted).await?,
            None => (Among::AllBut(HashSet::new()), HashMap::new()),
        };
        let wanted = Listing {
            selection,
            also,
            among,
            deleted: query.deleted,
            latest_only: query.latest_only,
            rule_type: Some(query.rule_type.clone()).filter(|rule_type| !rule_type.is_empty()),
            offset,
            limit,
        };
        let versions = self.store.schemas(&wanted).await.during(Operation::Read)?;
        let of = |version: SchemaVersion| {
            let aliases = aliases.get(&version.subject).cloned().unwrap_or_default();
            let associations = associations.get(&version.subject).cloned().unwrap_or_default();
            Listed { version, aliases, associations }
        };
        Ok(versions.into_iter().map(of).collect())
    }

    /// The subjects that are associated as wanted, and those associations.
    async fn associated(
        &self,
        wanted: &Associated,
    ) -> Result<(Among, HashMap<Subject, Vec<Association>>), ServiceError> {
        let all = self.store.associations(&AssociationSelection::All).await.during(Operation::Read)?;
        let mut matching: HashMap<Subject, Vec<Association>> = HashMap::new();
        let mut others: HashSet<Subject> = HashSet::new();
        for association in all.into_iter().filter(|association| wanted.filter.admits(association)) {
            // To want only those without is to want none of any lifecycle.
            let any = wanted.lifecycles.is_empty() && !wanted.or_not;
            if any || wanted.lifecycles.contains(&association.lifecycle) {
                matching.entry(association.subject.clone()).or_default().push(association);
            } else {
                others.insert(association.subject);
            }
        }
        let among = if wanted.or_not {
            others.retain(|subject| !matching.contains_key(subject));
            Among::AllBut(others)
        } else {
            Among::Only(matching.keys().cloned().collect())
        };
        Ok((among, matching))
    }
}
