//! `muster schema`: a registry from the command line.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use muster_schema::{SchemaId, SchemaReference, Version};
use muster_serdes::ClientConfig;
use muster_serdes::client::{NewSchema, RegisteredSchema, RegistryClient, VersionRef};
use serde_json::{Value, json};

use crate::config::File;
use crate::explain;
use crate::output::Output;
use crate::process;
use crate::schema_diff;
use crate::source;

const REGISTRY: &str = "http://127.0.0.1:8081";

/// What to do with schemas.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Register a schema under a subject and print its id.
    #[command(after_help = "\
Examples:
  muster schema register orders-value order.avsc
  muster schema register orders-value - < order.avsc --output json
  muster schema register orders-value order.avsc --reference com.example.Customer=customers-value:2")]
    Register(Register),
    /// Print a schema, by id or by subject and version.
    #[command(after_help = "\
Examples:
  muster schema get --id 42
  muster schema get orders-value              # the latest version
  muster schema get orders-value 3 --output json")]
    Get(Get),
    /// Tell whether a schema could be registered under a subject: exit status 0 if so, 1 if not.
    #[command(after_help = "\
Examples:
  muster schema check orders-value order.avsc                  # as a registration would be checked
  muster schema check orders-value order.avsc --version 3      # against one version only
  muster schema check orders-value order.avsc --explain        # with data that one side writes and the other cannot read

Without a version the schema is checked against the history, as far back as the compatibility level in scope says.")]
    Check(Check),
    /// List every change between two schema files: exit status 0 if the reader reads what the writer wrote, 1 if not.
    #[command(after_help = "\
Examples:
  muster schema diff order-v1.avsc order-v2.avsc               # can the new schema read old data?
  muster schema diff order-v2.avsc order-v1.avsc --explain     # can the old one read new data, and if not, which?
  muster schema diff old.proto new.proto --reference common/money.proto=money.proto
  git show main:order.avsc | muster schema diff - order.avsc --output json

Needs no registry.")]
    Diff(schema_diff::Diff),
    /// List subjects, or the versions of one subject.
    #[command(after_help = "\
Examples:
  muster schema list
  muster schema list --prefix orders- --deleted
  muster schema list orders-value")]
    List(List),
    /// Delete a subject or one version of it.
    #[command(after_help = "\
Examples:
  muster schema delete orders-value 3                # soft: the id still resolves
  muster schema delete orders-value --permanent      # after a soft delete: gone")]
    Delete(Delete),
}

/// Which registry, and how to print.
#[derive(Debug, clap::Args)]
struct Common {
    /// Address of the registry; several, separated by commas, are tried in turn. [default: http://127.0.0.1:8081]
    #[arg(long, env = "MUSTER_REGISTRY", value_name = "URL")]
    registry: Option<String>,

    /// text or json. [default: text]
    #[arg(long, env = "MUSTER_OUTPUT", value_name = "text|json")]
    output: Option<String>,
}

/// A schema in a file.
#[derive(Debug, clap::Args)]
struct Source {
    /// The subject, e.g. orders-value.
    subject: String,

    /// File with the schema; - reads standard input.
    file: PathBuf,

    /// Schema language: avro, protobuf or json. [default: what the file's name tells: .proto, .schema.json or
    /// .jsonschema; json for another with a `$schema` in it, else avro]
    #[arg(long = "type", value_name = "LANGUAGE")]
    language: Option<String>,

