//! The registry client against a server that answers as told.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use common::{Server, client, config, dead_url, error};
use muster_schema::{Context, Guid, Limits, SchemaId, SchemaReference, SchemaType, Version};
use muster_serdes::client::{Authentication, FailureKind, VersionRef};
use muster_serdes::{ClientConfig, ClientError, NewSchema, RegistryClient};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const ID: SchemaId = SchemaId(7);
const STRING: &str = r#"{"schema": "\"string\"", "subject": "s", "version": 2, "id": 7}"#;

#[tokio::test]
async fn calls_are_the_requests_of_the_api() {
    let server = Server::start(|seen, _| {
        let body = match seen.target.split('?').next().unwrap() {
            "/schemas/ids/7/versions" => r#"[{"subject": "a", "version": 1}]"#,
            "/schemas/guids/07070707-0707-0707-0707-070707070707/ids" => r#"[{"context": ".", "id": 7}]"#,
            "/subjects" => r#"["a", ":.c:b"]"#,
            "/subjects/a%2Fb/versions" if seen.method == "GET" => "[1, 3]",
            "/subjects/a%2Fb" if seen.method == "DELETE" => "[1, 2]",
            "/subjects/a%2Fb/versions/2" if seen.method == "DELETE" => "2",
            path if path.starts_with("/compatibility") => r#"{"is_compatible": false, "messages": ["m"]}"#,
            _ => {
                r#"{"schema": "\"string\"", "id": 7, "version": 2, "maxId": 12,
                     "guid": "09090909-0909-0909-0909-090909090909"}"#
            }
        };
        (200, body)
    })
    .await;
    let registry = server.client();
    let guid = Guid([7; 16]);
    let avro = NewSchema::avro("\"string\"");

    let by_id = registry.schema_by_id(ID, Some(":.c:")).await.unwrap();
    assert_eq!(
        (by_id.schema.as_str(), by_id.schema_type, by_id.id),
        ("\"string\"", SchemaType::Avro, Some(ID))
    );
    assert_eq!(registry.schema_by_guid(guid).await.unwrap().guid, Some(guid));
    assert_eq!(registry.ids_by_guid(guid).await.unwrap(), [(Context::default_context(), ID)]);
    let uses = registry.versions_of_id(ID, None, true).await.unwrap();
    assert_eq!((uses[0].subject.as_str(), uses[0].version), ("a", Version(1)));
    assert_eq!(registry.max_id(ID, None).await.unwrap(), Some(SchemaId(12)));
    let registered = registry.register("a/b", &avro, true).await.unwrap();
    assert_eq!(
        (registered.id, registered.version, registered.guid),
        (ID, Some(Version(2)), Some(Guid([9; 16])))
    );
    registry.lookup("a/b", &avro, false, true).await.unwrap();
    registry.subject_version("a/b", VersionRef::Latest, false).await.unwrap();
    registry.subject_version("a/b", VersionRef::Number(Version(2)), true).await.unwrap();
    assert_eq!(registry.versions("a/b", true).await.unwrap(), [Version(1), Version(3)]);
    assert_eq!(registry.subjects(Some(":*:"), false).await.unwrap(), ["a", ":.c:b"]);
    let verdict = registry.check_compatibility("a/b", None, &avro, true).await.unwrap();
    assert_eq!((verdict.is_compatible, verdict.messages), (false, vec!["m".to_owned()]));
    registry.check_compatibility("a/b", Some(VersionRef::Latest), &avro, false).await.unwrap();
    assert_eq!(registry.delete_subject("a/b", true).await.unwrap(), [Version(1), Version(2)]);
    assert_eq!(
        registry.delete_version("a/b", VersionRef::Number(Version(2)), false).await.unwrap(),
        Version(2)
    );

    assert_eq!(
        server.lines(),
        [
            "GET /schemas/ids/7?fetchMaxId=false&subject=%3A.c%3A",
            "GET /schemas/guids/07070707-0707-0707-0707-070707070707",
            "GET /schemas/guids/07070707-0707-0707-0707-070707070707/ids",
            "GET /schemas/ids/7/versions?deleted=true",
            "GET /schemas/ids/7?fetchMaxId=true&subject=",
            "POST /subjects/a%2Fb/versions?normalize=true",
            "POST /subjects/a%2Fb?deleted=true",
            "GET /subjects/a%2Fb/versions/latest",
            "GET /subjects/a%2Fb/versions/2?deleted=true",
            "GET /subjects/a%2Fb/versions?deleted=true",
            "GET /subjects?subjectPrefix=%3A%2A%3A",
            "POST /compatibility/subjects/a%2Fb/versions?verbose=true",
            "POST /compatibility/subjects/a%2Fb/versions/latest",
            "DELETE /subjects/a%2Fb?permanent=true",
            "DELETE /subjects/a%2Fb/versions/2",
        ]
    );
    for seen in server.seen() {
        let header = |name| seen.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(header("content-type").as_deref(), Some("application/vnd.schemaregistry.v1+json"));
        assert!(header("accept").unwrap().contains("application/vnd.schemaregistry.v1+json"));
        assert_eq!(header("confluent-accept-unknown-properties").as_deref(), Some("true"));
        assert!(header("confluent-client-version").unwrap().starts_with("rust/"));
    }
}

