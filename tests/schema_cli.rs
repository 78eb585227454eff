//! `muster schema`: what people and scripts see.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod support;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use support::muster::{Registry, muster};
use support::process::{Finished, run};

const V1: &str = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}"#;
const V2: &str = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"long"},{"name":"note","type":"string","default":""}]}"#;
const BREAKING: &str = r#"{"type":"record","name":"Order","fields":[{"name":"who","type":"string"}]}"#;

/// A registry, and a folder with schema files.
struct Setting {
    registry: Registry,
    folder: tempfile::TempDir,
}

impl Setting {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in
            [("v1.avsc", V1), ("v2.avsc", V2), ("breaking.avsc", BREAKING), ("broken.avsc", "{\"type\":")]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self { registry: Registry::in_memory(), folder }
    }

    /// Runs `muster schema …` in the folder, with the registry named in the environment.
    #[track_caller]
    fn schema(&self, line: &str) -> Finished {
        self.schema_with_input(line, "")
    }

    #[track_caller]
    fn schema_with_input(&self, line: &str, input: &str) -> Finished {
        let mut command = muster(&["schema"]);
        command.args(line.split_whitespace()).current_dir(self.folder.path());
        command.env("MUSTER_REGISTRY", self.registry.url());
        run(command, input.as_bytes(), Duration::from_secs(30))
    }
}

#[test]
fn the_life_of_a_schema_as_text() {
    let setting = Setting::new();
    // In this order: command, exit status, what it prints.
    let steps = [
        ("register orders-value v1.avsc", 0, "1"),
        ("register orders-value v1.avsc", 0, "1"),
        ("check orders-value v2.avsc", 0, "compatible"),
        ("register orders-value v2.avsc", 0, "2"),
        ("register copies-value v1.avsc", 0, "1"),
        ("get orders-value", 0, V2),
        ("get orders-value latest", 0, V2),
        ("get orders-value 1", 0, V1),
        ("get --id 2", 0, V2),
        ("list", 0, "copies-value\norders-value"),
        ("list --prefix orders", 0, "orders-value"),
        ("list orders-value", 0, "1\n2"),
        ("delete orders-value 1", 0, "deleted orders-value version 1"),
        ("list orders-value", 0, "2"),
        ("list orders-value --deleted", 0, "1\n2"),
        ("delete copies-value", 0, "deleted copies-value version 1"),
        ("list", 0, "orders-value"),
        ("list --deleted", 0, "copies-value\norders-value"),
        ("delete copies-value --permanent", 0, "deleted copies-value version 1"),
        ("list --deleted", 0, "orders-value"),
        ("list --prefix nothing", 0, ""),
    ];
    for (line, status, expected) in steps {
        let finished = setting.schema(line);
        assert_eq!(
            (finished.status, finished.out.trim_end(), finished.err.as_str()),
            (status, expected, ""),
            "{line}"
        );
    }
}

#[test]
fn the_same_as_json() {
    let setting = Setting::new();
    let json = |line: &str| setting.schema(&format!("{line} --output json")).json();
    let registered = json("register orders-value v1.avsc");
    assert_eq!((&registered["id"], &registered["version"]), (&json!(1), &json!(1)));
    let found = json("get orders-value");
    let expected = [
        ("subject", json!("orders-value")),
        ("version", json!(1)),
        ("id", json!(1)),
        ("schema", json!(V1)),
        ("schemaType", json!("AVRO")),
    ];
    for (name, value) in expected {
        assert_eq!(found[name], value, "{name} of {found}");
    }
    assert_eq!(found["guid"], registered["guid"]);
    assert_eq!(json("get --id 1")["schema"], V1);
    assert_eq!(json("list"), json!(["orders-value"]));
    assert_eq!(json("list orders-value"), json!([1]));
    assert_eq!(json("check orders-value v2.avsc"), json!({"compatible": true, "messages": []}));
    assert_eq!(json("delete orders-value"), json!({"subject": "orders-value", "versions": [1]}));
}

#[test]
fn check_tells_why_and_with_its_exit_status() {
    let setting = Setting::new();
    setting.schema("register orders-value v1.avsc").ok();
    let refused = setting.schema("check orders-value breaking.avsc");
    assert_eq!(refused.status, 1, "{refused:?}");
    assert!(refused.out.starts_with("incompatible\n") && refused.out.contains("who"), "{}", refused.out);
    let refused = setting.schema("check orders-value breaking.avsc --output json");
    assert_eq!(refused.status, 1);
    let verdict: Value = serde_json::from_str(&refused.out).unwrap();
    assert_eq!(verdict["compatible"], false);
    assert!(verdict["messages"].to_string().contains("READER_FIELD_MISSING_DEFAULT_VALUE"), "{verdict}");
    assert_eq!(setting.schema("list orders-value").ok(), "1\n", "a check registers nothing");
    assert_eq!(
        setting.schema("check new-value breaking.avsc").status,
        0,
        "nothing stands against the first schema"
    );
}

