//! Exchanges as text: reading, playing and comparing them; the format is described in `tests/exchanges/README.md`.

use std::fmt::Write as _;

use axum::http::{HeaderMap, HeaderValue, header};
use muster_registry::{Options, RuleSets, SearchLimit};
use muster_schema::compatibility::CompatibilityPolicy;
use serde_json::Value;

use crate::harness::{Api, MEDIA_TYPE, Reply, headers};

const ANY: &str = "<any>";
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];

/// A request with the answer expected.
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

/// Plays a scenario on a registry of its own; returns how many exchanges it has and a line for each that differs.
pub async fn play_text(kind: crate::harness::StoreKind, text: &str) -> (usize, String) {
    let api = Api::with(kind, options(text)).await;
    let (mut played, mut failures) = (0, String::new());
    if !has_languages(&api, text).await {
        println!("skipped: this build lacks a schema language");
        return (played, failures);
    }
    for exchange in parse(text) {
        let reply = play(&api, &exchange).await;
        played += 1;
        let described = crate::described::check(&exchange.method, &exchange.target, &reply);
        if let Err(difference) = compare(&exchange, &reply).and(described) {
            let Exchange { line, method, target, .. } = &exchange;
            writeln!(failures, "{line} {method} {target}\n    {difference}").unwrap();
        }
    }
    (played, failures)
}

/// What the registry is told at start: lines of a name and a value after `%`.
fn options(text: &str) -> Options {
    let mut options = Options::default();
    for line in text.lines().filter_map(|line| line.strip_prefix("% ")) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["needs", _] => {}
            ["rulesets", "drop"] => options.rule_sets = RuleSets::Drop,
            ["reject_empty_subject"] => options.reject_empty_subject = true,
            ["strict_references"] => options.strict_reference_versions = true,
            ["associations", "off"] => options.associations = false,
            ["policy", "lenient"] => options.default_compatibility_policy = CompatibilityPolicy::Lenient,
            ["cors", origin] => options.cors.origins.push(origin.to_owned()),
            ["response_header", name, value] => {
                options.response_headers.push((name.to_owned(), value.to_owned()));
            }
            ["search.schemas", default, max] => {
                options.search.schemas =
                    SearchLimit { default: default.parse().unwrap(), max: max.parse().unwrap() };
            }
            _ => panic!("unknown option {line:?}"),
        }
    }
    options
}

/// Whether the schema languages are there that a scenario needs (`% needs NAME`).
async fn has_languages(api: &Api, text: &str) -> bool {
    let known = api.get("/schemas/types").await.text;
    let needed = text.lines().filter_map(|line| line.strip_prefix("% needs "));
    needed.into_iter().all(|language| known.contains(language))
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
    if exchange.expected == ANY {
        return Ok(());
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
    let (in_part, expected) = match expected.strip_prefix("<part> ") {
        Some(rest) => (true, rest),
        None => (false, expected),
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
    if in_part && let (Value::Object(expected), Value::Object(got)) = (&expected, &mut got) {
        got.retain(|key, _| expected.contains_key(key));
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
