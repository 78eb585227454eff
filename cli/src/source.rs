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

/// The language asked for, else the one that the name of the file tells.
pub fn language(asked_for: Option<&str>, path: &Path) -> anyhow::Result<SchemaType> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    Ok(match asked_for {
        Some(language) => language.to_ascii_uppercase().parse()?,
        None if name.ends_with(".proto") => SchemaType::Protobuf,
        None if name.ends_with(".schema.json") || name.ends_with(".jsonschema") => SchemaType::Json,
        None => SchemaType::Avro,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_tells_the_language_unless_it_is_given() {
        let cases = [
            (None, "a/b.proto", SchemaType::Protobuf),
            (None, "order.schema.json", SchemaType::Json),
            (None, "order.jsonschema", SchemaType::Json),
            (None, "order.avsc", SchemaType::Avro),
            (None, "order.json", SchemaType::Avro),
            (None, "-", SchemaType::Avro),
            (Some("json"), "a.proto", SchemaType::Json),
        ];
        for (asked_for, path, expected) in cases {
            assert_eq!(language(asked_for, Path::new(path)).unwrap(), expected, "{asked_for:?} {path}");
        }
        assert!(language(Some("xml"), Path::new("a.proto")).is_err());
    }
}
