//! `muster schema diff`: what changed between two schema files. Needs no registry.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use muster_schema::changes::Change;
use muster_schema::compatibility::{CompatibilityPolicy, Explained, Terms};
use muster_schema::{Limits, ParsedSchema, ResolvedReferences, SchemaType, Strictness};
use serde_json::{Value, json};

use crate::config::File;
use crate::explain;
use crate::output::Output;
use crate::source::{language, read};

#[derive(Debug, clap::Args)]
pub struct Diff {
    /// File with the schema that data were written with; - reads standard input.
    writer: PathBuf,

    /// File with the schema that is to read them; - reads standard input.
    reader: PathBuf,

    /// Schema language: avro, protobuf or json. [default: what the file's name tells: .proto, .schema.json or
    /// .jsonschema; json for another with a `$schema` in it, else avro]
    #[arg(long = "type", value_name = "LANGUAGE")]
    language: Option<String>,

    /// File with a schema that both refer to, under the name by which they do, if that is not the file's (an import
    /// path, a `$ref`); may be repeated, each after those it refers to itself.
    #[arg(long = "reference", value_name = "[NAME=]FILE")]
    references: Vec<String>,

    /// For each incompatibility, show a datum that the writer writes and the reader cannot read.
    #[arg(long)]
    explain: bool,

    /// text or json. [default: text]
    #[arg(long, env = "MUSTER_OUTPUT", value_name = "text|json")]
    output: Option<String>,
}

/// How messages call the two schemas.
const LABELS: (&str, &str) = ("reader", "writer");

/// Prints every change with its verdict. Exit status 0 if the reader can read what the writer wrote, 1 if not.
pub fn run(args: &Diff, file: &File) -> anyhow::Result<ExitCode> {
    let output: Output = file.resolve(args.output.clone(), "schema", "output", "text").parse()?;
    let limits = Limits::default();
    let texts = args.references.iter().map(|reference| {
        let (name, path) = reference.split_once('=').unwrap_or((reference, reference));
        Ok((name.to_owned(), read(Path::new(path))?))
    });
    let references =
        ResolvedReferences { texts: texts.collect::<anyhow::Result<_>>()?, ..ResolvedReferences::default() };
    let (writer, reader) = (read(&args.writer)?, read(&args.reader)?);
    let language: SchemaType = language(args.language.as_deref(), &args.reader, &reader)?;
    let parse = |path: &Path, text: &str| {
        ParsedSchema::parse(language, text, &references, Strictness::Stored, &limits)
            .with_context(|| format!("{} is no schema", path.display()))
    };
    let (writer, reader) = (parse(&args.writer, &writer)?, parse(&args.reader, &reader)?);
    // Both are of one language.
    let listed = reader.changes(&writer, &limits).unwrap_or_default();
    let terms = Terms { labels: LABELS, policy: CompatibilityPolicy::Strict, limits: &limits };
    let explained = if args.explain { reader.explain(&writer, terms) } else { Vec::new() };
    let is_compatible = !listed.iter().any(|change| change.verdict.breaks_backward);
    let answer = answer(is_compatible, &listed, args.explain.then_some(explained.as_slice()));
    output.print(&text(is_compatible, &listed, &explained), &answer)?;
    Ok(if is_compatible { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(is_compatible: bool, changes: &[Change], explained: &[Explained]) -> String {
    let mut text = String::from(if is_compatible {
        "compatible: the reader reads what the writer wrote"
    } else {
        "incompatible: the reader cannot read all that the writer wrote"
    });
    for change in changes {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {change}");
    }
    for Explained { message, witness } in explained {
        let _ = write!(text, "\n  {message}");
        match witness {
            Ok(witness) => explain::describe(&mut text, Ok((&witness.datum, &witness.path, &witness.reason))),
            Err(reason) => explain::describe(&mut text, Err(reason)),
        }
    }
    text
}

fn answer(is_compatible: bool, changes: &[Change], explained: Option<&[Explained]>) -> Value {
    let listed: Vec<Value> = changes
        .iter()
        .map(|change| {
            json!({
                "path": change.path,
                "kind": change.kind,
                "from": change.from,
                "to": change.to,
                "breaks_backward": change.verdict.breaks_backward,
                "breaks_forward": change.verdict.breaks_forward,
            })
        })
        .collect();
    let is_forward_compatible = !changes.iter().any(|change| change.verdict.breaks_forward);
    let mut answer = json!({
        "compatible": is_compatible,
        "forward_compatible": is_forward_compatible,
        "changes": listed,
    });
    if let Some(explained) = explained {
        answer["witnesses"] = explained.iter().map(witness).collect();
    }
    answer
}

fn witness(Explained { message, witness }: &Explained) -> Value {
    let mut value = json!({ "message": message });
    let more = match witness {
        Ok(witness) => json!({
            "datum": witness.datum,
            "bytes": witness.bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
            "path": witness.path,
            "reason": witness.reason,
        }),
        Err(reason) => json!({"no_witness": reason}),
    };
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
}
