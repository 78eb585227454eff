//! What strangers may send to `muster serve`: Confluent's status and code, the process alive, memory flat.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod support;

use std::io::Write as _;
use std::net::TcpStream;

use serde_json::{Value, json};
use support::Numbers;
use support::http::{Client, MEDIA_TYPE, send_raw};
use support::muster::Registry;

const GOOD: &str = r#"{"type":"record","name":"Good","fields":[{"name":"id","type":"long"}]}"#;
const DEEP: usize = 100_000;

/// A body that registers `schema`.
fn body(schema: &str) -> String {
    json!({ "schema": schema }).to_string()
}

#[test]
fn bad_requests_get_the_status_and_code_of_the_reference() {
    let registry = Registry::in_memory();
    let mut http = registry.client();
    http.register("s", GOOD);
    let open = |text: &str| text.repeat(DEEP);
    let deep_array = open("[");
    let deep_object = open("{\"a\":");
    let deep_member = format!("{{\"schema\":\"\\\"int\\\"\",\"x\":{}{}}}", open("["), open("]"));
    let deep_schema = body(&format!("{}\"int\"{}", open(r#"{"type":"#), open("}")));
    let deep_text = body(&open("["));
    let versions = "/subjects/s/versions";
    // method, path, body, status, error code
    let cases: Vec<(&str, &str, String, u16, i64)> = vec![
        // Malformed or misshapen JSON.
        ("POST", versions, "{".into(), 400, 400),
        ("POST", versions, "{\"schema\": \"\\\"int\\\"\"} x".into(), 400, 400),
        ("POST", versions, "[1,2".into(), 400, 400),
        ("POST", versions, "[]".into(), 400, 400),
        ("POST", versions, "{\"references\": 5}".into(), 400, 400),
        ("POST", versions, "{\"schema\": {\"type\":\"int\"}}".into(), 400, 400),
        ("POST", versions, "\u{feff}\u{0}".into(), 400, 400),
        ("POST", versions, String::new(), 422, 422),
        ("POST", versions, "null".into(), 422, 422),
        ("PUT", "/config", "{".into(), 400, 400),
        ("PUT", "/mode", "{\"mode\": [".into(), 400, 400),
        // Nesting.
        ("POST", versions, deep_array, 400, 400),
        ("POST", versions, deep_object, 400, 400),
        ("POST", versions, deep_member, 400, 400),
        ("POST", versions, deep_schema.clone(), 422, 42201),
        ("POST", versions, deep_text.clone(), 422, 42201),
        ("POST", "/subjects/s", deep_schema.clone(), 422, 42201),
        ("POST", "/compatibility/subjects/s/versions/latest", deep_schema, 422, 42201),
        // Avro that is none.
        ("POST", "/subjects/empty/versions", body(""), 422, 42201),
        ("POST", versions, body("{\"type\":"), 422, 42201),
        ("POST", versions, body(r#"{"type":"recrd","name":"X"}"#), 422, 42201),
        ("POST", versions, body(r#"{"type":"record","name":"X"}"#), 422, 42201),
        ("POST", versions, body(r#"{"type":"record","name":"1X","fields":[]}"#), 422, 42201),
        (
            "POST",
            versions,
            body(r#"{"type":"record","name":"X","fields":[{"name":"a","type":"Unknown"}]}"#),
            422,
            42201,
        ),
        (
            "POST",
            versions,
            body(
                r#"{"type":"record","name":"X","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}"#,
            ),
            422,
            42201,
        ),
        ("POST", versions, body(r#"{"type":"fixed","name":"X","size":-1}"#), 422, 42201),
        ("POST", versions, body(r#"["int","int"]"#), 422, 42201),
        ("POST", versions, json!({"schema": "\"int\"", "schemaType": "COBOL"}).to_string(), 422, 42201),
        (
            "POST",
            versions,
            json!({"schema": "\"int\"", "references": [{"name": "a", "subject": "b", "version": 1}]})
                .to_string(),
            422,
            42201,
        ),
        // What does not exist.
        ("GET", "/subjects/unknown/versions", String::new(), 404, 40401),
        ("GET", "/subjects/unknown/versions/1", String::new(), 404, 40401),
        ("GET", "/subjects/s/versions/99", String::new(), 404, 40402),
        ("GET", "/subjects/s/versions/0", String::new(), 422, 42202),
        ("GET", "/subjects/s/versions/two", String::new(), 422, 42202),
        ("GET", "/subjects/s/versions/99999999999999999999", String::new(), 422, 42202),
        ("GET", "/schemas/ids/99", String::new(), 404, 40403),
        ("GET", "/schemas/ids/-1", String::new(), 404, 40403),
        ("GET", "/schemas/ids/abc", String::new(), 404, 404),
        ("GET", "/schemas/ids/99999999999", String::new(), 404, 404),
        ("GET", "/schemas/guids/nonsense", String::new(), 404, 40403),
        ("POST", "/subjects/unknown", body(GOOD), 404, 40401),
        ("POST", "/subjects/s", body("\"long\""), 404, 40403),
        ("POST", "/compatibility/subjects/s/versions/9", body(GOOD), 404, 40402),
        ("DELETE", "/subjects/unknown", String::new(), 404, 40401),
        ("GET", "/config/unknown", String::new(), 404, 40408),
        ("GET", "/mode/unknown", String::new(), 404, 40409),
        ("PUT", "/config", json!({"compatibility": "MAYBE"}).to_string(), 422, 42203),
        ("PUT", "/mode", json!({"mode": "MAYBE"}).to_string(), 422, 42204),
        ("GET", "/nothing/here", String::new(), 404, 404),
        // Wrong methods.
        ("PATCH", "/subjects", String::new(), 405, 405),
        ("PUT", versions, body(GOOD), 405, 405),
        ("DELETE", "/schemas/ids/1", String::new(), 405, 405),
    ];
    for (method, path, body, status, code) in &cases {
        let shown: String = body.chars().take(80).collect();
        let answer = http.send(method, path, &[("content-type", MEDIA_TYPE)], body.as_bytes());
        let answer = answer.unwrap_or_else(|error| panic!("{method} {path} {shown}: {error}"));
        let got: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        assert_eq!(
            (answer.status, got["error_code"].as_i64()),
            (*status, Some(*code)),
            "{method} {path} {shown}: {answer:?}"
        );
        assert!(
            got["message"].as_str().is_some_and(|text| !text.is_empty()),
            "{method} {path} {shown}: {answer:?}"
        );
        assert!(
            answer.body.len() < 100_000,
            "{method} {path} {shown}: the answer has {} bytes",
            answer.body.len()
        );
    }
    assert_eq!(http.get("/subjects/s/versions").ok(), json!([1]), "nothing of it was stored");
}

#[test]
fn media_types_are_checked() {
    let registry = Registry::in_memory();
    let mut http = registry.client();
    let good = body(GOOD);
    // header, value, status
    let cases = [
        ("content-type", "text/plain", 415),
        ("content-type", "application/xml", 415),
        ("content-type", "application/x-www-form-urlencoded", 415),
        ("content-type", "application/json; charset=utf-8", 200),
        ("content-type", "application/vnd.schemaregistry+json", 200),
        ("content-type", "application/octet-stream", 200),
        ("accept", "text/html", 406),
        ("accept", "application/xml", 406),
        ("accept", "application/json", 200),
        ("accept", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", 200),
    ];
    for (name, value, status) in cases {
        let answer = http.send("POST", "/subjects/s/versions", &[(name, value)], good.as_bytes()).unwrap();
        assert_eq!(answer.status, status, "{name}: {value}: {answer:?}");
        if status != 200 {
            assert_eq!(answer.json()["error_code"], status, "{name}: {value}: {answer:?}");
        }
    }
}

#[test]
fn an_oversized_body_is_413_however_it_is_sent() {
    let registry = Registry::in_memory();
    let mut http = registry.client();
    // Announced: refused before it is read.
    let head = "POST /subjects/s/versions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let announced = format!("{head}content-length: 4000000000000\r\n\r\n{{");
    let answer = send_raw(&registry.address, announced.as_bytes()).unwrap().expect("an answer");
    answer.error(413, 413);
    // Announced and sent in full.
    let sent =
        http.send("POST", "/subjects/s/versions", &[("content-type", MEDIA_TYPE)], &vec![b' '; 17 << 20]);
    sent.expect("an answer, whether or not all of it was read").error(413, 413);
    // Not announced: 40 MiB in chunks; cut off as soon as it is too much.
    let mut chunked = format!("{head}transfer-encoding: chunked\r\n\r\n").into_bytes();
    let chunk = [format!("{:x}\r\n", 1 << 20).as_bytes(), &vec![b' '; 1 << 20], b"\r\n"].concat();
    for _ in 0..40 {
        chunked.extend_from_slice(&chunk);
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    // The server may cut the connection while we still write; then there may be no answer to read.
    if let Ok(Some(answer)) = send_raw(&registry.address, &chunked) {
        assert!([400, 413].contains(&answer.status), "{answer:?}");
    }
    // A schema text that is too long for a record of the reference's log, in a body that is not too long.
    let long =
        body(&format!(r#"{{"type":"record","name":"L","doc":"{}","fields":[]}}"#, "x".repeat(3 << 20)));
    let answer =
        http.send("POST", "/subjects/s/versions", &[("content-type", MEDIA_TYPE)], long.as_bytes()).unwrap();
    answer.error(422, 42209);
    assert_eq!(http.get("/subjects").ok(), json!([]));
}

#[test]
fn what_is_not_http_is_refused() {
    let registry = Registry::in_memory();
    let mut random = b"GET ".to_vec();
    random.extend(Numbers::from_seed(3).bytes(5_000));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("random bytes", random),
        ("a TLS hello", [&[0x16, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3][..], &[7; 500]].concat()),
        ("a Kafka frame", support::wire::frame(&support::wire::request(18, 3, 1, b""))),
        ("an endless header", [b"GET /subjects HTTP/1.1\r\nx: ".to_vec(), vec![b'a'; 4 << 20]].concat()),
        ("many headers", [b"GET /subjects HTTP/1.1\r\n".to_vec(), b"x: y\r\n".repeat(100_000), b"\r\n".to_vec()].concat()),
        ("an endless path", [b"GET /".to_vec(), vec![b'a'; 4 << 20], b" HTTP/1.1\r\nhost: x\r\n\r\n".to_vec()].concat()),
        ("a negative length", b"POST /subjects/s/versions HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n".to_vec()),
        ("two lengths", b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x".to_vec()),
        ("a bad chunk", b"POST /subjects/s/versions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{".to_vec()),
        ("bad percent-encoding", b"GET /subjects/%zz/versions HTTP/1.1\r\nhost: x\r\n\r\n".to_vec()),
        ("bad UTF-8", b"GET /subjects/%ff%fe/versions HTTP/1.1\r\nhost: x\r\n\r\n".to_vec()),
        ("a control character", b"GET /subjects/%00/versions HTTP/1.1\r\nhost: x\r\n\r\n".to_vec()),
    ];
    for (what, bytes) in &cases {
        // Closed without an answer, or 4xx; a reset while we still write is a close, too.
        if let Ok(Some(answer)) = send_raw(&registry.address, bytes) {
            assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
        }
    }
    registry.client().get("/subjects").ok();
}

#[test]
fn memory_stays_flat_whatever_is_sent() {
    let registry = Registry::in_memory();
    let mut http = registry.client();
    http.register("s", GOOD);
    let deep = body(&r#"{"type":"#.repeat(DEEP));
    let wide = body(&format!(
        r#"{{"type":"record","name":"W","fields":[{}{{"name":"x","type":"nope"}}]}}"#,
        (0..10_000).map(|i| format!(r#"{{"name":"f{i}","type":"int"}},"#)).collect::<String>()
    ));
    let versions = "/subjects/s/versions";
    let round = |http: &mut Client, round: u32| {
        for text in [&deep, &wide, &"[".repeat(DEEP)] {
            for path in [versions, "/subjects/s", "/compatibility/subjects/s/versions/latest?verbose=true"] {
                http.send("POST", path, &[("content-type", MEDIA_TYPE)], text.as_bytes()).unwrap();
            }
        }
        // Names that nobody has, and schemas that nobody registered.
        for i in 0..60 {
            http.get(&format!("/subjects/nobody-{round}-{i}/versions"));
            http.get(&format!("/schemas/ids/{}", 1_000_000 + round * 1_000 + i));
            let unknown =
                json!({"type": "enum", "name": format!("U{round}x{i}"), "symbols": ["A"]}).to_string();
            http.post("/subjects/s", &json!({ "schema": unknown }));
        }
        // Gone in the middle of a body.
        for _ in 0..20 {
            let mut stream = TcpStream::connect(&registry.address).unwrap();
            let head = format!(
                "POST {versions} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&[b' '; 10_000]).unwrap();
        }
    };
    // What is kept of answers and of parsed schemas fills up at first; after that, more of the same takes no more.
    let mut resident = Vec::new();
    for number in 0..30 {
        round(&mut http, number);
        if number % 10 == 9 {
            resident.push(registry.process.resident_kib());
        }
    }
    println!("resident after 10, 20 and 30 rounds: {resident:?} KiB");
    assert!(resident[2] < resident[1] + 12 * 1024, "{resident:?} KiB");
    assert!(resident[2] < 128 * 1024, "{resident:?} KiB");
    http.get("/subjects/s/versions").ok();
}

#[test]
fn large_bodies_with_members_of_one_name_take_turns() {
    let registry = Registry::in_memory();
    // Each takes many times its length while its members are told apart.
    let lists = "[],".repeat(650_000);
    let repeated = format!(r#"{{"schema":"\"int\"","schema":"\"long\"","unknown":[{lists}0]}}"#);
    std::thread::scope(|clients| {
        for _ in 0..20 {
            clients.spawn(|| {
                let headers = [("content-type", MEDIA_TYPE)];
                let answer =
                    registry.client().send("POST", "/subjects/s/versions", &headers, repeated.as_bytes());
                assert_eq!(answer.unwrap().ok()["schema"], "\"long\"");
            });
        }
    });
    let peak = registry.process.peak_resident_kib();
    assert!(peak < 256 * 1024, "{peak} KiB");
}
