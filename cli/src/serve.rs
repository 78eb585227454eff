//! `muster serve`: the registry.

use std::process::ExitCode;

use anyhow::Context as _;
use muster_registry::settings::{self, Settings};
use muster_registry::{Options, Registry, RuleSets, store};
use tokio::net::TcpListener;

use crate::config::File;
use crate::{output, process};

const LISTEN: &str = "127.0.0.1:8081";
/// The store where none is named.
pub const STORE: &str = "sqlite:muster.db";

/// Runs until SIGTERM or SIGINT; then it finishes the requests under way and exits with status 0.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  muster serve
  muster serve --listen 0.0.0.0:8081 --store sqlite:/var/lib/muster/muster.db
  muster serve --listen 127.0.0.1:0 --store sqlite::memory:     # any free port, nothing kept: for tests

Health: GET /health/live, GET /health/ready. Metrics for Prometheus: GET /metrics. This API: GET /openapi.json.

Variables SCHEMA_REGISTRY_... of Confluent's container image are understood where they have a counterpart.")]
pub struct Args {
    /// Address to listen on; port 0 takes a free one. [default: 127.0.0.1:8081]
    #[arg(long, env = "MUSTER_LISTEN", value_name = "HOST:PORT")]
    listen: Option<String>,

    /// Where schemas are kept: sqlite:PATH, or sqlite::memory: to keep nothing. [default: sqlite:muster.db]
    #[arg(long, env = "MUSTER_STORE", value_name = "URL")]
    store: Option<String>,

    /// What happens to rule sets in requests: store, or drop as the community edition of Confluent's registry does.
    /// [default: store]
    #[arg(long, env = "MUSTER_RULESETS", value_name = "store|drop")]
    rulesets: Option<String>,
}

pub fn run(args: Args, file: &File) -> anyhow::Result<ExitCode> {
    // Settings of another registry, below our own: variables of its container win over the file.
    let variables = settings::environment(
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    );
    let mut properties = file.properties();
    properties.retain(|(name, _)| !variables.iter().any(|(given, _)| given == name));
    properties.extend(variables);
    let migrated = Settings::from_pairs(properties);
    for note in &migrated.notes {
        if note.reason.matters() {
            tracing::warn!("setting of another registry, {note}");
        } else {
            tracing::info!("setting of another registry, {note}");
        }
    }
    let listen = migrated.listen.as_deref().unwrap_or(LISTEN);
    let listen = file.resolve(args.listen, "serve", "listen", listen);
    let store_url = file.resolve(args.store, "serve", "store", STORE);
    let rule_sets = match file.resolve(args.rulesets, "serve", "rulesets", "store").as_str() {
        "drop" => RuleSets::Drop,
        "store" => RuleSets::Store,
        other => anyhow::bail!("rulesets is store or drop, not {other:?}"),
    };
    process::server_runtime()?.block_on(async {
        let stop = process::stop_signal()?;
        let listener =
            TcpListener::bind(&listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr().context("cannot tell the address listened on")?;
        let store =
            store::open(&store_url).await.with_context(|| format!("cannot open store {store_url}"))?;
        let registry = Registry::new(store.clone(), Options { rule_sets, ..migrated.options });
        let version = env!("CARGO_PKG_VERSION");
        output::line(&format!(
            "muster registry ready: http://{address}, store {store_url}, version {version}"
        ))?;
        muster_registry::serve(listener, registry, stop).await.context("the registry stopped")?;
        store.close().await;
        Ok(ExitCode::SUCCESS)
    })
}
