//! `muster serve` as a user meets it: what it prints, where its settings come from, what a restart keeps.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::http::Client;
use support::muster::{Registry, muster, run_muster};
use support::{free_ports, wait_for};

const V1: &str =
    r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"}]}"#;
const V2: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},{"name":"note","type":["null","string"],"default":null}]}"#;
const BREAKING: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},{"name":"who","type":"string"}]}"#;

#[test]
fn ready_line_names_address_store_and_version() {
    let registry = Registry::in_memory();
    for part in [registry.url(), "sqlite::memory:".to_owned(), env!("CARGO_PKG_VERSION").to_owned()] {
        assert!(registry.ready.contains(&part), "{part:?} is missing: {}", registry.ready);
    }
    assert!(!registry.address.ends_with(":0"), "the port that was taken: {}", registry.ready);
    assert_eq!(registry.process.log().lines().count(), 1, "one line: {}", registry.process.log());
}

#[test]
fn a_schema_is_registered_read_and_looked_up() {
    let registry = Registry::in_memory();
    let mut http = registry.client();
    assert_eq!(http.get("/subjects").ok(), json!([]));

    let first = http.post("/subjects/orders-value/versions", &json!({ "schema": V1 })).ok();
    assert_eq!(first["id"], 1);
    let again = http.post("/subjects/orders-value/versions", &json!({ "schema": V1 })).ok();
    assert_eq!(again["id"], 1, "the same schema keeps its id");
    assert_eq!(http.register("orders-value", V2), 2);
    assert_eq!(http.register("copies-value", V1), 1, "the same schema has the same id under another subject");

    assert_eq!(http.get("/schemas/ids/1").ok()["schema"], V1);
    assert_eq!(http.get("/schemas/ids/2/schema").body, V2, "the bare text");
    assert_eq!(http.get("/subjects").ok(), json!(["copies-value", "orders-value"]));
    assert_eq!(http.get("/subjects/orders-value/versions").ok(), json!([1, 2]));
    for (version, number, schema) in [("1", 1, V1), ("2", 2, V2), ("latest", 2, V2), ("-1", 2, V2)] {
        let found = http.get(&format!("/subjects/orders-value/versions/{version}")).ok();
        let expected = (json!("orders-value"), json!(number), json!(number), json!(schema));
        let got = (&found["subject"], &found["version"], &found["id"], &found["schema"]);
        assert_eq!(got, (&expected.0, &expected.1, &expected.2, &expected.3), "{version}");
    }
    let found = http.post("/subjects/orders-value", &json!({ "schema": V2 })).ok();
    assert_eq!((&found["version"], &found["id"]), (&json!(2), &json!(2)));
    let answer = http.get("/schemas/ids/2");
    assert_eq!(answer.header("content-type"), Some(support::http::MEDIA_TYPE));

    let mut users: Vec<Value> = http.get("/schemas/ids/1/versions").ok().as_array().unwrap().clone();
    users.sort_by_key(|user| user["subject"].to_string());
    let expected =
        [json!({"subject": "copies-value", "version": 1}), json!({"subject": "orders-value", "version": 1})];
    assert_eq!(users, expected);
}

