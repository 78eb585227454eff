//! `muster backup` and `muster restore`: a store as one file of the database, and back.

use std::path::PathBuf;
use std::process::ExitCode;

use muster_registry::store::archive::{self, BackupSummary};

use crate::config::File;
use crate::{output, process, serve};

/// Copies the store into a new file, whether a registry is running on it or not.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  muster backup muster-monday.db
  muster backup --store sqlite:/var/lib/muster/muster.db /backup/muster-$(date +%F).db

The copy shows the registry at one moment, is checked, and appears under its name when it is complete and on disk.
An existing file is not overwritten.")]
pub struct Backup {
    /// The file to write.
    #[arg(value_name = "FILE")]
    to: PathBuf,

    /// The store: sqlite:PATH. [default: sqlite:muster.db]
    #[arg(long, env = "MUSTER_STORE", value_name = "URL")]
    store: Option<String>,
}

/// Puts a backup in place of the store. No registry may be running on it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  muster restore muster-monday.db
  muster restore --store sqlite:/var/lib/muster/muster.db --force /backup/muster-2026-11-21.db

The backup is checked first: that it is one, that this release can read it, and that it is not damaged.")]
pub struct Restore {
    /// The backup.
    #[arg(value_name = "FILE")]
    from: PathBuf,

    /// The store: sqlite:PATH. [default: sqlite:muster.db]
    #[arg(long, env = "MUSTER_STORE", value_name = "URL")]
    store: Option<String>,

    /// Replace a store that is not empty. What it holds is lost.
    #[arg(long)]
    force: bool,
}

pub fn backup(args: Backup, file: &File) -> anyhow::Result<ExitCode> {
    let store = file.resolve(args.store, "serve", "store", serve::STORE);
    let summary = process::command_runtime()?.block_on(archive::backup(&store, &args.to))?;
    output::line(&format!("{}: {}", args.to.display(), words(summary)))?;
    Ok(ExitCode::SUCCESS)
}

pub fn restore(args: Restore, file: &File) -> anyhow::Result<ExitCode> {
    let store = file.resolve(args.store, "serve", "store", serve::STORE);
    let summary = process::command_runtime()?.block_on(archive::restore(&store, &args.from, args.force))?;
    output::line(&format!("{store}: {}", words(summary)))?;
    Ok(ExitCode::SUCCESS)
}

fn words(summary: BackupSummary) -> String {
    let BackupSummary { revision, subjects, versions, size_bytes } = summary;
    format!("{subjects} subjects, {versions} versions, revision {revision}, {size_bytes} bytes, checked")
}
