//! Schema files on the command line.

use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use muster_schema::SchemaType;

/// The text of a file; `-` is standard input.
pub fn read(path: &Path) -> anyhow::Result<String> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The language asked for, else the one that the name of the file tells, or a `$schema` in its text.
pub fn language(asked_for: Option<&str>, path: &Path, text: &str) -> anyhow::Result<SchemaType> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let has_dialect =
        || serde_json::from_str::<serde_json::Value>(text).is_ok_and(|value| value.get("$schema").is_some());
    Ok(match asked_for {
        Some(language) => language.to_ascii_uppercase().parse()?,
        None if name.ends_with(".proto") => SchemaType::Protobuf,
        None if name.ends_with(".schema.json") || name.ends_with(".jsonschema") => SchemaType::Json,
        None if !name.ends_with(".avsc") && has_dialect() => SchemaType::Json,
        None => SchemaType::Avro,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_or_its_text_tells_the_language_unless_it_is_given() {
        const DIALECT: &str = r#"{"$schema": "http://json-schema.org/draft-07/schema#"}"#;
        let cases = [
            (None, "a/b.proto", "{}", SchemaType::Protobuf),
            (None, "order.schema.json", "{}", SchemaType::Json),
            (None, "order.jsonschema", "{}", SchemaType::Json),
            (None, "order.avsc", "{}", SchemaType::Avro),
            (None, "order.avsc", DIALECT, SchemaType::Avro),
            (None, "order.json", "{}", SchemaType::Avro),
            (None, "order.json", DIALECT, SchemaType::Json),
            (None, "-", "syntax = \"proto3\";", SchemaType::Avro),
            (None, "-", DIALECT, SchemaType::Json),
            (Some("json"), "a.proto", "{}", SchemaType::Json),
        ];
        for (asked_for, path, text, expected) in cases {
            assert_eq!(language(asked_for, Path::new(path), text).unwrap(), expected, "{asked_for:?} {path}");
        }
        assert!(language(Some("xml"), Path::new("a.proto"), "").is_err());
    }
}