#[test]
fn explain_adds_data_that_show_what_is_wrong_and_changes_nothing_else() {
    let registry = Registry::in_memory();
    let mut http = registry.client();
    http.register("orders-value", V1);
    http.put("/config", &json!({"compatibility": "FULL"})).ok();
    let renamed = V1.replace("\"id\"", "\"number\"");
    let body = json!({ "schema": renamed });
    for version in ["", "/1", "/latest"] {
        let check = format!("/compatibility/subjects/orders-value/versions{version}");
        let plain = http.post(&format!("{check}?verbose=true"), &body).ok();
        let mut explained = http.post(&format!("{check}?verbose=true&explain=true"), &body).ok();
        let witnesses = explained.as_object_mut().unwrap().remove("witnesses").unwrap();
        assert_eq!(explained, plain, "{version}");
        let witness = |reader: &str, datum: &str, field: &str, message: &Value| {
            json!({
                "message": message,
                "version": 1,
                "reader": reader,
                "datum": datum,
                "bytes": "00",
                "path": "",
                "reason": format!("the reader's field {field} has no default, and the writer wrote none"),
            })
        };
        let messages = &plain["messages"];
        let expected = json!([
            witness("old", r#"{"number":0}"#, "id", &messages[0]),
            witness("new", r#"{"id":0}"#, "number", &messages[1]),
        ]);
        assert_eq!(witnesses, expected, "{version}");
        let short = http.post(&format!("{check}?explain=true"), &body).ok();
        assert_eq!(short, json!({"is_compatible": false, "witnesses": expected}));
    }
    let fine = http
        .post("/compatibility/subjects/orders-value/versions?explain=true", &json!({ "schema": V2 }))
        .ok();
    assert_eq!(fine, json!({"is_compatible": true, "witnesses": []}));
}

#[test]
fn compatibility_is_tested_and_enforced() {
    let registry = Registry::in_memory();
    let mut http = registry.client();
    http.register("orders-value", V1);
    let check = "/compatibility/subjects/orders-value/versions/latest";
    assert_eq!(http.post(check, &json!({ "schema": V2 })).ok()["is_compatible"], true);
    let verdict = http.post(&format!("{check}?verbose=true"), &json!({ "schema": BREAKING })).ok();
    assert_eq!(verdict["is_compatible"], false);
    let messages = verdict["messages"].to_string();
    assert!(
        messages.contains("READER_FIELD_MISSING_DEFAULT_VALUE") && messages.contains("who"),
        "{messages}"
    );

    let refused = http.post("/subjects/orders-value/versions", &json!({ "schema": BREAKING }));
    assert!(refused.error(409, 40901).contains("orders-value"));
    assert_eq!(http.get("/subjects/orders-value/versions").ok(), json!([1]), "nothing was registered");

    // The level decides: what is refused under BACKWARD passes under NONE, and only for this subject.
    assert_eq!(http.get("/config").ok(), json!({"compatibilityLevel": "BACKWARD"}));
    let set = http.put("/config/orders-value", &json!({"compatibility": "NONE"})).ok();
    assert_eq!(set, json!({"compatibility": "NONE"}));
    assert_eq!(http.get("/config/orders-value").ok()["compatibilityLevel"], "NONE");
    http.register("orders-value", BREAKING);
    http.get("/config/other").error(404, 40408);
    assert_eq!(http.get("/config/other?defaultToGlobal=true").ok()["compatibilityLevel"], "BACKWARD");
    http.put("/config", &json!({"compatibility": "SIDEWAYS"})).error(422, 42203);
    http.put("/config", &json!({"compatibility": "full"})).ok();
    assert_eq!(http.get("/config").ok()["compatibilityLevel"], "FULL");
    assert_eq!(
        http.delete("/config/orders-value").ok()["compatibilityLevel"],
        "NONE",
        "what was set until now"
    );
    http.get("/config/orders-value").error(404, 40408);
}

#[test]
fn a_read_only_subject_takes_nothing_new() {
    let registry = Registry::in_memory();
    let mut http = registry.client();
    http.register("orders-value", V1);
    assert_eq!(http.get("/mode").ok(), json!({"mode": "READWRITE"}));
    assert_eq!(
        http.put("/mode/orders-value", &json!({"mode": "READONLY"})).ok(),
        json!({"mode": "READONLY"})
    );
    http.post("/subjects/orders-value/versions", &json!({ "schema": V2 })).error(422, 42205);
    assert_eq!(http.register("orders-value", V1), 1, "what is there already is still answered");
    http.register("other-value", V2);
    http.put("/mode", &json!({"mode": "MAYBE"})).error(422, 42204);
    http.delete("/mode/orders-value").ok();
    http.register("orders-value", V2);
}

#[test]
fn deletion_is_soft_first_and_permanent_after() {
    let registry = Registry::in_memory();
    let mut http = registry.client();
    http.register("orders-value", V1);
    http.register("orders-value", V2);
    http.delete("/subjects/orders-value/versions/1?permanent=true").error(404, 40407);
    assert_eq!(http.delete("/subjects/orders-value/versions/1").ok(), 1);
    http.delete("/subjects/orders-value/versions/1").error(404, 40406);
    assert_eq!(http.get("/subjects/orders-value/versions").ok(), json!([2]));
    assert_eq!(http.get("/subjects/orders-value/versions?deleted=true").ok(), json!([1, 2]));
    assert_eq!(http.get("/schemas/ids/1").ok()["schema"], V1, "the id still resolves");
    assert_eq!(http.delete("/subjects/orders-value").ok(), json!([2]));
    assert_eq!(http.get("/subjects").ok(), json!([]));
    http.delete("/subjects/orders-value").error(404, 40404);
    assert_eq!(http.delete("/subjects/orders-value?permanent=true").ok(), json!([1, 2]));
    http.get("/subjects/orders-value/versions?deleted=true").error(404, 40401);
    http.get("/schemas/ids/1").error(404, 40403);
}

#[test]
fn references_resolve_and_protect_their_target() {
    let registry = Registry::in_memory();
    let mut http = registry.client();
    let customer =
        r#"{"type":"record","name":"Customer","namespace":"shop","fields":[{"name":"id","type":"long"}]}"#;
    let order = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"by","type":"shop.Customer"}]}"#;
    http.register("customers-value", customer);
    http.post("/subjects/orders-value/versions", &json!({ "schema": order })).error(422, 42201);
    let reference = json!([{"name": "shop.Customer", "subject": "customers-value", "version": 1}]);
    let body = json!({"schema": order, "references": reference});
    let id = http.post("/subjects/orders-value/versions", &body).ok()["id"].clone();
    assert_eq!(http.get(&format!("/schemas/ids/{id}")).ok()["references"], reference);
    assert_eq!(http.get("/subjects/customers-value/versions/1/referencedby").ok(), json!([id]));
    http.delete("/subjects/customers-value").error(422, 42206);
}

