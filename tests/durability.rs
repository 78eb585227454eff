//! What `muster serve` promises when it is killed and when many write at once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod support;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;

use serde_json::{Value, json};
use support::http::{Client, MEDIA_TYPE};
use support::muster::Registry;
use support::process::PATIENCE;
use support::{Numbers, free_ports, wait_for};

const WRITERS: u64 = 16;
const KILLS: u64 = 100;

/// A registration that was answered with 200.
struct Acknowledged {
    subject: String,
    id: i64,
    schema: String,
    /// The writer has since deleted the subject permanently, and that was answered with 200, too.
    deleted: bool,
}

/// The `number`-th schema of a writer: four evolutions of a record, then a new record in a new subject.
fn schema(writer: u64, number: u64) -> (String, String) {
    let (series, step) = (number / 4, number % 4);
    let fields: Vec<Value> =
        (0..=step).map(|i| json!({"name": format!("f{i}"), "type": "int", "default": 0})).collect();
    let record = json!({"type": "record", "name": format!("W{writer}S{series}"), "fields": fields});
    (format!("writer-{writer}-{series}"), record.to_string())
}

#[test]
fn a_hundred_kills_lose_nothing_and_reuse_no_id() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    let address = format!("127.0.0.1:{}", free_ports(1));
    let acknowledged = Mutex::new(Vec::new());
    let count = AtomicU64::new(0);
    let stop = AtomicBool::new(false);

    let mut registry = Registry::on_file(&address, &file);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (address, acknowledged, count, stop) = (&address, &acknowledged, &count, &stop);
            scope.spawn(move || write_until(writer, address, acknowledged, count, stop));
        }
        // Should a wait below fail, the writers must end, or the scope never does.
        let _stop = StopOnDrop(&stop);
        let mut numbers = Numbers::from_seed(7);
        for kill in 0..KILLS {
            // Killed under load, each time at another moment of it.
            let enough = count.load(Ordering::Relaxed) + 1 + numbers.below(40);
            wait_for(&format!("acknowledgements before kill {kill}"), PATIENCE, || {
                (count.load(Ordering::Relaxed) >= enough).then_some(())
            });
            registry.process.kill();
            registry = Registry::on_file(&address, &file);
        }
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    println!("{} registrations acknowledged in {} lives", acknowledged.len(), KILLS + 1);

    let mut http = registry.client();
    let mut schema_of_id: HashMap<i64, &str> = HashMap::new();
    for ack in &acknowledged {
        let other = schema_of_id.insert(ack.id, &ack.schema);
        assert!(other.is_none_or(|other| other == ack.schema), "id {} was given to two schemas", ack.id);
        if ack.deleted {
            http.get(&format!("/schemas/ids/{}", ack.id)).error(404, 40403);
            continue;
        }
        assert_eq!(http.get(&format!("/schemas/ids/{}", ack.id)).ok()["schema"], ack.schema.as_str());
        let found = http.post(&format!("/subjects/{}", ack.subject), &json!({"schema": ack.schema})).ok();
        assert_eq!(found["id"], ack.id, "{}", ack.subject);
    }
    // What was written but not acknowledged before a kill must fit in as well.
    let mut offset = 0;
    loop {
        let page = http.get(&format!("/schemas?deleted=true&offset={offset}&limit=1000")).ok();
        let page = page.as_array().unwrap();
        for stored in page {
            let (id, text) = (stored["id"].as_i64().unwrap(), stored["schema"].as_str().unwrap());
            assert!(
                schema_of_id.get(&id).is_none_or(|known| *known == text),
                "id {id} stands for two schemas"
            );
        }
        if page.is_empty() {
            break;
        }
        offset += page.len();
    }
    let highest = schema_of_id.keys().max().copied().unwrap_or_default();
    let next = http.register("after-all", r#"{"type":"enum","name":"After","symbols":["A"]}"#);
    assert!(next > highest, "the next id {next} is above {highest}, also where the last ones were deleted");
}

