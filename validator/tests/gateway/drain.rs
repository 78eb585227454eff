//! Stopping.

use std::time::Duration;

use kafka_protocol::messages::{ApiKey, ProduceResponse};
use muster_validator::gateway::GatewayError;
use tokio::net::TcpStream;

use crate::client::{batch, codes, good, produce_request};
use crate::harness::{Harness, eventually};

#[tokio::test]
async fn what_is_under_way_is_finished() {
    let harness = Harness::start().await;
    harness.validated("t").await;
    harness.registry.register(1, "t-value");
    let mut client = harness.client().await;
    let idle = harness.client().await;
    harness.broker.state.answering.send_replace(false);
    let first = client.send(ApiKey::Produce, 9, &produce_request("t", &[good(1)])).await;
    let second = client.send(ApiKey::Produce, 9, &produce_request("t", &[batch(&[b"bad"])])).await;
    eventually("the broker has it", || async { !harness.broker.seen(0).is_empty() }).await;
    let address = harness.gateway.local_addr();
    let Harness { broker, gateway, registry: _registry } = harness;
    let stopped = async { gateway.shutdown(Duration::from_secs(20)).await };
    let answered = async {
        eventually("nobody is let in", || async { TcpStream::connect(address).await.is_err() }).await;
        broker.state.answering.send_replace(true);
        let response: ProduceResponse = client.response(first, 9).await;
        assert_eq!(codes(&response), [(0, None)]);
        // Whatever else was read is answered too.
        if let Some(message) = client.receive().await {
            assert_eq!(message[..4], second.to_be_bytes());
        }
        assert!(client.is_closed().await);
        drop((client, idle));
    };
    let (stopped, ()) = tokio::join!(stopped, answered);
    assert!(stopped.is_ok());
    assert_eq!(broker.log("t").len(), 1);
}

#[tokio::test]
async fn a_gateway_without_work_stops_at_once() {
    let harness = Harness::start().await;
    let mut client = harness.client().await;
    let closed = tokio::task::JoinSet::from_iter([async move { client.is_closed().await }]);
    assert!(harness.shutdown().await.is_ok());
    assert_eq!(closed.join_all().await, [true]);
}

#[tokio::test]
async fn a_broker_that_never_answers_does_not_keep_a_gateway_alive() {
    let harness = Harness::start().await;
    harness.broker.create("free");
    harness.broker.state.answering.send_replace(false);
    let mut client = harness.client().await;
    client.send(ApiKey::Produce, 9, &produce_request("free", &[good(1)])).await;
    eventually("the broker has it", || async { !harness.broker.seen(0).is_empty() }).await;
    let stopped = harness.gateway.shutdown(Duration::from_millis(200)).await;
    assert!(matches!(stopped, Err(GatewayError::Drain { connections: 1 })), "{stopped:?}");
}
