//! Configs of subjects, contexts, the top level and the global level (registry API spec §4.6, §6).

use muster_schema::subject::Purpose;
use muster_schema::{CompatibilityLevel, Metadata, RuleSet, Subject};

use super::error::{During as _, Operation, ServiceError, is_stale};
use super::scope::{self, check_writable, mode_in_scope};
use super::{Service, rules};
use crate::options::RuleSets;
use crate::store::ConfigRecord;

/// What a request says about one member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Nothing: it stays.
    #[default]
    Keep,
    /// An explicit null: it goes.
    Clear,
    /// A value: it is set.
    Set(T),
}

/// A change of a config, member by member.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigPatch {
    /// Compatibility level by name.
    pub compatibility: Patch<String>,
    /// Policy by name; unknown names count as null.
    pub compatibility_policy: Patch<String>,
    /// Metadata property that groups versions.
    pub compatibility_group: Patch<String>,
    /// The subject this one stands for.
    pub alias: Patch<String>,
    /// The same for data encryption keys.
    pub alias_for_deks: Patch<String>,
    /// Whether schemas are normalized.
    pub normalize: Patch<bool>,
    /// Whether fields are validated.
    pub validate_fields: Patch<bool>,
    /// Whether new schemas are parsed strictly.
    pub validate_new_schemas: Patch<bool>,
    /// Stored and returned only.
    pub validate_rules: Patch<bool>,
    /// Merged below each schema's metadata.
    pub default_metadata: Patch<Metadata>,
    /// Merged above it.
    pub override_metadata: Patch<Metadata>,
    /// Merged below each schema's rule set.
    pub default_rule_set: Patch<RuleSet>,
    /// Merged above it.
    pub override_rule_set: Patch<RuleSet>,
}

const POLICIES: [&str; 3] = ["STRICT", "LENIENT", "LOGICAL"];

impl<T> Patch<T> {
    fn apply(self, member: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *member = None,
            Self::Set(value) => *member = Some(value),
        }
    }

    fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }
}

impl Service {
    /// The config at `key`: exactly there, or with `in_scope` the one in force there.
    pub async fn config(&self, key: &Subject, in_scope: bool) -> Result<ConfigRecord, ServiceError> {
        let (settings, _) = self.store.settings(key).await.during(Operation::Read)?;
        if in_scope {
            return Ok(scope::config_in_scope(&settings, key, &self.options));
        }
        scope::exact_config(&settings, key, &self.options).ok_or_else(|| ServiceError::NoConfig(key.clone()))
    }

    /// Merges a change into the config at `key` and returns the whole record as stored.
    pub async fn put_config(&self, key: &Subject, patch: ConfigPatch) -> Result<ConfigRecord, ServiceError> {
        let level = match &patch.compatibility {
            Patch::Set(name) => Patch::Set(name.parse().map_err(|_| ServiceError::InvalidLevel)?),
            Patch::Clear => Patch::Clear,
            Patch::Keep => Patch::Keep,
        };
        if self.options.rule_sets == RuleSets::Store {
            for rule_set in
                [&patch.default_rule_set, &patch.override_rule_set].into_iter().filter_map(Patch::value)
            {
                rules::validate(rule_set)?;
            }
        }
        check_name(key)?;
        let _turn = self.turns.take(key).await;
        loop {
            let (settings, basis) = self.store.settings(key).await.during(Operation::PutConfig)?;
            check_writable(mode_in_scope(&settings), key)?;
            let stored = scope::own_config(&settings, key).cloned().unwrap_or_default();
            let config = self.patched(stored, level.clone(), patch.clone());
            let write = self.store.put_config(key, Some(without_blanks(config.clone())), basis);
            match self.write(Operation::PutConfig, write).await {
                Ok(()) => return Ok(config),
                Err(error) if is_stale(&error) => {}
                Err(error) => return Err(error).during(Operation::PutConfig),
            }
        }
    }

    /// Removes the config at `key` and returns what was there.
    pub async fn delete_config(&self, key: &Subject) -> Result<ConfigRecord, ServiceError> {
        let _turn = self.turns.take(key).await;
        loop {
            let (settings, basis) = self.store.settings(key).await.during(Operation::DeleteConfig)?;
            let before = scope::exact_config(&settings, key, &self.options)
                .ok_or_else(|| ServiceError::SubjectNotFound(key.clone()))?;
            check_writable(mode_in_scope(&settings), key)?;
            match self.write(Operation::DeleteConfig, self.store.put_config(key, None, basis)).await {
                Ok(()) => return Ok(before),
                Err(error) if is_stale(&error) => {}
                Err(error) => return Err(error).during(Operation::DeleteConfig),
            }
        }
    }

    fn patched(
        &self,
        mut config: ConfigRecord,
        level: Patch<CompatibilityLevel>,
        patch: ConfigPatch,
    ) -> ConfigRecord {
        level.apply(&mut config.compatibility_level);
        match patch.compatibility_policy {
            Patch::Set(name) => {
                config.compatibility_policy =
                    POLICIES.into_iter().find(|p| p.eq_ignore_ascii_case(&name)).map(str::to_owned);
            }
            other => other.apply(&mut config.compatibility_policy),
        }
        patch.compatibility_group.apply(&mut config.compatibility_group);
        patch.alias.apply(&mut config.alias);
        patch.alias_for_deks.apply(&mut config.alias_for_deks);
        patch.normalize.apply(&mut config.normalize);
        patch.validate_fields.apply(&mut config.validate_fields);
        patch.validate_new_schemas.apply(&mut config.validate_new_schemas);
        patch.validate_rules.apply(&mut config.validate_rules);
        patch.default_metadata.apply(&mut config.default_metadata);
        patch.override_metadata.apply(&mut config.override_metadata);
        if self.options.rule_sets == RuleSets::Store {
            patch.default_rule_set.apply(&mut config.default_rule_set);
            patch.override_rule_set.apply(&mut config.override_rule_set);
        } else if patch.default_rule_set != Patch::Keep || patch.override_rule_set != Patch::Keep {
            config.default_rule_set = None;
            config.override_rule_set = None;
        }
        config
    }
}

/// As stored: a blank text is told once, and forgotten.
fn without_blanks(mut config: ConfigRecord) -> ConfigRecord {
    let texts = [
        &mut config.compatibility_policy,
        &mut config.compatibility_group,
        &mut config.alias,
        &mut config.alias_for_deks,
    ];
    for text in texts {
        text.take_if(|text| text.is_empty());
    }
    config
}

/// A key that settings may be put at.
pub(super) fn check_name(key: &Subject) -> Result<(), ServiceError> {
    key.check(Purpose::Settings).map_err(|invalid| ServiceError::InvalidSubject(invalid.0))
}
