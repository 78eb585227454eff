//! What a stranger may send: the reference's status and code, the process alive, memory bounded.

use axum::http::HeaderMap;
use muster_registry::Options;
use serde_json::json;

use crate::harness::{Api, StoreKind};

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[tokio::test]
async fn deep_nesting_is_refused() {
    let api = Api::new(StoreKind::Memory).await;
    let deep_type =
        format!("{}\"int\"{}", "{\"type\":\"array\",\"items\":".repeat(100_000), "}".repeat(100_000));
    let cases = [
        // Nesting of the request itself.
        ("/subjects/s/versions", nested(100_000), 400, 400),
        ("/subjects/s/versions", format!("{{\"unknown\":{}}}", nested(100_000)), 400, 400),
        ("/subjects/s/versions", format!("{{\"references\":{}}}", nested(100_000)), 400, 400),
        ("/subjects/s/versions", "[".repeat(100_000), 400, 400),
        ("/compatibility/subjects/s/versions", format!("{{\"metadata\":{}}}", nested(100_000)), 400, 400),
        // Nesting of the schema text.
        ("/subjects/s/versions", json!({"schema": nested(100_000)}).to_string(), 422, 42201),
        ("/subjects/s", json!({"schema": nested(100_000)}).to_string(), 422, 42201),
        ("/subjects/s/versions", json!({"schema": "{\"a\":".repeat(100_000)}).to_string(), 422, 42201),
        ("/compatibility/subjects/s/versions", json!({"schema": nested(100_000)}).to_string(), 422, 42201),
    ];
    for (target, body, status, code) in cases {
        let reply = api.send("POST", target, HeaderMap::new(), Some(body)).await;
        let got = (reply.status.as_u16(), reply.error_code());
        assert_eq!(got, (status, code), "{target}: {}", &reply.text[..reply.text.len().min(200)]);
    }
    // A schema of 100,000 nested arrays is longer than schemas may be.
    let reply = api.post("/subjects/s/versions", json!({"schema": deep_type})).await;
    assert_eq!((reply.status.as_u16(), reply.error_code()), (422, 42209));
    assert_eq!(api.get("/subjects").await.text, "[]");
}

#[tokio::test]
async fn large_bodies_are_refused() {
    let options = Options { max_body_bytes: 1000, ..Options::default() };
    let api = Api::with(StoreKind::Memory, options).await;
    let body = json!({"schema": "x".repeat(2000)}).to_string();
    let mut announced = HeaderMap::new();
    announced.insert("content-length", body.len().into());
    let reply = api.send("POST", "/subjects/s/versions", announced, Some(body.clone())).await;
    assert_eq!((reply.status.as_u16(), reply.error_code()), (413, 413));
    assert_eq!(reply.headers["content-type"], "application/json");
    assert_eq!(reply.headers["connection"], "close");
    assert_eq!(reply.json()["message"], format!("Request body is too large: {}>1000", body.len()));
    // Not announced, it is noticed while it arrives.
    let reply = api.send("POST", "/subjects/s/versions", HeaderMap::new(), Some(body)).await;
    assert_eq!((reply.status.as_u16(), reply.error_code()), (400, 400));
    assert!(reply.json()["message"].as_str().unwrap().starts_with("413: Request body is too large"));
}

#[tokio::test]
async fn large_schemas_are_refused() {
    let api = Api::new(StoreKind::Memory).await;
    let doc = "x".repeat(1 << 20);
    let schema = json!({"type": "record", "name": "R", "doc": doc, "fields": []}).to_string();
    let reply = api.post("/subjects/s/versions", json!({"schema": schema})).await;
    assert_eq!((reply.status.as_u16(), reply.error_code()), (422, 42209));
    let text = "Register operation failed because schema is too large";
    assert_eq!(reply.json()["message"], text);
}

#[tokio::test]
async fn lists_of_many_small_items_are_refused() {
    let api = Api::new(StoreKind::Memory).await;
    let body = format!("{{\"schema\":\"\\\"int\\\"\",\"references\":[{}{{}}]}}", "{},".repeat(200_000));
    let reply = api.send("POST", "/subjects/s/versions", HeaderMap::new(), Some(body)).await;
    assert_eq!((reply.status.as_u16(), reply.error_code()), (400, 400));
}

#[tokio::test]
async fn random_bodies_never_break_anything() {
    let api = Api::new(StoreKind::Memory).await;
    let seeds = [
        r#"{"schema":"\"string\"","schemaType":"AVRO","references":[{"name":"a","subject":"b","version":1}],"id":1}"#,
        r#"{"compatibility":"FULL","normalize":true,"defaultMetadata":{"properties":{"a":"b"}}}"#,
        r#"{"mode":"READWRITE"}"#,
        r#"{"schema":"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"}]}"}"#,
    ];
    let calls = [
        ("POST", "/subjects/s/versions"),
        ("POST", "/subjects/s"),
        ("PUT", "/config/s"),
        ("PUT", "/mode/s"),
        ("POST", "/compatibility/subjects/s/versions?verbose=true"),
        ("POST", "/subjects/s/versions/1/tags"),
    ];
    // A fixed generator: the same bodies in every run.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    let alphabet = b"{}[]\",:\\0123456789aeflnrstu \x01\xff";
    for round in 0..3000 {
        let mut body = seeds[next() % seeds.len()].as_bytes().to_vec();
        for _ in 0..=next() % 4 {
            let position = next() % body.len();
            match next() % 3 {
                0 => body[position] = alphabet[next() % alphabet.len()],
                1 => body.insert(position, alphabet[next() % alphabet.len()]),
                _ => {
                    body.remove(position);
                }
            }
        }
        let (method, target) = calls[next() % calls.len()];
        let body = String::from_utf8_lossy(&body).into_owned();
        let reply = api.send(method, target, HeaderMap::new(), Some(body.clone())).await;
        let known_failure = method == "PUT" && target == "/mode/s" && reply.error_code() == 500;
        assert!(
            reply.status.as_u16() < 500 || known_failure,
            "round {round}: {method} {target} {body}: {}",
            reply.text
        );
    }
}

#[tokio::test]
async fn targets_of_all_kinds_are_answered() {
    let api = Api::new(StoreKind::Memory).await;
    for target in [
        "/%",
        "/subjects/%zz",
        "/subjects/%00",
        "//",
        "/..",
        "/contexts/%3a%3a%3a/subjects",
        "/schemas/ids/9999999999",
        "/subjects?limit=9999999999",
        "/subjects?%zz=%",
        "/subjects/a;b=c/versions",
        "/contexts//subjects",
        "/?",
        "/contexts/a:b:c",
    ] {
        let reply = api.get(target).await;
        assert!(
            (400..500).contains(&reply.status.as_u16()) || reply.status.is_success(),
            "{target}: {}",
            reply.status
        );
    }
}
