//! Moving a registry in and out: files and REST. Topics: `kafka_import`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod support;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use support::http::Client;
use support::muster::{Registry, muster, run_muster};
use support::process::{Finished, run};
use support::schemas_log;

fn url(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

fn export(store: &Path) -> String {
    run_muster(&["export", "--store", &url(store), "-"]).ok()
}

fn import(store: &Path, arguments: &[&str]) -> Finished {
    run_muster(&[&["import", "--store", &url(store)], arguments].concat())
}

fn import_text(store: &Path, text: &str) -> Finished {
    run(muster(&["import", "--store", &url(store), "-"]), text.as_bytes(), std::time::Duration::from_secs(60))
}

/// Fills a registry with something of everything.
fn fill(http: &mut Client) {
    let record = |name: &str| {
        json!({"type": "record", "name": name, "fields": [{"name": "f", "type": "int"}]}).to_string()
    };
    http.register("a", &record("A"));
    http.register("b", &record("B"));
    let references = json!([{"name": "A", "subject": "a", "version": 1}]);
    let with_reference =
        json!({"type": "record", "name": "C", "fields": [{"name": "a", "type": "A"}]}).to_string();
    http.post("/subjects/c/versions", &json!({"schema": with_reference, "references": references})).ok();
    let metadata =
        json!({"properties": {"owner": "é\u{1F600}"}, "tags": {"f": ["PII"]}, "sensitive": ["owner"]});
    let rules = json!({"domainRules": [{"name": "r", "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "expr": "true"}]});
    let body = json!({"schema": record("D"), "metadata": metadata, "ruleSet": rules});
    http.post("/subjects/d/versions", &body).ok();
    http.register(":.team:a", &record("TA"));
    http.register(":.team:b%2Fc%20%25", &record("A"));
    http.register("e", &record("E"));
    http.put("/config/e", &json!({"compatibility": "NONE"})).ok();
    http.register("e", &record("E2"));
    http.delete("/subjects/e/versions/1").ok();
    http.delete("/subjects/b").ok();
    http.register("gone", &record("Gone"));
    http.delete("/subjects/gone").ok();
    http.delete("/subjects/gone?permanent=true").ok();
    http.put("/config", &json!({"compatibility": "FULL", "normalize": true})).ok();
    http.put("/config/alias-of-a", &json!({"alias": "a"})).ok();
    // A path that names these leads elsewhere, or nowhere; they have versions of their own all the same.
    for (subject, target) in [("turned", "a"), ("astray", "nobody")] {
        http.put(&format!("/config/{subject}"), &json!({"compatibility": "NONE"})).ok();
        http.register(subject, &record(&format!("{subject}1")));
        http.register(subject, &record(&format!("{subject}2")));
        http.delete(&format!("/subjects/{subject}/versions/1")).ok();
        http.put(&format!("/config/{subject}"), &json!({"alias": target})).ok();
    }
    http.put(
        "/config/:.team:",
        &json!({"compatibility": "NONE", "defaultMetadata": {"properties": {"x": "y"}}}),
    )
    .ok();
    http.put("/mode/c", &json!({"mode": "READONLY"})).ok();
    http.put("/mode/:.empty:", &json!({"mode": "IMPORT"})).ok();
    http.post("/subjects/:.empty:z/versions", &json!({"schema": record("Z"), "id": 700, "version": 3})).ok();
    http.post("/subjects/:.empty:z/versions", &json!({"schema": record("Z3"), "id": 703, "version": 5})).ok();
    // Replaced: the old id goes on leading to the version.
    http.post("/subjects/:.empty:z/versions", &json!({"schema": record("Z2"), "id": 701, "version": 3})).ok();
    // The topic was made again under its name.
    for id in ["id-0", "id-1"] {
        let association = json!({
            "resourceName": "orders", "resourceNamespace": "lkc", "resourceId": id, "resourceType": "topic",
            "associations": [{"subject": "d", "associationType": "value", "lifecycle": "WEAK"}],
        });
        http.post("/associations", &association).ok();
    }
    // The id written last stands for the content.
    http.post("/subjects/:.empty:z/versions", &json!({"schema": record("Z3"), "id": 702, "version": 4})).ok();
}

/// What a client can ask without changing anything.
fn picture(http: &mut Client) -> Vec<(String, Value)> {
    let mut paths: Vec<String> = [
        "/subjects",
        "/subjects?deleted=true",
        "/contexts",
        "/config",
        "/config/e",
        "/config/alias-of-a",
        "/config/turned",
        "/config/astray",
        "/config/:.team:",
        "/mode/c",
        "/mode/:.empty:",
        "/schemas?subjectPrefix=:*:&deleted=true",
        "/schemas/ids/1?fetchMaxId=true",
        "/schemas/ids/700?subject=:.empty:",
        "/schemas/ids/701?subject=:.empty:&fetchMaxId=true",
        "/associations/resources/-/-",
        "/subjects/alias-of-a/versions",
    ]
    .map(str::to_owned)
    .to_vec();
    for subject in ["a", "b", "c", "d", "e", "gone", ":.team:a", ":.team:b%2Fc%20%25", ":.empty:z"] {
        paths.push(format!("/subjects/{subject}/versions?deletedAsNegative=true&deleted=true"));
        paths.push(format!("/subjects/{subject}/versions/1/referencedby"));
    }
    for body in http.get("/schemas?subjectPrefix=:*:&deleted=true").ok().as_array().unwrap() {
        paths.push(format!("/schemas/guids/{}/ids", body["guid"].as_str().unwrap()));
    }
    paths.into_iter().map(|path| (path.clone(), http.get(&path).json())).collect()
}

#[test]
fn a_file_takes_everything_along() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let mut first = Registry::on_file("127.0.0.1:0", &file("first.db"));
    fill(&mut first.client());
    // While it runs.
    let text = export(&file("first.db"));
    let before = picture(&mut first.client());
    first.process.terminate();
    first.process.wait_exit();

    fs::write(file("a.jsonl"), &text).unwrap();
    let said = import(&file("second.db"), &[&file("a.jsonl").display().to_string()]).ok();
    assert!(said.contains("read back and compared") && said.contains(", 0 skipped"), "{said}");
    assert_eq!(export(&file("second.db")), text);
    let second = Registry::on_file("127.0.0.1:0", &file("second.db"));
    for ((path, expected), (_, found)) in before.iter().zip(picture(&mut second.client())) {
        assert_eq!(found, *expected, "{path}");
    }
    // Ids go on where they were, above that of the schema that is gone.
    let gone = first_id_after(&before);
    let next = second.client().register("next", r#"{"type":"enum","name":"Next","symbols":["A"]}"#);
    assert!(next > gone, "{next} after {gone}");
}

/// The highest id of the default context in the picture.
fn first_id_after(picture: &[(String, Value)]) -> i64 {
    let (_, answer) = picture.iter().find(|(path, _)| path.contains("fetchMaxId")).unwrap();
    answer["maxId"].as_i64().unwrap()
}

#[test]
fn a_file_is_deterministic_and_in_the_order_of_references() {
    let folder = tempfile::tempdir().unwrap();
    let mut texts = Vec::new();
    for name in ["x.db", "y.db"] {
        let file = folder.path().join(name);
        let registry = Registry::on_file("127.0.0.1:0", &file);
        fill(&mut registry.client());
        let text = export(&file);
        // Times and ids of associations differ from run to run.
        let stable: Vec<Value> = text
            .lines()
            .map(|line| {
                let mut line: Value = serde_json::from_str(line).unwrap();
                line.as_object_mut().unwrap().remove("timestamp");
                for member in ["guid", "createTs", "updateTs"] {
                    if line["key"]["keytype"] == "ASSOC" {
                        line["value"].as_object_mut().unwrap().remove(member);
                    }
                }
                if line["muster"]["checksum"].is_string() {
                    line["muster"]["checksum"] = json!("");
                }
                line
            })
            .collect();
        let place = |subject: &str| {
            stable
                .iter()
                .position(|line| line["key"]["keytype"] == "SCHEMA" && line["key"]["subject"] == subject)
        };
        assert!(place("a").unwrap() < place("c").unwrap());
        texts.push(stable);
    }
    assert_eq!(texts[0], texts[1]);
}

#[test]
fn only_an_empty_store_is_filled_and_all_of_it_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (full, other) = (folder.path().join("full.db"), folder.path().join("other.db"));
    let mut registry = Registry::on_file("127.0.0.1:0", &full);
    registry.client().register("a", r#""int""#);
    let text = export(&full);
    assert!(import_text(&full, &text).refused().contains("in use by another process"));
    registry.process.terminate();
    registry.process.wait_exit();
    assert!(import_text(&full, &text).refused().contains("is not empty"));
    assert_eq!(export(&full), text);

    for (bad, expected) in [
        (text.replace("\\\"int\\\"", "\\\"long\\\""), "the file is damaged"),
        (text.lines().next().unwrap().to_owned() + "\n", "the file is cut off"),
        ("nonsense\n".to_owned(), "line 1 is no record"),
        (String::new(), "the file holds no records"),
    ] {
        let said = import_text(&other, &bad).refused();
        assert!(said.contains(expected) && said.lines().count() == 1, "{said}");
        assert!(!other.exists(), "{expected}");
    }
    let said = import(&other, &["--dry-run", "/nonexistent/file"]).refused();
    assert!(said.contains("/nonexistent/file"), "{said}");
    import_text(&other, &text).ok();
}

#[test]
fn the_log_of_the_reference_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    // As kafka-console-consumer prints it, and as lines of our own.
    let printed: String =
        schemas_log::records().iter().map(|(key, value)| format!("{key}\t{value}\n")).collect();
    let lines: String = schemas_log::records()
        .iter()
        .map(|(key, value)| format!("{}\n", json!({"key": key, "value": value})))
        .collect();
    for (name, text) in [("printed.db", printed), ("lines.db", lines)] {
        let file = folder.path().join(name);
        let done = import_text(&file, &text);
        assert!(done.err.contains("claims id 3, which belongs to another schema"), "{}", done.err);
        assert!(done.err.contains("unknown key type \"FUTURE\""), "{}", done.err);
        assert!(done.out.contains(schemas_log::RECORDS), "{}", done.out);
        done.ok();
        schemas_log::check(&Registry::on_file("127.0.0.1:0", &file));
    }
}

#[test]
fn a_log_for_the_topic_leads_to_the_same_registry() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let first = Registry::on_file("127.0.0.1:0", &file("first.db"));
    fill(&mut first.client());
    let log = file("registry.log").display().to_string();
    run_muster(&["export", "--for-kafka", "--store", &url(&file("first.db")), &log]).ok();
    let piped = run_muster(&["export", "--for-kafka", "--store", &url(&file("first.db")), "-"]).ok();
    assert_eq!(fs::read_to_string(&log).unwrap(), piped);
    import(&file("second.db"), &[&log]).ok();
    let second = Registry::on_file("127.0.0.1:0", &file("second.db"));
    for ((path, expected), (_, found)) in
        picture(&mut first.client()).iter().zip(picture(&mut second.client()))
    {
        // The topic does not tell that an id was given out once, which of several ids stands for a content, nor times.
        if path.starts_with("/schemas/guids/") {
            continue;
        }
        let timeless = |body: &Value| {
            let mut body = body.clone();
            for item in body.as_array_mut().into_iter().flatten() {
                for member in ["ts", "createTs", "updateTs"] {
                    if let Some(members) = item.as_object_mut() {
                        members.remove(member);
                    }
                }
            }
            if let Some(members) = body.as_object_mut() {
                members.remove("ts");
                members.remove("maxId");
            }
            body
        };
        assert_eq!(timeless(&found), timeless(expected), "{path}");
    }
}

#[test]
fn a_running_registry_is_copied() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let first = Registry::on_file("127.0.0.1:0", &file("first.db"));
    fill(&mut first.client());
    let said = import(&file("second.db"), &["--from", &first.url()]).ok();
    assert!(said.contains(", 0 skipped"), "{said}");
    let second = Registry::on_file("127.0.0.1:0", &file("second.db"));
    for ((path, expected), (_, found)) in
        picture(&mut first.client()).iter().zip(picture(&mut second.client()))
    {
        // REST does not tell that an import has replaced a version.
        if !path.contains("ids/700") {
            assert_eq!(found, *expected, "{path}");
        }
    }
    let text = import(&file("third.db"), &["--from", "http://127.0.0.1:1"]).refused();
    assert!(text.contains("GET /contexts failed") && text.lines().count() == 1, "{text}");
}

#[test]
fn sources_exclude_each_other() {
    for arguments in
        [&["import"][..], &["import", "a", "--from", "http://x"], &["import", "a", "--topic", "t"]]
    {
        run_muster(arguments).refused();
    }
}

#[test]
fn settings_of_the_reference_are_translated() {
    let folder = tempfile::tempdir().unwrap();
    let (properties, toml) = (folder.path().join("a.properties"), folder.path().join("muster.toml"));
    fs::write(
        &properties,
        "listeners=https://0.0.0.0:8081\nschema.compatibility.level=full\nkafkastore.topic=_schemas\nssl.keystore.location=/a\n",
    )
    .unwrap();
    let done = run_muster(&["config", "import", &properties.display().to_string()]);
    assert_eq!(done.status, 1, "something is missing: {done:?}");
    assert!(done.err.contains("ssl.keystore.location: not supported"), "{}", done.err);
    assert!(done.out.contains("#   kafkastore.topic: not needed"), "{}", done.out);
    fs::write(&toml, done.out).unwrap();
    let config = toml.display().to_string();
    let registry =
        Registry::start(&["--config", &config, "--listen", "127.0.0.1:0", "--store", "sqlite::memory:"]);
    assert_eq!(registry.client().get("/config").ok()["compatibilityLevel"], "FULL");
}
