//! Where a setting comes from: flag, environment, file, default, in that order.
//!
//! Flags and environment are clap's; this module adds the file. A key at the top level of the file serves every
//! command; one in a command's table (`[serve]`, `[gateway]`, `[schema]`, `[topics]`) wins over it.

use std::path::Path;

use anyhow::{Context as _, bail};

/// The keys a file may hold, at the top level or in a command's table. One table of names, so that a typing error is
/// an error and not a silent default.
const KEYS: [&str; 7] = ["advertise", "bootstrap", "listen", "output", "registry", "rulesets", "store"];
const COMMANDS: [&str; 4] = ["gateway", "schema", "serve", "topics"];

/// The table within `[serve]` for settings under the names that Confluent's registry has for them.
const PROPERTIES: &str = "properties";

/// A configuration file, or nothing.
#[derive(Debug, Default)]
pub struct File(toml::Table);

impl File {
    /// Reads the file at `path`; `None` is an empty one.
    pub fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("in {}", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let table: toml::Table =
            text.parse().map_err(|e: toml::de::Error| anyhow::anyhow!("{}", e.message()))?;
        for (key, value) in &table {
            match value {
                toml::Value::Table(inner) if COMMANDS.contains(&key.as_str()) => {
                    for (inner_key, value) in inner {
                        match value {
                            toml::Value::Table(properties) if key == "serve" && inner_key == PROPERTIES => {
                                properties.iter().try_for_each(|(key, value)| check_text(key, value))?;
                            }
                            _ => check(inner_key, value)?,
                        }
                    }
                }
                _ => check(key, value)?,
            }
        }
        Ok(Self(table))
    }

    /// The value for `key` of `command`, if the file has one.
    fn value(&self, command: &str, key: &str) -> Option<&str> {
        let own = self.0.get(command).and_then(|table| table.get(key));
        own.or_else(|| self.0.get(key)).and_then(toml::Value::as_str)
    }

    /// What `[serve.properties]` holds: settings under the names that Confluent's registry has for them.
    pub fn properties(&self) -> Vec<(String, String)> {
        let table =
            self.0.get("serve").and_then(|serve| serve.get(PROPERTIES)).and_then(toml::Value::as_table);
        let pairs = table.into_iter().flatten();
        pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    }

    /// What was given as flag or in the environment, else what the file says, else `default`.
    pub fn resolve(&self, given: Option<String>, command: &str, key: &str, default: &str) -> String {
        given.or_else(|| self.value(command, key).map(str::to_owned)).unwrap_or_else(|| default.to_owned())
    }

    /// As [`File::resolve`] for a setting without default.
    pub fn resolve_optional(&self, given: Option<String>, command: &str, key: &str) -> Option<String> {
        given.or_else(|| self.value(command, key).map(str::to_owned))
    }
}

fn check(key: &str, value: &toml::Value) -> anyhow::Result<()> {
    if !KEYS.contains(&key) {
        bail!("unknown key {key:?}; known are {}", KEYS.join(", "));
    }
    check_text(key, value)
}

fn check_text(key: &str, value: &toml::Value) -> anyhow::Result<()> {
    if !value.is_str() {
        bail!("the value of {key:?} must be a string");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_specific_source_wins() {
        let file = File::parse("registry = 'top'\nlisten = 'all'\n[serve]\nlisten = 'serve'\n").unwrap();
        let some = |s: &str| Some(s.to_owned());
        let cases = [
            (some("flag"), "serve", "listen", "flag"),
            (None, "serve", "listen", "serve"),
            (None, "gateway", "listen", "all"),
            (None, "gateway", "registry", "top"),
            (None, "serve", "store", "default"),
        ];
        for (given, command, key, expected) in cases {
            assert_eq!(file.resolve(given, command, key, "default"), expected, "{command}.{key}");
        }
    }

    #[test]
    fn settings_of_another_registry_have_a_table() {
        let file = File::parse("[serve.properties]\n\"mode.mutability\" = 'false'\n").unwrap();
        assert_eq!(file.properties(), [("mode.mutability".to_owned(), "false".to_owned())]);
        assert_eq!(File::default().properties(), []);
    }

    #[test]
    fn typing_errors_are_errors() {
        let cases = [
            ("listne = 'x'", "unknown key \"listne\""),
            ("[serve]\nregistri = 'x'", "unknown key \"registri\""),
            ("[server]\nlisten = 'x'", "unknown key \"server\""),
            ("listen = 8081", "must be a string"),
            ("[serve.properties]\n\"mode.mutability\" = true", "must be a string"),
            ("[gateway.properties]\na = 'x'", "unknown key \"properties\""),
            ("listen = ", ""),
        ];
        for (text, expected) in cases {
            let error = format!("{:#}", File::parse(text).unwrap_err());
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