#[test]
fn what_fails_says_so_on_standard_error() {
    let mut setting = Setting::new();
    setting.schema("register orders-value v1.avsc").ok();
    let cases = [
        ("register orders-value breaking.avsc", "incompatible"),
        ("register orders-value broken.avsc", "Invalid schema"),
        ("register orders-value absent.avsc", "absent.avsc"),
        ("register orders-value v1.avsc --type cobol", "COBOL"),
        ("register orders-value v1.avsc --reference x", "NAME=SUBJECT:VERSION"),
        ("register orders-value v1.avsc --output yaml", "yaml"),
        ("get unknown-value", "unknown-value"),
        ("get orders-value 9", "9"),
        ("get orders-value zero", "zero"),
        ("get --id 99", "99"),
        ("list unknown-value", "unknown-value"),
        ("delete unknown-value", "unknown-value"),
        ("delete orders-value --permanent", "not deleted first"),
    ];
    for (line, part) in cases {
        let refused = setting.schema(line);
        assert!(refused.status > 0, "{line}: {refused:?}");
        assert_eq!(refused.out, "", "{line}");
        assert!(refused.err.contains(part), "{line} should say {part:?}: {}", refused.err);
    }
    setting.registry.process.kill();
    let refused = setting.schema("list");
    assert!(refused.status > 0, "{refused:?}");
    assert!(refused.err.contains(&setting.registry.address), "names the address: {}", refused.err);
    assert_eq!(refused.err.trim_end().lines().count(), 1, "one line: {}", refused.err);
}

#[test]
fn standard_input_references_and_contexts_work() {
    let setting = Setting::new();
    let customer = r#"{"type":"record","name":"shop.Customer","fields":[{"name":"id","type":"long"}]}"#;
    let order = r#"{"type":"record","name":"shop.Order","fields":[{"name":"by","type":"shop.Customer"}]}"#;
    setting.schema_with_input("register customers-value -", customer).ok();
    setting.schema_with_input("register orders-value -", order).refused();
    let line = "register orders-value - --reference shop.Customer=customers-value:1 --output json";
    let registered = setting.schema_with_input(line, order).json();
    assert_eq!(registered["id"], 2);
    let found = setting.schema("get orders-value --output json").json();
    assert_eq!(found["references"][0]["subject"], "customers-value", "{found}");
    setting.schema("register :.staging:orders-value v1.avsc").ok();
    assert_eq!(setting.schema("get :.staging:orders-value").ok().trim_end(), V1);
}

#[test]
fn the_registry_is_found_by_flag_environment_or_file() {
    let setting = Setting::new();
    setting.schema("register orders-value v1.avsc").ok();
    let other = Registry::in_memory();
    let file: PathBuf = setting.folder.path().join("muster.toml");
    std::fs::write(&file, format!("registry = '{}'\n[schema]\noutput = 'json'\n", other.url())).unwrap();
    let file = file.display().to_string();
    assert_eq!(
        setting.schema(&format!("list --config {file} --output text")).ok(),
        "orders-value\n",
        "environment over file"
    );
    assert_eq!(setting.schema(&format!("list --registry {}", other.url())).ok(), "", "flag over environment");
    let command = muster(&["--config", &file, "schema", "list"]);
    assert_eq!(run(command, b"", Duration::from_secs(30)).ok(), "[]\n", "file over defaults");
}

#[test]
fn check_explains_with_data() {
    let setting = Setting::new();
    setting.schema("register orders-value v1.avsc").ok();
    let plain = setting.schema("check orders-value breaking.avsc");
    let explained = setting.schema("check orders-value breaking.avsc --explain");
    assert_eq!(explained.status, 1, "{explained:?}");
    let expected = "\n    {\"id\":0}\n    the reader's field who has no default, and the writer wrote none\n";
    assert!(explained.out.contains(expected), "{}", explained.out);
    assert!(plain.out.lines().all(|line| explained.out.contains(line)), "{} {}", plain.out, explained.out);
    let refused = setting.schema("check orders-value breaking.avsc --explain --output json");
    let verdict: Value = serde_json::from_str(&refused.out).unwrap();
    let witness = &verdict["witnesses"][0];
    assert_eq!(witness["message"], verdict["messages"][0], "{verdict}");
    let expected = json!({"version": 1, "reader": "new", "datum": "{\"id\":0}", "bytes": "00", "path": ""});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&witness[name], value, "{name} of {verdict}");
    }
    let fine = setting.schema("check orders-value v2.avsc --explain --output json").json();
    assert_eq!(fine, json!({"compatible": true, "messages": [], "witnesses": []}));
}

