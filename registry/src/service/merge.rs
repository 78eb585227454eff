//! Merging of metadata and rule sets: below (defaults), a schema's own, above (overrides).
//! Source: registry API spec §3.1 and §7.4.

use muster_schema::{Metadata, Rule, RuleSet};

/// The metadata property that holds a version's own number.
pub(super) const VERSION_PROPERTY: &str = "confluent:version";

/// Merges metadata; the right side wins per key, sensitive names are united. Absent on one side is the other side.
pub(super) fn metadata(left: Option<&Metadata>, right: Option<&Metadata>) -> Option<Metadata> {
    let (left, right) = match (left, right) {
        (Some(left), Some(right)) => (left, right),
        (one, other) => return one.or(other).cloned(),
    };
    let mut merged = left.clone();
    if let Some(tags) = &right.tags {
        merged.tags.get_or_insert_default().extend(tags.clone());
    }
    if let Some(properties) = &right.properties {
        merged.properties.get_or_insert_default().extend(properties.clone());
    }
    if let Some(sensitive) = &right.sensitive {
        merged.sensitive.get_or_insert_default().extend(sensitive.clone());
    }
    Some(merged)
}

/// Merges rule sets: rules of the left side whose names occur on the right are dropped, the right side's are appended.
pub(super) fn rule_set(left: Option<&RuleSet>, right: Option<&RuleSet>) -> Option<RuleSet> {
    let (left, right) = match (left, right) {
        (Some(left), Some(right)) => (left, right),
        (one, other) => return one.or(other).cloned(),
    };
    let list = |left: &Option<Vec<Rule>>, right: &Option<Vec<Rule>>| match (left, right) {
        (Some(left), Some(right)) => {
            let kept = left.iter().filter(|rule| !right.iter().any(|other| other.name == rule.name));
            Some(kept.chain(right).cloned().collect())
        }
        (one, other) => one.as_ref().or(other.as_ref()).cloned(),
    };
    Some(RuleSet {
        migration_rules: list(&left.migration_rules, &right.migration_rules),
        domain_rules: list(&left.domain_rules, &right.domain_rules),
        encoding_rules: list(&left.encoding_rules, &right.encoding_rules),
        enable_at: right.enable_at.as_ref().or(left.enable_at.as_ref()).cloned(),
    })
}

/// A rule set without the rules of these names.
pub(super) fn without_rules(rules: &RuleSet, names: &[String]) -> RuleSet {
    let list = |list: &Option<Vec<Rule>>| {
        list.as_ref().map(|rules| {
            let gone = |rule: &Rule| rule.name.as_ref().is_some_and(|name| names.contains(name));
            rules.iter().filter(|rule| !gone(rule)).cloned().collect()
        })
    };
    RuleSet {
        migration_rules: list(&rules.migration_rules),
        domain_rules: list(&rules.domain_rules),
        encoding_rules: list(&rules.encoding_rules),
        enable_at: rules.enable_at.clone(),
    }
}

/// Metadata whose empty members are absent, as they are to the content hash: equal content is stored in one form.
pub(super) fn tidy_metadata(mut metadata: Metadata) -> Metadata {
    metadata.tags.take_if(|tags| tags.is_empty());
    metadata.properties.take_if(|properties| properties.is_empty());
    metadata.sensitive.take_if(|names| names.is_empty());
    metadata
}

/// A rule set whose empty members are absent, as they are to the content hash.
pub(super) fn tidy_rule_set(mut rules: RuleSet) -> RuleSet {
    for list in [&mut rules.migration_rules, &mut rules.domain_rules, &mut rules.encoding_rules] {
        list.take_if(|rules| rules.is_empty());
        for rule in list.iter_mut().flatten() {
            rule.tags.take_if(|tags| tags.is_empty());
            rule.params.take_if(|params| params.is_empty());
        }
    }
    rules
}

/// A property of optional metadata.
pub(super) fn property<'a>(metadata: Option<&'a Metadata>, key: &str) -> Option<&'a str> {
    metadata?.properties.as_ref()?.get(key).map(String::as_str)
}

/// The metadata with one property set.
pub(super) fn with_property(metadata: Option<Metadata>, key: &str, value: String) -> Metadata {
    let mut metadata = metadata.unwrap_or_default();
    metadata.properties.get_or_insert_default().insert(key.to_owned(), value);
    metadata
}

/// The metadata with one property removed, if it has it.
pub(super) fn without_property(metadata: Option<&Metadata>, key: &str) -> Option<Metadata> {
    let mut metadata = metadata.cloned();
    if let Some(properties) = metadata.as_mut().and_then(|m| m.properties.as_mut()) {
        properties.remove(key);
    }
    metadata
}

/// Whether two metadata objects say the same; members that are absent and members that are empty are equal.
pub(super) fn same_metadata(a: Option<&Metadata>, b: Option<&Metadata>) -> bool {
    fn members(m: &Metadata) -> impl PartialEq {
        (
            m.tags.clone().unwrap_or_default(),
            m.properties.clone().unwrap_or_default(),
            m.sensitive.clone().unwrap_or_default(),
        )
    }
    match (a, b) {
        (Some(a), Some(b)) => a == b || members(a) == members(b),
        (a, b) => a.is_none() && b.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Metadata {
        let properties = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Metadata { properties: Some(properties), ..Metadata::default() }
    }

    fn named(names: &[&str]) -> RuleSet {
        let rule = |name: &&str| Rule { name: Some((*name).to_owned()), ..Default::default() };
        RuleSet { domain_rules: Some(names.iter().map(rule).collect()), ..RuleSet::default() }
    }

    #[test]
    fn the_right_side_wins_per_key() {
        let cases = [
            (None, None, None),
            (Some(of(&[("a", "1")])), None, Some(of(&[("a", "1")]))),
            (None, Some(Metadata::default()), Some(Metadata::default())),
            (
                Some(of(&[("a", "1"), ("b", "1")])),
                Some(of(&[("b", "2")])),
                Some(of(&[("a", "1"), ("b", "2")])),
            ),
        ];
        for (left, right, expected) in cases {
            assert_eq!(metadata(left.as_ref(), right.as_ref()), expected);
        }
    }

    #[test]
    fn rules_are_replaced_by_name_and_appended() {
        let merged = rule_set(Some(&named(&["a", "b"])), Some(&named(&["c", "a"])));
        assert_eq!(merged, Some(named(&["b", "c", "a"])));
        assert_eq!(without_rules(&named(&["a", "b"]), &["a".to_owned()]), named(&["b"]));
    }

    #[test]
    fn empty_members_equal_absent_ones_but_absent_metadata_differs() {
        assert!(same_metadata(Some(&of(&[])), Some(&Metadata::default())));
        assert!(!same_metadata(Some(&Metadata::default()), None));
        assert!(same_metadata(None, None));
    }
}