#[test]
fn health_and_metrics_are_served() {
    let registry = Registry::in_memory();
    let mut http = registry.client();
    assert_eq!(http.get("/health/live").status, 200);
    assert_eq!(http.get("/health/ready").status, 200);
    http.register("orders-value", V1);
    let metrics = http.get("/metrics");
    assert_eq!(metrics.status, 200);
    assert!(
        metrics.body.lines().any(|line| line.starts_with("# TYPE ")),
        "Prometheus text: {}",
        metrics.body
    );
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let ports = free_ports(3);
    let at = |offset: u16| format!("127.0.0.1:{}", ports + offset);
    let file = folder.path().join("muster.toml");
    std::fs::write(&file, format!("listen = '{}'\n[serve]\nstore = 'sqlite:from-file.db'\n", at(0))).unwrap();
    let from = |command: &mut Command, flags: &[&str], environment: &[(&str, &str)]| {
        command.current_dir(folder.path()).args(flags).envs(environment.iter().copied());
    };
    let config = file.display().to_string();
    // (flags, environment) and what must be in the ready line.
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], String, &'a str);
    let (flag, env) = (at(2), at(1));
    let cases: [Case; 4] = [
        (&["--config", &config], &[], at(0), "sqlite:from-file.db"),
        (&["--config", &config], &[("MUSTER_LISTEN", &env)], at(1), "sqlite:from-file.db"),
        (
            &["--config", &config, "--listen", &flag],
            &[("MUSTER_LISTEN", &env), ("MUSTER_STORE", "sqlite::memory:")],
            at(2),
            "sqlite::memory:",
        ),
        (&["--listen", &flag], &[], at(2), "sqlite:muster.db"),
    ];
    for (flags, environment, address, store) in cases {
        let mut command = muster(&["serve"]);
        from(&mut command, flags, environment);
        let mut registry = Registry::from_command(command);
        assert_eq!(registry.address, address, "{flags:?} {environment:?}");
        assert!(registry.ready.contains(store), "{flags:?} {environment:?}: {}", registry.ready);
        registry.process.kill();
    }
    assert!(folder.path().join("muster.db").exists(), "the default store is in the working directory");
    let mut command = muster(&["serve", "--listen", &at(0)]);
    from(&mut command, &[], &[("MUSTER_CONFIG", &config)]);
    assert!(
        Registry::from_command(command).ready.contains("from-file.db"),
        "the file can be named in the environment"
    );
}

#[test]
fn variables_of_confluents_image_count_below_our_own_settings() {
    let with = |variables: &[(&str, &str)], flags: &[&str]| {
        let mut command = muster(&[&["serve", "--store", "sqlite::memory:"], flags].concat());
        command.envs(variables.iter().copied());
        Registry::from_command(command)
    };
    let variables = [
        ("SCHEMA_REGISTRY_LISTENERS", "http://127.0.0.1:0"),
        ("SCHEMA_REGISTRY_SCHEMA_COMPATIBILITY_LEVEL", "full"),
        ("SCHEMA_REGISTRY_SCHEMA_REGISTRY_GROUP_ID", "team-a"),
        ("SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS", "broker:9092"),
        ("SCHEMA_REGISTRY_AUTHENTICATION_METHOD", "BASIC"),
        ("SCHEMA_REGISTRY_PORT", "tcp://10.0.0.1:8081"),
    ];
    let registry = with(&variables, &[]);
    let mut http = registry.client();
    assert_eq!(http.get("/config").ok(), json!({"compatibilityLevel": "FULL"}));
    let id = http.get("/v1/metadata/id").ok();
    assert_eq!(id["scope"]["clusters"]["schema-registry-cluster"], "team-a");
    let log = registry.process.log();
    assert!(log.contains("authentication.method"), "what is not supported is told: {log}");
    assert!(!log.contains("kafkastore"), "what is not needed is not: {log}");
    // A flag wins.
    let listen = ["--listen", "127.0.0.1:0"];
    with(&[("SCHEMA_REGISTRY_LISTENERS", "http://256.0.0.1:1")], &listen).client().get("/subjects").ok();
}