    /// A schema that this one refers to; may be repeated.
    #[arg(long = "reference", value_name = "NAME=SUBJECT:VERSION")]
    references: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub struct Register {
    #[command(flatten)]
    source: Source,
    /// Store the normalized form.
    #[arg(long)]
    normalize: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
pub struct Get {
    /// The subject.
    #[arg(required_unless_present = "id")]
    subject: Option<String>,
    /// A version number, or latest.
    #[arg(default_value = "latest")]
    version: VersionRef,
    /// The schema with this id.
    #[arg(long, conflicts_with_all = ["subject", "version"])]
    id: Option<i32>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
pub struct Check {
    #[command(flatten)]
    source: Source,
    /// Check against this version only: a number, or latest.
    #[arg(long, value_name = "VERSION")]
    version: Option<VersionRef>,
    /// For each incompatibility, show a datum that one side writes and the other cannot read.
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
pub struct List {
    /// List the versions of this subject instead of all subjects.
    subject: Option<String>,
    /// Only subjects whose name starts with this.
    #[arg(long, conflicts_with = "subject")]
    prefix: Option<String>,
    /// Soft-deleted ones too.
    #[arg(long)]
    deleted: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
pub struct Delete {
    /// The subject.
    subject: String,
    /// Only this version: a number, or latest.
    version: Option<VersionRef>,
    /// Forget what was soft-deleted before.
    #[arg(long)]
    permanent: bool,
    #[command(flatten)]
    common: Common,
}

pub fn run(command: Command, file: &File) -> anyhow::Result<ExitCode> {
    let common = match &command {
        Command::Diff(args) => return schema_diff::run(args, file),
        Command::Register(args) => &args.common,
        Command::Get(args) => &args.common,
        Command::Check(args) => &args.common,
        Command::List(args) => &args.common,
        Command::Delete(args) => &args.common,
    };
    let output: Output = file.resolve(common.output.clone(), "schema", "output", "text").parse()?;
    let url = file.resolve(common.registry.clone(), "schema", "registry", REGISTRY);
    let client = RegistryClient::new(ClientConfig { max_retries: 1, ..ClientConfig::new(&url) })
        .with_context(|| format!("cannot use registry {url:?}"))?;
    process::command_runtime()?.block_on(async {
        match command {
            Command::Register(args) => register(&client, args, output).await,
            Command::Get(args) => get(&client, args, output).await,
            Command::Check(args) => check(&client, args, output).await,
            Command::Diff(args) => schema_diff::run(&args, file),
            Command::List(args) => list(&client, args, output).await,
            Command::Delete(args) => delete(&client, args, output).await,
        }
    })
}

async fn register(client: &RegistryClient, args: Register, output: Output) -> anyhow::Result<ExitCode> {
    let schema = args.source.read()?;
    let registered = client.register(&args.source.subject, &schema, args.normalize).await?;
    let answer = json!({
        "subject": args.source.subject,
        "id": registered.id,
        "version": registered.version,
        "guid": registered.guid,
    });
    output.print(&registered.id.to_string(), &answer)?;
    Ok(ExitCode::SUCCESS)
}

async fn get(client: &RegistryClient, args: Get, output: Output) -> anyhow::Result<ExitCode> {
    let found = match (args.id, &args.subject) {
        (Some(id), _) => client.schema_by_id(SchemaId(id), None).await?,
        (None, subject) => {
            client.subject_version(subject.as_deref().unwrap_or_default(), args.version, false).await?
        }
    };
    output.print(&found.schema, &describe(&found))?;
    Ok(ExitCode::SUCCESS)
}

async fn check(client: &RegistryClient, args: Check, output: Output) -> anyhow::Result<ExitCode> {
    let schema = args.source.read()?;
    let (subject, version) = (&args.source.subject, args.version);
    let verdict = if args.explain {
        client.explain_compatibility(subject, version, &schema).await?
    } else {
        client.check_compatibility(subject, version, &schema, true).await?
    };
    let mut text = String::from(if verdict.is_compatible { "compatible" } else { "incompatible" });
    // Witnesses follow the order of the messages they explain.
    let mut witnesses = verdict.witnesses.iter().peekable();
    for message in &verdict.messages {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {message}");
        if let Some(witness) = witnesses.next_if(|witness| witness.message == *message) {
            explain::describe(&mut text, explain::of(witness));
        }
    }
    let mut answer = json!({"compatible": verdict.is_compatible, "messages": verdict.messages});
    if args.explain {
        answer["witnesses"] = json!(verdict.witnesses);
    }
    output.print(&text, &answer)?;
    Ok(if verdict.is_compatible { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn list(client: &RegistryClient, args: List, output: Output) -> anyhow::Result<ExitCode> {
    let (text, answer) = match &args.subject {
        Some(subject) => {
            let versions = client.versions(subject, args.deleted).await?;
            let lines: Vec<String> = versions.iter().map(Version::to_string).collect();
            (lines.join("\n"), json!(versions))
        }
        None => {
            let subjects = client.subjects(args.prefix.as_deref(), args.deleted).await?;
            (subjects.join("\n"), json!(subjects))
        }
    };
    output.print(&text, &answer)?;
    Ok(ExitCode::SUCCESS)
}

async fn delete(client: &RegistryClient, args: Delete, output: Output) -> anyhow::Result<ExitCode> {
    let versions = match args.version {
        Some(version) => vec![client.delete_version(&args.subject, version, args.permanent).await?],
        None => client.delete_subject(&args.subject, args.permanent).await?,
    };
    let lines: Vec<String> =
        versions.iter().map(|v| format!("deleted {} version {v}", args.subject)).collect();
    output.print(&lines.join("\n"), &json!({"subject": args.subject, "versions": versions}))?;
    Ok(ExitCode::SUCCESS)
}

impl Source {
    fn read(&self) -> anyhow::Result<NewSchema> {
        let references = self.references.iter().map(|text| reference(text)).collect::<anyhow::Result<_>>()?;
        let text = source::read(&self.file)?;
        let language = source::language(self.language.as_deref(), &self.file, &text)?;
        Ok(NewSchema { references, ..NewSchema::new(language, text) })
    }
}

/// Reads `NAME=SUBJECT:VERSION`; the subject may hold colons, the name may not hold `=`.
fn reference(text: &str) -> anyhow::Result<SchemaReference> {
    let parts = text.split_once('=').and_then(|(name, rest)| Some((name, rest.rsplit_once(':')?)));
    let (name, (subject, version)) =
        parts.with_context(|| format!("a reference is NAME=SUBJECT:VERSION, not {text:?}"))?;
    let version = match version {
        "latest" => -1,
        number => number.parse().with_context(|| format!("{number:?} is not a version"))?,
    };
    Ok(SchemaReference { name: name.to_owned(), subject: subject.to_owned(), version: Version(version) })
}

fn describe(found: &RegisteredSchema) -> Value {
    let members = [
        ("subject", json!(found.subject)),
        ("version", json!(found.version)),
        ("id", json!(found.id)),
        ("guid", json!(found.guid)),
        ("schemaType", json!(found.schema_type.as_str())),
        ("schema", json!(found.schema)),
        ("references", if found.references.is_empty() { Value::Null } else { json!(found.references) }),
        ("metadata", json!(found.metadata)),
        ("ruleSet", json!(found.rule_set)),
    ];
    members
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read() {
        let cases = [
            ("a.B=b-value:3", Some(("a.B", "b-value", 3))),
            ("a.B=:.ctx:b:3", Some(("a.B", ":.ctx:b", 3))),
            ("a.B=b:latest", Some(("a.B", "b", -1))),
            ("a.B", None),
            ("a.B=b", None),
            ("a.B=b:x", None),
        ];
        for (text, expected) in cases {
            let read = reference(text).ok().map(|r| (r.name, r.subject, r.version.0));
            let expected = expected.map(|(n, s, v)| (n.to_owned(), s.to_owned(), v));
            assert_eq!(read, expected, "{text}");
        }
    }
}