#[tokio::test]
async fn bodies_say_what_differs_from_the_default() {
    let server = Server::start(|_, _| (200, r#"{"id": 1}"#)).await;
    let registry = server.client();
    registry.register("s", &NewSchema::avro("\"int\""), false).await.unwrap();
    let reference = SchemaReference { name: "n".into(), subject: "r".into(), version: Version(3) };
    let json = NewSchema { references: vec![reference], ..NewSchema::new(SchemaType::Json, "{}") };
    registry.register("s", &json, false).await.unwrap();
    let bodies: Vec<_> = server.seen().iter().map(common::Seen::json).collect();
    assert_eq!(bodies[0], json!({"schema": "\"int\""}));
    assert_eq!(
        bodies[1],
        json!({"schema": "{}", "schemaType": "JSON",
               "references": [{"name": "n", "subject": "r", "version": 3}]})
    );
}

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    // "Aladdin:open sesame" in Base64 is RFC 7617's own example.
    let basic = Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".to_owned());
    let user = || Authentication::Basic { user: "Aladdin".into(), password: "open sesame".into() };
    let bearer = || Authentication::Bearer { token: "t0ken".into() };
    let server = Server::start(|_, _| (200, STRING)).await;
    let with = |credentials: &str| server.url.replace("http://", &format!("http://{credentials}"));
    let cases = [
        (server.url.clone(), Authentication::None, None),
        (server.url.clone(), user(), basic.clone()),
        (with("Aladdin:open%20sesame@"), Authentication::None, basic.clone()),
        (with("someone:else@"), user(), basic),
        (server.url.clone(), bearer(), Some("Bearer t0ken".to_owned())),
    ];
    for (url, authentication, expected) in cases {
        assert!(!format!("{authentication:?}").contains("sesame"));
        let config = ClientConfig { authentication, ..config(&url) };
        RegistryClient::new(config).unwrap().schema_by_id(ID, None).await.unwrap();
        let seen = server.seen().pop().unwrap();
        let sent = seen.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(sent, expected, "{url}");
    }

    let dead = dead_url().await.replace("http://", "http://user:hunter2@");
    let headers = vec![("X-Key".to_owned(), "hunter2".to_owned())];
    let secret = ClientConfig { headers, ..config(&dead) };
    let mut shown = format!("{secret:?}");
    let registry = RegistryClient::new(secret).unwrap();
    let failure = registry.schema_by_id(ID, None).await.unwrap_err();
    shown.push_str(&format!("{registry:?} {failure} {failure:?}"));
    let mut source = std::error::Error::source(&failure);
    while let Some(cause) = source {
        shown.push_str(&cause.to_string());
        source = cause.source();
    }
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn extra_headers_replace_and_add() {
    let server = Server::start(|_, _| (200, STRING)).await;
    let headers = vec![("X-Tenant".to_owned(), "blue".to_owned()), ("Accept".to_owned(), "*/*".to_owned())];
    let registry = RegistryClient::new(ClientConfig { headers, ..config(&server.url) }).unwrap();
    registry.schema_by_id(ID, None).await.unwrap();
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.headers["x-tenant"], "blue");
    assert_eq!(seen.headers["accept"], "*/*");
    for (name, value) in [("a b", "x"), ("x", "a\nb")] {
        let headers = vec![(name.to_owned(), value.to_owned())];
        let refused = RegistryClient::new(ClientConfig { headers, ..config(&server.url) });
        assert!(matches!(refused, Err(ClientError::Config { setting: "headers", .. })), "{name}: {value}");
    }
}

#[tokio::test]
async fn statuses_that_may_heal_are_tried_again() {
    let cases = [
        (408, 4, FailureKind::Timeout),
        (429, 4, FailureKind::Throttled),
        (500, 4, FailureKind::Timeout),
        (502, 4, FailureKind::Disconnected),
        (503, 4, FailureKind::Timeout),
        (504, 4, FailureKind::Timeout),
        (301, 1, FailureKind::Other),
        (400, 1, FailureKind::Other),
        (401, 1, FailureKind::Authentication),
        (403, 1, FailureKind::Authorization),
        (404, 1, FailureKind::Other),
        (409, 1, FailureKind::Other),
        (422, 1, FailureKind::Other),
        (501, 1, FailureKind::Other),
        (505, 1, FailureKind::Other),
    ];
    for (status, attempts, kind) in cases {
        let server = Server::start(move |_, _| (status, error(i32::from(status) * 100 + 1, "m"))).await;
        let failure = server.client().schema_by_id(ID, None).await.unwrap_err();
        assert_eq!(server.count(), attempts, "{status}");
        assert_eq!(failure.status(), Some(status));
        assert_eq!(failure.code(), Some(i32::from(status) * 100 + 1));
        assert_eq!(failure.is_retriable(), attempts > 1, "{status}");
        assert_eq!(failure.is_not_found(), status == 404);
        assert_eq!(failure.kind(), kind, "{status}");
    }
}

#[tokio::test]
async fn an_attempt_that_succeeds_ends_the_trying() {
    let server = Server::start(|_, number| if number < 2 { (503, "busy") } else { (200, STRING) }).await;
    assert_eq!(server.client().schema_by_id(ID, None).await.unwrap().version, Some(Version(2)));
    assert_eq!(server.count(), 3);
    let none = Server::start(|_, _| (503, "busy")).await;
    let config = ClientConfig { max_retries: 0, ..config(&none.url) };
    RegistryClient::new(config).unwrap().schema_by_id(ID, None).await.unwrap_err();
    assert_eq!(none.count(), 1);
}

#[tokio::test]
async fn a_url_that_fails_makes_way_for_the_next_which_stays() {
    let busy = Server::start(|_, _| (503, "busy")).await;
    let good = Server::start(|_, _| (200, "[1]")).await;
    let registry = client(&format!("{},{}", busy.url, good.url));
    for _ in 0..3 {
        assert_eq!(registry.versions("s", false).await.unwrap(), [Version(1)]);
    }
    assert_eq!((busy.count(), good.count()), (4, 3), "the busy URL is tried in the first call only");

    let registry = client(&format!("{},{}", dead_url().await, good.url));
    registry.versions("s", false).await.unwrap();
    assert_eq!(good.count(), 4, "a refused connection fails over too");
}

#[tokio::test]
async fn each_url_is_exhausted_at_most_once_per_call() {
    let a = Server::start(|_, _| (503, error(50301, "a"))).await;
    let b = Server::start(|_, _| (500, error(50001, "b"))).await;
    let registry = client(&format!("{},{}", a.url, b.url));
    let failure = registry.versions("s", false).await.unwrap_err();
    assert_eq!((a.count(), b.count()), (4, 4));
    assert_eq!(failure.code(), Some(50001), "the last failure is told");
    registry.versions("s", false).await.unwrap_err();
    assert_eq!((a.count(), b.count()), (8, 8));
}

#[tokio::test]
async fn a_refusal_does_not_fail_over() {
    let a = Server::start(|_, _| (404, error(40401, "Subject 's' not found."))).await;
    let b = Server::start(|_, _| (200, "[1]")).await;
    let failure = client(&format!("{},{}", a.url, b.url)).versions("s", false).await.unwrap_err();
    assert!(failure.is_not_found() && failure.code() == Some(40401));
    assert_eq!((a.count(), b.count()), (1, 0));
}

#[tokio::test]
async fn an_unreachable_registry_is_a_transport_failure() {
    let failure = client(&dead_url().await).versions("s", false).await.unwrap_err();
    assert!(matches!(failure, ClientError::Transport { .. }) && failure.is_retriable(), "{failure:?}");
    assert_eq!(failure.status(), None);
}

#[tokio::test]
async fn a_registry_that_never_answers_is_a_transport_failure() {
    let gate = Arc::new(Semaphore::new(0));
    let server = Server::start_gated(Some(gate), |_, _| (200, "[1]")).await;
    let config = ClientConfig { request_timeout_ms: 50, max_retries: 1, ..config(&server.url) };
    let failure = RegistryClient::new(config).unwrap().versions("s", false).await.unwrap_err();
    assert!(matches!(failure, ClientError::Transport { .. }), "{failure:?}");
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn answers_that_are_no_answers_are_decode_failures() {
    for body in ["", "<html>", "{}", "[]", "{\"schema\": 1}", "[[[["] {
        let server = Server::start(move |_, _| (200, body)).await;
        let failure = server.client().schema_by_id(ID, None).await.unwrap_err();
        assert!(
            matches!(failure, ClientError::Decode { .. }) && !failure.is_retriable(),
            "{body}: {failure:?}"
        );
        assert_eq!(server.count(), 1, "{body}");
    }
    let server = Server::start(|_, _| (200, r#"{"schema": "x", "schemaType": "THRIFT"}"#)).await;
    let failure = server.client().schema_by_id(ID, None).await.unwrap_err();
    assert!(matches!(failure, ClientError::Decode { .. }), "{failure:?}");
}

#[tokio::test]
async fn answers_are_read_up_to_the_bound() {
    let server = Server::start(|_, _| (200, format!("[{}1]", "1,".repeat(500)))).await;
    let limited =
        |response_bytes| RegistryClient::new(ClientConfig { response_bytes, ..config(&server.url) }).unwrap();
    let failure = limited(1002).versions("s", false).await.unwrap_err();
    assert!(matches!(failure, ClientError::TooLarge { limit_bytes: 1002, .. }), "{failure:?}");
    assert_eq!(limited(1003).versions("s", false).await.unwrap().len(), 501);

    let flood = Server::start(|_, _| (404, vec![b'x'; 1 << 20])).await;
    let failure = flood.client().versions("s", false).await.unwrap_err();
    let ClientError::Api { code, message, .. } = failure else { panic!("{failure:?}") };
    assert_eq!((code, message.len()), (50005, 200), "a page instead of an error is quoted from its start");
}

#[tokio::test]
async fn concurrent_misses_of_one_key_are_one_request_and_block_no_other() {
    let gate = Arc::new(Semaphore::new(0));
    let server = Server::start_gated(Some(gate.clone()), |_, _| (200, STRING)).await;
    let registry = server.client();
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        let registry = registry.clone();
        calls.spawn(async move { registry.schema_by_id(ID, None).await.unwrap().schema.clone() });
    }
    // The request for the other key arrives while the first is not answered.
    let other = registry.clone();
    calls.spawn(async move { other.schema_by_id(SchemaId(8), None).await.unwrap().schema.clone() });
    while server.count() < 2 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(2);
    while let Some(schema) = calls.join_next().await {
        assert_eq!(schema.unwrap(), "\"string\"");
    }
    assert_eq!(server.count(), 2);
    registry.schema_by_id(ID, None).await.unwrap();
    assert_eq!(server.count(), 2, "the answer is remembered");
    assert!(registry.cached_schema_by_id(ID, None).await.is_some());
    assert!(registry.cached_schema_by_id(ID, Some("s")).await.is_none(), "ids are cached per subject");
}

#[tokio::test]
async fn a_cancelled_call_does_not_strand_the_others() {
    let gate = Arc::new(Semaphore::new(0));
    let server = Server::start_gated(Some(gate.clone()), |_, _| (200, STRING)).await;
    let registry = server.client();
    let mut first = JoinSet::new();
    let cancelled = registry.clone();
    first.spawn(async move { cancelled.schema_by_id(ID, None).await.map(drop) });
    while server.count() < 1 {
        tokio::task::yield_now().await;
    }
    let mut second = JoinSet::new();
    let waiting = registry.clone();
    second.spawn(async move { waiting.schema_by_id(ID, None).await.map(drop) });
    tokio::task::yield_now().await;
    first.shutdown().await;
    gate.add_permits(2);
    second.join_next().await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn failures_are_not_remembered() {
    let server = Server::start(|_, number| match number {
        0 | 2 => (404, error(40403, "Schema not found")),
        1 => (200, STRING.to_owned()),
        _ => (200, STRING.to_owned()),
    })
    .await;
    let registry = server.client();
    assert!(registry.schema_by_id(ID, None).await.unwrap_err().is_not_found());
    assert!(registry.schema_by_id(ID, None).await.is_ok());
    let schema = NewSchema::avro("\"string\"");
    assert!(registry.lookup("s", &schema, false, false).await.unwrap_err().is_not_found());
    assert!(registry.lookup("s", &schema, false, false).await.is_ok());
}

#[tokio::test]
async fn what_cannot_change_is_asked_for_once() {
    let server = Server::start(|seen, _| match seen.method.as_str() {
        "DELETE" => (200, "[1]"),
        _ if seen.target.contains("/ids/7/versions") => (200, "[]"),
        _ => (200, STRING),
    })
    .await;
    let registry = server.client();
    let schema = NewSchema::avro("\"string\"");
    let other = NewSchema::avro("\"int\"");
    let two = VersionRef::Number(Version(2));
    let mut expected = 0;
    macro_rules! asks {
        ($requests:literal, $call:expr) => {
            $call.await.unwrap();
            expected += $requests;
            assert_eq!(server.count(), expected, stringify!($call));
        };
    }
    asks!(1, registry.schema_by_guid(Guid([1; 16])));
    asks!(0, registry.schema_by_guid(Guid([1; 16])));
    asks!(1, registry.versions_of_id(ID, None, true));
    asks!(1, registry.versions_of_id(ID, None, true));
    asks!(1, registry.subject_version("s", two, false));
    asks!(1, registry.subject_version("s", two, false));
    asks!(1, registry.subject_version("s", two, true));
    asks!(0, registry.subject_version("s", two, true));
    asks!(1, registry.subject_version("s", VersionRef::Latest, true));
    asks!(1, registry.subject_version("s", VersionRef::Latest, true));
    asks!(1, registry.latest_version("s"));
    asks!(0, registry.latest_version("s"));
    asks!(1, registry.register("s", &schema, false));
    asks!(0, registry.register("s", &schema, false));
    asks!(1, registry.register("s", &schema, true));
    asks!(1, registry.register("s", &other, false));
    asks!(1, registry.register("t", &schema, false));
    asks!(1, registry.lookup("s", &schema, false, false));
    asks!(0, registry.lookup("s", &schema, false, false));
    asks!(1, registry.latest_version("s"));
    let marked = [("k".to_owned(), "v".to_owned())].into();
    asks!(1, registry.latest_version_with("s", &marked));
    asks!(0, registry.latest_version_with("s", &marked));
    asks!(0, registry.latest_version_with("s", &Default::default()));
    asks!(1, registry.delete_subject("s", false));
    asks!(1, registry.latest_version_with("s", &marked));
    asks!(1, registry.register("s", &schema, false));
    asks!(0, registry.register("t", &schema, false));
    asks!(1, registry.latest_version("s"));
}

#[tokio::test]
async fn the_latest_version_expires() {
    let server = Server::start(|_, _| (200, STRING)).await;
    let config = ClientConfig { latest_cache_ttl_ms: Some(1), ..config(&server.url) };
    let registry = RegistryClient::new(config).unwrap();
    // Bounded by the test runner: the second request comes as soon as the clock has moved on.
    while server.count() < 2 {
        registry.latest_version("s").await.unwrap();
    }
}

fn reference(name: &str, subject: &str, version: i32) -> SchemaReference {
    SchemaReference { name: name.into(), subject: subject.into(), version: Version(version) }
}

/// Subject, version and references: name, subject, version.
type Node = (&'static str, i32, &'static [(&'static str, &'static str, i32)]);

/// Serves `GET /subjects/{subject}/versions/{version}` from a list.
async fn graph(nodes: &'static [Node]) -> Server {
    Server::start(move |seen, _| {
        let path = seen.target.split('?').next().unwrap().replace("%3A", ":");
        let found = nodes.iter().find(|(subject, version, _)| {
            path == format!("/subjects/{subject}/versions/{version}")
        });
        match found {
            Some((subject, version, references)) => {
                let references: Vec<_> = references
                    .iter()
                    .map(|(name, subject, version)| json!({"name": name, "subject": subject, "version": version}))
                    .collect();
                (200, json!({"schema": format!("{subject} {version}"), "references": references}).to_string())
            }
            None => (404, error(40401, "Subject not found.")),
        }
    })
    .await
}

#[tokio::test]
async fn references_come_depth_first_each_name_once() {
    let server = graph(&[
        ("a", 1, &[("C", "c", 1), ("D", "d", 1)]),
        ("b", 1, &[("D", "d", 2)]),
        ("c", 1, &[("D", "d", 1)]),
        ("d", 1, &[("A", "a", 1)]),
    ])
    .await;
    let registry = server.client();
    let roots = [reference("A", "a", 1), reference("B", "b", 1)];
    let context = Context::default_context();
    let resolved = registry.resolve_references(&roots, &context, &Limits::default()).await.unwrap();
    let texts: Vec<_> = resolved.texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    // D closes a circle to A and is bound by its first occurrence, so version 2 is never asked for.
    assert_eq!(texts, [("D", "d 1"), ("C", "c 1"), ("A", "a 1"), ("B", "b 1")]);
    assert!(server.lines().iter().all(|line| line.ends_with("?deleted=true")), "{:?}", server.lines());
    assert_eq!(server.count(), 4);
}

#[tokio::test]
async fn references_stay_in_the_context_of_their_referrer() {
    let server = graph(&[
        (":.x:a", 1, &[("B", "b", 1), ("C", ":.y:c", 1)]),
        (":.x:b", 1, &[]),
        (":.y:c", 1, &[("D", "d", 1)]),
        (":.y:d", 1, &[]),
    ])
    .await;
    let context = Context::parse(".x").unwrap();
    let resolved = server
        .client()
        .resolve_references(&[reference("A", "a", 1)], &context, &Limits::default())
        .await
        .unwrap();
    let names: Vec<_> = resolved.texts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["B", "D", "C", "A"]);
}

#[tokio::test]
async fn references_are_bounded() {
    // Each version refers to the next one: without a bound this never ends.
    let server = Server::start(|seen, number| {
        let next = json!({"name": format!("n{number}"), "subject": "s", "version": number + 2});
        assert!(seen.target.starts_with("/subjects/s/"));
        (200, json!({"schema": "x", "references": [next]}).to_string())
    })
    .await;
    let limits = Limits { depth: 20, ..Limits::default() };
    let roots = [reference("root", "s", 1)];
    let context = Context::default_context();
    let failure = server.client().resolve_references(&roots, &context, &limits).await.unwrap_err();
    assert!(matches!(failure, ClientError::References { what: "levels", limit: 20 }), "{failure:?}");
    let limits = Limits { references: 10, ..Limits::default() };
    let failure = server.client().resolve_references(&roots, &context, &limits).await.unwrap_err();
    assert!(matches!(failure, ClientError::References { what: "schemas", limit: 10 }), "{failure:?}");
}

#[tokio::test]
async fn a_missing_reference_is_not_found() {
    let server = graph(&[]).await;
    let roots = [reference("A", "a", 1)];
    let context = Context::default_context();
    let failure = server.client().resolve_references(&roots, &context, &Limits::default()).await.unwrap_err();
    assert!(failure.is_not_found());
}
