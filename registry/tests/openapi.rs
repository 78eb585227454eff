//! The committed API description is what the annotations say.

#[test]
fn the_committed_description_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/registry.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let generated = serde_json::to_string_pretty(&muster_registry::http::openapi()).unwrap();
    assert!(
        committed.trim_end() == generated,
        "openapi/registry.json is stale; refresh it with\n    \
         cargo run -p muster-registry --example openapi > openapi/registry.json"
    );
}
