//! A registry that is not well, and clients that ask too much of it.

use std::time::Duration;

use muster_validator::gateway::OutagePolicy;
use tokio::time::Instant;

use crate::client::{batch, framed, good};
use crate::harness::Harness;
use crate::registry::Mood;

const NOT_ENOUGH_REPLICAS: i16 = 19;

#[tokio::test]
async fn an_outage_is_never_an_invalid_record() {
    for mood in [Mood::Failing, Mood::Silent] {
        let harness =
            Harness::with(|config| config.limits.lookup_deadline = Duration::from_millis(300)).await;
        harness.validated("t").await;
        harness.registry.register(1, "t-value");
        harness.registry.register(2, "t-value");
        let mut client = harness.client().await;
        assert_eq!(client.produce("t", &[good(1)]).await[0].0, 0);

        harness.registry.mood(mood);
        let started = Instant::now();
        assert_eq!(client.produce("t", &[good(2)]).await[0].0, NOT_ENOUGH_REPLICAS, "{mood:?}");
        assert!(started.elapsed() >= Duration::from_millis(300), "it waits for the registry to come back");
        assert_eq!(client.produce("t", &[good(1)]).await[0].0, 0, "what is known keeps passing");
        assert_eq!(
            client.produce("t", &[batch(&[b"bad"])]).await[0].0,
            87,
            "what needs no registry is refused"
        );

        harness.registry.mood(Mood::Well);
        crate::harness::eventually("the repetition passes", || async {
            let mut client = harness.client().await;
            client.produce("t", &[good(2)]).await[0].0 == 0
        })
        .await;
    }
}

#[tokio::test]
async fn a_registry_that_comes_back_in_time_is_not_an_outage() {
    let harness = Harness::start().await;
    harness.validated("t").await;
    harness.registry.register(1, "t-value");
    harness.registry.mood(Mood::Failing);
    let mut client = harness.client().await;
    let produced = async { client.produce("t", &[good(1)]).await[0].0 };
    let recovered = async {
        crate::harness::eventually("it was asked", || async { harness.registry.asked(1) > 0 }).await;
        harness.registry.mood(Mood::Well);
    };
    assert_eq!(tokio::join!(produced, recovered).0, 0);
}

#[tokio::test]
async fn the_policy_decides_what_an_outage_means() {
    for (policy, code) in
        [(OutagePolicy::ClosedRetry, 19), (OutagePolicy::ClosedReject, 87), (OutagePolicy::Open, 0)]
    {
        let harness = Harness::with(|config| {
            config.outage = policy;
            config.limits.lookup_deadline = Duration::from_millis(50);
        })
        .await;
        harness.validated("t").await;
        harness.registry.mood(Mood::Failing);
        let mut client = harness.client().await;
        assert_eq!(client.produce("t", &[good(1)]).await[0].0, code, "{policy:?}");
    }
}

#[tokio::test]
async fn an_old_answer_alone_refuses_nothing() {
    let harness = Harness::with(|config| {
        config.limits.lookup_deadline = Duration::from_millis(100);
        config.limits.negative_ttl = Duration::ZERO;
    })
    .await;
    harness.validated("t").await;
    harness.registry.register(1, "other-value");
    let mut client = harness.client().await;
    assert_eq!(client.produce("t", &[good(1)]).await[0].0, 87);
    harness.registry.mood(Mood::Failing);
    // Perhaps it has been registered under this subject since; nobody can tell.
    assert_eq!(client.produce("t", &[good(1)]).await[0].0, NOT_ENOUGH_REPLICAS);
}

#[tokio::test]
async fn random_ids_are_not_asked_about_without_end() {
    let harness = Harness::with(|config| config.limits.lookups_per_second = 10).await;
    harness.validated("t").await;
    harness.registry.register(1, "t-value");
    let mut client = harness.client().await;
    let mut codes = Vec::new();
    for id in 1_000..1_200 {
        codes.push(client.produce("t", &[good(id)]).await[0].0);
    }
    let values: Vec<Vec<u8>> = (5_000..9_000).map(framed).collect();
    let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    codes.push(client.produce("t", &[batch(&values)]).await[0].0);
    assert!(codes.iter().all(|code| [87, NOT_ENOUGH_REPLICAS].contains(code)));
    assert_eq!(codes[0], 87);
    assert!(harness.registry.asked_in_all() < 40, "{}", harness.registry.asked_in_all());
    // Another client is not affected.
    let mut other = harness.client().await;
    assert_eq!(other.produce("t", &[good(1)]).await[0].0, 0);
}

#[tokio::test]
async fn ids_far_above_the_highest_are_not_asked_about_one_by_one() {
    let harness = Harness::start().await;
    harness.validated("t").await;
    harness.registry.register(1, "t-value");
    let mut client = harness.client().await;
    assert_eq!(client.produce("t", &[good(1)]).await[0].0, 0);
    let before = harness.registry.asked_in_all();
    let values: Vec<Vec<u8>> = (0..500).map(|at| framed(1_000_000 + 977 * at)).collect();
    let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    assert_eq!(client.produce("t", &[batch(&values)]).await[0].0, 87);
    assert_eq!(harness.registry.asked_in_all(), before);
    // One that was given out a moment ago, by an import, is found all the same.
    harness.registry.register(5_000_000, "t-value");
    assert_eq!(client.produce("t", &[good(5_000_000)]).await[0].0, 0);
}

#[tokio::test]
async fn one_question_serves_all_who_wait() {
    let harness = Harness::start().await;
    harness.validated("t").await;
    harness.registry.register(1, "t-value");
    harness.registry.mood(Mood::Failing);
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(harness.client().await);
    }
    let produced = async {
        let mut waiting = tokio::task::JoinSet::new();
        for mut client in clients {
            waiting.spawn(async move { client.produce("t", &[good(1)]).await[0].0 });
        }
        waiting.join_all().await
    };
    let recovered = async {
        crate::harness::eventually("it was asked", || async { harness.registry.asked(1) > 0 }).await;
        harness.registry.mood(Mood::Well);
    };
    let (codes, ()) = tokio::join!(produced, recovered);
    assert!(codes.iter().all(|code| *code == 0), "{codes:?}");
    assert!(harness.registry.asked(1) < 20, "{}", harness.registry.asked(1));
}

#[tokio::test]
async fn a_schema_that_nobody_can_read_is_no_outage() {
    let harness = Harness::start().await;
    harness.validated("t").await;
    harness.registry.register(1, "t-value");
    // A reference that leads nowhere: the id and its subject are in order all the same.
    let dangling = r#"{"schema":"\"R\"","references":[{"name":"R","subject":"gone","version":1}]}"#;
    harness.registry.content(1, dangling);
    harness.registry.register(2, "other-value");
    harness.registry.content(2, r#"{"schema":"no schema at all"}"#);
    let mut client = harness.client().await;
    assert_eq!(client.produce("t", &[good(1)]).await[0].0, 0);
    assert_eq!(client.produce("t", &[good(2)]).await[0].0, 87);
}
