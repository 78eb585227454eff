//! `muster topics`: the settings that switch validation on and off.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use muster_validator::gateway::admin;
use serde_json::json;

use crate::config::File;
use crate::output::Output;
use crate::process;

const BOOTSTRAP: &str = "127.0.0.1:9192";

/// What to do with topic settings.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Change settings of a topic. An empty value resets the setting to its default.
    #[command(after_help = "\
Examples:
  muster topics set orders confluent.value.schema.validation=true
  muster topics set orders confluent.value.subject.name.strategy=RecordNameStrategy
  muster topics set orders confluent.value.schema.validation=          # back to the default

Settings: confluent.key.schema.validation, confluent.value.schema.validation (true or false),
confluent.key.subject.name.strategy, confluent.value.subject.name.strategy (TopicNameStrategy,
RecordNameStrategy, TopicRecordNameStrategy, or the Java class names), muster.validation.level (id, payload),
muster.validation.framing (prefix, header, either).")]
    Set(Set),
    /// Print the settings of a topic.
    #[command(after_help = "\
Example:
  muster topics get orders --output json")]
    Get(Get),
    /// List the topics that have settings of their own.
    #[command(after_help = "\
Example:
  muster topics list")]
    List(List),
}

/// Which gateway, and how to print.
#[derive(Debug, clap::Args)]
struct Common {
    /// Address of the gateway (not of a broker: brokers do not know these settings). [default: 127.0.0.1:9192]
    #[arg(long, env = "MUSTER_BOOTSTRAP", value_name = "HOST:PORT")]
    bootstrap: Option<String>,

    /// text or json. [default: text]
    #[arg(long, env = "MUSTER_OUTPUT", value_name = "text|json")]
    output: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct Set {
    /// The topic.
    topic: String,
    /// Setting and value.
    #[arg(required = true, value_name = "NAME=VALUE")]
    settings: Vec<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
pub struct Get {
    /// The topic.
    topic: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    common: Common,
}

pub fn run(command: Command, file: &File) -> anyhow::Result<ExitCode> {
    let common = match &command {
        Command::Set(args) => &args.common,
        Command::Get(args) => &args.common,
        Command::List(args) => &args.common,
    };
    let output: Output = file.resolve(common.output.clone(), "topics", "output", "text").parse()?;
    let bootstrap = file.resolve(common.bootstrap.clone(), "topics", "bootstrap", BOOTSTRAP);
    process::command_runtime()?.block_on(async {
        match command {
            Command::Set(args) => set(&bootstrap, &args, output).await,
            Command::Get(args) => get(&bootstrap, &args.topic, output).await,
            Command::List(_) => list(&bootstrap, output).await,
        }
    })
}

async fn set(bootstrap: &str, args: &Set, output: Output) -> anyhow::Result<ExitCode> {
    let changes = args
        .settings
        .iter()
        .map(|text| {
            let (name, value) =
                text.split_once('=').with_context(|| format!("a setting is NAME=VALUE, not {text:?}"))?;
            Ok((name.to_owned(), (!value.is_empty()).then(|| value.to_owned())))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    admin::set(bootstrap, &args.topic, &changes).await?;
    get(bootstrap, &args.topic, output).await
}

async fn get(bootstrap: &str, topic: &str, output: Output) -> anyhow::Result<ExitCode> {
    let settings = admin::get(bootstrap, topic).await?;
    let mut text = String::new();
    for setting in &settings {
        let note = if setting.is_default { " (default)" } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}={}{note}", setting.name, setting.value);
    }
    let values: BTreeMap<_, _> = settings.iter().map(|s| (&s.name, &s.value)).collect();
    output.print(&text, &json!({"topic": topic, "settings": values}))?;
    Ok(ExitCode::SUCCESS)
}

async fn list(bootstrap: &str, output: Output) -> anyhow::Result<ExitCode> {
    let topics = admin::list(bootstrap).await?;
    let mut text = String::new();
    for (topic, settings) in &topics {
        let settings: Vec<String> = settings.iter().map(|s| format!("{}={}", s.name, s.value)).collect();
        let _ = writeln!(text, "{topic}  {}", settings.join(" "));
    }
    let answer: Vec<_> = topics
        .iter()
        .map(|(topic, settings)| {
            let values: BTreeMap<_, _> = settings.iter().map(|s| (&s.name, &s.value)).collect();
            json!({"topic": topic, "settings": values})
        })
        .collect();
    output.print(&text, &json!(answer))?;
    Ok(ExitCode::SUCCESS)
}