#[test]
fn rule_sets_are_stored_unless_they_are_to_be_dropped() {
    let rules = json!({"domainRules": [{"name": "r", "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "disabled": false}]});
    let body = json!({ "schema": V1, "ruleSet": rules });
    for (flags, expected) in [(vec![], &rules), (vec!["--rulesets", "drop"], &Value::Null)] {
        let flags = [vec!["--listen", "127.0.0.1:0", "--store", "sqlite::memory:"], flags].concat();
        let registry = Registry::start(&flags);
        let registered = registry.client().post("/subjects/s/versions", &body).ok();
        assert_eq!(registered.get("ruleSet").unwrap_or(&Value::Null), expected, "{flags:?}");
    }
}

#[test]
fn the_access_log_tells_request_ids_and_routes() {
    let flags = [
        "--log",
        "muster_registry::access=info",
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--store",
        "sqlite::memory:",
    ];
    let registry = Registry::from_command(muster(&flags));
    let answer = registry.client().get("/subjects/secret-name/versions");
    let id = answer.header("x-request-id").unwrap().to_owned();
    support::wait_for("the request in the log", std::time::Duration::from_secs(10), || {
        registry.process.log().contains(&id).then_some(())
    });
    let log = registry.process.log();
    assert!(
        log.contains("http.route=\"/subjects/{subject}/versions\"") && log.contains("http.status=404"),
        "{log}"
    );
    assert!(!log.contains("secret-name"), "{log}");
}

#[test]
fn what_prevents_a_start_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let garbage = folder.path().join("garbage.db");
    std::fs::write(&garbage, "this is no database. ".repeat(500)).unwrap();
    let garbage = format!("sqlite:{}", garbage.display());
    let is_folder = format!("sqlite:{}", folder.path().display());
    let no_folder = format!("sqlite:{}/not/there/muster.db", folder.path().display());
    let bad_file = folder.path().join("bad.toml");
    std::fs::write(&bad_file, "listne = '127.0.0.1:1'").unwrap();
    let bad_file = bad_file.display().to_string();
    let memory = ["--store", "sqlite::memory:"];
    let listen = ["--listen", "127.0.0.1:0"];
    let cases: [(&[&str], [&str; 2], &str); 7] = [
        (&["--listen", &taken], memory, &taken),
        (&["--listen", "nonsense"], memory, "nonsense"),
        (&["--store", &garbage], listen, "garbage.db"),
        (&["--store", &is_folder], listen, &is_folder),
        (&["--store", &no_folder], listen, "not/there"),
        (&["--store", "postgres://nowhere"], listen, "postgres"),
        (&["--config", &bad_file], listen, "listne"),
    ];
    for (flags, more, part) in cases {
        let finished = run_muster(&[&["serve"], flags, &more[..]].concat());
        assert!(finished.status > 0, "{flags:?}: {finished:?}");
        assert_eq!(finished.out, "", "{flags:?}: nothing is announced");
        assert_eq!(finished.err.trim_end().lines().count(), 1, "{flags:?}: {}", finished.err);
        assert!(finished.err.contains(part), "{flags:?} should name {part:?}: {}", finished.err);
        assert!(!finished.err.contains("panicked"), "{}", finished.err);
    }
}

#[test]
fn a_database_that_is_not_ours_or_newer_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let newer = folder.path().join("newer.db");
    drop(Registry::on_file("127.0.0.1:0", &newer));
    let foreign = folder.path().join("foreign.db");
    let sqlite = |file: &Path, statement: &str| {
        let script =
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()";
        let status = Command::new("python3").args(["-c", script]).arg(file).arg(statement).status().unwrap();
        assert!(status.success(), "{statement}");
    };
    sqlite(&newer, "PRAGMA user_version = 9999");
    sqlite(&foreign, "CREATE TABLE bookmarks (url TEXT)");
    for (file, part) in [(newer, "newer release"), (foreign, "another application")] {
        let before = std::fs::read(&file).unwrap();
        let store = format!("sqlite:{}", file.display());
        let refused = run_muster(&["serve", "--listen", "127.0.0.1:0", "--store", &store]);
        assert!(
            refused.status > 0 && refused.err.contains(part) && refused.err.contains(&store),
            "{refused:?}"
        );
        assert_eq!(refused.err.trim_end().lines().count(), 1, "{}", refused.err);
        assert!(std::fs::read(&file).unwrap() == before, "{part}: the file was changed");
    }
}

#[test]
fn sigterm_finishes_what_is_under_way() {
    let mut registry = Registry::in_memory();
    let mut idle = registry.client();
    idle.get("/subjects").ok();

    // A request of which the server has seen the head and waits for the body.
    let body = json!({ "schema": V1 }).to_string();
    let mut stream = TcpStream::connect(&registry.address).unwrap();
    stream.set_read_timeout(Some(support::process::PATIENCE)).unwrap();
    let head = format!(
        "POST /subjects/s/versions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 100"), "{line}");

    registry.process.terminate();
    wait_for("the port to close", support::process::PATIENCE, || TcpStream::connect(&registry.address).err());
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    reader.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("HTTP/1.1 200") && answer.contains("\"id\":1"), "{answer}");
    assert_eq!(registry.process.wait_exit().code(), Some(0));
}

