//! `muster import`: a whole registry from a file, from another registry, or from its topic.

mod kafka;
mod rest;

use std::fs;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use muster_registry::portable::{self, Replay};
use muster_registry::store::{archive, clock};

use crate::config::File;
use crate::export::words;
use crate::progress::Bar;
use crate::{output, process, serve};

/// Fills an empty store, all or nothing. No registry may be running on it.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("source").required(true).args(["file", "from", "from_kafka"]),
    after_help = "\
Examples:
  muster import registry.jsonl
  gunzip < registry.jsonl.gz | muster import -
  muster import --from http://registry.example:8081
  muster import --from-kafka broker.example:9092 --topic _schemas
  muster import --dry-run --from-kafka broker.example:9092      # only look: what is there, what cannot be used

Ids, versions, soft-deleted versions, configs, modes and contexts stay as they are. The topic tells more than REST does:
it keeps configs of subjects without versions apart from the server's defaults, and soft-deleted versions of any age.
Stop writers of the old registry first. What was written is read back and compared before the command succeeds."
)]
pub struct Args {
    /// A file of `muster export`, or records of the topic as kafka-console-consumer prints them with print.key=true;
    /// - is standard input.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// Copy the running registry at this URL, which may hold a user and a password.
    #[arg(long, value_name = "URL")]
    from: Option<String>,

    /// Read the topic of a registry from these brokers, HOST:PORT with commas between; plaintext.
    #[arg(long, value_name = "BOOTSTRAP")]
    from_kafka: Option<String>,

    /// The topic.
    #[arg(long, value_name = "TOPIC", default_value = "_schemas", requires = "from_kafka")]
    topic: String,

    /// Read and check everything, but write nothing.
    #[arg(long)]
    dry_run: bool,

    /// The store: sqlite:PATH, created if it is missing. [default: sqlite:muster.db]
    #[arg(long, env = "MUSTER_STORE", value_name = "URL")]
    store: Option<String>,
}

pub fn run(args: Args, file: &File) -> anyhow::Result<ExitCode> {
    let store = file.resolve(args.store, "serve", "store", serve::STORE);
    let runtime = process::command_runtime()?;
    if !args.dry_run {
        // Before much is read.
        runtime.block_on(archive::check_empty(&store))?;
    }
    let mut replay = Replay::new(clock::system()());
    let mut bar = Bar::new("reading");
    match (&args.file, &args.from, &args.from_kafka) {
        (Some(path), _, _) => read(path, &mut replay, &mut bar)?,
        (_, Some(url), _) => runtime.block_on(rest::copy(url, &mut replay, &mut bar))?,
        (_, _, Some(bootstrap)) => {
            runtime.block_on(kafka::read(bootstrap, &args.topic, &mut replay, &mut bar))?;
        }
        _ => bail!("nothing to import from"),
    }
    drop(bar);
    let (snapshot, summary) = replay.finish();
    for trouble in &summary.troubles {
        eprintln!("muster: record {} skipped: {}", trouble.place, trouble.reason);
    }
    if summary.encrypted > 0 {
        eprintln!(
            "muster: {} versions have sensitive properties that were encrypted by the old registry; they stay so",
            summary.encrypted
        );
    }
    let found = format!(
        "{}; {} records read, {} skipped",
        words(snapshot.counts()),
        summary.records,
        summary.skipped
    );
    if args.dry_run {
        output::line(&format!("found {found}"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut bar = Bar::new("writing");
    runtime.block_on(archive::load(&store, &snapshot, &mut |done, total| bar.show(done, total)))?;
    drop(bar);
    let mut bar = Bar::new("checking");
    let written = runtime.block_on(archive::snapshot(&store, &mut |done, total| bar.show(done, total)))?;
    drop(bar);
    if let Some(difference) = snapshot.difference(&written) {
        bail!("{store} is not what was read: {difference}");
    }
    output::line(&format!("imported {found}; {store} read back and compared"))?;
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path, replay: &mut Replay, bar: &mut Bar) -> anyhow::Result<()> {
    let named = || path.display().to_string();
    if path == Path::new("-") {
        let mut input = io::stdin().lock();
        return portable::read(&mut input, replay, &mut |bytes| bar.show(bytes, 0)).context("standard input");
    }
    let input = fs::File::open(path).with_context(named)?;
    let size = input.metadata().map_or(0, |metadata| metadata.len());
    portable::read(&mut BufReader::new(input), replay, &mut |bytes| bar.show(bytes, size)).with_context(named)
}
