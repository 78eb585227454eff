//! Plays the scenarios of `tests/exchanges`; the format is described there.

use std::fmt::Write as _;
use std::path::Path;

use axum::http::{HeaderMap, HeaderValue, header};
use muster_registry::{Options, RuleSets};
use serde_json::Value;

use crate::harness::{Api, MEDIA_TYPE, Reply, StoreKind, headers};

const ANY: &str = "<any>";
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];

#[derive(Debug, Default)]
struct Exchange {
    line: usize,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    status: u16,
    expected: String,
    expected_headers: Vec<(String, String)>,
}

#[tokio::test]
async fn scenarios_on_memory() {
    play_all(StoreKind::Memory).await;
}

#[tokio::test]
async fn scenarios_on_a_file() {
    play_all(StoreKind::File).await;
}

async fn play_all(kind: StoreKind) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exchanges");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "http"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no scenarios");
    let (mut played, mut failures) = (0, String::new());
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let api = Api::with(kind, options(&text)).await;
        for exchange in parse(&text) {
            let reply = play(&api, &exchange).await;
            played += 1;
            if let Err(difference) = compare(&exchange, &reply) {
                let Exchange { line, method, target, .. } = &exchange;
                writeln!(failures, "{name}:{line} {method} {target}\n    {difference}").unwrap();
            }
        }
    }
    assert!(failures.is_empty(), "{kind:?}: of {played} exchanges these differ:\n{failures}");
    println!("{played} exchanges on {kind:?}");
}

/// What the registry is told at start: lines of a name and a value after `%`.
fn options(text: &str) -> Options {
    let mut options = Options::default();
    for line in text.lines().filter_map(|line| line.strip_prefix("% ")) {
        match line.split_once(' ') {
            Some(("rulesets", "keep")) => options.rule_sets = RuleSets::Keep,
            _ => panic!("unknown option {line:?}"),
        }
    }
    options
}

fn parse(text: &str) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with(['#', '%']) {
            continue;
        }
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        if METHODS.contains(&first) {
            exchanges.push(Exchange {
                line: number + 1,
                method: first.to_owned(),
                target: rest.to_owned(),
                ..Exchange::default()
            });
            continue;
        }
        let exchange = exchanges.last_mut().unwrap_or_else(|| panic!("line {}: no request yet", number + 1));
        let pair = || {
            let (name, value) =
                rest.split_once(':').unwrap_or_else(|| panic!("line {}: no header", number + 1));
            (name.trim().to_owned(), value.trim().to_owned())
        };
        match first {
            ">" => exchange.headers.push(pair()),
            "<" => exchange.expected_headers.push(pair()),
            "|" => {
                let body = exchange.body.get_or_insert_default();
                if !body.is_empty() {
                    body.push('\n');
                }
                body.push_str(rest);
            }
            status => {
                exchange.status =
                    status.parse().unwrap_or_else(|_| panic!("line {}: {line:?} is nothing", number + 1));
                exchange.expected = rest.to_owned();
            }
        }
    }
    exchanges
}

async fn play(api: &Api, exchange: &Exchange) -> Reply {
    let headers = if exchange.headers.is_empty() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers
    } else {
        headers(&exchange.headers)
    };
    api.send(&exchange.method, &exchange.target, headers, exchange.body.clone()).await
}

fn compare(exchange: &Exchange, reply: &Reply) -> Result<(), String> {
    if reply.status.as_u16() != exchange.status {
        return Err(format!("status {} and not {}: {}", reply.status, exchange.status, reply.text));
    }
    for (name, expected) in &exchange.expected_headers {
        let got = reply.headers.get(name).map(|value| value.to_str().unwrap());
        let good = match expected.as_str() {
            ANY => got.is_some(),
            "<none>" => got.is_none(),
            expected => got == Some(expected),
        };
        if !good {
            return Err(format!("header {name} is {got:?} and not {expected}"));
        }
    }
    if let Some(text) = exchange.expected.strip_prefix('=') {
        return if reply.text == text {
            Ok(())
        } else {
            Err(format!("body {:?} and not {text:?}", reply.text))
        };
    }
    if exchange.expected.is_empty() {
        return if reply.text.is_empty() {
            Ok(())
        } else {
            Err(format!("body {:?} and not none", reply.text))
        };
    }
    let (as_set, expected) = match exchange.expected.strip_prefix("<set> ") {
        Some(rest) => (true, rest),
        None => (false, exchange.expected.as_str()),
    };
    let mut expected: Value = serde_json::from_str(expected).map_err(|e| format!("expectation: {e}"))?;
    let mut got: Value =
        serde_json::from_str(&reply.text).map_err(|e| format!("body is not JSON ({e}): {:?}", reply.text))?;
    if as_set {
        for value in [&mut expected, &mut got] {
            if let Value::Array(items) = value {
                items.sort_by_key(ToString::to_string);
            }
        }
    }
    if same(&expected, &got) { Ok(()) } else { Err(format!("body {got}\n     and not {expected}")) }
}

/// Equal but for members named `ts` and for the text that stands for anything.
fn same(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::String(text), _) if text == ANY => true,
        (Value::Object(expected), Value::Object(got)) => {
            let count = got.keys().filter(|key| *key != "ts").count();
            expected.len() == count
                && expected.iter().all(|(key, value)| got.get(key).is_some_and(|other| same(value, other)))
        }
        (Value::Array(expected), Value::Array(got)) => {
            expected.len() == got.len() && expected.iter().zip(got).all(|(a, b)| same(a, b))
        }
        _ => expected == got,
    }
}

#[test]
fn the_comparison_tells_differences() {
    let cases = [
        (r#"{"a":1}"#, r#"{"a":1,"ts":5}"#, true),
        (r#"{"a":"<any>"}"#, r#"{"a":[1]}"#, true),
        (r#"{"a":"<any>"}"#, "{}", false),
        (r#"{"a":1}"#, r#"{"a":1,"b":2}"#, false),
        ("[1,2]", "[2,1]", false),
        ("1", "1.5", false),
    ];
    for (expected, got, equal) in cases {
        let (a, b) = (serde_json::from_str(expected).unwrap(), serde_json::from_str(got).unwrap());
        assert_eq!(same(&a, &b), equal, "{expected} {got}");
    }
}
