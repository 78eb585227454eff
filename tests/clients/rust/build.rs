//! Lists the public functions of the client from its source, so that the driver knows when one was not called.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=Cargo.lock");
    let mut names = Vec::new();
    for api in ["async_impl", "blocking"] {
        let folder = source().join(api);
        let files = fs::read_dir(&folder).expect("the client has this module");
        let mut files: Vec<PathBuf> = files.map(|file| file.expect("a readable folder").path()).collect();
        files.sort();
        for file in files {
            let module = file.file_stem().expect("a Rust file").to_string_lossy().into_owned();
            let text = fs::read_to_string(&file).expect("a readable file");
            public_functions(&text, |name| names.push(format!("{api}::{module}::{name}")));
        }
    }
    assert!(names.len() > 100, "only {} functions found in the client's source", names.len());
    let list = Path::new(&env::var_os("OUT_DIR").expect("cargo sets this")).join("functions.rs");
    fs::write(list, format!("pub const FUNCTIONS: [&str; {}] = {names:?};\n", names.len()))
        .expect("a writable folder");
}

/// The `src` folder of the client, as cargo unpacked it.
fn source() -> PathBuf {
    let cargo = env::var_os("CARGO").expect("cargo sets this");
    let output = Command::new(cargo).args(["metadata", "--format-version", "1", "--locked"]).output();
    let output = output.expect("cargo can be run").stdout;
    let metadata: serde_json::Value = serde_json::from_slice(&output).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    let client = packages.iter().find(|package| package["name"] == "schema_registry_converter");
    let manifest = client.and_then(|package| package["manifest_path"].as_str()).expect("it is a dependency");
    Path::new(manifest).with_file_name("src")
}

/// Calls `found` with `name` or `Type::name` of each public function before the tests of a file.
fn public_functions(text: &str, mut found: impl FnMut(String)) {
    let (mut holder, mut left_out) = (None, false);
    for line in text.lines().take_while(|line| *line != "#[cfg(test)]") {
        if let Some(implemented) = line.strip_prefix("impl ") {
            holder = implemented.strip_suffix(" {").map(str::to_owned);
        }
        if line == "}" {
            holder = None;
        }
        let trimmed = line.trim_start();
        // A feature that this crate does not ask for.
        if trimmed.starts_with("#[cfg(") {
            left_out = trimmed.contains("middleware") && !trimmed.contains("not(");
        } else if !trimmed.starts_with(['#', '/']) && !trimmed.starts_with("pub ") {
            left_out = false;
        }
        let after = trimmed.strip_prefix("pub fn ").or_else(|| trimmed.strip_prefix("pub async fn "));
        if let Some(name) = after.and_then(|rest| rest.split(['(', '<']).next()) {
            if !std::mem::take(&mut left_out) {
                found(holder.as_ref().map_or_else(|| name.to_owned(), |holder| format!("{holder}::{name}")));
            }
        }
    }
}
