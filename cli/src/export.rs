//! `muster export`: the whole registry as one portable file.

use std::fs::{self, File as Output};
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use muster_registry::portable::{self, Replay};
use muster_registry::store::archive;
use muster_registry::store::snapshot::{Counts, Snapshot};

use crate::config::File;
use crate::progress::Bar;
use crate::{process, serve};

/// Writes everything the registry remembers, whether one is running on the store or not.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  muster export registry.jsonl
  muster export --store sqlite:/var/lib/muster/muster.db - | gzip > registry.jsonl.gz
  muster export --for-kafka - | kafka-console-producer --bootstrap-server broker.example:9092 \\
      --topic _schemas --property parse.key=true      # into an empty topic, before its registry starts

One record per line, key and value as Confluent's registry keeps them in its topic `_schemas`: ids, versions,
soft-deleted versions, configs, modes, contexts, metadata, rules and associations. The order depends on nothing but
the content, so two exports can be compared. The file is read back and compared before the command succeeds.")]
pub struct Args {
    /// The file to write; - is standard output. An existing file is not overwritten.
    #[arg(value_name = "FILE")]
    to: PathBuf,

    /// Write a key, a tab and a value per line, as kafka-console-producer takes them with parse.key=true. What the topic
    /// cannot say is left out: highest ids no longer in use, and which of several ids that an import gave stands for a
    /// content.
    #[arg(long)]
    for_kafka: bool,

    /// The store: sqlite:PATH. [default: sqlite:muster.db]
    #[arg(long, env = "MUSTER_STORE", value_name = "URL")]
    store: Option<String>,
}

pub fn run(args: Args, file: &File) -> anyhow::Result<ExitCode> {
    let store = file.resolve(args.store, "serve", "store", serve::STORE);
    let exists = || format!("{} exists already and is not overwritten", args.to.display());
    let to_stdout = args.to == Path::new("-");
    if !to_stdout && args.to.symlink_metadata().is_ok() {
        bail!(exists());
    }
    let snapshot = {
        let mut bar = Bar::new("reading");
        let mut show = |done, total| bar.show(done, total);
        process::command_runtime()?.block_on(archive::snapshot(&store, &mut show))?
    };
    let mut bar = Bar::new("writing");
    let mut show = |done, total| bar.show(done, total);
    if to_stdout {
        let mut out = BufWriter::new(io::stdout().lock());
        write(&snapshot, args.for_kafka, &mut out, &mut show).context("cannot write to standard output")?;
    } else {
        let partial = Partial::beside(&args.to);
        let mut write_file = || -> io::Result<()> {
            let mut out = BufWriter::new(Output::create_new(&partial.0)?);
            write(&snapshot, args.for_kafka, &mut out, &mut show)?;
            out.flush()?;
            out.get_ref().sync_all()
        };
        write_file().with_context(|| format!("cannot write {}", args.to.display()))?;
        check(&partial.0, &snapshot, args.for_kafka)
            .with_context(|| format!("what was written to {}", args.to.display()))?;
        // Fails if somebody made the file meanwhile; where there are no hard links, a rename must do.
        match fs::hard_link(&partial.0, &args.to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => bail!(exists()),
            Err(_) => fs::rename(&partial.0, &args.to)
                .with_context(|| format!("cannot write {}", args.to.display()))?,
        }
    }
    drop(bar);
    // Standard output may be the file.
    eprintln!("exported {}", words(snapshot.counts()));
    Ok(ExitCode::SUCCESS)
}

fn write(
    snapshot: &Snapshot,
    for_kafka: bool,
    out: &mut dyn io::Write,
    show: &mut dyn FnMut(u64, u64),
) -> io::Result<u64> {
    if for_kafka { portable::write_log(snapshot, out, show) } else { portable::write(snapshot, out, show) }
}

/// What is in a snapshot, for people.
pub fn words(counts: Counts) -> String {
    let Counts { subjects, versions, deleted, ids, contexts, configs, modes, associations } = counts;
    format!(
        "{subjects} subjects, {versions} versions ({deleted} soft-deleted) under {ids} ids, {contexts} contexts, \
         {configs} configs, {modes} modes, {associations} associations"
    )
}

/// Reads a file back and compares it with what was to be written: as a whole, or in numbers where the file is a log and
/// says less.
fn check(path: &Path, expected: &Snapshot, log: bool) -> anyhow::Result<()> {
    let mut bar = Bar::new("checking");
    let size = fs::metadata(path)?.len();
    let mut replay = Replay::new(0);
    let mut input = BufReader::new(Output::open(path)?);
    portable::read(&mut input, &mut replay, &mut |bytes| bar.show(bytes, size))?;
    let (found, _) = replay.finish();
    if log {
        let (found, expected) = (words(found.counts()), words(expected.counts()));
        anyhow::ensure!(found == expected, "has {found} in place of {expected}");
        return Ok(());
    }
    match expected.difference(&found) {
        Some(difference) => bail!("is not what was read from the store: {difference}"),
        None => Ok(()),
    }
}

/// A file under another name until it is complete.
struct Partial(PathBuf);

impl Partial {
    fn beside(file: &Path) -> Self {
        let mut name = file.as_os_str().to_owned();
        name.push(format!("-partial-{}", std::process::id()));
        Self(name.into())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Renamed already, where there are no hard links.
        let _ = fs::remove_file(&self.0);
    }
}
