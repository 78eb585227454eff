//! Prints the API description: `cargo run -p muster-registry --example openapi > openapi/registry.json`.

fn main() -> Result<(), serde_json::Error> {
    println!("{}", serde_json::to_string_pretty(&muster_registry::http::openapi())?);
    Ok(())
}
