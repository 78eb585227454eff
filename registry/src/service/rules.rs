//! What a rule set must look like (registry API spec §3.1).

use std::collections::HashSet;

use muster_schema::{Rule, RuleSet};

use super::error::ServiceError;

const MIGRATION_MODES: [&str; 3] = ["UPGRADE", "DOWNGRADE", "UPDOWN"];
const DATA_MODES: [&str; 3] = ["WRITE", "READ", "WRITEREAD"];
/// Modes in which a rule runs twice and may name an action for each run.
const PAIRED_MODES: [&str; 2] = ["UPDOWN", "WRITEREAD"];
const LONGEST_NAME: usize = 256;

/// Checks names, types, modes and actions.
pub(super) fn validate(rules: &RuleSet) -> Result<(), ServiceError> {
    let lists = [
        (&rules.migration_rules, &MIGRATION_MODES),
        (&rules.domain_rules, &DATA_MODES),
        (&rules.encoding_rules, &DATA_MODES),
    ];
    let mut names = HashSet::new();
    for (list, modes) in lists {
        for rule in list.iter().flatten() {
            check(rule, modes).map_err(ServiceError::InvalidRuleSet)?;
            if !names.insert(rule.name.as_deref()) {
                let name = rule.name.as_deref().unwrap_or_default();
                return Err(ServiceError::InvalidRuleSet(format!("Found rule with duplicate name '{name}'")));
            }
        }
    }
    Ok(())
}

fn check(rule: &Rule, modes: &[&str]) -> Result<(), String> {
    let name = rule.name.as_deref().ok_or("Missing rule name")?;
    check_name(name)?;
    if rule.rule_type.is_none() {
        return Err(format!("Missing type for rule '{name}'"));
    }
    let mode = rule.mode.as_deref().unwrap_or("WRITEREAD");
    if !modes.contains(&mode) {
        return Err(format!("Mode {mode} of rule '{name}' is not one of {}", modes.join(", ")));
    }
    for action in [&rule.on_success, &rule.on_failure].into_iter().flatten() {
        if action.contains(',') && !PAIRED_MODES.contains(&mode) {
            return Err(format!("Rule '{name}' of mode {mode} cannot have two actions: {action}"));
        }
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), String> {
    let mut chars = name.chars();
    let first = chars.next().ok_or("Empty rule name")?;
    if name.encode_utf16().count() > LONGEST_NAME {
        return Err(format!("Rule name is longer than {LONGEST_NAME}"));
    }
    let valid =
        (first.is_alphabetic() || first == '_') && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if valid { Ok(()) } else { Err(format!("Illegal rule name '{name}'")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: Option<&str>, rule_type: Option<&str>, mode: &str, on_failure: Option<&str>) -> Rule {
        let text = |t: Option<&str>| t.map(str::to_owned);
        Rule {
            name: text(name),
            rule_type: text(rule_type),
            mode: Some(mode.into()),
            on_failure: text(on_failure),
            ..Rule::default()
        }
    }

    #[test]
    fn rules_are_checked() {
        let cel = Some("CEL");
        let cases = [
            (rule(Some("r"), cel, "WRITE", None), true),
            (rule(Some("_r-1"), cel, "READ", None), true),
            (rule(None, cel, "WRITE", None), false),
            (rule(Some(""), cel, "WRITE", None), false),
            (rule(Some("1r"), cel, "WRITE", None), false),
            (rule(Some("r r"), cel, "WRITE", None), false),
            (rule(Some("r"), None, "WRITE", None), false),
            (rule(Some("r"), cel, "UPGRADE", None), false),
            (rule(Some("r"), cel, "WRITE", Some("A,B")), false),
            (rule(Some("r"), cel, "WRITEREAD", Some("A,B")), true),
        ];
        for (rule, valid) in cases {
            let set = RuleSet { domain_rules: Some(vec![rule.clone()]), ..RuleSet::default() };
            assert_eq!(validate(&set).is_ok(), valid, "{rule:?}");
        }
        let long = rule(Some(&"r".repeat(257)), cel, "WRITE", None);
        assert!(validate(&RuleSet { domain_rules: Some(vec![long]), ..RuleSet::default() }).is_err());
        let migration = rule(Some("m"), Some("JSONATA"), "UPGRADE", None);
        assert!(validate(&RuleSet { migration_rules: Some(vec![migration]), ..RuleSet::default() }).is_ok());
    }

    #[test]
    fn names_are_unique_across_lists() {
        let one = vec![rule(Some("r"), Some("CEL"), "WRITE", None)];
        let set =
            RuleSet { domain_rules: Some(one.clone()), encoding_rules: Some(one), ..RuleSet::default() };
        assert!(validate(&set).is_err());
    }
}
