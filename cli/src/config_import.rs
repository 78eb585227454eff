//! `muster config import`: the settings of another registry, as a configuration file of ours.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use muster_registry::settings::{self, Settings};

use crate::output;

/// Configuration files.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Translate a schema-registry.properties of Confluent's registry into a configuration file.
    Import(Import),
}

/// Prints the file on standard output, and what could not be translated on standard error.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  muster config import /etc/schema-registry/schema-registry.properties > muster.toml
  muster serve --config muster.toml

Settings that have no meaning here are comments in the file; those that ask for something this release does not have are
named on standard error, too. The exit status is 1 if there is one of the latter.")]
pub struct Import {
    /// The properties file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Import(args) = command;
    let bytes = std::fs::read(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    // Java reads these files as Latin-1 unless they are UTF-8.
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| error.as_bytes().iter().map(|b| char::from(*b)).collect());
    let (toml, missing) = translate(&text, &args.file);
    output::line(toml.trim_end())?;
    for line in &missing {
        eprintln!("muster: {line}");
    }
    Ok(if missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The configuration file, and what matters and is not in it.
fn translate(text: &str, from: &Path) -> (String, Vec<String>) {
    let pairs = settings::pairs(text);
    let translated = Settings::from_pairs(pairs.clone());
    let mut toml = format!("# Translated from {}.\n\n[serve]\n", from.display());
    if let Some(listen) = &translated.listen {
        toml.push_str(&format!("listen = {}\n", quote(listen)));
    }
    toml.push_str("\n# Under the names that they have in schema-registry.properties.\n[serve.properties]\n");
    let mut written = std::collections::BTreeMap::new();
    for (name, value) in pairs {
        let is_noted = translated.notes.iter().any(|note| note.name == name);
        if name != "listeners" && !is_noted {
            written.insert(name, value);
        }
    }
    for (name, value) in &written {
        toml.push_str(&format!("{} = {}\n", quote(name), quote(value.trim())));
    }
    if !translated.notes.is_empty() {
        toml.push_str("\n# Not translated:\n");
    }
    for note in &translated.notes {
        toml.push_str(&format!("#   {}\n", one_line(&note.to_string())));
    }
    let matters = translated.notes.iter().filter(|note| note.reason.matters());
    (toml, matters.map(|note| one_line(&note.to_string())).collect())
}

/// A basic string of TOML.
fn quote(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_translation_reads_back_as_the_same_settings() {
        let text = "listeners=http://0.0.0.0:8085\nschema.compatibility.level=full\nmode.mutability = false\n\
                    response.http.headers.config=\"add X: \\\\a\\tb\"\nkafkastore.topic=_schemas\n\
                    authentication.method=BASIC\ncolour=\\u0001blue\n";
        let (toml, missing) = translate(text, Path::new("a.properties"));
        let table: toml::Table = toml.parse().unwrap();
        let serve = table["serve"].as_table().unwrap();
        assert_eq!(serve["listen"].as_str(), Some("0.0.0.0:8085"));
        let properties = serve["properties"].as_table().unwrap();
        let pairs = properties.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned())).collect();
        let (again, first) = (Settings::from_pairs(pairs), Settings::from_properties(text));
        assert_eq!(format!("{:?}", again.options), format!("{:?}", first.options));
        assert_eq!(again.notes, []);
        assert!(toml.contains("#   kafkastore.topic: not needed, "), "{toml}");
        assert_eq!(missing.len(), 2, "{missing:?}");
        assert!(missing[0].starts_with("authentication.method: not supported, "), "{missing:?}");
        assert_eq!(missing[1], "colour: unknown");
    }
}
