//! Which settings govern a subject (registry API spec §6.1–6.2).

use muster_schema::compatibility::CompatibilityPolicy;
use muster_schema::{CompatibilityLevel, Metadata, RuleSet, Subject};

use super::error::{NeededMode, ServiceError};
use crate::options::Options;
use crate::store::{ConfigRecord, Mode, Settings};

/// The settings in force for one subject, every member decided.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) level: CompatibilityLevel,
    pub(super) policy: CompatibilityPolicy,
    pub(super) group: Option<String>,
    pub(super) normalize: bool,
    pub(super) validate_fields: bool,
    pub(super) validate_new_schemas: bool,
    pub(super) default_metadata: Option<Metadata>,
    pub(super) override_metadata: Option<Metadata>,
    pub(super) default_rule_set: Option<RuleSet>,
    pub(super) override_rule_set: Option<RuleSet>,
    pub(super) mode: Mode,
}

impl Scope {
    /// Decides the settings for `key` from what is stored at each level.
    pub(super) fn of(settings: &Settings, key: &Subject, options: &Options) -> Self {
        let config = config_in_scope(settings, key, options);
        Self {
            level: config.compatibility_level.unwrap_or(options.default_compatibility_level),
            policy: match config.compatibility_policy.as_deref() {
                Some("LENIENT") => CompatibilityPolicy::Lenient,
                Some(_) => CompatibilityPolicy::Strict,
                None => options.default_compatibility_policy,
            },
            group: config.compatibility_group.filter(|name| !name.is_empty()),
            normalize: config.normalize.unwrap_or(false),
            validate_fields: config.validate_fields.unwrap_or(options.validate_fields),
            validate_new_schemas: config.validate_new_schemas.unwrap_or(options.validate_new_schemas),
            default_metadata: config.default_metadata,
            override_metadata: config.override_metadata,
            default_rule_set: config.default_rule_set,
            override_rule_set: config.override_rule_set,
            mode: mode_in_scope(settings),
        }
    }

    /// Whether registrations bring their ids, and much of what is checked otherwise is not.
    pub(super) fn importing(&self) -> bool {
        matches!(self.mode, Mode::Import | Mode::Forward)
    }

    /// Whether the config adds something to each schema.
    pub(super) fn amends_schemas(&self) -> bool {
        self.default_metadata.is_some()
            || self.override_metadata.is_some()
            || self.default_rule_set.is_some()
            || self.override_rule_set.is_some()
    }

    /// Refuses a write where the mode is read-only.
    pub(super) fn check_writable(&self, subject: &Subject) -> Result<(), ServiceError> {
        check_writable(self.mode, subject)
    }
}

/// Refuses a write where `mode` is read-only.
pub(super) fn check_writable(mode: Mode, subject: &Subject) -> Result<(), ServiceError> {
    match mode {
        Mode::ReadOnly | Mode::ReadOnlyOverride => {
            Err(ServiceError::ModeForbids { subject: subject.clone(), needed: NeededMode::Writable })
        }
        Mode::ReadWrite | Mode::Import | Mode::Forward => Ok(()),
    }
}

/// Whether `key` stands for the top level: the empty name in the default context.
pub(super) fn is_top(key: &Subject) -> bool {
    key.context().is_default() && key.name().is_empty()
}

/// What is stored at exactly `key`.
pub(super) fn own_config<'a>(settings: &'a Settings, key: &Subject) -> Option<&'a ConfigRecord> {
    let level = if key.name().is_empty() { &settings.context } else { &settings.subject };
    level.config.as_ref()
}

/// What is set at exactly `key`.
pub(super) fn own_mode(settings: &Settings, key: &Subject) -> Option<Mode> {
    if key.name().is_empty() { settings.context.mode } else { settings.subject.mode }
}

/// The config at exactly `key` with the server's level filled in; the top level and `.__GLOBAL` always have one.
pub(super) fn exact_config(settings: &Settings, key: &Subject, options: &Options) -> Option<ConfigRecord> {
    let always = is_top(key) || key.context().is_global();
    let config = own_config(settings, key).cloned().or_else(|| always.then(ConfigRecord::default))?;
    Some(with_level(config, options))
}

