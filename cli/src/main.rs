//! The `muster` binary: reads configuration, wires the libraries together, prints for people or as JSON.
//! It decides nothing itself.
#![forbid(unsafe_code)]

mod backup;
mod config;
mod config_import;
mod explain;
mod export;
mod gateway;
mod import;
mod output;
mod process;
mod progress;
mod schema;
mod schema_diff;
mod serve;
mod source;
mod topics;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A schema registry with broker-side validation: data passes muster, or it does not reach the log.
#[derive(Debug, Parser)]
#[command(name = "muster", version, after_help = EXAMPLES)]
struct Cli {
    /// Read settings from this TOML file.
    ///
    /// A key at the top level serves every command, one in a command's table (`[serve]`, `[gateway]`, `[schema]`,
    /// `[topics]`) wins over it. Flags and environment win over the file.
    #[arg(long, global = true, env = "MUSTER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// What to log on standard error: a level, or targets with levels as in `warn,muster_registry=debug`.
    #[arg(long, global = true, env = "MUSTER_LOG", value_name = "FILTER", default_value = "warn")]
    log: String,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the schema registry.
    Serve(serve::Args),
    /// Run the gateway: a Kafka address that refuses records whose schema does not pass.
    Gateway(gateway::Args),
    /// Register, read, check, list and delete schemas.
    #[command(subcommand)]
    Schema(schema::Command),
    /// Switch validation on and off per topic.
    #[command(subcommand)]
    Topics(topics::Command),
    /// Copy the registry's store into a file, while it runs.
    Backup(backup::Backup),
    /// Put a backup in place of the registry's store.
    Restore(backup::Restore),
    /// Write the whole registry into one portable file.
    Export(export::Args),
    /// Take over a registry: from a file, over REST, or from its Kafka topic.
    Import(import::Args),
    /// Translate configuration files of other registries.
    #[command(subcommand)]
    Config(config_import::Command),
}

const EXAMPLES: &str = "\
Examples:
  muster serve                                          # registry on 127.0.0.1:8081, data in muster.db
  muster schema register orders-value order.avsc        # prints the id
  muster schema check orders-value order-v2.avsc        # exit status 1 if incompatible
  muster gateway --bootstrap 127.0.0.1:9092             # Kafka clients now connect to 127.0.0.1:9192
  muster topics set orders confluent.value.schema.validation=true

Each flag can also be set in the environment (MUSTER_...) or in a file (--config muster.toml).
Flags win over the environment, the environment over the file, the file over the defaults.";

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("muster: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    process::log_to_stderr(&cli.log)?;
    let file = config::File::read(cli.config.as_deref())?;
    match cli.command {
        Command::Serve(args) => serve::run(args, &file),
        Command::Gateway(args) => gateway::run(args, &file),
        Command::Schema(command) => schema::run(command, &file),
        Command::Topics(command) => topics::run(command, &file),
        Command::Backup(args) => backup::backup(args, &file),
        Command::Restore(args) => backup::restore(args, &file),
        Command::Export(args) => export::run(args, &file),
        Command::Import(args) => import::run(args, &file),
        Command::Config(command) => config_import::run(command),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