#[test]
fn diff_lists_changes_without_a_registry() {
    let mut setting = Setting::new();
    setting.registry.process.kill();
    assert_eq!(
        setting.schema("diff v1.avsc v2.avsc").ok(),
        "compatible: the reader reads what the writer wrote\n  /note: field added: string = \"\" (compatible)\n"
    );
    let refused = setting.schema("diff v1.avsc breaking.avsc --explain");
    assert_eq!(refused.status, 1, "{refused:?}");
    assert_eq!(
        refused.out,
        "incompatible: the reader cannot read all that the writer wrote\n  \
         /who: field added: string (breaks backward)\n  \
         /id: field removed: long (breaks forward)\n  \
         {errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'who' at path '/fields/0' in the \
         reader schema has no default value and is missing in the writer schema', additionalInfo:'who'}\n    \
         {\"id\":0}\n    \
         the reader's field who has no default, and the writer wrote none\n"
    );
    let same = setting.schema_with_input("diff - v1.avsc --output json", V1).json();
    assert_eq!(same, json!({"compatible": true, "forward_compatible": true, "changes": []}));
    let answer = setting.schema("diff v2.avsc v1.avsc --output json --explain").json();
    let expected = json!({
        "compatible": true,
        "forward_compatible": true,
        "changes": [{"path": "/note", "kind": "FIELD_REMOVED", "from": "string = \"\"", "to": null,
            "breaks_backward": false, "breaks_forward": false}],
        "witnesses": [],
    });
    assert_eq!(answer, expected);
    let referring = r#"{"type":"record","name":"Both","fields":[{"name":"order","type":"Order"}]}"#;
    assert_eq!(
        setting.schema_with_input("diff - - --reference v1.avsc", referring).status,
        2,
        "one standard input"
    );
    std::fs::write(setting.folder.path().join("both.avsc"), referring).unwrap();
    setting.schema("diff both.avsc both.avsc --reference v1.avsc").ok();
    for (line, part) in [
        ("diff v1.avsc broken.avsc", "broken.avsc"),
        ("diff v1.avsc absent.avsc", "absent.avsc"),
        ("diff v1.avsc both.avsc", "both.avsc"),
        ("diff v1.avsc v2.avsc --type xml", "XML"),
        ("diff v1.avsc", "reader"),
    ] {
        let refused = setting.schema(line);
        assert_eq!(refused.status, 2, "{line}: {refused:?}");
        assert!(
            refused.err.to_lowercase().contains(&part.to_lowercase()),
            "{line} should say {part:?}: {}",
            refused.err
        );
    }
}

#[test]
fn the_other_languages_speak_the_same_commands() {
    let setting = Setting::new();
    // Language, extension, old text, new text, a change that breaks reading and the datum that shows it.
    let cases = [
        (
            "PROTOBUF",
            "proto",
            "syntax = \"proto3\";\nmessage Order { int64 id = 1; string who = 2; }\n",
            "syntax = \"proto3\";\nmessage Order { string id = 1; }\n",
            "#/Order/1: field scalar kind changed from int64 to string (breaks both ways)",
            "{\"id\":\"1\"}",
        ),
        (
            "JSON",
            "schema.json",
            r#"{"type":"object","properties":{"id":{"type":"integer"}}}"#,
            r#"{"type":"object","properties":{"id":{"type":"integer","maximum":10}}}"#,
            "#/properties/id/maximum: maximum added (breaks backward)",
            "{\"id\":11}",
        ),
    ];
    for (language, extension, old, new, change, datum) in cases {
        let (before, after) = (format!("old.{extension}"), format!("new.{extension}"));
        std::fs::write(setting.folder.path().join(&before), old).unwrap();
        std::fs::write(setting.folder.path().join(&after), new).unwrap();
        let subject = format!("{language}-value");
        setting.schema(&format!("register {subject} {before}")).ok();
        let stored = setting.schema(&format!("get {subject} --output json")).json();
        assert_eq!(stored["schemaType"], language, "{stored}");
        for line in [format!("check {subject} {after} --explain"), format!("diff {before} {after} --explain")]
        {
            let refused = setting.schema(&line);
            assert_eq!(refused.status, 1, "{line}: {refused:?}");
            assert!(refused.out.contains(datum), "{line}: {}", refused.out);
            assert_eq!(refused.out.contains(change), line.starts_with("diff"), "{line}: {}", refused.out);
        }
        assert_eq!(setting.schema(&format!("register {subject} {after}")).status, 2, "incompatible");
        setting.schema(&format!("diff {before} {before}")).ok();
    }
    // A reference goes by the name that the text uses.
    let referring =
        "syntax = \"proto3\";\nimport \"x/o.proto\";\nmessage All { repeated Order orders = 1; }\n";
    std::fs::write(setting.folder.path().join("all.proto"), referring).unwrap();
    setting.schema("diff all.proto all.proto --reference x/o.proto=old.proto").ok();
}
