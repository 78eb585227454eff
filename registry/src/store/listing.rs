//! What a listing of schemas wants.

use std::collections::HashSet;

use muster_schema::{RuleSet, Subject};

use super::Selection;

/// Which versions a listing wants, in the order of listings, and which part of them (registry API spec §4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The subjects.
    pub selection: Selection,
    /// Subjects besides those selected; some of them may be selected as well.
    pub also: Vec<Subject>,
    /// Which of all those count.
    pub among: Among,
    /// Soft-deleted versions, too.
    pub deleted: bool,
    /// Only the highest version of each subject, of those left so far.
    pub latest_only: bool,
    /// Of what is left then, only versions with a rule of this type.
    pub rule_type: Option<String>,
    /// How many versions to leave out at the start.
    pub offset: usize,
    /// The most versions to give.
    pub limit: usize,
}

/// Subjects that count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Among {
    /// No others.
    Only(HashSet<Subject>),
    /// All others.
    AllBut(HashSet<Subject>),
}

impl Listing {
    /// All versions of the selected subjects.
    pub fn of(selection: Selection) -> Self {
        Self {
            selection,
            also: Vec::new(),
            among: Among::AllBut(HashSet::new()),
            deleted: true,
            latest_only: false,
            rule_type: None,
            offset: 0,
            limit: usize::MAX,
        }
    }
}

impl Among {
    /// Whether the subject counts.
    pub fn admits(&self, subject: &Subject) -> bool {
        match self {
            Self::Only(subjects) => subjects.contains(subject),
            Self::AllBut(subjects) => !subjects.contains(subject),
        }
    }
}

/// Whether one of the rules has this type, whatever it is for.
pub(super) fn has_rule_type(rules: &RuleSet, rule_type: &str) -> bool {
    let lists = [&rules.migration_rules, &rules.domain_rules, &rules.encoding_rules];
    lists.into_iter().flatten().flatten().any(|rule| rule.rule_type.as_deref() == Some(rule_type))
}