/// The mode at exactly `key`; the top level and `.__GLOBAL` always have one.
pub(super) fn exact_mode(settings: &Settings, key: &Subject) -> Option<Mode> {
    let always = is_top(key) || key.context().is_global();
    own_mode(settings, key).or_else(|| always.then_some(Mode::ReadWrite))
}

/// The config in force at `key`. The first level that has a record wins whole; only where the key itself has one are
/// some of its unset members taken from the top level, which is so for named contexts too.
pub(super) fn config_in_scope(settings: &Settings, key: &Subject, options: &Options) -> ConfigRecord {
    let first = [&settings.subject, &settings.context, &settings.global]
        .into_iter()
        .find_map(|level| level.config.as_ref())
        .cloned()
        .unwrap_or_default();
    let mut config = with_level(first, options);
    if own_config(settings, key).is_some()
        && let Some(top) = &settings.top.config
    {
        config.normalize = config.normalize.or(top.normalize);
        config.validate_fields = config.validate_fields.or(top.validate_fields);
        config.validate_new_schemas = config.validate_new_schemas.or(top.validate_new_schemas);
        config.validate_rules = config.validate_rules.or(top.validate_rules);
        config.compatibility_policy =
            config.compatibility_policy.or_else(|| top.compatibility_policy.clone());
        config.compatibility_group = config.compatibility_group.or_else(|| top.compatibility_group.clone());
    }
    config
}

/// The mode in force: the most specific level that has one.
pub(super) fn mode_in_scope(settings: &Settings) -> Mode {
    [&settings.subject, &settings.context, &settings.global]
        .into_iter()
        .find_map(|level| level.mode)
        .unwrap_or(Mode::ReadWrite)
}

/// A record without a level gets the server's, not an inherited one.
fn with_level(mut config: ConfigRecord, options: &Options) -> ConfigRecord {
    config.compatibility_level.get_or_insert(options.default_compatibility_level);
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::LevelSettings;

    fn level(config: Option<ConfigRecord>) -> LevelSettings {
        LevelSettings { config, mode: None }
    }

    fn with(
        compatibility_level: Option<CompatibilityLevel>,
        normalize: Option<bool>,
    ) -> Option<ConfigRecord> {
        Some(ConfigRecord { compatibility_level, normalize, ..ConfigRecord::default() })
    }

    #[test]
    fn the_most_specific_record_wins_whole() {
        use CompatibilityLevel::{Backward, Forward, Full, None as NoCheck};
        let subject = Subject::parse("s");
        let named = Subject::parse(":.c:s");
        // (what, key, subject record, context record, global record, top record, level, normalize)
        let cases = [
            ("server default", &subject, None, None, None, None, Backward, false),
            ("global", &named, None, None, with(Some(Full), None), with(Some(NoCheck), None), Full, false),
            (
                "context before global",
                &named,
                None,
                with(Some(Forward), None),
                with(Some(Full), None),
                None,
                Forward,
                false,
            ),
            (
                "a record without level hides the levels above",
                &subject,
                with(None, Some(true)),
                with(Some(Full), None),
                None,
                with(Some(Full), None),
                Backward,
                true,
            ),
            (
                "normalize comes from the top level, also in a named context",
                &named,
                with(Some(Full), None),
                with(None, Some(false)),
                None,
                with(None, Some(true)),
                Full,
                true,
            ),
            (
                "but not without a record of its own",
                &named,
                None,
                with(Some(Full), None),
                None,
                with(None, Some(true)),
                Full,
                false,
            ),
        ];
        for (what, key, own, context, global, top, expected, normalize) in cases {
            let settings = Settings {
                subject: level(own),
                context: level(context),
                global: level(global),
                top: level(top),
            };
            let scope = Scope::of(&settings, key, &Options::default());
            assert_eq!((scope.level, scope.normalize), (expected, normalize), "{what}");
        }
    }

    #[test]
    fn only_the_top_and_global_levels_always_have_a_config_and_a_mode() {
        let settings = Settings::default();
        for (key, always) in
            [("", true), (":.__GLOBAL:", true), ("s", false), (":.c:", false), (":.c:s", false)]
        {
            let key = Subject::parse(key);
            assert_eq!(exact_config(&settings, &key, &Options::default()).is_some(), always, "{key}");
            assert_eq!(exact_mode(&settings, &key).is_some(), always, "{key}");
        }
    }
}
