//! `muster gateway`: validation in front of a Kafka cluster.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use muster_serdes::ClientConfig;
use muster_serdes::client::RegistryClient;
use muster_validator::gateway::{Gateway, GatewayConfig};

use crate::config::File;
use crate::{output, process};

const LISTEN: &str = "127.0.0.1:9192";
const BOOTSTRAP: &str = "127.0.0.1:9092";
const REGISTRY: &str = "http://127.0.0.1:8081";

/// How long requests under way may take to finish after SIGTERM.
const DRAIN: Duration = Duration::from_secs(20);

/// Clients connect to the gateway as if it were the cluster. A topic is validated once it is switched on:
///
///   muster topics set orders confluent.value.schema.validation=true
///
/// Runs until SIGTERM or SIGINT; then it finishes the requests under way and exits with status 0.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  muster gateway
  muster gateway --listen 0.0.0.0:9192 --advertise kafka.example.com \\
                 --bootstrap broker-1:9092,broker-2:9092 --registry http://registry:8081"
)]
pub struct Args {
    /// Address to listen on; the brokers appear on ports from this one upwards. [default: 127.0.0.1:9192]
    #[arg(long, env = "MUSTER_LISTEN", value_name = "HOST:PORT")]
    listen: Option<String>,

    /// Brokers of the cluster, separated by commas. [default: 127.0.0.1:9092]
    #[arg(long, env = "MUSTER_BOOTSTRAP", value_name = "HOST:PORT")]
    bootstrap: Option<String>,

    /// Address of the registry; several, separated by commas, are tried in turn. [default: http://127.0.0.1:8081]
    #[arg(long, env = "MUSTER_REGISTRY", value_name = "URL")]
    registry: Option<String>,

    /// Host name that clients are told to connect to. [default: the host of --listen]
    #[arg(long, env = "MUSTER_ADVERTISE", value_name = "HOST")]
    advertise: Option<String>,
}

pub fn run(args: Args, file: &File) -> anyhow::Result<ExitCode> {
    let listen = file.resolve(args.listen, "gateway", "listen", LISTEN);
    let bootstrap = file.resolve(args.bootstrap, "gateway", "bootstrap", BOOTSTRAP);
    let registry = file.resolve(args.registry, "gateway", "registry", REGISTRY);
    let advertise = file.resolve_optional(args.advertise, "gateway", "advertise");
    process::server_runtime()?.block_on(async {
        let stop = process::stop_signal()?;
        let client = RegistryClient::new(ClientConfig::new(&registry))
            .with_context(|| format!("cannot use registry {registry:?}"))?;
        let config = GatewayConfig { advertise, ..GatewayConfig::new(&listen, &bootstrap, client) };
        let gateway = Gateway::start(config).await?;
        let version = env!("CARGO_PKG_VERSION");
        let address = gateway.local_addr();
        output::line(&format!(
            "muster gateway ready: {address}, brokers {bootstrap}, registry {registry}, version {version}"
        ))?;
        stop.await;
        gateway.shutdown(DRAIN).await.context("the gateway stopped")?;
        Ok(ExitCode::SUCCESS)
    })
}