#[test]
fn data_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    let mut registry = Registry::on_file("127.0.0.1:0", &file);
    let mut http = registry.client();
    http.register("orders-value", V1);
    http.register("orders-value", V2);
    http.put("/config/orders-value", &json!({"compatibility": "FULL"})).ok();
    http.put("/mode/other", &json!({"mode": "READONLY"})).ok();
    http.register(":.staging:orders-value", V2);
    http.delete("/subjects/orders-value/versions/1").ok();
    let questions = [
        "/subjects?subjectPrefix=:*:",
        "/subjects/orders-value/versions?deletedAsNegative=true",
        "/subjects/orders-value/versions/latest",
        "/subjects/:.staging:orders-value/versions/1",
        "/schemas/ids/1",
        "/config/orders-value",
        "/mode/other",
        "/contexts",
    ];
    let ask = |http: &mut Client| questions.map(|path| http.get(path).ok());
    let before = ask(&mut http);
    registry.process.terminate();
    assert_eq!(registry.process.wait_exit().code(), Some(0));

    let registry = Registry::on_file("127.0.0.1:0", &file);
    let mut http = registry.client();
    assert_eq!(ask(&mut http), before);
    let next = r#"{"type":"enum","name":"Next","symbols":["A"]}"#;
    assert_eq!(http.register("next-value", next), 3, "ids go on where they were");
}

#[test]
fn help_teaches_by_example() {
    // For each command: what its help must show.
    let cases: [(&[&str], &[&str]); 8] = [
        (
            &["--help"],
            &[
                "Examples:",
                "muster serve",
                "muster schema register",
                "muster topics set",
                "MUSTER_",
                "--config",
            ],
        ),
        (
            &["serve", "--help"],
            &[
                "Examples:",
                "127.0.0.1:8081",
                "sqlite:muster.db",
                "sqlite::memory:",
                "MUSTER_LISTEN",
                "MUSTER_STORE",
            ],
        ),
        (
            &["gateway", "--help"],
            &[
                "Examples:",
                "127.0.0.1:9192",
                "127.0.0.1:9092",
                "http://127.0.0.1:8081",
                "--advertise",
                "MUSTER_BOOTSTRAP",
            ],
        ),
        (&["schema", "--help"], &["register", "get", "check", "list", "delete"]),
        (
            &["schema", "register", "--help"],
            &["Examples:", "orders-value", "--output", "MUSTER_REGISTRY", "http://127.0.0.1:8081"],
        ),
        (&["schema", "check", "--help"], &["Examples:", "exit status"]),
        (&["topics", "--help"], &["set", "get", "list"]),
        (
            &["topics", "set", "--help"],
            &["Examples:", "confluent.value.schema.validation=true", "RecordNameStrategy", "127.0.0.1:9192"],
        ),
    ];
    for (arguments, parts) in cases {
        let help = run_muster(arguments).ok();
        for part in parts {
            assert!(help.contains(part), "`muster {}` does not show {part:?}:\n{help}", arguments.join(" "));
        }
    }
    let version = run_muster(&["--version"]).ok();
    assert_eq!(version.trim(), format!("muster {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_command_line_with_an_error_teaches_too() {
    let cases: [(&[&str], &str); 4] = [
        (&["serv"], "serve"),
        (&["serve", "--lisen", "x"], "--listen"),
        (&["schema", "register"], "<SUBJECT>"),
        (&[], "Usage:"),
    ];
    for (arguments, part) in cases {
        let refused = run_muster(arguments);
        assert_eq!(refused.status, 2, "{arguments:?}: {refused:?}");
        assert!(refused.err.contains(part), "{arguments:?} should hint at {part:?}: {}", refused.err);
    }
}