/// Registers one schema after another. What was not answered is sent again once the server is back: whether it had
/// been written or not, the answer then is the id it has for good.
fn write_until(
    writer: u64,
    address: &str,
    acknowledged: &Mutex<Vec<Acknowledged>>,
    count: &AtomicU64,
    stop: &AtomicBool,
) {
    let mut http = Client::new(address);
    let send = |http: &mut Client, method: &str, path: &str, body: &str| loop {
        match http.send(method, path, &[("content-type", MEDIA_TYPE)], body.as_bytes()) {
            Ok(response) => return Some(response),
            Err(_) if stop.load(Ordering::Relaxed) => return None,
            Err(_) => thread::yield_now(),
        }
    };
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let (subject, text) = schema(writer, number);
        let body = json!({ "schema": text }).to_string();
        let Some(response) = send(&mut http, "POST", &format!("/subjects/{subject}/versions"), &body) else {
            return;
        };
        let id = response.ok()["id"].as_i64().unwrap();
        acknowledged.lock().unwrap().push(Acknowledged {
            subject: subject.clone(),
            id,
            schema: text,
            deleted: false,
        });
        count.fetch_add(1, Ordering::Relaxed);
        // Every 5th series is deleted for good when complete: its ids must not come back either.
        if number % 20 == 19 {
            for path in [format!("/subjects/{subject}"), format!("/subjects/{subject}?permanent=true")] {
                let Some(response) = send(&mut http, "DELETE", &path, "") else { return };
                // 404: it had been done before the kill.
                assert!([200, 404].contains(&response.status), "{response:?}");
            }
            let mut all = acknowledged.lock().unwrap();
            all.iter_mut().filter(|ack| ack.subject == subject).for_each(|ack| ack.deleted = true);
        }
    }
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn racing_writers_leave_a_history_of_compatible_steps() {
    // Some of these can read some of the others (int to long to float to double, string and bytes), so the outcome
    // depends on the order; whatever it is, each step must be a legal one.
    const TYPES: [&str; 16] = [
        r#""int""#,
        r#""long""#,
        r#""float""#,
        r#""double""#,
        r#""string""#,
        r#""bytes""#,
        r#""boolean""#,
        r#"{"type":"array","items":"int"}"#,
        r#"{"type":"array","items":"string"}"#,
        r#"{"type":"map","values":"int"}"#,
        r#"{"type":"map","values":"bytes"}"#,
        r#"["int","string"]"#,
        r#"["boolean","bytes"]"#,
        r#"{"type":"enum","name":"E","symbols":["A"]}"#,
        r#"{"type":"enum","name":"E","symbols":["B"]}"#,
        r#"{"type":"fixed","name":"X","size":4}"#,
    ];
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::on_file("127.0.0.1:0", &folder.path().join("muster.db"));
    let mut http = registry.client();
    let (mut accepted, mut refused) = (0, 0);
    for (round, level) in
        ["BACKWARD", "FORWARD", "FULL", "BACKWARD_TRANSITIVE", "BACKWARD", "FORWARD"].iter().enumerate()
    {
        let subject = format!("contested-{round}");
        http.put(&format!("/config/{subject}"), &json!({ "compatibility": level })).ok();
        let start = Barrier::new(TYPES.len());
        let statuses: Vec<(u16, Value)> = thread::scope(|scope| {
            let writers = TYPES.map(|of| {
                let (start, subject, mut http) = (&start, &subject, registry.client());
                scope.spawn(move || {
                    http.get("/subjects");
                    let text =
                        format!(r#"{{"type":"record","name":"R","fields":[{{"name":"f","type":{of}}}]}}"#);
                    start.wait();
                    let answer =
                        http.post(&format!("/subjects/{subject}/versions"), &json!({ "schema": text }));
                    (answer.status, answer.json())
                })
            });
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        for (status, answer) in &statuses {
            match status {
                200 => accepted += 1,
                409 => {
                    assert_eq!(answer["error_code"], 40901, "{answer}");
                    refused += 1;
                }
                _ => panic!("{status}: {answer}"),
            }
        }
        let versions = http.get(&format!("/subjects/{subject}/versions")).ok();
        let versions: Vec<i64> = versions.as_array().unwrap().iter().map(|v| v.as_i64().unwrap()).collect();
        let granted = statuses.iter().filter(|(status, _)| *status == 200).count();
        assert_eq!(
            versions,
            (1..=i64::try_from(granted).unwrap()).collect::<Vec<_>>(),
            "each grant is one version"
        );
        for version in versions.iter().skip(1) {
            let text = http.get(&format!("/subjects/{subject}/versions/{version}/schema")).body;
            let path = format!("/compatibility/subjects/{subject}/versions/{}?verbose=true", version - 1);
            let verdict = http.post(&path, &json!({ "schema": text })).ok();
            assert_eq!(
                verdict["is_compatible"],
                true,
                "{level}: version {version} against {}: {verdict}",
                version - 1
            );
        }
    }
    assert!(accepted >= 6 && refused > 0, "{accepted} accepted, {refused} refused: the race was one");
}

#[test]
fn racing_registrations_of_one_schema_get_one_id() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::on_file("127.0.0.1:0", &folder.path().join("muster.db"));
    for round in 0..10 {
        let text = json!({"type": "enum", "name": format!("E{round}"), "symbols": ["A"]}).to_string();
        let start = Barrier::new(usize::try_from(WRITERS).unwrap());
        let ids: Vec<i64> = thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    let (start, text, mut http) = (&start, &text, registry.client());
                    scope.spawn(move || {
                        http.get("/subjects");
                        start.wait();
                        // Half of them under one subject, half under their own.
                        let subject =
                            if writer % 2 == 0 { "shared".to_owned() } else { format!("own-{writer}") };
                        http.register(&format!("{subject}-{round}"), text)
                    })
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(registry.client().get(&format!("/subjects/shared-{round}/versions")).ok(), json!([1]));
    }
}
