//! A client that sends what it is told to.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    ApiKey, ProduceRequest, ProduceResponse, RequestHeader, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use muster_validator::wire::batch::{self, NewRecord};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Client {
    pub socket: TcpStream,
    next_id: i32,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self { socket: TcpStream::connect(address).await.unwrap(), next_id: 100 }
    }

    /// Sends a request and answers its correlation id.
    pub async fn send<M: Encodable + HeaderVersion>(
        &mut self,
        key: ApiKey,
        version: i16,
        message: &M,
    ) -> i32 {
        self.next_id += 1;
        let frame = frame(key, version, self.next_id, message);
        self.socket.write_all(&frame).await.unwrap();
        self.next_id
    }

    /// The next frame, without its size; `None` once the connection is closed.
    pub async fn receive(&mut self) -> Option<Bytes> {
        let size = self.socket.read_i32().await.ok()?;
        let mut message = vec![0; usize::try_from(size).unwrap()];
        self.socket.read_exact(&mut message).await.ok()?;
        Some(Bytes::from(message))
    }

    /// The next response, which must be the one to `id`.
    pub async fn response<M: Decodable + HeaderVersion>(&mut self, id: i32, version: i16) -> M {
        let mut bytes = self.receive().await.expect("the connection is open");
        let header = ResponseHeader::decode(&mut bytes, M::header_version(version)).unwrap();
        assert_eq!(header.correlation_id, id, "responses come in the order of the requests");
        let message = M::decode(&mut bytes, version).unwrap();
        assert!(bytes.is_empty());
        message
    }

    pub async fn call<Q, A>(&mut self, key: ApiKey, version: i16, message: &Q) -> A
    where
        Q: Encodable + HeaderVersion,
        A: Decodable + HeaderVersion,
    {
        let id = self.send(key, version, message).await;
        self.response(id, version).await
    }

    /// Produces batches to partition 0 and up of one topic. Answers code and message of each.
    pub async fn produce(&mut self, topic: &str, batches: &[Vec<u8>]) -> Vec<(i16, Option<String>)> {
        let request = produce_request(topic, batches);
        codes(&self.call::<_, ProduceResponse>(ApiKey::Produce, 9, &request).await)
    }

    /// Whether the other side has closed the connection, at the latest when everything sent has been answered.
    pub async fn is_closed(&mut self) -> bool {
        loop {
            match self.receive().await {
                Some(_) => {}
                None => return true,
            }
        }
    }
}

pub fn frame<M: Encodable + HeaderVersion>(key: ApiKey, version: i16, id: i32, message: &M) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    let header = RequestHeader::default()
        .with_request_api_key(key as i16)
        .with_request_api_version(version)
        .with_correlation_id(id)
        .with_client_id(Some(StrBytes::from_static_str("test")));
    header.encode(&mut bytes, M::header_version(version)).unwrap();
    message.encode(&mut bytes, version).unwrap();
    let mut frame = i32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    frame.extend_from_slice(&bytes);
    frame
}

pub fn codes(response: &ProduceResponse) -> Vec<(i16, Option<String>)> {
    let partitions = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    partitions
        .map(|partition| (partition.error_code, partition.error_message.as_ref().map(ToString::to_string)))
        .collect()
}

pub fn topic_data(topic: &str, batches: &[Vec<u8>]) -> TopicProduceData {
    TopicProduceData::default()
        .with_name(TopicName(StrBytes::from_string(topic.to_owned())))
        .with_partition_data(
            (0..)
                .zip(batches)
                .map(|(index, batch)| {
                    PartitionProduceData::default()
                        .with_index(index)
                        .with_records(Some(Bytes::from(batch.clone())))
                })
                .collect(),
        )
}

pub fn produce_request(topic: &str, batches: &[Vec<u8>]) -> ProduceRequest {
    ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(1_000)
        .with_topic_data(vec![topic_data(topic, batches)])
}

/// A batch with one record per value.
pub fn batch(values: &[&[u8]]) -> Vec<u8> {
    let records: Vec<_> = values.iter().map(|value| NewRecord { key: b"key", value: Some(value) }).collect();
    batch::encode(&records, 1_700_000_000_000)
}

/// A value that names a schema.
pub fn framed(id: i32) -> Vec<u8> {
    let mut value = vec![0];
    value.extend(id.to_be_bytes());
    value.extend(b"\x06abc");
    value
}

/// A batch of one value that names a schema.
pub fn good(id: i32) -> Vec<u8> {
    batch(&[&framed(id)])
}
