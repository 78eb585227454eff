//! A registry in memory, for tools that drive one: `cargo run -p muster-registry --example serve -- 127.0.0.1:8081`.

use muster_registry::{Options, Registry, serve, store};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8081".to_owned());
    let registry = Registry::new(store::open("sqlite::memory:").await?, Options::default());
    serve(tokio::net::TcpListener::bind(address).await?, registry, std::future::pending()).await?;
    Ok(())
}
